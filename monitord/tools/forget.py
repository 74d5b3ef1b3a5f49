"""`monitord forget`: the history is deleted, all of it or that of some hours, while the monitor runs or not."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from monitord import paths
from monitord.notify.database import JournalError, erase
from monitord.tools.status import parse_since

WRONG_USAGE = 2
_FIRST, _LAST = "0000", "9999"
"""Before and after every time that the journal spells."""


def forget(since: str | None, until: str | None, *, everything: bool) -> int:
    """Delete what is asked for and say what that was; returns the exit code."""
    if everything == (since is not None or until is not None):
        print("monitord: forget what? --all, or --since T and --until T (or one of them)", file=sys.stderr)
        return WRONG_USAGE
    now = datetime.now(UTC)
    moments = {"--since": _FIRST, "--until": _LAST}
    for option, text in (("--since", since), ("--until", until)):
        try:
            moments[option] = parse_since(text, now).isoformat(timespec="milliseconds") if text else moments[option]
        except ValueError as cause:
            print(f"{option}: {cause}", file=sys.stderr)
            return WRONG_USAGE
    if moments["--since"] >= moments["--until"]:
        print("--until: is not later than --since; nothing was deleted", file=sys.stderr)
        return WRONG_USAGE
    try:
        erased = erase(paths.state_dir() / paths.JOURNAL, moments["--since"], moments["--until"], everything=everything)
    except JournalError as cause:
        print(f"monitord: {cause}", file=sys.stderr)
        return 1
    print(f"forgotten: {erased.rows['incidents']} incidents and {erased.rows['frames']} messages")
    if erased.kept:
        print(f"kept: {erased.kept} incidents that still go on; acknowledge them, and forget again when they are over")
    for aside in erased.asides:
        print(f"{'deleted' if everything else 'not looked into (--all deletes it)'}: {aside}")
    return 0
