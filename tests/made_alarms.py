"""Alarms and beepers, made by the tests."""

from __future__ import annotations

import numpy as np

from monitord.audio.features import RATE_HZ


def beeps(tones, on_s, off_s, pause_s, *, cycles=3, hz=3100.0, lead_s=1.0, dbfs=-26.0, square=False):
    """Groups of tones, RMS `dbfs` while they sound, after `lead_s` of silence; float, full scale 1."""
    cycle_s = tones * on_s + (tones - 1) * off_s + pause_s
    when = np.arange(round((lead_s + cycles * cycle_s) * RATE_HZ)) / RATE_HZ
    since = when - lead_s
    within = since % cycle_s
    loud = (since >= 0) & (within < tones * (on_s + off_s) - off_s) & (within % (on_s + off_s) < on_s)
    wave = np.sin(2 * np.pi * hz * when)
    wave = np.sign(wave) if square else wave * np.sqrt(2)
    return (loud * wave * 10.0 ** (dbfs / 20.0)).astype(np.float32)


def signal(cadence, scale=1.0, **how):
    """An alarm that keeps `cadence`, all times times `scale`."""
    return beeps(cadence.tones, cadence.on_s * scale, cadence.off_s * scale, cadence.pause_s * scale, **how)


def in_noise(sound, dbfs, seed=1):
    """`sound` with white noise of RMS `dbfs`, as samples."""
    noise = np.random.default_rng(seed).standard_normal(len(sound)) * 10.0 ** (dbfs / 20.0)
    return np.clip(np.rint((sound + noise) * 32767), -32768, 32767).astype(np.int16)
