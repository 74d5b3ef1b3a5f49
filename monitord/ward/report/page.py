"""The report of a ward, from its ledger to the page."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from monitord.config import Language
from monitord.ward.report.figures import figures
from monitord.ward.report.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitord.config.ward import WardFile
    from monitord.ward.ledger import Ledger

_DAY_S = 86400.0


def page(
    ledger: Ledger,
    file: WardFile,
    *,
    begin: float,
    end: float,
    language: str = "",
    style: str = "",
    local: Callable[[float], datetime] | None = None,
) -> str:
    """HTML of the report.

    Args:
        ledger: of the ward.
        file: the station's.
        begin: of the time that it is about, seconds since 1970.
        end: of that time.
        language: "en" or "de"; "": the station's own.
        style: the style sheet itself, for a page that lies alone.
        local: what a clock on the wall shows; None: this machine's.
    """
    labels, at = file.ward.labels, local or (lambda when: datetime.fromtimestamp(when).astimezone())
    told = figures(
        ledger.alerts(begin - _DAY_S),  # A fault that began before is still the cause of what was within.
        ledger.spans(begin),
        rooms=list(labels),
        begin=begin,
        end=end,
        local=at,
    )
    return Sheet(
        told,
        ward=file.ward.label or file.ward.name,
        labels=labels,
        language=Language(language) if language else file.ward.language,
        local=at,
        style=style,
    ).html()
