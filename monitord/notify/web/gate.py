"""Who may ask: the checks that every request goes through before its handler sees it.

1. the peer lies inside the house (`monitord.lan`), the Host header names this machine (DNS rebinding), and no page
   of another origin asks;
2. not more often than a page would;
3. the role that the route needs: by the session's cookie, by a token in the Authorization header, or because the
   request comes from this machine itself and the owner trusts it (`[page] pairing = "lan"`, the default).

A request that a proxy has passed on (Forwarded, X-Forwarded-For, Via) does not come from this machine, whatever its
address says.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import logging
import socket
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from monitord.lan import is_local, is_our_host, is_our_origin
from monitord.notify.database import JournalError
from monitord.notify.web.access import AccessError, BadNameError, FullError, Role, Session
from monitord.notify.web.answers import NotNowError, error_answer
from monitord.notify.web.doors import Doorway
from monitord.notify.web.limits import Rate, peer_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from monitord.notify.web.doorkeeper import Doorkeeper

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)

_PROXIED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
COOKIE = "monitord"
SECURE_COOKIE = "__Host-monitord"
"""Under TLS: a browser takes it from this host alone (RFC 6265bis, section 4.1.3.2)."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks.

    Attributes:
        role: what they may do; None: nothing yet.
        session: as which they are paired; None: not paired.
    """

    role: Role | None
    session: Session | None = None

    @property
    def name(self) -> str:
        """What they are called; "" where nobody has said."""
        return "" if self.session is None else self.session.name


class BadInputError(Exception):
    """A request says what it must not; the text is one sentence."""


class BadTokenError(Exception):
    """A token was presented, and it is nobody's."""


VISITOR: ContextVar[Visitor] = ContextVar("visitor")
"""Who asks, for the handler that has been let on."""

_STATUS: dict[type[Exception], int] = {
    BadInputError: 400,
    BadNameError: 400,
    TimeoutError: 408,
    FullError: 409,
    NotNowError: 409,
    AccessError: 503,
    JournalError: 503,
}
"""What a handler may raise, the first that fits, and the status of the answer."""


