"""The head: from what two bodies see of a place to "somebody is upright here" and "somebody lies here".

Upright starts as the first body's score of a person, lying as the second's, and each is corrected only a little. A
third number says how somebody is who was found. Each has one hidden layer for each stride over the maps of both.
Heads of several seeds are one wider head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch._dynamo  # Before TensorFlow: loaded after it, by an optimiser, torch 2.14 ends the process.
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
_POSTURE, _POSTURE_STEPS, _POSTURE_DROP, _POSTURE_PLACES = 32, 600, 0.5, 3
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
        """(n, p, width), (n, p) -> (n, p)."""
        said = torch.zeros(level.shape)
        for number in range(LEVELS):
            here = level == number
            said[here] = self.say[number](functional.relu6(self.look[number](features[here])))[:, 0]
        return said


class Head(nn.Module):
    """See the module."""

    def __init__(self, lying: int = 16, upright: int = 8) -> None:
        super().__init__()
        self.posture = Part(_POSTURE)
        self.line = nn.Parameter(torch.tensor([0.3, 0.0]))
        self.upright, self.lying = Part(upright), Part(lying)
        self.share = nn.Parameter(torch.tensor(1.0))
        self.shift = nn.Parameter(torch.zeros(2))

    def forward(
        self, features: torch.Tensor, scores: torch.Tensor, level: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of upright and of lying, (n, p) each, from (n, p, width), (n, p, 2) and (n, p)."""
        upright = scores[..., 0] + self.upright(features, level) + self.shift[0]
        return upright, self.share * scores[..., 1] + self.lying(features, level) + self.shift[1]


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
        stay: how dear it is to correct the first body's own score.
        stay_lying: the same of the second's.
    """

    shares: Mapping[str, float]
    steps: int = 1500
    seed: int = 1
    batch: int = 48
    rate: float = 2e-3
    decay: float = 0.05
    drop: float = 0.3
    stay: float = 0.05
    stay_lying: float = 0.05


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
        away = [((said - scores[..., body]) ** 2).mean() for body, said in enumerate((upright, lying))]
        whole = wrong.mean() + how.stay * away[0] + how.stay_lying * away[1]
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
    # Silence where nobody is; of lying also where somebody is upright, of which the second body knows little.
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


def teach_posture(head: Head, places: Places, rows: np.ndarray, source: np.ndarray, seed: int = 1) -> None:
    """Teach `head.posture` in place; the rest stays as it is.

    It says how somebody is who was found, where "lies here" and "is upright here" only say that somebody is: to the
    body, who lies along the picture, seen from above, is one that stands.

    Args:
        head: of which the likeliest places are asked.
        places: to learn from.
        rows: of the training split.
        source: of all rows; each source and posture counts the same.
        seed: of everything drawn.
    """
    torch.manual_seed(seed)
    features, level, own, lies, whose = _likeliest(head, places, rows)
    kinds = np.char.add(source[whose], lies.astype(str))
    counts = dict(zip(*np.unique(kinds, return_counts=True), strict=True))
    shares = torch.tensor([1.0 / counts[kind] for kind in kinds])
    wanted = torch.from_numpy(lies).float() * 0.9 + 0.05
    learns = [*head.posture.parameters(), head.line]
    steps = torch.optim.AdamW(learns, lr=2e-3, weight_decay=0.05)
    for _ in tqdm(range(_POSTURE_STEPS), desc="posture", unit="step", mininterval=10):
        some = torch.multinomial(shares, 256, replacement=True)
        seen = features[some] * (torch.rand(len(some), WIDTH_OF_ALL) > _POSTURE_DROP) / (1 - _POSTURE_DROP)
        said = head.line[0] * own[some] + head.line[1] + head.posture(seen, level[some])
        steps.zero_grad()
        functional.binary_cross_entropy_with_logits(said, wanted[some]).backward()
        steps.step()


def _likeliest(
    head: Head, places: Places, rows: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, np.ndarray, np.ndarray]:
    """Of bodies of known posture, the likeliest places: features, level, lying less upright, posture, row."""
    made: list[list[np.ndarray]] = [[] for _ in range(5)]
    for row in rows:
        body = np.isin(places.where[row], (BODY, ANYWHERE)) & (places.lies[row] >= 0)
        if not body.any():
            continue
        upright, lying = places_of(head, places.some(np.array(row)))[:2]
        best = np.argsort(-np.where(body, np.maximum(upright, lying), _NO))[: min(_POSTURE_PLACES, body.sum())]
        values = (places.features[row, best], places.level[row, best], (lying - upright)[best], places.lies[row, best])
        for part, value in zip(made, (*values, np.full(len(best), row)), strict=True):
            part.append(value)
    features, level, own, lies, whose = (np.concatenate(part) for part in made)
    return torch.from_numpy(features).float(), torch.from_numpy(level), torch.from_numpy(own), lies, whose


def places_of(head: Head, places: Places) -> np.ndarray:
    """(3, places): logits of upright, of lying, and of lying rather than upright, everywhere in one picture."""
    features, scores = (torch.from_numpy(value).float()[None] for value in (places.features, places.scores))
    level = torch.from_numpy(places.level)[None]
    with torch.no_grad():
        upright, lying = head(features, scores, level)
        posture = head.line[0] * (lying - upright) + head.line[1] + head.posture(features, level)
        return torch.cat([upright, lying, posture]).numpy()


def answer(head: Head, places: Places) -> np.ndarray:
    """(2,): logit of the likeliest upright and of the likeliest lying body of one picture."""
    return np.sort(places_of(head, places)[:2], axis=1)[:, -STRONGEST:].mean(axis=1)
