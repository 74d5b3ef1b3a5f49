"""Ranges of the body's maps for 8 bit, from what it does on plain training pictures."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import torch

from training.eye.rounding import PASSED, Rounding, family

if TYPE_CHECKING:
    import numpy as np

    from training.eye.whole import Whole

SHARE = 1e-3
"""Share of the values at each end that may lie outside the range. On 24 training pictures the likeliest place's logit
was off by 2.1 (root mean square) with all values inside, by 0.9 to 1.3 with shares from 0.0002 to 0.003."""
_LOWEST = -8.0
"""What SiLU makes of lower values, and what a score below means, is next to nothing."""
_SCORES = (-8.0, 5.0)
_DRAWN = 6000
_EACH = 8


def observe(network: Whole, pictures: np.ndarray, seed: int = 0) -> Rounding:
    """Ranges of all maps on `pictures`, (n, height, width, 3) RGB."""
    rounding = blank(network)
    draw = torch.Generator().manual_seed(seed)
    drawn: dict[str, list[torch.Tensor]] = defaultdict(list)

    def look(name: str, value: torch.Tensor) -> torch.Tensor:
        flat = value.flatten()
        drawn[family(name)].append(flat[torch.randint(len(flat), (_DRAWN,), generator=draw)].clone())
        return value

    with torch.no_grad():
        for first in range(0, len(pictures), _EACH):
            batch = torch.from_numpy(pictures[first : first + _EACH]).float().permute(0, 3, 1, 2)
            network(batch.contiguous(memory_format=torch.channels_last), look)
    gated = {family(name) for name in rounding.gated}
    for name, parts in drawn.items():
        values = torch.cat(parts).sort().values
        share = 0.0 if name in _WHOLE else SHARE
        low, high = (float(values[int(at * (len(values) - 1))]) for at in (share, 1 - share))
        rounding.ranges[name] = (min(max(low, _LOWEST) if name in gated else low, 0.0), max(high, 1e-3))
    for name in ("score", "person"):
        rounding.ranges[name] = _SCORES
    return rounding


_WHOLE = ("box", "posture", "describe")
"""Answers, whose rare values are the ones that count."""


def blank(network: Whole) -> Rounding:
    """No ranges yet, but which maps SiLU reads and which keep their range."""
    steps = network.plan.steps
    gated = {step.inputs[0] for step in steps if step.kind == "silu"}
    return Rounding(gated, {step.output for step in steps if step.kind in PASSED})
