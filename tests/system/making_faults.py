"""What the tests of faults share: how a fault is waited for, and what is played."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from running_house import level_of

RATE = 16000


def fault(house, label, state, timeout_s):
    """When the fault was told to be in that state ("cleared", or anything else for ""), seconds, monotonic."""

    def wanted(told):
        same = told.name == "incident" and told.content["label"] == label
        return same and (told.content["state"] == "cleared") == (state == "cleared")

    return house.wait(wanted, timeout_s).at


def noise(folder, seconds, gain=0.02):
    path = folder / f"noise-{gain}.wav"
    samples = np.random.default_rng(3).normal(0.0, gain, int(seconds * RATE)).clip(-1.0, 1.0)
    soundfile.write(path, samples.astype(np.float32), RATE)
    return path


def beats(told):
    return told.name == "state" and level_of(told) is not None


def stopped(pid):
    return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "T"


def label(told):
    return told.content["label"] if told.name == "incident" else ""


def play(sound, folder, samples):
    """Play `samples` (int16) in the background."""
    path = folder / f"played-{len(list(folder.glob('played-*')))}.wav"
    soundfile.write(path, np.asarray(samples, np.int16), RATE, subtype="PCM_16")
    return sound.player(path)
