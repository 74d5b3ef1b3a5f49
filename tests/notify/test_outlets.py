"""The channels as the voice uses them: in line, what rings first, and what became of each attempt."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from brokers import FakeHouse, a_notice, until

from monitord.notify.delivery import Event, Reason
from monitord.notify.outlets import AT_ONCE, Outlets
from monitord.notify.sinks import SinkError


class Slow:
    """A channel that takes an alert when it is let."""

    name, confirms, proof = "slow", True, "it is let"

    def __init__(self):
        self.under_way, self.most, self.begun = 0, 0, []
        self.free = asyncio.Event()

    async def send(self, notice):
        self.begun.append(notice.delivery)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.free.wait()
        self.under_way -= 1
        if notice.key == "bad":
            raise SinkError("it is broken")


def notice(number, reason=Reason.ALERT, key="k"):
    return replace(a_notice(reason=reason, key=key), delivery=number)


def test_few_at_once_and_what_rings_goes_first():
    async def story():
        slow, reported = Slow(), []
        outlets = Outlets([slow], lambda *what: reported.append(what))
        for number in range(20):
            outlets.transmit("slow", notice(number, Reason.UPDATE))
        outlets.transmit("slow", notice(99))
        await asyncio.sleep(0)
        assert slow.begun == list(range(AT_ONCE))
        slow.free.set()
        await until(lambda: len(reported) == 21)
        assert slow.most == AT_ONCE
        assert slow.begun[AT_ONCE] == 99
        assert {event for _, event, _ in reported} == {Event.CONFIRMED}

    asyncio.run(story())


def test_an_attempt_takes_the_place_of_the_one_that_waits_and_none_runs_twice():
    async def story():
        slow, reported = Slow(), []
        outlets = Outlets([slow], lambda *what: reported.append(what))
        for _ in range(3):
            for number in range(AT_ONCE + 2):
                outlets.transmit("slow", notice(number))
        slow.free.set()
        await until(lambda: len(reported) == AT_ONCE + 2)
        await asyncio.sleep(0.05)
        assert sorted(slow.begun) == list(range(AT_ONCE + 2))

    asyncio.run(story())


def test_a_failure_is_told_at_once_and_the_next_arrival_too():
    async def story():
        slow, reported, house = Slow(), [], FakeHouse()
        outlets = Outlets([slow], lambda *what: reported.append(what))
        outlets.start(house)
        slow.free.set()
        outlets.transmit("slow", notice(1, key="bad"))
        await until(lambda: reported)
        assert reported == [(1, Event.ERROR, "it is broken")]
        assert house.trouble == "it is broken"
        outlets.transmit("slow", notice(1))
        await until(lambda: len(reported) == 2)
        assert house.trouble == ""

    asyncio.run(story())


def test_a_channel_that_is_no_longer_there():
    async def story():
        reported = []
        outlets = Outlets([], lambda *what: reported.append(what))
        outlets.transmit("gone", notice(1))
        assert reported == []
        await asyncio.sleep(0)
        assert reported == [(1, Event.ERROR, "there is no such channel any more")]

    asyncio.run(story())
