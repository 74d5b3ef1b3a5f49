"""The teacher's front end, and how much of it the verifier takes over."""

from __future__ import annotations

from dataclasses import replace

from monitord.audio.features import FrontEnd

TEACHER_FRONT = FrontEnd(
    window=400, hop=160, bins=64, low_hz=125.0, high_hz=7500.0, floor=2.679, transform=512, power=1
)
"""YAMNet's: 25 ms every 10 ms, 64 mel bins of magnitude plus 0.001 (research/audioset/yamnet/params.py, Apache-2.0).
Ours counts in int16 steps per square root of the window's energy: 0.001 x 32768 / sqrt(149.6) = 2.679."""
SHIFT = -7.893
"""Added to our logarithm it is YAMNet's: log(sqrt(149.6) / 32768)."""
BINS = 46
"""The verifier stops at 3.64 kHz, for the reason given in ``monitord.audio.features``; its bins are YAMNet's first."""
VERIFIER_FRONT = replace(TEACHER_FRONT, bins=BINS, high_hz=3641.3)
VERIFIER_FRAMES = 200
"""Two seconds."""
