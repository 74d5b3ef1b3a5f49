"""Keeps what a soak knows out of the memory that it measures: its books are a file, and looks at them are elsewhere.

A list of all that was heard, and each look at the whole journal, would be the greater part of what grows in a day.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "notify"))

from chaos_house import Books

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass
class DayBooks(Books):
    """The house's books and the day's own.

    Attributes:
        heard: when each sound was said, and its frame, whether or not it was taken in.
    """

    heard: list[tuple[float, bytes]] = field(default_factory=list)

    def hear(self, at: float, data: bytes) -> None:
        """A sound is said."""
        self.heard.append((at, data))


class BooksOnDisk(DayBooks):
    """The same as lines of the file at `path`: to be written here, and read elsewhere (`read`)."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._lost: set[int] = set()

    def hear(self, at: float, data: bytes) -> None:
        """See `DayBooks`."""
        self._write("hear", at, data.hex())

    def accept(self, data: bytes, number: int) -> None:
        """See `Books`."""
        self._write("accept", data.hex(), number)

    def confirm(self, number: int) -> None:
        """See `Books`."""
        self._write("confirm", number)

    def acknowledge(self, number: int, via: str) -> None:
        """See `Books`."""
        self._write("acknowledge", number, via)

    def reach_nobody(self, numbers: set[int]) -> None:
        """See `Books`; what was said of the same incidents a moment ago is not written again."""
        if numbers - self._lost:
            self._write("reach_nobody", sorted(numbers - self._lost))
        self._lost = set(numbers)

    def read(self) -> DayBooks:
        """All of it, in memory."""
        books = DayBooks()
        for line in self._path.read_text("ascii").splitlines():
            what, *values = json.loads(line)
            if what == "unreached":
                books.unreached = set(values[0])
            elif what == "reach_nobody":
                books.reach_nobody(set(values[0]))
            elif what == "hear":
                books.hear(values[0], bytes.fromhex(values[1]))
            elif what == "accept":
                books.accept(bytes.fromhex(values[0]), values[1])
            else:
                getattr(books, what)(*values)
        return books

    def correct(self, unreached: set[int]) -> None:
        """A look at all promises has found out which incidents have reached nobody; from a child too."""
        self._write("unreached", sorted(unreached))

    def say_again(self) -> None:
        """After `correct`: what still has reached nobody is to be written anew."""
        self._lost = set()

    def close(self) -> None:
        """Nothing more comes."""
        os.close(self._file)

    def _write(self, *what: object) -> None:
        os.write(self._file, json.dumps(what).encode("ascii") + b"\n")


def apart(ask: Callable[[], T]) -> T:
    """What `ask` returns in a copy of this process (fork), which is gone afterwards with all the memory that it took.

    It may open files; the database connections that it finds are its parent's (https://sqlite.org/howtocorrupt.html).

    Raises:
        AssertionError: it raised one, or failed otherwise; the text is its traceback.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():  # Of other threads (a test runner's): the copy needs none of them.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        code = 1
        try:
            os.close(reading)
            try:
                answer = pickle.dumps((True, ask()))
            except BaseException:  # noqa: BLE001 - whatever it is, the parent stops with it
                answer = pickle.dumps((False, traceback.format_exc()))
            with open(writing, "wb") as pipe:  # noqa: PTH123 - it has no path
                pipe.write(answer)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123 - as above
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if not answer:
        raise AssertionError(f"the copy of this process that was to look ended with status {status} and said nothing")
    well, found = pickle.loads(answer)  # noqa: S301 - our own child's
    if not well:
        raise AssertionError(f"in a copy of this process:\n{found}")
    return found
