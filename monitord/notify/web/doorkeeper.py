"""The keeper of the door: pairs phones, knows them again, and turns away who guesses."""

from __future__ import annotations

import hmac
import logging
import secrets
import string
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitord.notify.web import access
from monitord.notify.web.access import AccessError, Role, Session, Use
from monitord.notify.web.limits import Guesses

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitord.notify.web.accessfile import AccessFile

log = logging.getLogger(__name__)

OWN = "own"
"""Id of the session of who owns this process."""
_TOKEN_BYTES = 32
_NTFY_ALPHABET = string.ascii_lowercase + string.digits
_NTFY_LENGTH = 29
"""ntfy's tokens are "tk_" and 29 of these (https://docs.ntfy.sh/config/#access-tokens): 149 bits."""


class GuessError(Exception):
    """A code was wrong; the text says what to do in one sentence."""


class LockedError(Exception):
    """A peer has guessed too often.

    Attributes:
        retry_s: seconds until it may try again.
    """

    def __init__(self, retry_s: float) -> None:
        super().__init__(f"too many wrong codes came from here; wait {retry_s / 60:.0f} minutes, or scan the QR code")
        self.retry_s = retry_s


@dataclass(frozen=True, slots=True)
class Admitted:
    """A new session, and the one time that its token is to be had."""

    session: Session
    token: str


class Doorkeeper:
    """Answers for the access file.

    Args:
        file: the access file.
        days: how long a session lasts that nobody uses.
        wall: seconds since 1970.
        monotonic: seconds on the monotonic clock.
    """

    def __init__(
        self,
        file: AccessFile,
        days: int,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file, self._days = file, days
        self._wall, self._monotonic = wall, monotonic
        self._guesses = Guesses()
        self.own = secrets.token_urlsafe(_TOKEN_BYTES)
        """What `monitord status` and `ack` show where this machine is not trusted either."""

    def session(self, token: str) -> Session | None:
        """The session whose token this is; one that is used is prolonged once a day.

        Raises:
            AccessError: the access file cannot be read.
        """
        now = self._wall()
        if hmac.compare_digest(token.encode("utf-8", "surrogateescape"), self.own.encode()):
            return Session(OWN, "", Role.ACKNOWLEDGE, Use.PAGE, "", now, now)
        found = access.find(self._file.read(), token, now, self._days)
        if found is not None and abs(now - found.used_at) >= access.RENEW_S:
            try:
                self._file.change(lambda held: access.tidy(access.renew(held, found, now), now, self._days))
            except AccessError as cause:  # A full disk: let in all the same.
                log.warning("%s", cause)
        return found

    def may_acknowledge(self, token: str, incident: int) -> Session | None:
        """The session that a notification's own token speaks for, if it is for `incident`.

        Raises:
            AccessError: the access file cannot be read.
        """
        return access.signed(self._file.read(), token, incident, self._wall(), self._days)

    def button(self, session: Session, incident: int) -> str:
        """The token of a notification's button: `session` acknowledges `incident`."""
        return access.sign(self._file.read(), session, incident)

    def holds(self, session: Session) -> bool:
        """Whether `session` is still paired."""
        if session.id == OWN:
            return True
        try:
            held = self._file.read()
        except AccessError:
            return False
        return any(each.id == session.id and access.is_valid(each, self._wall(), self._days) for each in held.sessions)

    def pair(self, code: str, name: str, peer: str) -> Admitted:
        """Present a code.

        Args:
            code: as typed or scanned.
            name: as the phone calls itself; "" where it says none.
            peer: see `monitord.notify.web.limits.peer_key`.

        Raises:
            LockedError: `peer` has guessed too often, and this is no QR code.
            GuessError: the code is wrong, or has expired.
            AccessError: the name is none, too many are paired, or the access file cannot be used.
        """
        typed = "".join(code.split()).replace("-", "").isdecimal()
        locked_s = self._guesses.locked_s(peer, self._monotonic())
        if typed and locked_s:
            raise LockedError(locked_s)
        admitted: list[Admitted] = []

        def present(held: access.Access) -> access.Access:
            now = self._wall()
            after, right = access.redeem(access.tidy(held, now, self._days), code, now)
            if right is None:
                return after
            token = secrets.token_urlsafe(_TOKEN_BYTES)
            wanted = access.clean_name(right.name or name or "phone")
            new = Session(secrets.token_hex(4), wanted, right.role, Use.PAGE, access.hashed(token), now, now)
            after = access.admit(after, new)
            admitted.append(Admitted(after.sessions[-1], token))
            return after

        self._file.change(present)
        if not admitted:
            self._guesses.wrong(peer, self._monotonic())
            log.warning("pairing: a wrong code came from %s", peer)
            raise GuessError("this code is wrong or has expired; run `monitord pair` on the device for a new one")
        self._guesses.right(peer)
        log.info("pairing: %s may now %s", admitted[0].session.name, admitted[0].session.role)
        return admitted[0]

    def for_ntfy(self, name: str, role: Role, parent: Session | None) -> Admitted:
        """A session for an ntfy app, asked for by the phone `parent`, or by this machine.

        Raises:
            AccessError: see `pair`.
        """
        asked = "" if parent is None or parent.id == OWN else parent.id
        return admit_ntfy(self._file, name, role, self._wall(), self._days, parent=asked)

    def logout(self, session: Session) -> None:
        """Forget `session`.

        Raises:
            AccessError: the access file cannot be used.
        """
        self._file.change(lambda held: access.remove(held, session.id)[0])


def admit_ntfy(file: AccessFile, name: str, role: Role, now: float, days: int, *, parent: str = "") -> Admitted:
    """A session for an ntfy app, made at the device or by a phone that is paired.

    Raises:
        AccessError: see `Doorkeeper.pair`.
    """
    token = "tk_" + "".join(secrets.choice(_NTFY_ALPHABET) for _ in range(_NTFY_LENGTH))
    wanted = access.clean_name(name)
    new = Session(secrets.token_hex(4), wanted, role, Use.NTFY, access.hashed(token), now, now, parent)
    file.change(lambda held: access.admit(access.tidy(held, now, days), new))
    return Admitted(new, token)
