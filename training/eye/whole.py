"""All of it as one network: a picture, held upright and turned to either side, through one body and the head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from training.eye.detector import CELLS, CHANNELS, Detector
from training.eye.head import HIDDEN, KINDS, Head

if TYPE_CHECKING:
    from collections.abc import Callable

    from training.eye.backbone import Plan

    Round = Callable[[str, torch.Tensor], torch.Tensor]

SIDES = (1, -1)
"""Quarter turns of the two further views."""


class Whole(nn.Module):
    """See the module; maps are named as `training.eye.export` names them."""

    def __init__(self, plan: Plan, head: Head) -> None:
        super().__init__()
        self.found = Detector(plan)
        self.head = head
        self.describe = nn.Conv2d(64, CHANNELS, 1)

    @property
    def plan(self) -> Plan:
        """Of the body."""
        return self.found.plan

    def forward(self, picture: torch.Tensor, rounding: Round | None = None) -> dict[str, torch.Tensor]:
        """(n, 3, h, w) RGB 0..255 -> person (n, 3, places), posture, boxes (n, 3, places, 4), room (n, 120)."""
        upright = self.found.body(picture, rounding)
        told = [self._told(upright, 0, rounding)]
        aside = (self.found.body(torch.rot90(picture, turn, (2, 3)), rounding) for turn in SIDES)
        told += [self._told(maps, 1, rounding) for maps in aside]
        made = {name: torch.stack([one[name] for one in told], 1) for name in told[0]}
        return made | {"room": self.room(upright, rounding)}

    def room(self, maps: dict[str, torch.Tensor], rounding: Round | None = None) -> torch.Tensor:
        """The description of the room, cell by cell in rows."""
        told = _rounded(rounding, "describe", self.describe(maps[self.plan.stems[0]]))
        cell = (told.shape[2] // CELLS[0], told.shape[3] // CELLS[1])
        return nn.functional.avg_pool2d(told, cell, cell).permute(0, 2, 3, 1).flatten(1)

    def _told(self, maps: dict[str, torch.Tensor], kind: int, rounding: Round | None) -> dict[str, torch.Tensor]:
        person, posture, boxes = [], [], []
        for level, (one, box) in enumerate(self.plan.maps):
            obj = _rounded(rounding, f"object_{level}", self.found.object[level](maps[box]))
            who = _rounded(rounding, f"kind_{level}", self.found.kind[level](maps[one]))
            score = torch.minimum(obj, who)
            at = level * KINDS + kind
            both = torch.cat([maps[one], maps[box]], 1)
            seen = nn.functional.relu6(_pointwise(self.head.look[at], _rounded(rounding, f"both_{level}", both)))
            said = _rounded(
                rounding, f"said_{at}", _pointwise(self.head.say[at], _rounded(rounding, f"look_{at}", seen))
            )
            gained = _rounded(rounding, f"gained_{at}", self.head.gain[kind] * score)
            person.append(_rounded(rounding, "person", gained + said[:, :1]).flatten(1))
            posture.append(_rounded(rounding, "posture", said[:, 1:]).flatten(1))
            boxes.append(
                _rounded(rounding, f"box_{level}", self.found.box[level](maps[box])).flatten(2).transpose(1, 2)
            )
        return {"person": torch.cat(person, 1), "posture": torch.cat(posture, 1), "boxes": torch.cat(boxes, 1)}


def new(plan: Plan) -> Whole:
    """With a head that has learnt nothing."""
    return Whole(plan, Head(HIDDEN))


def _pointwise(layer: nn.Module, maps: torch.Tensor) -> torch.Tensor:
    """A linear layer at every place of (n, channels, h, w)."""
    assert isinstance(layer, nn.Linear)  # noqa: S101 - for the type checker
    return nn.functional.conv2d(maps, layer.weight[:, :, None, None], layer.bias)


def _rounded(rounding: Round | None, name: str, value: torch.Tensor) -> torch.Tensor:
    return value if rounding is None else rounding(name, value)
