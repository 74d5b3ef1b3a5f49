"""The owner's pause: a file beside the sockets that makes the ear close the microphone, and when it goes again.

The ear sees nothing of it but whether the file is there: a switch, which is all that ever flows back to it. Only the
voice's user (and root) may make files in that folder. The file holds when the pause began and ends, so that a voice
that is started anew ends it in time; a run of the machine that is over takes its pause with it.

A pause must never become endless: it lasts `PAUSE_MAX_S` at most, prolonging included; a file that somebody made by
hand is taken for a pause from now on; and should no voice be left to remove it, the ear opens the microphone by itself
after that time (`monitord.audio.loop`).
"""

from __future__ import annotations

import contextlib
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitord.config import PAUSE_MAX_S

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

SHORTEST_S = 60.0
_SIZE_MAX = 1000


class PauseError(Exception):
    """The microphone cannot be closed, or not for so long; the text says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause; seconds since the machine started."""

    began: float
    until: float


class Switch:
    """The file.

    Args:
        path: of the file.
        boot: which run of the machine this is.
        now: seconds since the machine started.
    """

    def __init__(self, path: Path, boot: str, now: float) -> None:
        self._path, self._boot = path, boot
        self._stuck = False
        self.pause: Pause | None = None
        if path.exists():
            self.pause = self._read(now) or self._adopt(now)

    def begin(self, seconds: float, now: float) -> Pause:
        """Close the microphone, or keep it closed, until `seconds` from now.

        Raises:
            PauseError: for too short or too long, or the file cannot be written.
        """
        began = now if self.pause is None else self.pause.began
        if not seconds >= SHORTEST_S:
            raise PauseError("a pause lasts a minute at least")
        if now + seconds > began + PAUSE_MAX_S + 1.0:
            left = max(0, int((began + PAUSE_MAX_S - now) // 60))
            already = "" if self.pause is None else f"; this one can go on for {left} more minutes"
            raise PauseError(f"a pause lasts {PAUSE_MAX_S / 3600:g} hours at most{already}")
        pause = Pause(began, min(now + seconds, began + PAUSE_MAX_S))
        self._write(pause)
        self.pause, self._stuck = pause, False
        return pause

    def end(self) -> None:
        """Let the microphone be opened again.

        Raises:
            PauseError: the file cannot be removed.
        """
        self.pause = None
        try:
            self._path.unlink(missing_ok=True)
        except OSError as cause:
            self._stuck = True
            raise PauseError(
                f"{self._path} cannot be removed ({cause.strerror}); whoever made it must remove it by hand"
            ) from None
        self._stuck = False

    def over(self, now: float) -> bool:
        """Look after it; whether a pause has ended by itself just now.

        Raises:
            PauseError: it should have ended, and the file cannot be removed.
        """
        if self.pause is not None and now >= self.pause.until:
            self.end()
            return True
        there = self._path.exists()
        if not there:
            self.pause, self._stuck = None, False  # Somebody removed it by hand, and so need not be reminded.
        elif self.pause is None and not self._stuck:
            self.pause = self._adopt(now)
        return False

    def _read(self, now: float) -> Pause | None:
        """What an earlier life of the voice wrote; None: it was somebody else, or in another run of the machine."""
        try:
            with self._path.open("rb") as file:
                found = json.loads(file.read(_SIZE_MAX))
            boot, pause = found["boot"], Pause(float(found["began"]), float(found["until"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if boot == self._boot and pause.began <= now and pause.until <= pause.began + PAUSE_MAX_S:
            return pause
        with contextlib.suppress(PauseError):
            self.end()
        return Pause(now, now) if self._stuck else None

    def _adopt(self, now: float) -> Pause | None:
        if not self._path.exists():
            return None
        log.warning("%s was made by hand; taken for a pause of %g hours from now", self._path, PAUSE_MAX_S / 3600)
        pause = Pause(now, now + PAUSE_MAX_S)
        with contextlib.suppress(PauseError):  # Then it is remembered by this life of the voice only.
            self._write(pause)
        return pause

    def _write(self, pause: Pause) -> None:
        text = json.dumps({"boot": self._boot, "began": pause.began, "until": pause.until})
        beside = self._path.with_name(f"{self._path.name}.new")
        try:
            beside.write_text(f"{text}\n", "ascii")
            beside.replace(self._path)  # Whole or not at all, and the switch is never gone in between.
        except OSError as cause:
            raise PauseError(f"{self._path}: the microphone cannot be closed: {cause.strerror}") from None
