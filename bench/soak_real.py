"""The real processes on a PulseAudio null sink, sampled from /proc; see `bench/soak.py`."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
import tomllib
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import measured
import soak_picture
import soundfile

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "system")]

from running_house import House  # noqa: E402 - after the path to it
from sound_server import MICROPHONE, SoundServer, missing  # noqa: E402

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

SCENE = ROOT / "monitord" / "scene"
SAMPLE_S, CRY_S, HEARD_S = 5.0, 100.0, 30.0
ROLES = ("run", "audio", "notify")
"""The eye comes and goes with each look, so it has no curve."""


def run(options: argparse.Namespace, say_slope: Callable[[str, Sequence[float], Sequence[float]], None]) -> None:
    """Run it, print figures, draw."""
    if missing():
        sys.exit(missing())
    folder = Path(tempfile.mkdtemp(prefix="mn-"))  # Short: a socket's path has 107 bytes at most.
    (folder / "s").mkdir()
    try:
        cry = _cry(folder / "cry.wav")
        with (
            SoundServer(folder / "s") as server,
            House(folder, server.environment, MICROPHONE, f"file:{SCENE / 'pictures'}") as house,
        ):
            samples, played, heard = _live(house, server, cry, options.real * 60.0)
    finally:
        shutil.rmtree(folder)
    print(f"{options.real:g} minutes; {heard} of {played} cries became an incident of their own")
    minutes = [each["minute"] for each in samples]
    rows = {
        f"{what} of {role}, MiB": [each[f"{role}_{key}"] for each in samples]
        for what, key in (("resident memory", "rss"), ("memory of its own", "own"))
        for role in ROLES
    }
    rows |= {
        f"{what} of run + audio + notify": [sum(each[f"{role}_{key}"] for role in ROLES) for each in samples]
        for what, key in (("open files", "fds"), ("threads", "threads"))
    }
    rows["journal, KiB"] = [each["journal"] for each in samples]
    hours = [each / 60.0 for each in minutes]
    for name, values in rows.items():
        say_slope(name, hours, values)
    if options.picture:
        options.picture.write_text(soak_picture.draw("minutes", minutes, rows), "utf-8")
    if options.json:
        options.json.write_text(json.dumps(samples, indent=1) + "\n", "utf-8")


def _live(house: House, server: SoundServer, cry: Path, seconds: float) -> tuple[list[dict[str, float]], int, int]:
    began = time.monotonic()
    samples: list[dict[str, float]] = []
    plays: list[float] = []
    answered: set[int] = set()
    while (passed := time.monotonic() - began) < seconds:
        if passed >= len(plays) * CRY_S + 10.0 and passed < seconds - HEARD_S:
            server.player(cry)
            plays.append(time.monotonic())
        for told in house.incidents():
            number = int(told.content["id"])
            if number not in answered:
                answered.add(number)
                _acknowledge(house, number)
        samples.append(_sample(house, passed / 60.0))
        time.sleep(SAMPLE_S)
    first: dict[int, float] = {}
    for told in house.incidents():
        first.setdefault(int(told.content["id"]), told.at)
    heard = sum(any(at <= opened <= at + HEARD_S for opened in first.values()) for at in plays)
    return samples, len(plays), heard


def _acknowledge(house: House, number: int) -> None:
    url = f"http://127.0.0.1:{house._port}/api/v1/incidents/{number}/ack"  # noqa: SLF001 - it has no other name
    request = urllib.request.Request(url, b"{}", {"Content-Type": "application/json"}, method="POST")
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - as above


def _sample(house: House, minute: float) -> dict[str, float]:
    journal = sum(file.stat().st_size for file in (house.folder / "st").glob("journal*"))
    sample = {"minute": minute, "journal": journal / 1024}
    processes = house.processes()
    for role in ROLES:
        proc = Path(f"/proc/{processes[role]}")
        sample[f"{role}_rss"] = measured.memory_mib(processes[role])[0]
        sample[f"{role}_own"] = measured.private_mib(processes[role])  # No page of it can be read from a file again.
        sample[f"{role}_fds"] = float(len(list((proc / "fd").iterdir())))
        sample[f"{role}_threads"] = float(len(list((proc / "task").iterdir())))
    return sample


def _cry(path: Path) -> Path:
    """The part of the bundled scene in which an infant cries, as a WAV file."""
    parts = tomllib.loads((SCENE / "scene.toml").read_text("utf-8"))["part"]
    number = next(index for index, part in enumerate(parts) if part["text"] == "an infant cries")
    samples, rate = soundfile.read(SCENE / "night.flac", dtype="int16")
    begins, ends = (int(parts[index]["begins_s"] * rate) for index in (number, number + 1))
    soundfile.write(path, samples[begins:ends], rate)
    return path
