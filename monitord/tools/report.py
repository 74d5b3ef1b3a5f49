"""`monitord report`: what the ledger says of each night; works while the monitor is down."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from monitord import paths
from monitord.notify import lookback
from monitord.notify.clock import Clock, boot_id
from monitord.notify.database import JournalError
from monitord.notify.history import read
from monitord.notify.nights import night_json
from monitord.notify.summary import report as lines_of
from monitord.notify.texts.report import REPORT
from monitord.tools.picture import draw
from monitord.tools.status import WRONG_USAGE, parse_since

if TYPE_CHECKING:
    from pathlib import Path

    from monitord.config import Config


def report(config: Config, since: str | None, *, as_json: bool, picture: Path | None) -> int:
    """Print the ledger; returns the exit code.

    Args:
        config: for the room's name, its language and the length of a look.
        since: a time or an age; None: this night and the last.
        as_json: one JSON object.
        picture: where an SVG is written to; None: nowhere.
    """
    now = datetime.now(UTC)
    try:
        begin = parse_since("1d" if since is None else since, now)
    except ValueError as cause:
        print(f"--since: {cause}", file=sys.stderr)
        return WRONG_USAGE
    clock, boot = Clock(), boot_id()
    try:
        journal = read(paths.state_dir() / paths.JOURNAL)
        try:
            life, runs = lookback.last_life(journal, clock, boot, paths.runtime_dir())
            look_s, since_s = config.video.look_s, begin.timestamp()
            nights = lookback.nights(journal, clock, boot, look_s, since_s, life=life, running=runs)
        finally:
            journal.close()
    except JournalError as cause:
        print(cause, file=sys.stderr)
        return 1
    room, language = config.room.name, config.room.language
    if picture is not None:
        try:
            picture.write_text(draw(nights, room, language), "utf-8")
        except OSError as cause:
            print(f"{picture}: cannot be written: {cause.strerror}", file=sys.stderr)
            return 1
    if as_json:
        print(json.dumps({"room": room, "nights": [night_json(each) for each in nights]}, ensure_ascii=False))
    elif life is None:
        print(REPORT[language]["nothing"])
    else:
        print("\n\n".join("\n".join(lines_of(each, room, language)) for each in nights))
    return 0
