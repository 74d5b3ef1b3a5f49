"""What is said at a real broker by somebody else is refused, counted and shown; what is missing is asked for again."""

from __future__ import annotations

import asyncio
import json
import subprocess

from brokers import needs_mosquitto
from rooms import rooms_of
from station_ import rank, soon, until

pytestmark = needs_mosquitto


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
