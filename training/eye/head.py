"""The head: from what the untouched body sees, held upright and turned, to somebody and to lying.

A person's logit starts as the original's own and is corrected by one hidden layer; turned views have a layer of their
own, since there a body that looks upright lies.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from training.eye.views import ANYWHERE, BESIDE, BODY, ELSEWHERE, Views

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVELS = 3
KINDS = 2
"""Views held upright, views turned."""
HIDDEN = 24
POSTURE_PLACES = 4
_BATCH = 48
_BEST, _WORST = 4, 12
_MOST = 4.0


class Head(nn.Module):
    """One hidden layer for each stride and kind of view."""

    def __init__(self, hidden: int = HIDDEN) -> None:
        super().__init__()
        self.look = nn.ModuleList(nn.Linear(128, hidden) for _ in range(LEVELS * KINDS))
        self.say = nn.ModuleList(nn.Linear(hidden, 2) for _ in range(LEVELS * KINDS))
        self.gain = nn.Parameter(torch.ones(KINDS))
        for layer in self.say:
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(
        self, features: torch.Tensor, scores: torch.Tensor, ends: Sequence[int]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of a person and of lying, (n, 3, places) each.

        Args:
            features: (n, 3, places, 128).
            scores: (n, 3, places), the original's.
            ends: where each stride's places end.
        """
        person, lies = [], []
        for view in range(3):
            kind = min(view, 1)
            said = []
            for level, (first, last) in enumerate(zip([0, *ends], ends, strict=False)):
                at = level * KINDS + kind
                said.append(self.say[at](functional.relu6(self.look[at](features[:, view, first:last]))))
            both = torch.cat(said, 1)
            person.append(self.gain[kind] * scores[:, view] + both[..., 0])
            lies.append(both[..., 1])
        return torch.stack(person, 1), torch.stack(lies, 1)


@dataclass(slots=True)
class How:
    """How to train a head.

    Attributes:
        shares: what a batch is made of, by name of a pool.
        steps: of 48 pictures.
        seed: of everything drawn.
        turned: whether the turned views are used at all.
        rate: of learning.
        decay: of weights.
    """

    shares: dict[str, float]
    steps: int = 800
    seed: int = 1
    turned: bool = True
    rate: float = 2e-3
    decay: float = 0.02
    noise: float = 0.05
    weights: dict[str, float] = field(
        default_factory=lambda: {"people": 1.0, "silence": 1.0, "posture": 0.5, "stay": 0.02}
    )


def train(views: Views, pools: dict[str, np.ndarray], ends: Sequence[int], how: How) -> Head:
    """Train a head on `views`; `pools` names rows of it. Returns the running mean of the weights."""
    import copy  # noqa: PLC0415

    torch.manual_seed(how.seed)
    rng = np.random.default_rng(how.seed)
    head = Head()
    names = [name for name in pools if name in how.shares and len(pools[name])]
    shares = np.array([how.shares[name] for name in names])
    steps = torch.optim.AdamW(head.parameters(), lr=how.rate, weight_decay=how.decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(steps, how.steps, how.rate / 50)
    mean = copy.deepcopy(head)
    for count in tqdm(range(how.steps), desc="head", unit="step", mininterval=10):
        rows = np.array([rng.choice(pools[names[k]]) for k in rng.choice(len(names), _BATCH, p=shares / shares.sum())])
        features = torch.from_numpy(views.features[rows]).float()
        features = features * (1 + how.noise * torch.randn_like(features))
        scores = torch.from_numpy(views.scores[rows]).float()
        person, lies = head(features, scores, ends)
        if not how.turned:
            person = torch.cat([person[:, :1], torch.full_like(person[:, 1:], -20.0)], 1)
        parts = _losses(person, lies, torch.from_numpy(views.where[rows]), torch.from_numpy(views.lies[rows]))
        parts["stay"] = ((person - scores)[:, 0] ** 2).mean()
        whole = sum(how.weights[name] * value for name, value in parts.items())
        steps.zero_grad()
        whole.backward()
        steps.step()
        schedule.step()
        with torch.no_grad():
            keep = min(0.98, count / (count + 10))
            for old, new in zip(mean.parameters(), head.parameters(), strict=True):
                old.mul_(keep).add_(new, alpha=1 - keep)
    return mean.eval()


def _losses(
    person: torch.Tensor, lies: torch.Tensor, where: torch.Tensor, told: torch.Tensor
) -> dict[str, torch.Tensor]:
    people, silence, posture = [], [], []
    person, lies, where, told = (value.flatten(1) for value in (person, lies, where, told))
    for logits, low, places, wanted in zip(person, lies, where, told, strict=True):
        body = (places == BODY) | (places == ANYWHERE)
        if body.any():
            chosen = body.nonzero()[:, 0]
            # One of the three views is enough: the best places of all of them are taught.
            best = chosen[logits[chosen].topk(min(_BEST, len(chosen))).indices]
            says = functional.softplus(-logits[best]) + 0.02 * functional.relu(logits[best] - _MOST)
            people.append(says.mean())
            known = wanted[best] >= 0
            if known.any():
                target = wanted[best][known].float() * 0.9 + 0.05
                posture.append(functional.binary_cross_entropy_with_logits(low[best][known], target))
        if (places == ANYWHERE).any():
            continue
        away = places == ELSEWHERE
        worst = functional.softplus(torch.where(away, logits, torch.full_like(logits, -20.0)).topk(_WORST).values)
        silence.append(worst.mean() + (0.0 if body.any() or (places == BESIDE).any() else worst[0]))
    made = {"people": people, "silence": silence, "posture": posture}
    return {name: torch.stack(parts).mean() if parts else person.sum() * 0.0 for name, parts in made.items()}


def answers(head: Head | None, views: Views, ends: Sequence[int], *, turned: bool = True) -> np.ndarray:
    """(n, 2): logit of the likeliest person and of lying of each picture; of the original where there is no head."""
    made = []
    for first in range(0, len(views.origin), 64):
        rows = slice(first, first + 64)
        scores = torch.from_numpy(views.scores[rows]).float()
        with torch.no_grad():
            if head is None:
                person, lies = scores, torch.zeros_like(scores)
            else:
                person, lies = head(torch.from_numpy(views.features[rows]).float(), scores, ends)
        used = 3 if turned else 1
        person, lies = person[:, :used].flatten(1), lies[:, :used].flatten(1)
        best = person.topk(POSTURE_PLACES, dim=1)
        made.append(torch.stack([best.values[:, 0], lies.gather(1, best.indices).mean(1)], 1).numpy())
    return np.concatenate(made)
