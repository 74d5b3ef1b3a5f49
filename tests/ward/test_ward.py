"""A ward with a real broker, real voices in its rooms and a real station."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from brokers import Mosquitto, needs_mosquitto
from rooms import Room
from station_ import RealStation

pytestmark = needs_mosquitto


@pytest.fixture
def broker(tmp_path):
    broker = Mosquitto(tmp_path, "allow_anonymous true").start()
    yield broker
    broker.stop()


def file_of(brokers, *, station="desk", rooms=("101", "102"), more=""):
    return (
        f'[ward]\nsite = "home"\nname = "west"\nstation = "{station}"\nrooms = {json.dumps(rooms)}\n'
        f"[broker]\nbrokers = {json.dumps([f'127.0.0.1:{each.port}' for each in brokers])}\n[page]\nport = 0\n{more}"
    )


@pytest.fixture
def station(tmp_path, broker):
    made = []

    def make(name="desk", **text):
        each = RealStation(tmp_path, file_of(text.pop("brokers", [broker]), station=name, **text), name)
        made.append(each)
        return each.start()

    yield make
    for each in made:
        each.close()


def rooms_of(tmp_path, broker, *names, **more):
    channel = {"brokers": [f"127.0.0.1:{broker.port}"]}
    return [Room(tmp_path / "rooms", name, channel, **more) for name in names]


async def soon(true, what="it", patience_s=40.0):
    end = time.monotonic() + patience_s
    while True:
        value = await asyncio.to_thread(true)
        if value:
            return value
        assert time.monotonic() < end, f"waited too long for {what}"
        await asyncio.sleep(0.05)


def rank(station, room):
    return station.rooms()[room]["rank"]


def test_a_cry_is_on_the_board_and_an_acknowledgement_at_the_desk_ends_it_in_the_room(tmp_path, broker, station):
    desk = station()

    async def story():
        one, other = rooms_of(tmp_path, broker, "101", "102")
        one.start()
        other.start()
        await soon(lambda: rank(desk, "101") == rank(desk, "102") == 3, "both rooms calm")
        one.hear()
        shown = await soon(lambda: rank(desk, "101") == 0 and desk.board()["rooms"][0], "the alert")
        assert shown["room"] == "101"
        assert (shown["incident"]["label"], shown["incident"]["state"]) == ("CRY", "alerting")
        assert shown["protected"] is True
        (waiting,) = [each for each in desk.get("incidents")["incidents"] if each["state"] == "alerting"]
        assert (waiting["label"], waiting["room"]) == ("CRY", "101")
        answer = await asyncio.to_thread(desk.post, f"rooms/101/incidents/{shown['incident']['id']}/ack")
        assert answer["room"] == "101"
        await soon(lambda: one.incidents()[0]["state"] == "acknowledged", "the room heeds")
        assert (one.incidents()[0]["acked_by"], one.incidents()[0]["acked_via"]) == ("desk", "ward")
        shown = await soon(lambda: rank(desk, "101") == 3 and desk.rooms()["101"], "calm again")
        assert shown["incident"]["acknowledged"]["via"] == "ward"
        assert len([each for each in one.journal.acts_since("") if each.event.name == "ACK"]) == 1
        await one.stop()
        await other.stop()

    asyncio.run(story())
    assert desk.stop() == 0
