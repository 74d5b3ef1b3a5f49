"""What the MQTT channel is told at a real mosquitto: acknowledgements and pauses, and those that it refuses."""

from __future__ import annotations

import asyncio

import pytest
from brokers import FakeHouse, an_incident, needs_mosquitto, running, until
from mqtt_channel import VERSIONS, Listener, sink_for

from monitord.notify.sinks import mqtt
from monitord.notify.sinks.broker import BrokerError
from monitord.notify.sinks.mqtt import read_ack, read_pause

pytestmark = needs_mosquitto


@pytest.mark.parametrize(
    ("payload", "taken"),
    [
        ("5", (5, "", "home")),
        ('{"incident": 5, "by": "Anna"}', (5, "Anna", "home")),
        ("PRESS", (5, "", "home")),
    ],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_acknowledgements(broker, topic, version, payload, taken):
    async def story():
        house = FakeHouse(an_incident(4, state="acknowledged"), an_incident(5), an_incident(3, urgency="low"))
        async with Listener(broker, topic) as phone, running(sink_for(broker, topic, version), house) as sink:
            await until(lambda: sink._link)
            await phone.publish("ack", payload)
            await until(lambda: house.acknowledged)
            assert house.acknowledged == [taken]

    asyncio.run(story())


@pytest.fixture
def every_complaint(monkeypatch):
    """One complaint in ten seconds is written, whatever comes; here all of them are, however fast the broker is."""
    monkeypatch.setattr(mqtt, "_COMPLAIN_S", 0.0)


@pytest.mark.usefixtures("every_complaint")
def test_acknowledgements_that_are_refused(broker, topic, caplog):
    async def story():
        house = FakeHouse(an_incident(5))
        async with Listener(broker, topic) as phone:
            await phone.publish("ack", "PRESS", retain=True)
            async with running(sink_for(broker, topic), house) as sink:
                await until(lambda: sink._link)
                for payload in ("77", "nobody", "5" * 300, '{"incident": 5, "by": "' + "x" * 41 + '"}', b"\xff", ""):
                    await phone.publish("ack", payload)
                await phone.publish("ack", "5")
                await until(lambda: house.acknowledged)
                assert house.acknowledged == [(5, "", "home")]
            await phone.publish("ack", "", retain=True)

    asyncio.run(story())
    said = caplog.text
    assert "is retained" in said
    assert "names incident 77, which there is not" in said
    assert "is longer than 256 bytes" in said
    assert "no name" in said


def test_whoever_may_publish_there_does_not_fill_the_log(broker, topic, caplog):
    async def story():
        house = FakeHouse(an_incident(5))
        async with Listener(broker, topic) as phone, running(sink_for(broker, topic), house) as sink:
            await until(lambda: sink._link)
            for number in range(60, 80):
                await phone.publish("ack", str(number))
            await phone.publish("ack", "5")
            await until(lambda: house.acknowledged)

    asyncio.run(story())
    # One, or two where this machine needed more than ten seconds for them.
    assert 1 <= caplog.text.count("which there is not") <= 2


@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_sent_while_the_monitor_was_away_a_number_counts_a_press_does_not(broker, topic, version, caplog):
    async def story():
        house = FakeHouse(an_incident(5), an_incident(6))
        async with Listener(broker, topic) as phone:
            async with running(sink_for(broker, topic, version), house) as sink:
                await until(lambda: sink._link)
            await phone.publish("ack", "PRESS")
            await phone.publish("ack", "5")
            async with running(sink_for(broker, topic, version), house) as sink:
                await until(lambda: house.acknowledged)
                assert house.acknowledged == [(5, "", "home")]
                await phone.publish("ack", "PRESS")
                await until(lambda: len(house.acknowledged) == 2)

    asyncio.run(story())
    assert "pressed while the monitor was away" in caplog.text


@pytest.mark.parametrize(
    "payload",
    [b"", b"0", b"-1", b"true", b"1.5", b"null", b"[5]", b'{"incident": true}', b'{"incident": 5, "what": 1}', b"NaN",
     b'{"incident": 5, "by": 3}', b'{"incident": 5, "by": "a\\u0007b"}', b"[" * 250, b"9" * 200, b"\xff\xfe"],
)  # fmt: skip
def test_no_payload_breaks_the_reader(payload):
    with pytest.raises(ValueError, match=r"^(is|names|says) "):
        read_ack(payload)


@pytest.mark.parametrize(
    ("payload", "taken"),
    [
        ("30", (30, "", "home")),
        ("30.0", (30, "", "home")),
        ('{"minutes": 90, "by": "Anna"}', (90, "Anna", "home")),
        ("RESUME", (0, "", "home")),
        ("0", (0, "", "home")),
    ],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_pause_and_its_end(broker, topic, version, payload, taken):
    async def story():
        house = FakeHouse()
        async with Listener(broker, topic) as phone, running(sink_for(broker, topic, version), house) as sink:
            await until(lambda: sink._link)
            await phone.publish("pause", payload)
            await until(lambda: house.paused)
            assert house.paused == [taken]

    asyncio.run(story())


@pytest.mark.usefixtures("every_complaint")
def test_pauses_that_are_refused(broker, topic, caplog):
    async def story():
        house = FakeHouse()
        async with Listener(broker, topic) as phone:
            async with running(sink_for(broker, topic), house) as sink:
                await until(lambda: sink._link)
            await phone.publish("pause", "30", retain=True)
            await phone.publish("pause", "60")  # While the monitor is away.
            async with running(sink_for(broker, topic), house) as sink:
                await until(lambda: sink._link)
                for payload in ("721", "-1", "soon", '{"minutes": "30"}', '{"minutes": 30, "why": "quiet"}', b"\xff"):
                    await phone.publish("pause", payload)
                house.stuck = "cannot be: the disk is full"
                await phone.publish("pause", "10")
                await until(lambda: "the disk is full" in caplog.text)
                house.stuck = ""
                await phone.publish("pause", "5")
                await until(lambda: house.paused)
                assert house.paused == [(5, "", "home")]
            await phone.publish("pause", "", retain=True)

    asyncio.run(story())
    said = caplog.text
    assert "a pause is no whole number of minutes from 0 to 720" in said
    assert 'a pause is neither a number, nor "RESUME", nor JSON as {"minutes": 30, "by": "Anna"}' in said


@pytest.mark.parametrize(
    "payload",
    [b"", b"-1", b"721", b"true", b"1.5", b"null", b"[5]", b'{"minutes": true}', b'{"minutes": 5, "what": 1}', b"NaN",
     b'{"minutes": 5, "by": 3}', b"[" * 250, b"9" * 200, b"\xff\xfe", b"PRESS", b"1e400", b"6" * 300],
)  # fmt: skip
def test_no_pause_breaks_the_reader(payload):
    with pytest.raises(ValueError, match=r"^(is|names|says) "):
        read_pause(payload)


@pytest.mark.parametrize(("lasting", "still"), [(True, True), (False, False)])
def test_a_broker_that_lets_us_read_no_pause_still_has_the_rest(broker, topic, caplog, lasting, still):
    class OfOldRules:
        """Lets acknowledgements be read, as the rules of a broker may that was set up before there were pauses."""

        async def subscribe(self, name):
            if name.endswith("/pause"):
                raise BrokerError(f"{name}: the broker does not let us read it", lasting=lasting)
            return 3

    if still:
        assert asyncio.run(sink_for(broker, topic)._subscribe(OfOldRules())) == 3
        assert f"no pause by MQTT: {topic}/pause" in caplog.text
    else:
        with pytest.raises(BrokerError):  # The connection is gone, which is another matter.
            asyncio.run(sink_for(broker, topic)._subscribe(OfOldRules()))
