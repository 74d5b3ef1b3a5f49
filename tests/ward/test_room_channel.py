"""The room's half: what it tells, what proves that it arrived, and what stays when the broker does not."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import replace

import aiomqtt
import pytest
from brokers import FakeHouse, Mosquitto, a_notice, an_incident, needs_mosquitto, running, until

from monitord.config import MqttVersion, WardConfig
from monitord.events import Fault, Gate, Sight, Sound
from monitord.notify.delivery import Reason
from monitord.notify.sinks import SinkError
from monitord.notify.sinks.ward import WardSink
from monitord.wardtalk import codec
from monitord.wardtalk import message as talk
from monitord.wardtalk.telling import KEPT_S, Teller, is_told, report_of, state_of, steady, unix
from monitord.wardtalk.topics import Kind

SHOWN = {"gate": "IDLE", "since_ear_s": 1.0, "deaf": None, "camera": None, "paused_until": None}
AT = "2026-11-24T22:00:00.000+00:00"


def a_cry(number=5, **more):
    fresh = {"acked_at": None, "acked_via": "", "cleared_at": None, "camera": None, "score": 90}
    return {**an_incident(number), "label": "CRY", "opened_at": AT, **fresh, **more}


@pytest.mark.parametrize(
    ("changes", "microphone", "protected"),
    [
        ({}, talk.Microphone.LISTENING, True),
        ({"gate": None, "since_ear_s": None}, talk.Microphone.STARTING, False),
        ({"gate": "PAUSED"}, talk.Microphone.PAUSED, False),
        ({"since_ear_s": 15.0}, talk.Microphone.SILENT, False),
        ({"deaf": "Fault.MICROPHONE_MISSING"}, talk.Microphone.FAULTY, False),
    ],
)
def test_how_the_hearing_is(changes, microphone, protected):
    told = state_of({**SHOWN, **changes}, [])
    assert (told["microphone"], told["protected"]) == (microphone, protected)


@pytest.mark.parametrize(
    ("seen", "camera"),
    [(None, "idle"), ("Look.ASKED", "looking"), ("Look.NOT_ASKED", "idle"), ("Sight.LYING", "sees"),
     ("Sight.DARK", "cannot_tell"), ("Fault.CAMERA_BUSY", "faulty")],
)  # fmt: skip
def test_how_the_seeing_is(seen, camera):
    assert state_of({**SHOWN, "camera": seen}, [])["camera"].value == camera


def test_the_faults_that_stand():
    over = a_cry(1, kind="fault", label="JOURNAL", state="cleared")
    stands = a_cry(2, kind="fault", label="CAMERA_BUSY")
    assert state_of(SHOWN, [over, stands, a_cry(3)])["faults"] == (Fault.CAMERA_BUSY,)


def test_an_incident_as_a_message():
    taken = a_cry(acked_at=AT, acked_via="ward", state="acknowledged", camera="Sight.LYING")
    told = report_of(taken, repeats=2, channel="ward")
    report = Teller("101", 7).report(1.0, told)
    assert (report.subject, report.sight, report.repeats) == (Sound.CRY, Sight.LYING, 2)
    assert report.acknowledged == talk.Acknowledged(unix(AT), talk.Via.WARD)
    assert codec.parse(Kind.INCIDENT, codec.format(report).encode()) == report
    assert report_of({**taken, "acked_via": "page"}, repeats=0, channel="ward")["acknowledged"].via is talk.Via.ROOM


def test_the_same_moment_told_a_little_later_is_no_news():
    before = report_of(a_cry(acked_at=AT), repeats=0, channel="ward")
    later = {
        **before,
        "since": before["since"] + 0.004,
        "acknowledged": replace(before["acknowledged"], at=before["since"] + 0.1),
    }
    assert steady(later, before) == before
    assert steady({**later, "since": before["since"] + 60}, before) != before
    assert steady(later, None) == later


def test_what_is_over_is_told_for_a_day():
    over = a_cry(cleared_at=AT)
    assert is_told(a_cry(), 1e12)
    assert is_told(over, unix(AT) + KEPT_S - 1)
    assert not is_told(over, unix(AT) + KEPT_S + 1)
    assert unix("1969-12-31T23:00:00+00:00") == 0.0


class House(FakeHouse):
    def state(self):
        return SHOWN


def sink_for(*brokers, **more):
    places = [f"127.0.0.1:{each.port}" for each in brokers]
    return WardSink(
        "ward", WardConfig(kind="ward", brokers=places, site="home", room="101", **more), jitter=lambda: 0.0
    )


class Station:
    """What a station hears: (topic's end, message)."""

    def __init__(self, broker):
        self.broker, self.heard = broker, []

    async def __aenter__(self):
        self.client = aiomqtt.Client("127.0.0.1", self.broker.port, protocol=aiomqtt.ProtocolVersion.V5)
        await self.client.__aenter__()
        await self.client.subscribe("monitord/v1/home/101/#", qos=1)
        self.task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        with contextlib.suppress(aiomqtt.MqttError):
            await self.client.__aexit__(None, None, None)

    async def _listen(self):
        async for message in self.client.messages:
            payload = json.loads(message.payload) if message.payload else None
            self.heard.append((str(message.topic).removeprefix("monitord/v1/home/101/"), payload))

    def of(self, end):
        return [payload for topic, payload in self.heard if topic == end]


@needs_mosquitto
@pytest.mark.parametrize("version", list(MqttVersion))
def test_an_alert_has_arrived_when_a_station_is_there(broker, version):
    async def story():
        house = House(a_cry())
        async with running(sink_for(broker, version=version), house) as sink:
            await until(lambda: sink._link)
            if version is MqttVersion.FIVE:  # 3.1.1 cannot tell.
                with pytest.raises(SinkError, match="no station of the ward is connected"):
                    await sink.send(a_notice())
                assert "no station" in house.trouble
                with pytest.raises(SinkError, match="no station"):
                    await sink.send(a_notice(0, reason=Reason.TEST))
            async with Station(broker) as station:
                await until(lambda: station.of("incident/5"))
                await sink.send(a_notice())
                await sink.send(a_notice(0, reason=Reason.TEST))
                assert house.trouble == ""
                await until(lambda: len(station.of("incident/5")) > 1)
                assert station.of("incident/5")[-1]["sound"] == "CRY"
                sequence = [payload["seq"] for _, payload in station.heard]
                assert len(set(sequence)) == len(sequence)

    asyncio.run(story())


@needs_mosquitto
def test_a_broker_that_lost_its_memory_is_filled_again(broker):
    async def story():
        house = House(a_cry())
        async with running(sink_for(broker), house) as sink:
            await until(lambda: 5 in sink._shown)
            await asyncio.to_thread(broker.stop, 9)
            await until(lambda: sink._link is None)
            await asyncio.to_thread(broker.start)
            async with Station(broker) as station:
                await until(lambda: station.of("incident/5") and station.of("state") and station.of("health"))

    asyncio.run(story())


@needs_mosquitto
def test_what_is_over_for_a_day_is_taken_away_and_what_does_not_change_is_said_once(broker):
    async def story():
        house = House(a_cry(), a_cry(6))
        async with Station(broker) as station, running(sink_for(broker), house) as sink:
            await until(lambda: station.of("incident/6"))
            for _ in range(5):
                sink.show("state", {})
                await asyncio.sleep(0.05)
            assert len(station.of("incident/5")) == len(station.of("state")) == 1
            house.known = [a_cry(5, state="cleared", cleared_at=AT)]  # 6 was forgotten, 5 is over since long.
            sink.show("incident", {})
            await until(lambda: None in station.of("incident/5") and None in station.of("incident/6"))

    asyncio.run(story())


@needs_mosquitto
def test_a_goodbye_says_that_the_room_does_not_live_and_a_lost_line_says_it_too(broker):
    async def story():
        async with Station(broker) as station:
            async with running(sink_for(broker), House()):
                await until(lambda: station.of("health"))
            await until(lambda: not station.of("health")[-1]["alive"])
            async with running(sink_for(broker), House()) as sink:
                await until(lambda: station.of("health")[-1]["alive"])
                said = station.of("health")[-1]
                sink._link._paho._sock_close()
                await until(
                    lambda: [each for each in station.of("health") if each["seq"] == said["line"] and not each["alive"]]
                )

    asyncio.run(story())


@needs_mosquitto
def test_the_first_broker_that_is_back_is_returned_to(broker, tmp_path, monkeypatch):
    from monitord.notify.sinks import brokers  # noqa: PLC0415

    monkeypatch.setattr(brokers, "RETURN_S", 0.3)
    (tmp_path / "spare").mkdir()
    spare = Mosquitto(tmp_path / "spare", "allow_anonymous true").start()
    broker.stop()

    async def story():
        async with running(sink_for(broker, spare), House(a_cry())) as sink:
            async with Station(spare) as there:
                await until(lambda: there.of("incident/5"))
                await asyncio.sleep(1.0)
                assert sink._link is not None
                await asyncio.to_thread(broker.start)
                await until(lambda: not there.of("health")[-1]["alive"])
            async with Station(broker) as here:
                await until(lambda: here.of("incident/5"))

    try:
        asyncio.run(story())
    finally:
        spare.stop()


def test_gates_are_told_by_name():
    assert state_of({**SHOWN, "gate": "COOLDOWN"}, [])["gate"] is Gate.COOLDOWN
