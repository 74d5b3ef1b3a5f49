"""Verdict against label over time, on clips with timed labels: docs/eye-timeline.svg and the table beside it.

    python -m training.eye_timeline --clips CLIPS --out docs/eye-timeline.svg [--models FOLDER]

CLIPS is a folder with clips.json: [{"clip": NAME, "what": ..., "segments_s": [[LABEL, from, to], ...]}, ...] and the
videos NAME.mp4. Two things are shown of each clip:

- points: what one look of the daemon's says that begins at that time, every half second, each look one second long;
- the line with an ear: `monitord replay --audio --video` with the cry of the bundled scene laid under the clip. There
  the look begins when the ear asks for it, lasts as long as the configuration says, and the verdict is the incident's.

A look that begins less than `EDGE_S` before or after a change of labels, or during the first `FALL_S` of a fall, has no
one right answer and is left out of the table.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt
import numpy as np
import soundfile

from monitord import paths
from monitord.config import Config, VideoConfig
from monitord.tools.replay import eye_of

SCENE = Path(__file__).resolve().parent.parent / "monitord" / "scene"
STEP_S, LOOK_S, EDGE_S, FALL_S = 0.5, 1.0, 0.5, 2.0
QUIET_S = 1.0
"""Before the cry begins in the clip."""
EXPECTED = {"Falling": "LYING", "Lying": "LYING", "Sleeping": "LYING"}
"""All other labels are of somebody upright or sitting."""
COLOURS = {
    "LYING": "#c0392b",
    "UPRIGHT": "#2471a3",
    "SEVERAL": "#7d3c98",
    "NOBODY": "#7f8c8d",
    "CANNOT_TELL": "#d4ac0d",
}
TOLD = {"NOBODY", "LYING", "UPRIGHT", "SEVERAL"}
RATE_HZ = 16_000

Segment = tuple[str, float, float]


def wanted(label: str) -> str:
    """The verdict that a label asks for."""
    return EXPECTED.get(label.split(maxsplit=1)[0], "UPRIGHT")


def truth(segments: list[Segment], t_s: float) -> str | None:
    """The right verdict of a look that begins at `t_s`; None where there is no one answer."""
    begin, end = t_s, t_s + LOOK_S
    holding = {wanted(label) for label, since, until in segments if since <= begin and end <= until}
    edges = [
        edge
        for label, since, until in segments
        for edge in (since, until)
        if any(wanted(other) != wanted(label) for other, _, _ in segments) and edge > 0.0
    ]
    near = any(begin - EDGE_S < edge < end + EDGE_S for edge in edges)
    falling = any(wanted(label) == "LYING" and begin < since + FALL_S and end > since for label, since, _ in segments)
    return holding.pop() if len(holding) == 1 and not near and not falling else None


def looks(clip: Path, length_s: float) -> list[tuple[float, str, int]]:
    """When, what and how sure, of looks of one second."""
    eye = eye_of(clip, Config(video=VideoConfig(look_s=LOOK_S)))
    found = []
    for t_s in np.arange(0.0, max(STEP_S, length_s - LOOK_S), STEP_S):
        message = eye(float(t_s))
        found.append((float(t_s), message.label.name, message.score))
    return found


def replayed(clip: Path, length_s: float, folder: Path) -> tuple[float, str] | None:
    """When the ear asked and what the eye answered, by the command itself."""
    parts = tomllib.loads((SCENE / "scene.toml").read_text("utf-8"))["part"]
    begins_s = next(part["begins_s"] for part in parts if part["alarming"])
    samples, _ = soundfile.read(SCENE / "night.flac", dtype="int16")
    start = int((begins_s - QUIET_S) * RATE_HZ)
    soundfile.write(folder / "cry.wav", samples[start : start + int(length_s * RATE_HZ)], RATE_HZ)
    command = [sys.executable, "-m", "monitord", "replay", "--audio", str(folder / "cry.wav"), "--video", str(clip)]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    asked = [line["t_s"] for line in lines if line["kind"] == "LOOK" and line["label"] == "ASKED"]
    seen = [line["label"] for line in lines if line["kind"] == "SIGHT"]
    return (asked[0], seen[0]) if asked and seen else None


def main() -> None:
    """Look at each clip, draw, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--models", type=Path, help="folder of person.toml; without it, the checkout's")
    options = parser.parse_args()
    if options.models is not None:
        paths.models_dir = lambda: options.models
    clips = json.loads((options.clips / "clips.json").read_text("utf-8"))
    mpl.rcParams.update({"svg.hashsalt": "monitord", "svg.fonttype": "none"})
    figure, axes = plt.subplots(len(clips), 1, figsize=(9, 1.9 * len(clips)), layout="constrained")
    sure: list[tuple[int, bool]] = []
    print("| clip | looks with one right answer | right | cannot tell | wrong | replay: look asked at, says |")
    print("|---|---|---|---|---|---|")
    for axis, each in zip(np.atleast_1d(axes), clips, strict=True):
        video = options.clips / f"{each['clip']}.mp4"
        segments = [(label, float(since), float(until)) for label, since, until in each["segments_s"]]
        length_s = max(until for _, _, until in segments)
        said = looks(video, length_s)
        with tempfile.TemporaryDirectory() as folder:
            story = replayed(video, length_s, Path(folder))
        draw(axis, each, segments, said, story)
        judged = [(name, right) for t_s, name, _ in said if (right := truth(segments, t_s)) is not None]
        right = sum(name == wanted_ for name, wanted_ in judged)
        unsure = sum(name not in TOLD for name, _ in judged)
        told = f"{story[0]:.1f} s, {story[1]}" if story else "no look"
        print(f"| {each['clip']} | {len(judged)} | {right} | {unsure} | {len(judged) - right - unsure} | {told} |")
        sure += [
            (score, name == wanted_)
            for (t_s, name, score) in said
            if (wanted_ := truth(segments, t_s)) and name in TOLD
        ]
    mean = sum(score for score, _ in sure) / max(1, len(sure))
    print(f"{len(sure)} verdicts about people, {mean:.0f} % sure on average; {sum(right for _, right in sure)} right")
    figure.savefig(options.out, metadata={"Date": None})


