"""Who may do what at the page's address: roles, sessions, one-time codes. Pure: it takes `now` and random text.

Theory of operation. Somebody at the device runs `monitord pair`, which writes a one-time code (`Code`) to the access
file; a phone that presents it within CODE_S becomes a `Session` with a token of its own. A code has two spellings for
the same pairing: a long one for the QR code, and six digits for typing.

Odds. The six digits are drawn evenly from 10**6. A code is gone after GUESSES_MAX wrong guesses of anybody, so whoever
guesses from any number of addresses is right with probability GUESSES_MAX / 10**6 = 1 in 100,000 for each time that
the owner runs `monitord pair`; between those times there is nothing to guess. The long spelling and the tokens have
256 bits and need no such bound, so a stranger who spoils the digits does not spoil the QR code.

At rest there are only SHA-256 hashes. That keeps a token of 256 bits secret; it does not keep six digits secret from
who can read the file, and they are worthless after CODE_S.

Times are seconds since 1970 (UTC): they outlive the process. The clock of a Raspberry Pi may jump, so a code is not
good before it was made either.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from enum import StrEnum, unique

CODE_S = 300.0
"""Seconds that a one-time code is good for."""
DIGITS = 6
GUESSES_MAX = 10
"""Wrong guesses, of all addresses together, after which the digits of a code are void."""
NAME_MAX = 40
SESSIONS_MAX = 64
"""A house has fewer phones; so has a ward's monitor."""
RENEW_S = 24 * 3600.0
"""A session in use is prolonged this often at most: each time is a write to the card."""
_SKEW_S = 5.0
DAY_S = 24 * 3600.0


@unique
class Role(StrEnum):
    """What a session may do."""

    WATCH = "watch"
    ACKNOWLEDGE = "acknowledge"

    def allows(self, needed: Role) -> bool:
        """Whether this role is enough where `needed` is asked for."""
        return self is Role.ACKNOWLEDGE or needed is Role.WATCH


@unique
class Use(StrEnum):
    """What a session was made for."""

    PAGE = "page"
    NTFY = "ntfy"


@dataclass(frozen=True, slots=True)
class Session:
    """One paired phone, tablet or app.

    Attributes:
        id: short and public: in lists and for revoking.
        name: as the owner calls it, 1..40 printable characters.
        token: SHA-256 of its token, hexadecimal.
        made_at: when it was paired.
        used_at: when it was prolonged last.
        parent: id of the session that asked for it; it goes with that one. "": made at the device.
    """

    id: str
    name: str
    role: Role
    use: Use
    token: str
    made_at: float
    used_at: float
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """A pairing that waits for its phone.

    Attributes:
        digits: SHA-256 of the six digits; "" when they are void.
        long: SHA-256 of the long spelling.
        name: what the session will be called; "" leaves it to the phone.
        guesses: wrong ones while it was open.
    """

    digits: str
    long: str
    role: Role
    name: str
    made_at: float
    guesses: int = 0


@dataclass(frozen=True, slots=True)
class Access:
    """Everything in the access file.

    Attributes:
        key: 32 random bytes, hexadecimal; what the buttons of notifications are signed with.
    """

    key: str
    codes: tuple[Code, ...] = ()
    sessions: tuple[Session, ...] = ()


class AccessError(Exception):
    """It cannot be done; the text says why in one sentence."""


class BadNameError(AccessError):
    """A name that is none."""


class FullError(AccessError):
    """So many are paired that there is no room."""


