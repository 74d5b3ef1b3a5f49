# ruff: noqa: T201 - a script: it prints what it measured
"""Seconds from the onset of a cry to the alert on a page, through a real sound stream, and the processes meanwhile.

    python tests/system/latency.py [--repeat N] [--profile eco|balanced] [--clip FILE]

Every repetition is a new monitor in a room that was quiet, so that each cry is a new incident. The clock starts when
paplay is started, plus the place of the onset in the clip; so the figure includes the start of paplay and what the
sound server buffers, and errs on the long side. The onset is the first 20 ms within 20 dB of the clip's loudest 20 ms.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
import tomllib
from pathlib import Path

import numpy as np
import soundfile
from running_house import House, is_sound_incident
from sound_server import MICROPHONE, SoundServer, missing

SCENE = Path(__file__).parent.parent.parent / "monitord" / "scene"
PIECE_S = 0.02
ONSET_DB = 20.0
SETTLE_S = 3.0
PATIENCE_S = 20.0


def bundled_cry(path: Path) -> Path:
    """The crying part of the bundled scene, as the WAV file `path`."""
    parts = tomllib.loads((SCENE / "scene.toml").read_text("utf-8"))["part"]
    number = next(index for index, part in enumerate(parts) if part["alarming"])
    samples, rate = soundfile.read(SCENE / "night.flac", dtype="int16")
    begin, end = (int(parts[index]["begins_s"] * rate) for index in (number, number + 1))
    soundfile.write(path, samples[begin:end], rate)
    return path


def onset_s(path: Path) -> float:
    """Where the sound begins in the clip, seconds."""
    samples, rate = soundfile.read(path, always_2d=True)
    piece = int(PIECE_S * rate)
    pieces = samples[: len(samples) // piece * piece, 0].reshape(-1, piece)
    level_db = 10.0 * np.log10(np.mean(np.square(pieces), axis=1) + 1e-12)
    return float(np.argmax(level_db >= level_db.max() - ONSET_DB)) * PIECE_S


def once(clip: Path, profile: str, folder: Path) -> tuple[float, dict[str, list[str]]]:
    """Latency of one repetition in seconds, and the processes before, during and after the look."""
    (folder / "sound").mkdir(parents=True)
    pictures = SCENE / "pictures"
    with (
        SoundServer(folder / "sound") as server,
        House(folder, server.environment, MICROPHONE, f"file:{pictures}", profile) as house,
    ):
        time.sleep(SETTLE_S)
        seen = {"before": sorted(house.processes())}
        started = time.monotonic()
        server.player(clip)
        told = house.wait(is_sound_incident, PATIENCE_S)
        latency = told.at - started - onset_s(clip)
        seen["during"] = most_of(house, "video", appear=True)
        seen["after"] = most_of(house, "video", appear=False)
        return latency, seen


def most_of(house: House, role: str, *, appear: bool) -> list[str]:
    """The processes once `role` has come, or gone; what there is after PATIENCE_S otherwise."""
    deadline = time.monotonic() + PATIENCE_S
    while (role in house.processes()) != appear and time.monotonic() < deadline:
        time.sleep(0.02)
    return sorted(house.processes())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--profile", choices=("eco", "balanced"), default="balanced")
    parser.add_argument("--clip", type=Path, help="WAV or FLAC; without it, the cry of the bundled scene")
    options = parser.parse_args()
    if missing():
        parser.error(missing())
    work = Path(tempfile.mkdtemp(prefix="mn-"))
    latencies, lost, seen = [], 0, {}
    try:
        clip = options.clip or bundled_cry(work / "cry.wav")
        for number in range(1, options.repeat + 1):
            try:
                latency, seen = once(clip, options.profile, work / str(number))
            except TimeoutError:
                lost += 1
                print(f"{number:3d}  no alert")
                continue
            latencies.append(latency)
            print(f"{number:3d}  {latency:5.2f} s", flush=True)
    finally:
        shutil.rmtree(work)
    for when, roles in seen.items():
        print(f"processes {when} the look: {', '.join(roles)}")
    if latencies:
        middle, high = np.percentile(latencies, [50, 95])
        print(
            f"onset to alert, {options.profile}: p50 {middle:.2f} s, p95 {high:.2f} s, n {len(latencies)}, lost {lost}"
        )


if __name__ == "__main__":
    main()
