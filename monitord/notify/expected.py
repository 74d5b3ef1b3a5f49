"""The window of a self-test: for how long a cry that is heard is taken for the one that the self-test plays. Pure.

Nothing flows back to the ear, so it cannot know of a test: it hears a cry, and says so. The voice was asked for the
test, so it knows when to expect the sound, and marks the incident that begins then. That is the one place in monitord
where a cry is taken for less than a cry, so it is bounded on every side:

- A window is short (`WINDOW_MAX_S`), ends by itself, and another can be had only `AGAIN_S` after its end. It is in
  memory: a voice that starts anew expects nothing.
- It is refused while a real cry goes on or waits for somebody.
- Only a cry is taken for the test. Help, alarms and the owner's words are what they always are.
- A cry that began before the window is a real one, and so is each that is heard after its end.
- One that was heard in the window and goes on beyond it (`LATE_S`) is a real one too: an incident of its own begins, at
  once, whatever became of the test's. `monitord.notify.triage` knows by the sound being told again, by its end coming
  later than it should, by its end not coming, and by the ear losing its microphone meanwhile: what nobody can tell
  from a cry is one.

What remains: a child that cries for the first time after the window has begun, and is quiet again before it has ended,
cannot be told from the sound that is played.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from monitord.events import SOUND_END_AFTER_S

WINDOW_MAX_S = 30.0
AGAIN_S = 30.0
HEARD_S = 8.0
"""Once the sound was heard the window is open no longer than that: a person who makes it has time to stop."""
LATE_S = 3.0
"""The sound may still be heard for so long after the window: its echo, and what the detector averages over."""


class WindowError(Exception):
    """No test now, or not for so long; the text says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Window:
    """When the sound is expected; seconds, monotonic.

    Attributes:
        begin: from when.
        until: until when.
        quiet: whether nobody is to be rung by it: the nightly test.
        incident: number of the incident that the sound has begun; None: it was not heard.
    """

    begin: float
    until: float
    quiet: bool = False
    incident: int | None = None

    def covers(self, at: float) -> bool:
        """Whether a cry that was told at `at` is the expected one."""
        return self.begin <= at <= self.until

    def heard(self, at: float, incident: int) -> Window:
        """The window after the sound was heard at `at` for the first time."""
        return replace(self, until=min(self.until, at + HEARD_S), incident=incident)


def expect(last: Window | None, now: float, seconds: float, *, quiet: bool, busy: bool, tested: bool = False) -> Window:
    """A new window.

    Args:
        last: the one before.
        now: seconds, monotonic.
        seconds: how long it is to be.
        quiet: as of `Window`.
        busy: whether a cry goes on, or waits for somebody.
        tested: whether the incident of the test before is not over.

    Raises:
        WindowError: not now, or not so long.
    """
    if not 1.0 <= seconds <= WINDOW_MAX_S:
        raise WindowError(f"a self-test expects its sound for 1 to {WINDOW_MAX_S:g} seconds")
    if busy:
        raise WindowError("a cry goes on or waits for somebody; there is no self-test before that is over")
    if tested:
        raise WindowError("the last self-test is not over; try again in a minute")
    if last is not None and now < last.until + AGAIN_S:
        wait_s = int(last.until + AGAIN_S - now) + 1
        raise WindowError(f"the last self-test was a moment ago; try again in {wait_s} s")
    return Window(now, now + seconds, quiet)


def over_by(test_until: float) -> float:
    """By when SOUND_END must have come, if nothing was heard after `test_until`."""
    return test_until + LATE_S + SOUND_END_AFTER_S
