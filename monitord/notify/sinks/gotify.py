"""Alerts by a Gotify server in the house (gotify.net, "Push messages" and "Message extras").

It has arrived when the server answers 200 with the message's id: the server has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monitord.notify.incident import Urgency
from monitord.notify.secret import reveal
from monitord.notify.sinks import wording
from monitord.notify.sinks.http import HttpSink, as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitord.config import GotifyConfig, Language
    from monitord.notify.dial import Answer, Resolver
    from monitord.notify.sinks import Notice

PRIORITY = {Urgency.HIGH: 10, Urgency.MEDIUM: 8, Urgency.FAULT: 8, Urgency.LOW: 5}
"""Gotify's priorities: its app for Android rings from 4 on, and comes to the front from 8 on."""
QUIET = 1


class GotifySink(HttpSink):
    """One application. `url` is that of the page, which a tap opens; "": none."""

    proof = "the server has it and gave it an id"
    health = "/health"

    def __init__(
        self,
        name: str,
        config: GotifyConfig,
        language: Language,
        url: str = "",
        resolver: Resolver | None = None,
    ) -> None:
        super().__init__(name, config.url, cgnat=config.cgnat, ca_file=config.ca_file, resolver=resolver)
        self._config, self._language, self._page = config, language, url

    def message(self, notice: Notice) -> tuple[str, Mapping[str, str], bytes]:
        """See `HttpSink.message`."""
        urgency = notice.urgency
        extras: dict[str, Any] = {"monitord::alert": wording.content(notice, self._language)}
        if self._page:
            extras["client::notification"] = {"click": {"url": self._page}}
        content = {
            "title": wording.title(notice),
            "message": wording.body(notice, self._language),
            "priority": QUIET if urgency is None else PRIORITY[urgency],
            "extras": extras,
        }
        token = reveal(self._config.token, self._config.token_file)
        return f"{self.url}/message", {"X-Gotify-Key": token, "Content-Type": "application/json"}, as_json(content)

    def arrived(self, answer: Answer) -> bool:
        """The server gave the message an id."""
        return answer.status in range(200, 300) and isinstance(answer.content, dict) and "id" in answer.content
