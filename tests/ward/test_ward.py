"""A ward with a real broker, real voices in its rooms and a real station: what it shows, sends back and keeps."""

from __future__ import annotations

import asyncio

from brokers import needs_mosquitto
from rooms import Room, rooms_of
from station_ import RealStation, file_of, rank, soon

from monitord.events import Fault
from monitord.ward.ledger import Ledger

pytestmark = needs_mosquitto


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
    assert {each.name for each in desk.state.iterdir()} == {"journal.sqlite3", "ward.sqlite3"}


def test_a_fault_of_a_room_is_on_the_board(tmp_path, broker, station):
    desk = station()

    async def story():
        (one,) = rooms_of(tmp_path, broker, "101")
        one.start()
        await soon(lambda: rank(desk, "101") == 3, "calm")
        one.suffer(Fault.MICROPHONE_MISSING)
        shown = await soon(lambda: rank(desk, "101") == 1 and desk.rooms()["101"], "the fault")
        assert (shown["faults"], shown["protected"], shown["microphone"]) == (["MICROPHONE_MISSING"], False, "faulty")
        await one.stop()

    asyncio.run(story())


def test_rooms_and_stations_that_speak_the_older_protocol(tmp_path, broker, station):
    """NATS speaks no other."""
    text = file_of([broker]).replace("[page]", 'version = "3.1.1"\n[page]')
    desk = RealStation(tmp_path, text, "old")

    async def story():
        desk.start()
        channel = {"brokers": [f"127.0.0.1:{broker.port}"], "version": "3.1.1"}
        one = Room(tmp_path / "rooms", "101", channel)
        one.start()
        one.hear()
        shown = await soon(lambda: rank(desk, "101") == 0 and desk.rooms()["101"], "the alert")
        await asyncio.to_thread(desk.post, f"rooms/101/incidents/{shown['incident']['id']}/ack")
        await soon(lambda: one.incidents()[0]["state"] == "acknowledged", "the room heeds")
        await soon(lambda: rank(desk, "101") == 3, "calm again")
        await one.stop()
        await soon(lambda: rank(desk, "101") == 2, "its goodbye")

    try:
        asyncio.run(story())
    finally:
        desk.close()


def guards_of(desk, room):
    """What the ledger of a running station says of a room, oldest first."""
    ledger = Ledger(desk.state / "ward.sqlite3", "desk", reading=True)
    try:
        return [each["guard"] for each in ledger.spans() if each["room"] == room]
    finally:
        ledger.close()


def test_the_ledger_has_who_took_what_and_when_nobody_was_protected(tmp_path, broker, station):
    desk = station()

    async def story():
        (one,) = rooms_of(tmp_path, broker, "101")
        await soon(lambda: guards_of(desk, "101") == ["unseen"], "a room that was never heard is in the ledger")
        one.start()
        one.hear()
        shown = await soon(lambda: rank(desk, "101") == 0 and desk.rooms()["101"], "the alert")
        await asyncio.to_thread(desk.post, f"rooms/101/incidents/{shown['incident']['id']}/ack")
        await soon(lambda: desk.rooms()["101"]["acknowledged"], "it is heeded")
        await one.stop()
        await soon(lambda: rank(desk, "101") == 2, "unseen")

    asyncio.run(story())
    assert desk.stop() == 0
    ledger = Ledger(desk.state / "ward.sqlite3", "desk")
    try:
        (alert,) = ledger.alerts()
        assert (alert["subject"], alert["via"], alert["station"]) == ("Sound.CRY", "ward", "desk")
        assert alert["since"] <= alert["alerted"] <= alert["acknowledged"] + 2
        assert [(each["act"], each["room"]) for each in ledger.acts()] == [("ack", "101")]
        guards = [each["guard"] for each in ledger.spans() if each["room"] == "101"]
        assert guards[0] == "unseen"
        assert "protected" in guards
        assert guards[-1] == "unseen"
    finally:
        ledger.close()
