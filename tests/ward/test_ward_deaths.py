"""A room, the station or a broker dies: it is an alarm or is made up for, and what was said meanwhile is not lost."""

from __future__ import annotations

import asyncio

import pytest
from brokers import Mosquitto, needs_mosquitto
from rooms import Room, rooms_of
from station_ import rank, soon

from monitord.events import Sound

pytestmark = needs_mosquitto


def test_a_room_that_dies_is_an_alarm_which_a_person_takes_and_which_ends_by_itself(tmp_path, broker, station):
    desk, second = station("a-desk"), station("b-desk")

    async def story():
        (one,) = rooms_of(tmp_path, broker, "101")
        one.start()
        await soon(lambda: rank(desk, "101") == 3, "calm")
        await one.stop()
        await soon(lambda: rank(desk, "101") == 2, "unseen")
        await soon(lambda: desk.rooms()["101"]["silence"] == {"taken": False}, "the alarm")
        (alarm,) = [each for each in desk.get("incidents")["incidents"] if each["room"] == "101"]
        assert (alarm["label"], alarm["state"]) == ("ROOM_SILENT", "alerting")
        await asyncio.to_thread(desk.post, "rooms/101/incidents/0/ack")
        await soon(lambda: desk.rooms()["101"]["silence"] == {"taken": True}, "it is taken")
        await soon(lambda: second.rooms()["101"]["silence"] == {"taken": True}, "the other station knows")
        one.start()
        await soon(lambda: rank(desk, "101") == 3 and desk.rooms()["101"]["silence"] is None, "it is over")
        await one.stop()

    asyncio.run(story())


def test_an_acknowledgement_while_the_room_is_away_reaches_its_next_life(tmp_path, broker, station):
    desk = station()

    async def story():
        (one,) = rooms_of(tmp_path, broker, "101")
        one.start()
        one.hear(Sound.HELP)
        shown = await soon(lambda: rank(desk, "101") == 0 and desk.rooms()["101"], "the alert")
        await one.stop()
        await asyncio.to_thread(desk.post, f"rooms/101/incidents/{shown['incident']['id']}/ack")
        one.start()
        await soon(lambda: one.incidents()[0]["state"] == "acknowledged", "the room heeds")
        assert one.incidents()[0]["acked_by"] == "desk"
        assert len([each for each in one.journal.acts_since("") if each.event.name == "ACK"]) == 1
        await soon(lambda: rank(desk, "101") == 3, "calm again")
        await one.stop()

    asyncio.run(story())


def test_a_station_that_is_killed_and_started_again_rings_for_what_it_missed_and_knows_what_was_taken(
    tmp_path, broker, station
):
    desk = station()

    async def story():
        one, other = rooms_of(tmp_path, broker, "101", "102")
        one.start()
        other.start()
        one.hear()
        await soon(lambda: rank(desk, "101") == 0, "the alert")
        number = desk.rooms()["101"]["incident"]["id"]
        await asyncio.to_thread(desk.post, f"rooms/101/incidents/{number}/ack")
        await soon(lambda: one.incidents()[0]["state"] == "acknowledged", "it is heeded")
        desk.kill()
        other.hear(Sound.HELP)
        await asyncio.to_thread(desk.start)
        await soon(lambda: rank(desk, "102") == 0 and rank(desk, "101") == 3, "the board as it is")
        labels = [
            (each["label"], each["state"])
            for each in desk.get("incidents")["incidents"]
            if each["label"] != "ROOM_SILENT"
        ]
        assert sorted(labels) == [("CRY", "acknowledged"), ("HELP", "alerting")]
        await one.stop()
        await other.stop()

    asyncio.run(story())


@pytest.fixture
def spare(tmp_path):
    folder = tmp_path / "spare"
    folder.mkdir()
    broker = Mosquitto(folder, "allow_anonymous true").start()
    yield broker
    broker.stop()


def test_the_only_broker_that_is_away_is_an_alarm_until_it_is_back(broker, station):
    desk = station()

    def away():
        return [each["state"] for each in desk.get("incidents")["incidents"] if each["label"] == "BROKER_AWAY"]

    async def story():
        await soon(lambda: desk.board()["rooms"], "a board")
        assert away() == []
        await asyncio.to_thread(broker.stop, 9)
        await soon(lambda: away() == ["alerting"], "the alarm")
        await asyncio.to_thread(broker.start)
        await soon(lambda: away() == ["cleared"], "its end")

    asyncio.run(story())


def test_a_broker_that_dies_is_told_and_the_next_of_the_list_takes_its_place(tmp_path, broker, spare, station):
    desk = station(brokers=[broker, spare])

    async def story():
        both = {"brokers": [f"127.0.0.1:{broker.port}", f"127.0.0.1:{spare.port}"]}
        one, other = (Room(tmp_path / "rooms", name, both) for name in ("101", "102"))
        one.start()
        other.start()
        one.hear()
        await soon(lambda: rank(desk, "101") == 0 and rank(desk, "102") == 3, "the alert by the first")
        number = desk.rooms()["101"]["incident"]["id"]
        await asyncio.to_thread(broker.stop, 9)
        other.hear(Sound.HELP)
        await soon(lambda: rank(desk, "102") == 0, "the alert by the second", 60.0)
        await soon(lambda: rank(desk, "101") == 0 and desk.rooms()["101"]["heard_s"] < 10, "the first alert stands")
        await asyncio.to_thread(desk.post, f"rooms/101/incidents/{number}/ack")
        await soon(lambda: one.incidents()[0]["state"] == "acknowledged", "an acknowledgement by the second")
        assert [each.event.name for each in one.journal.acts_since("")] == ["ACK"]
        shown = desk.get("incidents")["incidents"]
        assert len([each for each in shown if each["label"] in ("CRY", "HELP")]) == 2  # Nothing is doubled.
        assert desk.board()["refused"] == {"replayed": 0, "malformed": 0, "forged": 0}
        await one.stop()
        await other.stop()

    asyncio.run(story())
