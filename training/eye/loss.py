"""What the network is told it did wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from training.eye.backbone import predict
from training.eye.detector import decoded
from training.person.data import LYING, UPRIGHT

if TYPE_CHECKING:
    from training.eye.backbone import Plan
    from training.eye.detector import Found
    from training.eye.variations import Seen

_BEST = 4
"""So many places of a body that answer best are taught to answer better, as in YOLOX's SimOTA."""
_WORST = 12
"""So many places that answer worst where nobody is are taught to be silent."""
_CORE = 0.3
"""A body is answered for by places within this share of its box around the middle."""
_MOST = 4.0
"""Logits beyond this are certain enough; more would only stretch the 8-bit range."""


def total(found: Found, seen: list[Seen], grid: torch.Tensor) -> dict[str, torch.Tensor]:
    """Losses of one batch by name: people, silence, posture, boxes.

    Args:
        found: the network's answers.
        seen: the pictures.
        grid: from `places`.
    """
    people, silence, posture, boxes = [], [], [], []
    every = decoded(found.boxes, grid)
    for at, one in enumerate(seen):
        logits = found.person[at]
        if one.somewhere:
            people.append(_says(logits.topk(_BEST).values).mean())
            continue
        near = torch.zeros_like(logits, dtype=torch.bool)
        for number, box in enumerate(torch.tensor(one.boxes, dtype=torch.float32, device=logits.device)):
            inside = _within(grid, box, 0.5)
            near |= _within(grid, box, 0.65)
            core = _within(grid, box, _CORE)
            core = core if core.any() else inside
            if not core.any():
                continue
            chosen = core.nonzero()[:, 0]
            best = chosen[logits[chosen].topk(min(_BEST, len(chosen))).indices]
            people.append(_says(logits[best]).mean())
            target = one.targets[number]
            if target in (LYING, UPRIGHT):
                wanted = torch.full_like(logits[best], 0.95 if target == LYING else 0.05)
                posture.append(functional.binary_cross_entropy_with_logits(found.posture[at, best], wanted))
            if one.square:
                boxes.append((1 - _overlap(every[at, best], box)).mean())
        rest = torch.where(near, torch.full_like(logits, -20.0), logits)
        worst = rest.topk(_WORST).values
        silent = functional.softplus(worst)
        silence.append(silent.mean() + (silent[0] if not len(one.boxes) else 0.0))
    zero = found.person.sum() * 0.0
    made = {"people": people, "silence": silence, "posture": posture, "boxes": boxes}
    return {name: torch.stack(parts).mean() if parts else zero for name, parts in made.items()}


def remembered(plan: Plan, found: Found, teacher: dict[str, torch.Tensor], which: list[int]) -> torch.Tensor:
    """How far the maps have moved from the original network's, on pictures that it can judge.

    Compared by what the original predictions make of them, all 80 classes, so that what does not matter may move.
    """
    if not which:
        return found.person.sum() * 0.0
    made = {name: found.maps[name][which] for pair in plan.maps for name in pair}
    known = {name: teacher[name][which] for pair in plan.maps for name in pair}
    parts = []
    for new, old in zip(predict(plan, made), predict(plan, known), strict=True):
        for name in ("cls", "obj"):
            # Far below zero it does not matter how far.
            weight = 0.05 + torch.sigmoid(old[name])
            parts.append((weight * functional.smooth_l1_loss(new[name], old[name], reduction="none")).mean())
    return torch.stack(parts).mean()


def _says(logits: torch.Tensor) -> torch.Tensor:
    return functional.softplus(-logits) + 0.02 * functional.relu(logits - _MOST)


def _within(grid: torch.Tensor, box: torch.Tensor, share: float) -> torch.Tensor:
    middle, size = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    # At least half a stride to each side, or a small body would lie between the places.
    reach = torch.maximum(size * share, grid[:, 2:] / 2)
    return ((grid[:, :2] - middle).abs() <= reach).all(1)


def _overlap(boxes: torch.Tensor, box: torch.Tensor) -> torch.Tensor:
    """Generalised overlap (Rezatofighi et al., CVPR 2019) of (n, 4) with (4,)."""
    both = (torch.minimum(boxes[:, 2:], box[2:]) - torch.maximum(boxes[:, :2], box[:2])).clamp(min=0).prod(1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1) + (box[2:] - box[:2]).prod()
    around = (torch.maximum(boxes[:, 2:], box[2:]) - torch.minimum(boxes[:, :2], box[:2])).prod(1)
    union = (areas - both).clamp(min=1e-6)
    return both / union - (around - union) / around.clamp(min=1e-6)
