"""8-bit rounding of the maps in torch: what TFLite will do with them.

Ranges are bounded: what SiLU makes of values below -8 is next to nothing, and a few large values in a map would cost
all the others their precision.
"""

from __future__ import annotations

import re

import torch

PASSED = ("pool", "double")
"""Operations that keep the range of what they read."""
_COMMON = {
    "score": re.compile(r"(object|kind)_\d"),
    "box": re.compile(r"box_\d"),
}
"""Maps that are joined or compared, and so need one range."""


def family(name: str) -> str:
    """Maps of the same family share a range."""
    return next((shared for shared, names in _COMMON.items() if names.fullmatch(name)), name)


class Rounding:
    """Ranges by name; called as `Backbone.forward` wants it.

    Attributes:
        ranges: (low, high) by family; low <= 0 <= high.
        gated: names of maps that only SiLU reads.
    """

    def __init__(self, gated: set[str], passed: set[str]) -> None:
        """Without ranges.

        Args:
            gated: see the class.
            passed: names of maps whose range is that of what they are made from (pooling, doubling).
        """
        self.ranges: dict[str, tuple[float, float]] = {}
        self.gated, self._passed = gated, passed

    def __call__(self, name: str, value: torch.Tensor) -> torch.Tensor:
        """`value`, rounded to 256 steps of its range."""
        if name in self._passed:
            return value
        scale, zero = steps(*self.ranges[family(name)])
        return torch.fake_quantize_per_tensor_affine(value, scale, zero, 0, 255)


def steps(low: float, high: float) -> tuple[float, int]:
    """Scale and zero point (0..255) of the range, nudged so that zero is a whole step."""
    scale = (high - low) / 255
    return scale, round(-low / scale)
