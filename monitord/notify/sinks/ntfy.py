"""Alerts by an ntfy server in the house (docs.ntfy.sh, "Publish as JSON").

It has arrived when the server answers 200 with the message's id: the server has it. Whether a phone rings is between
the two; the app's own subscription to monitord (docs/channels.md) has no server between.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from monitord.notify.delivery import Reason
from monitord.notify.incident import Urgency
from monitord.notify.secret import reveal
from monitord.notify.sinks import wording
from monitord.notify.sinks.http import HttpSink, as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitord.config import Language, NtfyConfig
    from monitord.notify.dial import Answer, Resolver
    from monitord.notify.sinks import Notice

PRIORITY = {Urgency.HIGH: 5, Urgency.MEDIUM: 4, Urgency.FAULT: 4, Urgency.LOW: 3}
"""ntfy's priorities, 5 is the highest; the app gives each a sound of its own."""
QUIET = 2
TAGS = {
    Urgency.HIGH: "rotating_light",
    Urgency.MEDIUM: "warning",
    Urgency.LOW: "information_source",
    Urgency.FAULT: "wrench",
}
"""Short names that the app shows as pictures."""


class NtfySink(HttpSink):
    """One topic. `url` is that of the page, for the notification's click and button; "": none."""

    proof = "the server has it and gave it an id"
    health = "/v1/health"

    def __init__(
        self, name: str, config: NtfyConfig, language: Language, url: str = "", resolver: Resolver | None = None
    ) -> None:
        super().__init__(name, config.url, cgnat=config.cgnat, ca_file=config.ca_file, resolver=resolver)
        self._config, self._language, self._page = config, language, url

    def message(self, notice: Notice) -> tuple[str, Mapping[str, str], bytes]:
        """See `HttpSink.message`."""
        urgency = notice.urgency
        content: dict[str, Any] = {
            "topic": self._config.topic,
            "title": wording.title(notice),
            "message": wording.body(notice, self._language),
            "priority": QUIET if urgency is None else PRIORITY[urgency],
            "tags": [
                "test_tube" if notice.reason is Reason.TEST or notice.incident.test else TAGS[notice.incident.urgency],
                "monitord",
            ],
            # A later message of the same number takes the place of the earlier one, where the server knows this.
            "sequence_id": f"monitord-{notice.key}",
        }
        if self._page:
            content["click"] = self._page
            content["actions"] = [
                {"action": "view", "label": wording.OPEN[self._language], "url": self._page, "clear": True}
            ]
        return f"{self.url}/", self._headers(), as_json(content)

    def arrived(self, answer: Answer) -> bool:
        """The server gave the message an id."""
        return answer.status in range(200, 300) and isinstance(answer.content, dict) and "id" in answer.content

    def _headers(self) -> dict[str, str]:
        token = reveal(self._config.token, self._config.token_file)
        if token:
            return {"Authorization": f"Bearer {token}"}
        if self._config.username:
            password = reveal(self._config.password, self._config.password_file)
            pair = base64.b64encode(f"{self._config.username}:{password}".encode()).decode("ascii")
            return {"Authorization": f"Basic {pair}"}
        return {}
