"""The training loop."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from tqdm import tqdm

from training.eye import loss
from training.eye.detector import Detector, places
from training.eye.variations import Recipe, vary
from training.person.data import NOBODY, UPRIGHT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from training.eye.examples import Example

HEIGHT, WIDTH = 224, 288
BATCH = 16
SHARES = {
    ("coco", True): 0.20,
    ("coco", False): 0.08,
    ("gmdcsa24", True): 0.13,
    ("gmdcsa24_empty", False): 0.05,
    ("rooms", False): 0.17,
    ("messy_rooms", False): 0.05,
    ("infants", True): 0.12,
    ("renders", True): 0.14,
    ("renders", False): 0.06,
}
"""What a batch is made of: (source, with people)."""
_KEEP_EVERY = 100
WEIGHTS = {"people": 1.0, "silence": 1.0, "posture": 0.5, "boxes": 0.3, "remembered": 2.0}


@dataclass(slots=True)
class Plan:
    """How to train.

    Attributes:
        steps: of `BATCH` pictures.
        rate: of the new layers; the body learns at a tenth of it.
        seed: of everything drawn.
        recipe: which variations.
        device: torch's.
        remember: whether the original network's answers are kept.
        body_rate: see `rate`.
        keep: where the weights are saved now and then; None: nowhere.
    """

    steps: int
    rate: float = 2e-3
    seed: int = 1
    recipe: Recipe = field(default_factory=Recipe)
    device: str = "cpu"
    remember: bool = True
    body_rate: float = 3e-4
    keep: Path | None = None


def run(
    network: Detector,
    examples: list[Example],
    plan: Plan,
    rounding: Callable[[str, torch.Tensor], torch.Tensor] | None = None,
    *,
    height: int = HEIGHT,
    width: int = WIDTH,
) -> Detector:
    """Train in place; returns the running mean of the weights of the last part, which is what is used."""
    rng = np.random.default_rng(plan.seed)
    torch.manual_seed(plan.seed)
    pools = pooled(examples)
    shares = np.array([SHARES[name] for name in pools])
    names = list(pools)
    # Channels last: a third faster on a processor.
    network = network.to(plan.device, memory_format=torch.channels_last).train()
    original = Detector(network.plan).body.to(plan.device).eval() if plan.remember else None
    grid = places(height, width).to(plan.device)
    body = [one for one in network.body.parameters() if one.requires_grad]
    head = [one for name, one in network.named_parameters() if not name.startswith("body.") and one.requires_grad]
    steps = torch.optim.AdamW(
        [{"params": head, "lr": plan.rate}, {"params": body, "lr": plan.body_rate}], weight_decay=1e-4
    )
    warm = max(plan.steps // 20, 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        steps, lambda at: min(at / warm, 1.0) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * at / plan.steps)))
    )
    mean = copy.deepcopy(network)
    shown: dict[str, float] = {}
    began = time.monotonic()
    with tqdm(total=plan.steps, desc="training", unit="step", mininterval=10) as bar:
        for count in range(plan.steps):
            seen = []
            for which in rng.choice(len(names), BATCH, p=shares / shares.sum()):
                pool = pools[names[which]]
                seen.append(vary(pool[rng.integers(len(pool))], height, width, rng, plan.recipe))
            pictures = (
                torch.from_numpy(np.stack([one.picture for one in seen])).to(plan.device).float().permute(0, 3, 1, 2)
            )
            found = network(pictures, rounding)
            parts = loss.total(found, seen, grid)
            if original is not None:
                which_alike = [at for at, one in enumerate(seen) if one.alike][: BATCH // 3]
                if which_alike:
                    with torch.no_grad():
                        known = original(pictures[which_alike])
                    sub = _some(found, which_alike)
                    parts["remembered"] = loss.remembered(network.plan, sub, known, list(range(len(which_alike))))
            whole = sum(WEIGHTS[name] * part for name, part in parts.items())
            steps.zero_grad(set_to_none=True)
            whole.backward()
            torch.nn.utils.clip_grad_norm_(head + body, 5.0)
            steps.step()
            schedule.step()
            with torch.no_grad():
                keep = min(0.99, count / (count + 10))
                for old, new in zip(mean.parameters(), network.parameters(), strict=True):
                    old.mul_(keep).add_(new, alpha=1 - keep)
            for name, part in parts.items():
                value = float(part.detach())
                shown[name] = 0.97 * shown.get(name, value) + 0.03 * value
            bar.set_postfix({name: f"{value:.2f}" for name, value in shown.items()}, refresh=False)
            bar.update()
            if plan.keep is not None and count % _KEEP_EVERY == _KEEP_EVERY - 1:
                torch.save(mean.state_dict(), plan.keep)
    if plan.keep is not None:
        torch.save(mean.state_dict(), plan.keep)
    print(f"{plan.steps} steps, {time.monotonic() - began:.0f} s", shown, flush=True)
    return mean.eval()


def _some(found: object, which: list[int]) -> object:
    import copy as copying  # noqa: PLC0415

    made = copying.copy(found)
    made.maps = {name: value[which] for name, value in found.maps.items()}  # type: ignore[attr-defined]
    return made


def pooled(examples: list[Example]) -> dict[tuple[str, bool], list[Example]]:
    """Training examples by what `SHARES` names."""
    pools: dict[tuple[str, bool], list[Example]] = {}
    for one in examples:
        name = (one.source, one.target != NOBODY)
        if one.split == "train" and name in SHARES:
            pools.setdefault(name, []).append(one)
    return pools


def locate(network: Detector, examples: list[Example], height: int = HEIGHT, width: int = WIDTH) -> int:
    """Give boxes to upright people of gmdcsa24 and to infants that have none, where the untrained network is sure.

    Returns:
        How many.
    """
    from training.eye.detector import decoded  # noqa: PLC0415
    from training.eye.examples import Body  # noqa: PLC0415
    from training.eye.variations import plain  # noqa: PLC0415

    grid, count = places(height, width), 0
    for one in examples:
        upright = one.source == "gmdcsa24" and one.target == UPRIGHT
        if one.split != "train" or not (upright or one.bodies is None):
            continue
        with torch.no_grad():
            picture = torch.from_numpy(plain(one, height, width).transpose(2, 0, 1).astype(np.float32))[None]
            found = network(picture)
        score, at = found.person[0].max(0)
        if float(score) < 0.0:
            continue
        box = decoded(found.boxes, grid)[0, at].numpy()
        rows, columns = one.picture.shape[:2]
        scale = min(height / rows, width / columns)
        left, top = (width - columns * scale) / 2, (height - rows * scale) / 2
        x0, y0, x1, y1 = (box - [left, top, left, top]) / scale / [columns, rows, columns, rows]
        one.bodies = [Body((float(x0), float(y0), float(x1 - x0), float(y1 - y0)), one.target)]
        count += 1
    return count
