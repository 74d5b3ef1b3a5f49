"""Alerts as a signed request to an address in the house, by Standard Webhooks 1.0.0 (standardwebhooks.com).

The message's id is the same in every attempt, the time is that of the attempt, the signature is HMAC-SHA256 over both
and the body. It has arrived when the receiver answers 2xx; it is not sent elsewhere by a redirect.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

from monitord.config.channels import webhook_key
from monitord.notify.clock import Clock
from monitord.notify.secret import SecretError, reveal
from monitord.notify.sinks import wording
from monitord.notify.sinks.http import HttpSink, as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitord.config import Language, WebhookConfig
    from monitord.notify.dial import Resolver
    from monitord.notify.sinks import Notice


class WebhookSink(HttpSink):
    """One address. `clock`: None is the system's."""

    proof = "the receiver answers 2xx"

    def __init__(
        self,
        name: str,
        config: WebhookConfig,
        language: Language,
        resolver: Resolver | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(name, config.url, cgnat=config.cgnat, ca_file=config.ca_file, resolver=resolver)
        self._config, self._language, self._clock = config, language, clock or Clock()

    def message(self, notice: Notice) -> tuple[str, Mapping[str, str], bytes]:
        """See `HttpSink.message`."""
        try:
            key = webhook_key(reveal(self._config.secret, self._config.secret_file))
        except ValueError as cause:
            raise SecretError(f"{self._config.secret_file or 'secret'}: {cause}") from None
        now, each = self._clock.wall(), notice.incident
        happened = self._clock.to_utc(each.opened_at if each.alerted_at is None else each.alerted_at)
        content = {
            "type": f"monitord.{notice.reason.value}",
            "timestamp": happened,
            "data": wording.content(notice, self._language),
        }
        body = as_json(content)
        number = f"msg_{notice.key}"
        headers = {
            "Content-Type": "application/json",
            "webhook-id": number,
            "webhook-timestamp": str(int(now)),
            "webhook-signature": signature(key, number, int(now), body),
        }
        return self.url, headers, body

    async def trouble(self) -> str:
        """Nothing is asked for: an address that takes messages need not answer questions."""
        return ""


def signature(key: bytes, number: str, seconds: int, body: bytes) -> str:
    """The signature of a message: its id, the time of the attempt and its body."""
    signed = hmac.new(key, f"{number}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode('ascii')}"
