"""Where sound comes from: the protocol of a source, what can go wrong with one, and a scripted one for tests."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitord.audio.features import Samples
    from monitord.events import Fault


class MicrophoneError(Exception):
    """A source gives no sound (any more). The text is one sentence for the log.

    Attributes:
        fault: what the voice is told.
    """

    def __init__(self, fault: Fault, text: str) -> None:
        super().__init__(text)
        self.fault = fault


class Source(Protocol):
    """A stream of sound, 16 kHz, mono, int16. Sound is waited for in `read` only; any thread may `wake` it.

    Attributes:
        silence_is_fault: whether lasting digital silence means that something is wrong with it.
        overruns: how often sound was lost because nobody fetched it in time.
    """

    silence_is_fault: bool
    overruns: int

    def read(self, timeout_s: float) -> Samples | None:
        """The next block; None if it did not come within `timeout_s`, or `wake` was called.

        Raises:
            MicrophoneError: there will be no more.
        """
        ...

    def wake(self) -> None:
        """Make a `read` that waits return; callable from a signal handler."""
        ...

    def close(self) -> bool:
        """Close the device, within a block and a little; False where the sound system hangs and keeps it."""
        ...


class FakeSource:
    """Behaves like a microphone that delivers a script: blocks, None (nothing in time) and errors, all at once.

    After the script's end nothing comes in time any more.
    """

    silence_is_fault = True

    def __init__(self, script: Iterable[Samples | MicrophoneError | None]) -> None:
        self._script = deque(script)
        self.overruns = 0
        self.closed = False

    def read(self, timeout_s: float) -> Samples | None:  # noqa: ARG002 - a script does not wait
        """The next item of the script; an error is raised, not returned."""
        item = self._script.popleft() if self._script else None
        if isinstance(item, MicrophoneError):
            raise item
        return item

    def wake(self) -> None:
        """Nothing waits here."""

    def close(self) -> bool:
        """Note that it was closed."""
        self.closed = True
        return True