class Gate:
    """The checks.

    Args:
        doorkeeper: who knows the paired phones.
        names: names of this machine, small letters.
        scheme: "http" or "https".
        trust_here: whether this machine's own requests need no pairing.
        cgnat: whether 100.64.0.0/10 counts as inside the house.
    """

    def __init__(
        self,
        doorkeeper: Doorkeeper,
        names: frozenset[str],
        *,
        scheme: str = "http",
        trust_here: bool = True,
        cgnat: bool = False,
    ) -> None:
        self.doorkeeper = doorkeeper
        self.scheme = scheme
        self.port = 0
        self._names, self._trust_here, self._cgnat = names, trust_here, cgnat
        self._rate = Rate()

    @property
    def cookie(self) -> str:
        """Name of the session's cookie."""
        return SECURE_COOKIE if self.scheme == "https" else COOKIE

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Everything that is refused, and everything that goes wrong, as one sentence of JSON."""
        door = None if request.transport is None else request.transport.get_protocol()
        if not isinstance(door, Doorway):
            return await self._guarded(request, handler)
        door.began()
        try:
            return await self._guarded(request, handler)
        finally:
            door.finished()

    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        refusal = self._refusal(request)
        if refusal is not None:
            return error_answer(403, refusal)
        if not _is_from_here(request):
            wait_s = self._rate.take(peer_key(request.remote or ""), time.monotonic())
            if wait_s:
                return error_answer(429, "too many requests; wait a moment", retry_s=wait_s)
        try:
            return await handler(request)
        except web.HTTPException as error:
            return error_answer(error.status, error.reason)
        except tuple(_STATUS) as cause:
            status = next(status for kind, status in _STATUS.items() if isinstance(cause, kind))
            return error_answer(status, str(cause) or "the request did not come to its end in time")
        except Exception:
            log.exception("a mistake of monitord's own: %s %s", request.method, request.path)
            return error_answer(500, "monitord made a mistake; its log says which")

    def only(self, needs: Role, handler: Handler) -> Handler:
        """`handler` for those who may do what `needs` says."""

        async def checked(request: web.Request) -> web.StreamResponse:
            try:
                visitor = self.visitor(request)
            except BadTokenError:
                return error_answer(401, "this token is not valid here; pair again with: monitord pair")
            if visitor.role is None:
                return error_answer(401, "this phone is not paired; run `monitord pair` on the device")
            if not visitor.role.allows(needs):
                return error_answer(403, "this phone may watch and not change anything")
            VISITOR.set(visitor)
            return await handler(request)

        return checked

    def visitor(self, request: web.Request) -> Visitor:
        """Who asks.

        Raises:
            BadTokenError: a token was presented, and it is nobody's.
            AccessError: the access file cannot be read.
        """
        presented = request.headers.get("Authorization")
        if presented is None and not request.path.startswith("/api/"):
            presented = _in_query(request.query.get("auth"))
        if presented is not None:
            known = self._by_token(request, token_of(presented))
            return Visitor(known.role, known)
        cookie = request.cookies.get(self.cookie)
        session = self.doorkeeper.session(cookie) if cookie else None
        if session is not None:
            return Visitor(session.role, session)
        return Visitor(Role.ACKNOWLEDGE if self.is_here(request) else None)

    def is_here(self, request: web.Request) -> bool:
        """Whether the request comes from this machine, and the owner trusts it."""
        return self._trust_here and _is_from_here(request)

    def _by_token(self, request: web.Request, token: str | None) -> Session:
        session: Session | None = None if not token else self.doorkeeper.session(token)
        number = request.match_info.get("number", "")
        if session is None and token and request.path.endswith("/ack") and number.isascii() and number.isdecimal():
            session = self.doorkeeper.may_acknowledge(token, int(number[:15]))
        if session is None:
            raise BadTokenError
        return session

    def _refusal(self, request: web.Request) -> str | None:
        if not is_local(request.remote or "", cgnat=self._cgnat):
            return "only addresses inside the house are served"
        host = request.headers.get("Host", "")
        if not is_our_host(host, self._names, self.port, cgnat=self._cgnat, scheme=self.scheme):
            return "the Host header names another machine; use the address that monitord status shows"
        origin = request.headers.get("Origin")
        if origin is not None and not is_our_origin(origin, host, scheme=self.scheme):
            return "requests of other pages are refused"
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none") and (
            request.path.startswith("/api/")
        ):
            return "requests of other pages are refused"
        return None


def names_of_this_machine() -> frozenset[str]:
    """What a Host header may call this machine beside its addresses."""
    name = socket.gethostname().lower()
    return frozenset({"localhost", name, f"{name.partition('.')[0]}.local"})


def _is_from_here(request: web.Request) -> bool:
    if any(name in request.headers for name in _PROXIED):
        return False
    own = None if request.transport is None else request.transport.get_extra_info("sockname")
    return is_this_machine(request.remote or "", str(own[0]) if own else "")


def is_this_machine(remote: str, own: str) -> bool:
    """Whether a peer is this machine: loopback, or the very address it has asked.

    No other machine's packets come with an address of ours: the kernel drops them (Linux, ``fib_validate_source``).
    """
    try:
        peer = ipaddress.ip_address(remote)
    except ValueError:
        return False
    if isinstance(peer, ipaddress.IPv6Address) and peer.ipv4_mapped is not None:
        return peer.ipv4_mapped.is_loopback
    return peer.is_loopback or remote == own


def _in_query(text: str | None) -> str | None:
    """The Authorization header that ntfy's clients put into ``?auth=`` where they cannot send one: base64url of it."""
    if not text:
        return None
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""


def token_of(presented: str) -> str | None:
    """The token in an Authorization header: Bearer (RFC 6750), or the password of Basic (RFC 7617); None: neither."""
    scheme, _, rest = presented.strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return rest.strip()
        case "basic":
            try:
                user, _, password = base64.b64decode(rest.strip(), validate=True).decode("utf-8").partition(":")
            except (binascii.Error, ValueError):
                return None
            return password or user  # ntfy takes a token as the password of any user, the empty one included.
    return None
