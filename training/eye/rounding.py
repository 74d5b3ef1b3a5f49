"""8-bit rounding of the maps, while the network still learns: what TFLite will do with them.

Ranges are bounded: what SiLU makes of values below -8 is next to nothing, and a few large values in a map would cost
all the others their precision.
"""

from __future__ import annotations

import re

import torch

_LOWEST = -8.0
_SHARE = 2e-4
"""Share of the values at each end that may lie outside the range."""
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
        observing: whether the ranges are widened instead of used.
    """

    def __init__(self, gated: set[str], passed: set[str]) -> None:
        """Nothing is observed yet.

        Args:
            gated: names of maps that only SiLU reads.
            passed: names of maps whose range is that of what they are made from (pooling, doubling).
        """
        self.ranges: dict[str, tuple[float, float]] = {}
        self.observing = False
        self._gated, self._passed = gated, passed

    def __call__(self, name: str, value: torch.Tensor) -> torch.Tensor:
        """`value`, rounded to 256 steps of its range."""
        if name in self._passed:
            return value
        shared = family(name)
        if self.observing:
            self._widen(shared, value.detach(), gated=name in self._gated)
            return value
        low, high = self.ranges[shared]
        scale, zero = steps(low, high)
        return torch.fake_quantize_per_tensor_affine(value, scale, zero, 0, 255)

    def _widen(self, name: str, value: torch.Tensor, *, gated: bool) -> None:
        flat = value.flatten()
        rank = max(int(len(flat) * _SHARE), 1)
        low, high = float(flat.kthvalue(rank).values), float(flat.kthvalue(len(flat) - rank + 1).values)
        if gated or name == "score":
            low = max(low, _LOWEST)
        old = self.ranges.get(name, (0.0, 0.0))
        self.ranges[name] = (min(old[0], low, 0.0), max(old[1], high, 1e-3))


def steps(low: float, high: float) -> tuple[float, int]:
    """Scale and zero point (0..255) of the range, nudged so that zero is a whole step."""
    scale = (high - low) / 255
    return scale, int(round(-low / scale))


def weights(network: torch.nn.Module) -> None:
    """Round the weights of convolutions to 8 bit, one scale for each output channel, where they lie."""
    with torch.no_grad():
        for value in network.parameters():
            if value.ndim == 4:  # noqa: PLR2004 - a kernel
                scale = value.abs().amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-9) / 127
                value.copy_((value / scale).round() * scale)
