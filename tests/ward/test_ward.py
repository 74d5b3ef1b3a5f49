"""A ward with a real broker, real voices in its rooms and a real station."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time

import pytest
from brokers import Mosquitto, needs_mosquitto
from rooms import Room
from station_ import RealStation, until

from monitord.events import Fault, Sound
from monitord.ward.ledger import Ledger

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
    assert {each.name for each in desk.state.iterdir()} == {"journal.sqlite3", "ward.sqlite3"}


def publish(broker, topic, payload, *, retain=False):
    subprocess.run(
        ["mosquitto_pub", "-p", str(broker.port), "-t", topic, "-m", payload, "-q", "1", *(["-r"] if retain else [])],
        check=True,
    )


def captured(broker, topic):
    """What is retained there."""
    done = subprocess.run(
        ["mosquitto_sub", "-p", str(broker.port), "-t", topic, "-C", "1", "-W", "20"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_a_replayed_a_forged_and_a_malformed_message_are_refused_counted_and_shown(tmp_path, broker, station):
    desk = station()

    async def story():
        one, other = rooms_of(tmp_path, broker, "101", "102")
        one.start()
        other.start()
        await soon(lambda: rank(desk, "101") == rank(desk, "102") == 3, "both rooms calm")
        one.hear()
        shown = await soon(lambda: rank(desk, "101") == 0 and desk.rooms()["101"], "the alert")
        where = f"monitord/v1/home/101/incident/{shown['incident']['id']}"
        alert = await asyncio.to_thread(captured, broker, where)
        await asyncio.to_thread(desk.post, f"rooms/101/incidents/{shown['incident']['id']}/ack")
        await soon(lambda: rank(desk, "101") == 3, "calm again")
        assert desk.board()["refused"] == {"replayed": 0, "malformed": 0, "forged": 0}

        await asyncio.to_thread(publish, broker, where, alert)
        await soon(lambda: desk.board()["refused"]["replayed"] == 1, "the replay")
        await asyncio.to_thread(publish, broker, where.replace("/101/", "/102/"), alert)
        await soon(lambda: desk.board()["refused"]["forged"] == 1, "the forgery")
        await asyncio.to_thread(publish, broker, "monitord/v1/home/102/state", alert)
        await soon(lambda: desk.board()["refused"]["malformed"] == 1, "what is malformed")
        shown = desk.rooms()
        assert (shown["101"]["rank"], shown["102"]["rank"]) == (3, 3)
        assert (shown["101"]["refused"]["replayed"], shown["102"]["refused"]["forged"]) == (1, 1)

        # The control: the same alert with a number that is newer counts.
        newer = json.dumps({**json.loads(alert), "seq": json.loads(alert)["seq"] + 1000})
        await asyncio.to_thread(publish, broker, where, newer)
        await soon(lambda: rank(desk, "101") == 0, "the control")
        await one.stop()
        await other.stop()

    asyncio.run(story())
    assert "refused: " in desk.logged()


def test_a_room_refuses_old_foreign_and_malformed_acknowledgements(tmp_path, broker, caplog):
    async def story():
        (one,) = rooms_of(tmp_path, broker, "101")
        one.start()
        await soon(lambda: one.ward._link, "the line")
        one.hear()
        number = one.incidents()[0]["id"]
        said = {"v": 1, "station": "desk", "boot": 5, "seq": 1, "at": 1.0, "id": number,
                "incident_boot": one.ward.boot, "action": "mute"}  # fmt: skip
        ack = "monitord/v1/home/101/ack"

        async def refused(count, payload, *, retain=False):
            await asyncio.to_thread(publish, broker, ack, payload, retain=retain)
            await soon(lambda: one.ward.refused == count, f"refusal {count}")
            one.ward._complained = -1000.0
            assert one.incidents()[0]["acked_at"] is None

        await refused(1, "{}")
        await refused(2, json.dumps({**said, "incident_boot": 1, "action": "ack"}))
        await asyncio.to_thread(publish, broker, ack, json.dumps(said))
        await soon(lambda: one.incidents()[0]["state"] == "muted", "the mute")
        await refused(3, json.dumps({**said, "action": "ack"}))  # Its number was used.
        await refused(4, json.dumps({**said, "seq": 2, "id": 999, "action": "ack"}))
        await asyncio.to_thread(publish, broker, ack, json.dumps({**said, "seq": 3, "action": "ack"}))
        await soon(lambda: one.incidents()[0]["state"] == "acknowledged", "the control")
        told = json.loads(await asyncio.to_thread(captured, broker, "monitord/v1/home/101/state"))
        assert told["refused"] == 4
        await one.stop()

    asyncio.run(story())
    assert "is about another life of this room" in caplog.text
    assert "was said before" in caplog.text


def test_the_page_of_the_ward_without_a_session_shows_nothing(tmp_path, broker, station):
    desk = station(more='pairing = "always"\n')
    for path in ("board", "state", "incidents", "stream"):
        code, body = desk.refused(path)
        assert code == 401
        assert b"101" not in body
    assert desk.refused("rooms/101/incidents/1/ack", post=True)[0] == 401
    control = station("control")
    assert {each["room"] for each in control.board()["rooms"]} == {"101", "102"}


def test_the_api_of_the_ward(tmp_path, broker, station):
    desk = station()
    answers = {"rooms/101/incidents/77/ack": 404, "rooms/999/incidents/1/ack": 404, "rooms/101/incidents/0/ack": 404,
               "rooms/Room/incidents/1/ack": 400, "rooms/101/incidents/x/ack": 400, "pause": 400}  # fmt: skip
    for path, code in answers.items():
        assert desk.refused(path, post=True)[0] == code, path
        assert "Traceback" not in desk.logged()
    assert "/api/v1/board" in desk.get("openapi.json")["paths"]
    assert desk.get("state")["state"]["ward"] == "west"


def test_a_station_signs_that_it_lives_for_the_alarm_of_last_resort(tmp_path, broker, station):
    desk = station()
    sign = desk.runtime / "alive"
    first = until(lambda: sign.exists() and sign.stat().st_mtime_ns, "a first sign of life", desk)
    until(lambda: sign.stat().st_mtime_ns > first, "a second one", desk)


def test_two_stations_agree_and_the_second_rings_when_the_first_is_dead(tmp_path, broker, station):
    first, second = station("a-desk"), station("b-desk")
    until(lambda: first.board()["rings"] and not second.board()["rings"], "one that rings")

    async def story():
        one, other = rooms_of(tmp_path, broker, "101", "102")
        one.start()
        other.start()
        await soon(lambda: rank(first, "101") == rank(second, "101") == 3, "both stations calm")
        one.hear()
        await soon(lambda: rank(first, "101") == rank(second, "101") == 0, "the alert at both")
        number = first.rooms()["101"]["incident"]["id"]
        await asyncio.to_thread(second.post, f"rooms/101/incidents/{number}/ack")
        await soon(lambda: rank(first, "101") == rank(second, "101") == 3, "both know that it is taken")
        (known,) = [each for each in first.get("incidents")["incidents"] if each["label"] == "CRY"]
        assert (known["state"], known["acked_via"]) == ("acknowledged", "ward")

        first.kill()
        await soon(lambda: second.board()["rings"], "the second rings", 60.0)
        assert [each["alive"] for each in second.board()["others"]] == [False]
        other.hear(Sound.HELP)
        await soon(lambda: rank(second, "102") == 0, "an alert after it")
        first.start()
        await soon(lambda: first.board()["rings"] and not second.board()["rings"], "the first rings again")
        await soon(lambda: rank(first, "102") == 0 and rank(first, "101") == 3, "it knows what it missed")
        await one.stop()
        await other.stop()

    asyncio.run(story())


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


def test_a_gap_in_what_a_room_says_makes_the_station_ask_for_all_that_is_retained(tmp_path, broker, station):
    desk = station()
    until(lambda: desk.board()["linked"], "the line")
    health = {"v": 1, "room": "101", "boot": 9, "seq": 2, "at": 1.0, "alive": True, "line": 1}
    publish(broker, "monitord/v1/home/101/health", json.dumps(health), retain=True)
    until(lambda: rank(desk, "101") == 3, "the room")
    assert "was dropped on the way" not in desk.logged()
    publish(broker, "monitord/v1/home/101/health", json.dumps({**health, "seq": 3}), retain=True)
    publish(broker, "monitord/v1/home/101/health", json.dumps({**health, "seq": 5}), retain=True)
    until(lambda: "room 101: something was dropped on the way" in desk.logged(), "the question")
    assert desk.board()["refused"] == {"replayed": 0, "malformed": 0, "forged": 0}


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


def pager(broker, name):
    """A channel of the ward: what is sent by it can be heard below the topic NAME."""
    return (
        f'[notify.pager]\nkind = "mqtt"\nhost = "127.0.0.1"\nport = {broker.port}\ntopic = "{name}"\ndiscovery = ""\n'
    )


def test_the_channels_of_the_ward_are_rung_by_one_station_and_by_the_next_when_that_is_dead(tmp_path, broker, station):
    with (tmp_path / "paged").open("wb") as file:
        phone = subprocess.Popen(
            ["mosquitto_sub", "-V", "5", "-p", str(broker.port), "-q", "1", "-F", "%t", "-t", "+/alert"], stdout=file
        )
    paged = lambda: (tmp_path / "paged").read_text().split()  # noqa: E731 - a word for it
    try:
        first = station("a-desk", more=pager(broker, "pager-a"))
        second = station("b-desk", more=pager(broker, "pager-b"))
        until(lambda: first.board()["rings"] and not second.board()["rings"], "one that rings")

        async def story():
            (one,) = rooms_of(tmp_path, broker, "101")
            one.start()
            await soon(lambda: rank(first, "101") == rank(second, "101") == 3, "both stations calm")
            one.hear()
            await soon(lambda: "pager-a/alert" in paged(), "the pager of the first")
            await soon(lambda: rank(second, "101") == 0, "the alert at the second")
            await asyncio.sleep(2.0)
            assert "pager-b/alert" not in paged()
            first.kill()
            await soon(lambda: "pager-b/alert" in paged(), "the pager of the second")
            await one.stop()

        asyncio.run(story())
    finally:
        phone.kill()
        phone.wait()


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
