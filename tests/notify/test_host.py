"""What the voice of a room and the station of a ward have in common."""

from __future__ import annotations

import asyncio

import pytest

from monitord.config import Config
from monitord.events import Fault
from monitord.notify import host
from monitord.notify.clock import Clock
from monitord.notify.database import JournalError
from monitord.notify.host import Host


class Old:
    """A journal with so many pieces to forget."""

    def __init__(self, pieces, trouble=None):
        self.pieces, self.trouble = pieces, trouble

    def forget(self, days):
        assert days == Config().journal.keep_days
        if self.trouble:
            raise self.trouble
        self.pieces -= 1
        return self.pieces > 0


class Bare(Host):
    _WHAT = "test"

    def __init__(self, journal):
        super().__init__(Config(), Clock())
        self._journal, self._voice, self.told = journal, self, []

    def fault(self, fault):
        self.told.append(fault)

    async def _start(self, _):
        self._forget()

    def _tick(self):
        pass

    def _arm(self):
        pass


def lived(bare):
    async def story():
        living = asyncio.create_task(bare.run())
        await asyncio.sleep(0.2)
        bare._stop.set()
        return await living

    return asyncio.run(story())


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(host, "_FORGET_MORE_S", 0.001)


def test_what_is_to_be_forgotten_is_forgotten_to_the_last_piece():
    journal = Old(5)
    assert lived(Bare(journal)) == 0
    assert journal.pieces == 0


def test_a_journal_that_cannot_be_cleaned_is_told():
    bare = Bare(Old(5, JournalError("a test")))
    assert lived(bare) == 0
    assert bare.told == [Fault.JOURNAL]


def test_a_mistake_of_ours_ends_it_with_another_exit_code():
    bare = Bare(Old(1))
    bare._tick = lambda: 1 / 0
    bare._forget = lambda: bare._call_at(asyncio.get_running_loop().time())
    assert lived(bare) == 1
