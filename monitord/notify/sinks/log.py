"""The alert as one line of the system's log: where a machine without any screen still tells."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from monitord.notify import texts

if TYPE_CHECKING:
    from monitord.notify.sinks import Notice

log = logging.getLogger(__name__)


class LogSink:
    """Writes one line to the log."""

    name = "log"
    confirms = True
    proof = "written to the log"

    async def send(self, notice: Notice) -> None:
        """Write the line; it has arrived as soon as it is written."""
        each = notice.incident
        what = f"{texts.text(each.subject)} {texts.camera(each.seen)}".strip()
        log.warning("alert %d (%s) %s: %s", each.id, each.urgency.value, each.room, what)
