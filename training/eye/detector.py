"""The network: YOLOX-Nano's body; a head that finds people, tells whether they lie, and describes the room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from training.eye.backbone import STRIDES, Backbone, Plan

if TYPE_CHECKING:
    from collections.abc import Callable

CELLS = (4, 6)
CHANNELS = 5
"""The room is described by this many channels in each of 4 x 6 cells: 120 numbers."""
_PERSON = 0
_HIDDEN = 24


@dataclass(slots=True)
class Found:
    """What the network says, for n pictures and all places of all strides, finest first.

    Attributes:
        person: (n, places) logit of a person with its middle here.
        posture: (n, places) logit of lying against upright.
        boxes: (n, places, 4) YOLOX's: x, y from the place in strides, logarithm of width, height in strides.
        room: (n, 120) description, cell by cell in rows, of the room.
        maps: all maps by name.
    """

    person: torch.Tensor
    posture: torch.Tensor
    boxes: torch.Tensor
    room: torch.Tensor
    maps: dict[str, torch.Tensor]


class Detector(nn.Module):
    """See the module. A person's score is the smaller of YOLOX's logits of "object" and of "person"."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.body = Backbone(plan)
        self.kind, self.object, self.box = (nn.ModuleList() for _ in range(3))
        self.look, self.lies = nn.ModuleList(), nn.ModuleList()
        for named in plan.predictions:
            for layers, which, rows in (
                (self.kind, "cls", [_PERSON]),
                (self.object, "obj", [0]),
                (self.box, "reg", [0, 1, 2, 3]),
            ):
                weight, bias = (torch.tensor(plan.weights[name])[rows] for name in named[which])
                layer = nn.Conv2d(weight.shape[1], len(rows), 1)
                layer.weight.data, layer.bias.data = weight.clone(), bias.clone()
                layers.append(layer)
            self.look.append(nn.Conv2d(128, _HIDDEN, 1))
            self.lies.append(nn.Conv2d(_HIDDEN, 1, 1))
        self.describe = nn.Conv2d(64, CHANNELS, 1)

    @property
    def plan(self) -> Plan:
        """Of the body."""
        return self.body.plan

    def forward(
        self, pictures: torch.Tensor, rounding: Callable[[str, torch.Tensor], torch.Tensor] | None = None
    ) -> Found:
        """(n, 3, height, width) RGB 0..255; see `Backbone.forward` for `rounding`."""
        return self.heads(self.body(pictures, rounding), rounding)

    def heads(
        self, maps: dict[str, torch.Tensor], rounding: Callable[[str, torch.Tensor], torch.Tensor] | None = None
    ) -> Found:
        """The answers that are made from the body's maps."""

        def rounded(name: str, value: torch.Tensor) -> torch.Tensor:
            return value if rounding is None else rounding(name, value)

        person, posture, boxes = [], [], []
        for level, (kind, box) in enumerate(self.plan.maps):
            obj = rounded(f"object_{level}", self.object[level](maps[box]))
            who = rounded(f"kind_{level}", self.kind[level](maps[kind]))
            person.append(torch.minimum(obj, who).flatten(1))
            both = rounded(f"both_{level}", torch.cat([maps[kind], maps[box]], 1))
            seen = rounded(f"look_{level}", nn.functional.relu6(self.look[level](both)))
            posture.append(rounded(f"lies_{level}", self.lies[level](seen)).flatten(1))
            boxes.append(rounded(f"box_{level}", self.box[level](maps[box])).flatten(2).transpose(1, 2))
        told = rounded("describe", self.describe(maps[self.plan.stems[0]]))
        cell = (told.shape[2] // CELLS[0], told.shape[3] // CELLS[1])
        room = nn.functional.avg_pool2d(told, cell, cell).permute(0, 2, 3, 1).flatten(1)
        return Found(torch.cat(person, 1), torch.cat(posture, 1), torch.cat(boxes, 1), room, maps)


def places(height: int, width: int) -> torch.Tensor:
    """Middle of each place and its stride, (places, 3), pixels, in the order of `Found`."""
    made = []
    for stride in STRIDES:
        rows, columns = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        grid = torch.stack([columns, rows, torch.ones_like(rows)], -1).reshape(-1, 3).float()
        # YOLOX counts from the upper left corner of a place; its middle is half a stride further.
        made.append(grid * stride + torch.tensor([stride / 2, stride / 2, 0.0]))
    return torch.cat(made)


def decoded(boxes: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
    """`Found.boxes` (..., places, 4) -> left, top, right, bottom in pixels."""
    stride = grid[:, 2:]
    middle = (boxes[..., :2] * stride) + grid[:, :2] - stride / 2
    half = torch.exp(boxes[..., 2:].clamp(max=6.0)) * stride / 2
    return torch.cat([middle - half, middle + half], -1)