def hashed(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def clean_name(text: object) -> str:
    """`text` as a name of a phone or a person.

    Raises:
        BadNameError: it is not 1..40 printable characters.
    """
    name = text.strip() if isinstance(text, str) else ""
    if not 0 < len(name) <= NAME_MAX or not name.isprintable():
        raise BadNameError(f"name: give 1 to {NAME_MAX} printable characters")
    return name


def open_code(access: Access, now: float, *, digits: str, long: str, role: Role, name: str) -> Access:
    """`access` with a new pairing; it replaces one that is still open, so that there is one code to guess at most."""
    return replace(access, codes=(Code(hashed(digits), hashed(long), role, name, now),))


def is_open(code: Code, now: float) -> bool:
    """Whether `code` may still be redeemed."""
    return code.made_at - _SKEW_S <= now <= code.made_at + CODE_S


def redeem(access: Access, presented: str, now: float) -> tuple[Access, Code | None]:
    """Present a code.

    Args:
        access: what is kept.
        now: seconds since 1970.
        presented: as typed or scanned; spaces and dashes between digits do not count.

    Returns:
        What is kept from now on (without the code, when it was right; with one guess less, when it was wrong), and the
        code that was right.
    """
    codes = tuple(code for code in access.codes if is_open(code, now))
    bare = "".join(presented.split()).replace("-", "")
    digits, long = hashed(bare), hashed(presented.strip())
    for code in codes:
        if hmac.compare_digest(code.long, long) or hmac.compare_digest(code.digits, digits):
            return replace(access, codes=tuple(other for other in codes if other is not code)), code
    return replace(access, codes=tuple(map(_guessed, codes))), None


def _guessed(code: Code) -> Code:
    guesses = code.guesses + 1
    return replace(code, guesses=guesses, digits=code.digits if guesses < GUESSES_MAX else "")


def admit(access: Access, session: Session) -> Access:
    """`access` with one more.

    Raises:
        FullError: SESSIONS_MAX are paired.
    """
    if len(access.sessions) >= SESSIONS_MAX:
        raise FullError(
            f"{SESSIONS_MAX} phones are paired, which is the most; remove one with: monitord pair --revoke NAME"
        )
    return replace(access, sessions=(*access.sessions, session))


def find(access: Access, token: str, now: float, days: int) -> Session | None:
    """The session whose token this is, unless it has expired: `days` after it was used last."""
    wanted = hashed(token)
    for session in access.sessions:
        if hmac.compare_digest(session.token, wanted):
            return session if is_valid(session, now, days) else None
    return None


def is_valid(session: Session, now: float, days: int) -> bool:
    """Whether `session` has not expired."""
    return now < session.used_at + days * DAY_S


def renew(access: Access, session: Session, now: float) -> Access:
    """`access` with `session` used now."""
    used = replace(session, used_at=now)
    return replace(access, sessions=tuple(used if each.id == session.id else each for each in access.sessions))


def remove(access: Access, wanted: str) -> tuple[Access, list[Session]]:
    """`access` without the sessions of that id or name and what they asked for, and those that went."""
    named = {each.id for each in access.sessions if wanted in (each.id, each.name)}
    gone = [each for each in access.sessions if named & {each.id, each.parent}]
    return replace(access, sessions=tuple(each for each in access.sessions if each not in gone)), gone


def tidy(access: Access, now: float, days: int) -> Access:
    """`access` without what has expired."""
    return replace(
        access,
        codes=tuple(code for code in access.codes if is_open(code, now)),
        sessions=tuple(each for each in access.sessions if is_valid(each, now, days)),
    )


def sign(access: Access, session: Session, incident: int) -> str:
    """A token that lets `session` acknowledge this one incident and do nothing else: what a notification's button has.

    It is good as long as the session is, and needs no room in the file.
    """
    mac = hmac.new(bytes.fromhex(access.key), f"ack:{session.id}:{incident}".encode(), hashlib.sha256).hexdigest()
    return f"ak_{session.id}_{incident}_{mac}"


def signed(access: Access, token: str, incident: int, now: float, days: int) -> Session | None:
    """The session that `token` lets acknowledge `incident`; None: it does not."""
    for session in access.sessions:
        if hmac.compare_digest(sign(access, session, incident).encode(), token.encode("utf-8", "surrogateescape")):
            return session if is_valid(session, now, days) and session.role is Role.ACKNOWLEDGE else None
    return None
