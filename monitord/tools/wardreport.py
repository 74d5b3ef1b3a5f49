"""`monitord report --ward`: the report of a ward as one file to read and to print; works beside the station."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from monitord import paths
from monitord.config.ward import WardFile
from monitord.notify.database import JournalError
from monitord.notify.web.files import files
from monitord.tools.status import WRONG_USAGE
from monitord.ward.ledger import LEDGER, Ledger
from monitord.ward.report.page import page

if TYPE_CHECKING:
    from pathlib import Path

DAYS_MAX = 31


def ward_report(config: Path | None, to: Path | None, days: int) -> int:
    """Write the report of the last `days` days to `to`; returns the exit code."""
    if config is None or to is None:
        print("report: the report of a ward needs --ward, --config WARD.toml and --html FILE.html", file=sys.stderr)
        return WRONG_USAGE
    if not 1 <= days <= DAYS_MAX:
        print(f"report: --days {days}: give a whole number from 1 to {DAYS_MAX}", file=sys.stderr)
        return WRONG_USAGE
    file = WardFile.load(config)
    path = paths.ward_dirs()[0] / LEDGER
    if not path.exists():
        print(f"{path}: there is no ledger of the ward yet; has monitord ward run on this machine?", file=sys.stderr)
        return 1
    try:
        ledger = Ledger(path, file.ward.station, reading=True)
        try:
            end = time.time()
            style = files()["/report.css"][0].decode()
            told = page(ledger, file, begin=end - days * 86400, end=end, style=style)
        finally:
            ledger.close()
        to.write_text(told, "utf-8")
    except JournalError as cause:
        print(cause, file=sys.stderr)
        return 1
    except OSError as cause:
        print(f"{to}: cannot be written: {cause.strerror}", file=sys.stderr)
        return 1
    print(f"{to}: the last {days} days of the ward {file.ward.label or file.ward.name}")
    return 0
