"""The head: from three views of a place to "somebody is upright here" and "somebody lies here".

Upright starts as the body's own score of a person, and is corrected only a little; lying starts as what the turned
views say. Each has one hidden layer for each stride over all three views. Heads of several seeds are one wider head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from training.eye.views import ANYWHERE, BESIDE, BODY, WIDTH_OF_ALL, Places

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEVELS = 3
STRONGEST = 2
"""As `monitord.video.boxes` sums up."""
_NO = -30.0
_BEST, _WORST = 4, 6
_MOST = 4.0
"""Logits beyond this are certain enough."""


class Part(nn.Module):
    """One hidden layer for each stride, one number out."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.look = nn.ModuleList(nn.Linear(WIDTH_OF_ALL, hidden) for _ in range(LEVELS))
        self.say = nn.ModuleList(nn.Linear(hidden, 1) for _ in range(LEVELS))
        for layer in self.say:
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, features: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        """(n, p, 384), (n, p) -> (n, p)."""
        said = torch.zeros(level.shape)
        for number in range(LEVELS):
            here = level == number
            said[here] = self.say[number](functional.relu6(self.look[number](features[here])))[:, 0]
        return said


class Head(nn.Module):
    """See the module."""

    def __init__(self, lying: int = 16, upright: int = 8) -> None:
        super().__init__()
        self.upright, self.lying = Part(upright), Part(lying)
        self.share = nn.Parameter(torch.tensor([0.3, 0.7]))
        self.shift = nn.Parameter(torch.zeros(2))

    def forward(
        self, features: torch.Tensor, scores: torch.Tensor, level: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of upright and of lying, (n, p) each, from (n, p, 384), (n, p, 3) and (n, p)."""
        turned = self.share[0] * scores[..., 0] + self.share[1] * scores[..., 1:].amax(-1)
        upright = scores[..., 0] + self.upright(features, level) + self.shift[0]
        return upright, turned + self.lying(features, level) + self.shift[1]


@dataclass(frozen=True, slots=True)
class How:
    """How to train a head.

    Attributes:
        shares: what a batch is made of, by name of a pool.
        steps: of `batch` pictures.
        seed: of everything drawn.
        batch: pictures of a step.
        rate: of learning.
        decay: of weights.
        drop: share of a picture's features that are hidden in a step.
        stay: how dear it is to correct the body's own score.
    """

    shares: Mapping[str, float]
    steps: int = 1500
    seed: int = 1
    batch: int = 48
    rate: float = 2e-3
    decay: float = 0.05
    drop: float = 0.3
    stay: float = 0.05


def train(places: Places, pools: Mapping[str, np.ndarray], how: How) -> Head:
    """Train a head on `places`; `pools` names rows of it."""
    torch.manual_seed(how.seed)
    rng = np.random.default_rng(how.seed)
    head = Head()
    names = [name for name in pools if name in how.shares and len(pools[name])]
    shares = np.array([how.shares[name] for name in names])
    steps = torch.optim.AdamW(head.parameters(), lr=how.rate, weight_decay=how.decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(steps, how.steps, how.rate / 50)
    for _ in tqdm(range(how.steps), desc="head", unit="step", mininterval=10):
        counts = rng.multinomial(how.batch, shares / shares.sum())
        rows = np.concatenate([rng.choice(pools[name], count) for name, count in zip(names, counts, strict=True)])
        features = torch.from_numpy(places.features[rows]).float()
        # Hidden in all places of a picture alike: what one feature says must be said by others too.
        features = features * (torch.rand(len(rows), 1, WIDTH_OF_ALL) > how.drop) / (1 - how.drop)
        scores, level = torch.from_numpy(places.scores[rows]).float(), torch.from_numpy(places.level[rows])
        upright, lying = head(features, scores, level)
        wrong = _wrong(upright, lying, torch.from_numpy(places.where[rows]), torch.from_numpy(places.lies[rows]))
        whole = wrong.mean() + how.stay * ((upright - scores[..., 0]) ** 2).mean()
        steps.zero_grad()
        whole.backward()
        steps.step()
        schedule.step()
    return head.eval()


def _wrong(upright: torch.Tensor, lying: torch.Tensor, where: torch.Tensor, lies: torch.Tensor) -> torch.Tensor:
    """(n,): how wrong each picture's answers are."""
    body = (where == BODY) | (where == ANYWHERE)
    near = body | (where == BESIDE)
    anywhere = (where == ANYWHERE).any(1)
    wrong = torch.zeros(len(where))
    # A few places of a body are enough: its best ones are taught.
    either = torch.logaddexp(upright, lying)
    for known, logits in ((lies == 1, lying), (lies == 0, upright), (lies == -1, either)):
        best, there = _top(logits, body & known, _BEST)
        wrong = wrong + _mean(functional.softplus(-best) + 0.02 * functional.relu(best - _MOST), there)
    # Silence where nobody is; of lying also where somebody is upright, of which turned views know nothing.
    for logits, silent in ((lying, ~(near & (lies != 0))), (upright, ~near)):
        worst, there = _top(logits, silent, _WORST)
        loud = functional.softplus(worst) * there
        wrong = wrong + 0.5 * (_mean(loud, there) + loud[:, 0]) * ~anywhere
    for logits, other, share in (
        (lying, body & (lies == 0) & anywhere[:, None], 0.25),
        (upright, body & (lies == 1), 0.15),
    ):
        worst, there = _top(logits, other, _WORST)
        wrong = wrong + share * _mean(functional.softplus(worst), there)
    return wrong


def _top(logits: torch.Tensor, which: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    values = torch.where(which, logits, torch.full_like(logits, _NO)).topk(count, 1).values
    return values, (values > _NO + 1).float()


def _mean(values: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    return (values * there).sum(1) / there.sum(1).clamp(min=1)


def joined(heads: Sequence[Head]) -> Head:
    """One head that says the mean of what `heads` say."""
    whole = Head(
        *(
            sum(
                len(one.lying.look[0].bias) * (part == 0) + len(one.upright.look[0].bias) * (part == 1) for one in heads
            )
            for part in (0, 1)
        )
    )
    with torch.no_grad():
        for part in ("upright", "lying"):
            for number in range(LEVELS):
                looks = [getattr(one, part).look[number] for one in heads]
                says = [getattr(one, part).say[number] for one in heads]
                look, say = getattr(whole, part).look[number], getattr(whole, part).say[number]
                look.weight.copy_(torch.cat([each.weight for each in looks]))
                look.bias.copy_(torch.cat([each.bias for each in looks]))
                say.weight.copy_(torch.cat([each.weight for each in says], 1) / len(heads))
                say.bias.copy_(torch.stack([each.bias for each in says]).mean(0))
        whole.share.copy_(torch.stack([one.share for one in heads]).mean(0))
        whole.shift.copy_(torch.stack([one.shift for one in heads]).mean(0))
    return whole.eval()


def places_of(head: Head, places: Places) -> np.ndarray:
    """(2, places): logits of upright and of lying at all places of one picture."""
    features, scores = (torch.from_numpy(value).float()[None] for value in (places.features, places.scores))
    with torch.no_grad():
        return torch.cat(head(features, scores, torch.from_numpy(places.level)[None])).numpy()


def answer(head: Head, places: Places) -> np.ndarray:
    """(2,): logit of the likeliest upright and of the likeliest lying body of one picture."""
    return np.sort(places_of(head, places), axis=1)[:, -STRONGEST:].mean(axis=1)
