"""What the channels that post an alert to a server in the house have in common.

Such a server is asked every 50 s whether it is there, so that the owner learns of a phone that cannot be reached
before an alert has to.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from monitord.lan import LanError
from monitord.notify.dial import Answer, AnswerError, request
from monitord.notify.secret import SecretError
from monitord.notify.sinks import SinkError
from monitord.notify.tls import TlsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitord.notify.dial import Resolver
    from monitord.notify.sinks import House, Notice

PROBE_S = 50.0
"""Seconds between two questions whether the server is there; with the wait for its answer, less than a minute."""
PROBE_TIMEOUT_S = 5.0
SEND_TIMEOUT_S = 8.0


class HttpSink:
    """One server. A kind of channel says what it posts (`message`) and what counts as arrived (`arrived`).

    Args:
        name: of the channel.
        url: of the server.
        cgnat: whether 100.64.0.0/10 counts as inside the house.
        ca_file: who signed the server's certificate; "": whom the system trusts.
        resolver: what asks for the addresses; None: the system.
    """

    confirms = True
    proof = "the server answers 2xx"
    follows = True
    health = "/"
    """Path that says whether the server is there."""

    def __init__(
        self, name: str, url: str, *, cgnat: bool = False, ca_file: str = "", resolver: Resolver | None = None
    ) -> None:
        self.name, self.url = name, url
        self._cgnat, self._ca_file, self._resolver = cgnat, ca_file, resolver

    def message(self, notice: Notice) -> tuple[str, Mapping[str, str], bytes]:
        """URL, headers and body of the request for `notice`.

        Raises:
            SecretError: a secret cannot be read.
        """
        raise NotImplementedError

    def arrived(self, answer: Answer) -> bool:
        """Whether the answer means that the server has the alert."""
        return answer.status in range(200, 300)

    async def send(self, notice: Notice) -> None:
        """Post the alert.

        Raises:
            SinkError: the server has not taken it.
        """
        try:
            url, headers, body = self.message(notice)
            answer = await self._ask("POST", url, headers, body, SEND_TIMEOUT_S)
        except (LanError, TlsError, AnswerError, SecretError) as cause:
            raise SinkError(str(cause)) from None
        if not self.arrived(answer):
            raise SinkError(refusal(answer))

    async def run(self, house: House) -> None:
        """Ask every `PROBE_S` whether the server is there; the first time at once."""
        while True:
            house.channel(self.name, await self.trouble())
            await asyncio.sleep(PROBE_S)

    async def trouble(self) -> str:
        """Why no alert would arrive now, as far as can be told without one; "": nothing is known against it."""
        try:
            answer = await self._ask("GET", self.url + self.health, {}, b"", PROBE_TIMEOUT_S)
        except (LanError, TlsError, AnswerError) as cause:
            return str(cause)
        return f"the server is not well: it answers {answer.status}" if answer.status >= 500 else ""  # noqa: PLR2004

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Answer:
        return await request(
            method,
            url,
            headers=headers,
            body=body,
            cgnat=self._cgnat,
            ca_file=self._ca_file,
            timeout_s=timeout_s,
            resolver=self._resolver,
        )


def as_json(content: Mapping[str, Any]) -> bytes:
    """`content` as the body of a request."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def refusal(answer: Answer) -> str:  # noqa: PLR0911 - one return for each kind of answer
    """Why the server did not take an alert, in one sentence."""
    match answer.status:
        case 401 | 403:
            return "the server refuses the token or the password"
        case 404 | 405:
            return "there is no such address on the server; is the url right?"
        case 410:
            return "the server says that this address is no longer in use"
        case 413:
            return "the server says that the message is too large"
        case 429:
            return "the server says that it gets too many messages"
        case status if status in range(300, 400):
            return "the server sends us to another address; that is not followed, write the new one into url"
        case status if status >= 500:  # noqa: PLR2004 - HTTP's classes
            return f"the server is not well: it answers {status}"
    return f"the server answers {answer.status}, which is not what this kind of server answers"
