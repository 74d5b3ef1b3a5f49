"""Frame <-> 8 bytes, and the rate bound of the channel.

Layout, big-endian::

    byte 0   version (high nibble) and kind (low nibble)
    byte 1   label
    byte 2   score, percent, 0..100
    byte 3   role (bit 7) and level in dB below full scale (bits 0-6)
    byte 4-5 sequence number
    byte 6   age in seconds
    byte 7   boot

Why 8 bytes at one frame per 2 s: 32 bit/s is less than the information in human speech (about 39 bit/s in each of
17 languages: Coupe, Oh, Dediu, Pellegrino, Science Advances 5(9), 2019). The receiver enforces it with ``TokenBucket``,
one for all senders together.
"""

from __future__ import annotations

from struct import Struct

from monitord.events import LABELS, LEVEL_MAX, SCORE_MAX, SPEAKS, Frame, Kind, Message, Role

VERSION = 1
FRAME_BYTES = 8
RATE_PER_S = 0.5
BURST = 16

_LAYOUT = Struct(">BBBBHBB")
_BYTE_MAX = 0xFF
_SEQUENCE_MAX = 0xFFFF


class WireError(ValueError):
    """A frame that must not be sent, or that was refused on arrival; the text says which field and why."""


def encode(frame: Frame) -> bytes:
    """Return the 8 bytes of `frame`.

    Raises:
        WireError: a field is out of its range, or the role may not send this kind.
    """
    message = frame.message
    _check(message, frame.role)
    for name, value, top in (
        ("sequence", frame.sequence, _SEQUENCE_MAX),
        ("age", frame.age_s, _BYTE_MAX),
        ("boot", frame.boot, _BYTE_MAX),
    ):
        if not 0 <= value <= top:
            raise WireError(f"{name} {value} is outside 0..{top}")
    return _LAYOUT.pack(
        VERSION << 4 | message.kind,
        message.label.value,
        message.score,
        frame.role << 7 | message.level,
        frame.sequence,
        frame.age_s,
        frame.boot,
    )


def decode(data: bytes) -> Frame:
    """Return the frame that `data` holds.

    Raises:
        WireError: wrong length or version, unknown kind or label, a value out of range, or a kind that this role may
            not send.
    """
    if len(data) != FRAME_BYTES:
        raise WireError(f"{len(data)} bytes, a frame has {FRAME_BYTES}")
    head, label_code, score, role_level, sequence, age_s, boot = _LAYOUT.unpack(data)
    if head >> 4 != VERSION:
        raise WireError(f"version {head >> 4}, this is version {VERSION}")
    try:
        kind = Kind(head & 0x0F)
        label = LABELS[kind](label_code)
    except ValueError as unknown:
        raise WireError(str(unknown)) from None
    role = Role(role_level >> 7)
    message = Message(kind, label, score, role_level & LEVEL_MAX)
    _check(message, role)
    return Frame(message, role, boot, sequence, age_s)


def _check(message: Message, role: Role) -> None:
    if message.kind not in SPEAKS[role]:
        raise WireError(f"{role.name} may not send {message.kind.name}")
    if not isinstance(message.label, LABELS[message.kind]):
        raise WireError(f"{message.label!r} is no label of {message.kind.name}")
    if not 0 <= message.score <= SCORE_MAX:
        raise WireError(f"score {message.score} is outside 0..{SCORE_MAX}")
    if not 0 <= message.level <= LEVEL_MAX:
        raise WireError(f"level {message.level} is outside 0..{LEVEL_MAX}")


class TokenBucket:
    """The rate bound: `rate` frames a second sustained, `burst` at once. Pure: the caller brings the time.

    Over any span of t seconds it admits at most ``burst + rate * t`` frames of cost 1.
    """

    def __init__(self, rate: float = RATE_PER_S, burst: int = BURST) -> None:
        self.rate = rate
        self.burst = burst
        self._tokens = float(burst)
        self._then: float | None = None

    def admit(self, now: float, cost: int = 1) -> bool:
        """Whether a frame may pass at `now` (seconds, monotonic); takes `cost` tokens if so."""
        if self._then is not None and now > self._then:
            self._tokens = min(float(self.burst), self._tokens + (now - self._then) * self.rate)
        self._then = now if self._then is None else max(now, self._then)
        if self._tokens < cost:
            return False
        self._tokens -= cost
        return True
