"""`monitord pause` and `resume`: ask the running voice to close the microphone for a while, and to open it again."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from typing import TYPE_CHECKING

from monitord.config import PAUSE_MAX_S
from monitord.tools.status import WRONG_USAGE, AskError, ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitord.config import Config

_LENGTH = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,4})m?)?", re.ASCII)


def parse_minutes(text: str) -> int:
    """Minutes that "30m", "2h", "1h30m" or "30" mean.

    Raises:
        ValueError: it means no time that a pause may last; the text says why.
    """
    found = _LENGTH.fullmatch(text.strip().lower())
    if found is None or not any(found.groups()):
        raise ValueError(f"{text!r} is no length of time; say 30m, 2h or 1h30m")
    minutes = 60 * int(found[1] or 0) + int(found[2] or 0)
    if not 1 <= minutes <= PAUSE_MAX_S / 60:
        raise ValueError(f"{text!r}: a pause lasts from 1m to {PAUSE_MAX_S / 3600:g}h")
    return minutes


def pause(config: Config, length: str) -> int:
    """Close the microphone for `length`; returns the exit code."""
    try:
        minutes = parse_minutes(length)
    except ValueError as cause:
        print(f"LENGTH: {cause}", file=sys.stderr)
        return WRONG_USAGE
    return _tell(config, "api/v1/pause", {"minutes": minutes})


def resume(config: Config) -> int:
    """Open the microphone again; returns the exit code."""
    return _tell(config, "api/v1/resume", {})


def _tell(config: Config, path: str, content: Mapping[str, object]) -> int:
    try:
        state = ask(config, "POST", path, content)
    except AskError as cause:
        print(cause, file=sys.stderr)
        return 1
    until = state.get("state", state).get("paused_until")
    if until is None:
        print("listening again")
    else:
        at = datetime.fromisoformat(until).astimezone().strftime("%H:%M:%S")
        print(f"paused until {at}: the microphone is closed and nobody listens; `monitord resume` ends it")
    return 0
