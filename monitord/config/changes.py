"""What a changed configuration changes in a voice that runs: which settings take effect now, which wait. Pure.

What is live is what is looked up whenever it is needed. Everything else was built into something at the start: sockets,
models, a camera, connections to the channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from monitord.config import Config

LIVE = ("rules", "groups", "quiet_hours", "journal")
"""Sections that take effect without a restart."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What follows from reading the file again.

    Attributes:
        config: what holds from now on.
        applied: settings that changed and hold now, such as "rules.cry.repeat_s".
        waiting: settings that changed and hold after a restart.
    """

    config: Config
    applied: tuple[str, ...]
    waiting: tuple[str, ...]


def changes(running: Config, read: Config) -> Changes:
    """What becomes of `running` when the file says `read`.

    Who is told waits where a group names a channel that is not there before the restart: an alert must not go to
    fewer people than the owner wrote down.
    """
    live = set(LIVE)
    if not {name for group in read.groups.values() for name in group} <= set(running.channels):
        live -= {"rules", "groups"}
    config = running.model_copy(update={section: getattr(read, section) for section in live})
    differing = tuple(_differing(running.model_dump(by_alias=True), read.model_dump(by_alias=True)))
    applied = tuple(each for each in differing if each.partition(".")[0] in live)
    return Changes(config, applied, tuple(each for each in differing if each not in applied))


def _differing(before: Mapping[str, Any], after: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Names of the settings in which the two differ; a part that only one of them has is named as a whole."""
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differing(old, new, f"{path}{name}.")
        elif old != new:
            yield f"{path}{name}"
