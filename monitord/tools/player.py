"""The process that plays the cry of the self-test (`monitord.audio.speak`), as the one that starts it knows it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from typing import IO, TYPE_CHECKING, Any, Self, cast

from monitord import service

if TYPE_CHECKING:
    from types import TracebackType

PATIENCE_S = 20.0
"""For the speaker to open, and, after the sound should have ended, for it to be over."""
_END_S = 1.0


class PlayerError(Exception):
    """The speaker cannot be used; the text says why in one sentence."""


class Player:
    """An open speaker; the process has ended when the context is left, however it is left.

    Args:
        device: as `selftest.speaker`.
        level_dbfs: how loud.
    """

    def __init__(self, device: str, level_dbfs: float) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "monitord", "speak", device, str(level_dbfs)],
            bufsize=0,  # So that whoever waits for the pipe waits for all there is.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # ALSA complains there of what nobody asked for; what matters is said in words.
            env={**os.environ, service.SUPERVISOR_PID: str(os.getpid()), "OPENBLAS_NUM_THREADS": "1"},
        )
        self._orders = cast("IO[bytes]", self._process.stdin)
        self._words = cast("IO[bytes]", self._process.stdout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, cause: BaseException | None, at: TracebackType | None) -> None:
        with self._words:
            self._orders.close()  # A player that waits for the word ends by that.
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def open(self) -> str:
        """Wait until the speaker is open; returns its name.

        Raises:
            PlayerError: it does not open.
        """
        return str(self._word("open", "the speaker does not open"))

    def play(self) -> None:
        """Begin to play.

        Raises:
            PlayerError: the process is gone.
        """
        try:
            self._orders.write(b"play\n")
            self._orders.flush()
        except OSError:
            raise PlayerError("the process that plays has ended by itself") from None

    def played(self) -> None:
        """Wait until all of it is played.

        Raises:
            PlayerError: the speaker did not take it.
        """
        self._word("played_s", "the speaker did not take the sound")

    def _word(self, name: str, otherwise: str) -> Any:
        ready, _, _ = select.select([self._words], [], [], PATIENCE_S)
        try:
            said = json.loads(self._words.readline()) if ready else {}
        except ValueError:
            said = {}
        if not isinstance(said, dict):
            said = {}
        if name not in said:
            raise PlayerError(str(said.get("error", otherwise)))
        return said[name]