def draw(
    axis: plt.Axes,
    clip: dict[str, object],
    segments: list[Segment],
    said: list[tuple[float, str, int]],
    story: tuple[float, str] | None,
) -> None:
    """One clip: labels below, looks above."""
    rows = {label: number for number, (label, _, _) in enumerate(sorted(segments, key=lambda each: each[1]))}
    for label, since, until in segments:
        colour = COLOURS[wanted(label)]
        axis.broken_barh([(since, until - since)], (-0.9 - 0.9 * rows[label], 0.8), color=colour, alpha=0.35, lw=0)
        axis.text(since + 0.05, -0.5 - 0.9 * rows[label], label, va="center", fontsize=7)
    for t_s, name, score in said:
        colour = COLOURS.get(name, "black")
        axis.scatter(t_s + LOOK_S / 2, 0.5, s=12 + score, color=colour, zorder=3, lw=0)
        axis.text(t_s + LOOK_S / 2, 1.05, str(score), ha="center", fontsize=5, color=colour)
    if story is not None:
        axis.axvline(story[0], color="black", lw=0.8, ls=":")
        axis.text(
            story[0] + 0.05, 1.55, f"ear asks; verdict {story[1]}", fontsize=6, color=COLOURS.get(story[1], "black")
        )
    axis.set(ylim=(-0.9 * len(rows) - 0.3, 2.0), yticks=[], xlim=(0, 12.5))
    axis.set_title(f"{clip['clip']}: {clip['what']}", fontsize=8, loc="left")
    axis.tick_params(labelsize=7)
    if axis.get_subplotspec().is_last_row():
        axis.set_xlabel("seconds of the clip; points: looks of one second (size and number: percent)", fontsize=7)
        handles = [plt.Line2D([], [], marker="o", ls="", color=colour, label=name) for name, colour in COLOURS.items()]
        axis.legend(handles=handles, fontsize=5, ncols=5, loc="upper right", frameon=False)


if __name__ == "__main__":
    main()
