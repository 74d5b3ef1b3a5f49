"""The level meter of `monitord doctor`: what the microphone delivers, as a bar in the terminal. Nothing is kept."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitord.audio.health import Figures, Health
from monitord.audio.source import MicrophoneError
from monitord.events import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitord.audio.source import Source

BLOCK_S = 0.1
FIRST_S = 12.0
"""Longer than a source takes to say that it hangs."""
_WIDTH, _LOW_DBFS = 50, -90.0


@dataclass(slots=True)
class Heard:
    """What the meter has seen.

    Attributes:
        levels: dBFS of each block; -inf where all its samples are the same.
        faults: what is wrong with them.
        trouble: why there is nothing more; "": nothing went wrong.
    """

    levels: list[float] = field(default_factory=list)
    faults: frozenset[Fault] = frozenset()
    trouble: str = ""


def bar(level_dbfs: float, top_dbfs: float) -> str:
    """One line: the level, the highest so far, and the figure."""
    at = [round(_WIDTH * min(1.0, max(0.0, 1.0 - each / _LOW_DBFS))) for each in (level_dbfs, top_dbfs)]
    cells = "".join("#" if cell < at[0] else "|" if cell == at[1] - 1 else " " for cell in range(_WIDTH))
    return f"[{cells}] {'silent' if math.isinf(level_dbfs) else f'{level_dbfs:6.1f} dBFS'}"


def listen(open_source: Callable[[], Source], seconds: float, *, show: bool, clock: Callable[[], float]) -> Heard:
    """Listen for `seconds`.

    Args:
        open_source: opens the microphone.
        seconds: how long, from the first block on.
        show: draw the bar, on stderr.
        clock: seconds, monotonic.
    """
    heard, health = Heard(), Health()
    end = clock() + FIRST_S
    try:
        source = open_source()
    except MicrophoneError as cause:
        heard.trouble = str(cause)
        return heard
    try:
        while clock() < end:
            block = source.read(0.5)
            if block is None or not len(block):
                continue
            if not heard.levels:
                end = clock() + seconds
            heard.levels.append(Figures(block).level_dbfs)
            heard.faults |= health.take(block)
            if show:
                print(f"\r      {bar(heard.levels[-1], max(heard.levels))}", end="", file=sys.stderr, flush=True)
    except MicrophoneError as cause:
        heard.trouble = str(cause)
    finally:
        source.close()
        if show and heard.levels:
            print(file=sys.stderr)
    return heard


def verdict(heard: Heard) -> tuple[bool, str]:
    """Whether that microphone would do, and one sentence that says it or what to do."""
    levels = [level for level in heard.levels if not math.isinf(level)]
    if heard.trouble or not heard.levels:
        return False, heard.trouble or "it opens, and no sound arrives; unplug it and plug it in again"
    if not levels:
        return False, "it delivers only silence; is it muted? `alsamixer` shows its capture switch (F4)"
    if Fault.MICROPHONE_CLIPS in heard.faults:
        return False, "it is overdriven; turn down its gain with `alsamixer` (F4)"
    if Fault.MICROPHONE_OFFSET in heard.faults:
        return False, "its signal is off centre; try another input or another microphone"
    quiet, top = sorted(levels)[len(levels) // 10], max(levels)
    return True, f"works: {quiet:.0f} dBFS when quiet, {top:.0f} dBFS at the loudest"


def monotonic() -> float:
    """The clock for `listen`."""
    return time.monotonic()
