"""Who may do what at a real mosquitto with the files of `monitord ward`, and the same acts without its access list."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import ssl
import subprocess

import aiomqtt
import pytest
from brokers import needs_mosquitto, until
from ward_site import BASE, Site

pytestmark = needs_mosquitto


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("site") / "house")


@contextlib.asynccontextmanager
async def listening(client, *topics):
    """What `client` is told of `topics`, as a list of (topic, payload)."""
    heard = []

    async def listen():
        async for message in client.messages:
            heard.append((str(message.topic), message.payload.decode()))  # noqa: PERF401 - it is read meanwhile

    async with client:
        for topic in topics:
            await client.subscribe(topic, qos=1)
        task = asyncio.create_task(listen())
        try:
            yield heard
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


WRITES = [
    ("101", f"{BASE}/102/state", "a"),
    ("101", f"{BASE}/102/incident/7", "a"),
    ("101", f"{BASE}/102/health", "a"),
    ("101", f"{BASE}/102/ack", "102"),
    ("101", f"{BASE}/101/ack", "101"),
    ("101", f"{BASE}/201/ack", "201"),
    ("101", f"{BASE}/_ward/west/a/state", "b"),
    ("a", f"{BASE}/101/state", "b"),
    ("a", f"{BASE}/101/incident/7", "b"),
    ("a", f"{BASE}/201/ack", "201"),
    ("a", f"{BASE}/201/state", "c"),
    ("a", f"{BASE}/_ward/west/b/state", "b"),
    ("a", f"{BASE}/_ward/east/a/state", "c"),
]
"""Who must not write what, and who would see it. A room that acknowledged for itself would silence its own alarm."""
READS = [
    ("101", "102", f"{BASE}/102/state"),
    ("101", "a", f"{BASE}/_ward/west/a/state"),
    ("101", "101", f"{BASE}/101/state"),
    ("a", "201", f"{BASE}/201/state"),
    ("a", "201", f"{BASE}/201/incident/1"),
    ("a", "c", f"{BASE}/_ward/east/c/state"),
    ("101", "a", f"{BASE}/102/ack"),
]
"""Who must not read what, and who wrote it."""
RIGHTS = [
    ("101", f"{BASE}/101/state", "a"),
    ("101", f"{BASE}/101/health", "b"),
    ("101", f"{BASE}/101/incident/42", "a"),
    ("a", f"{BASE}/101/ack", "101"),
    ("a", f"{BASE}/_ward/west/a/state", "b"),
    ("c", f"{BASE}/201/ack", "201"),
]
"""Who writes what, and who reads it, as it should be."""
FENCE = {"a": ("101", "health"), "b": ("101", "health"), "c": ("201", "health")}
FENCE |= {"101": ("a", "ack"), "102": ("a", "ack"), "201": ("c", "ack")}
"""Who tells each of them something that they may read: what was published before has come by then, or never will."""


async def fence(site, reader, heard):
    by, part = FENCE[reader]
    room = by if part == "health" else reader
    async with site.client(by) as teller:
        await teller.publish(f"{BASE}/{room}/{part}", "fence", qos=1)
    await until(lambda: (f"{BASE}/{room}/{part}", "fence") in heard, "the fence")


async def write(site, who, topic, seen_by):
    """Whether what `who` writes arrives."""
    reader = site.client(seen_by)
    async with listening(reader, f"{BASE}/#") as heard:
        # A second connection of the same user would end the first.
        async with contextlib.nullcontext(reader) if who == seen_by else site.client(who) as writer:
            with contextlib.suppress(aiomqtt.MqttError):
                await writer.publish(topic, "forged", qos=1)
        await fence(site, seen_by, heard)
        return (topic, "forged") in heard


async def read(site, who, by, topic):
    """Whether `who` reads what `by` has written; with the topic itself, and with all there is."""
    async with site.client(by) as writer:
        await writer.publish(topic, "private", qos=1, retain=True)
    async with listening(site.client(who), "#", topic) as heard:
        await fence(site, who, heard)
        async with site.client(by) as writer:
            await writer.publish(topic, "private, too", qos=1)
        await fence(site, who, heard)
        return any(each == topic for each, _ in heard)


@pytest.mark.parametrize("without", [(), ("acl_file",)], ids=["with the access list", "control: without it"])
def test_what_may_not_be_written_does_not_arrive(site, without):
    async def story():
        with site.broker(without):
            return {act: await write(site, *act) for act in WRITES}

    assert asyncio.run(story()) == dict.fromkeys(WRITES, bool(without))


@pytest.mark.parametrize("without", [(), ("acl_file",)], ids=["with the access list", "control: without it"])
def test_what_may_not_be_read_does_not_come(site, without):
    async def story():
        with site.broker(without):
            return {act: await read(site, *act) for act in READS}

    assert asyncio.run(story()) == dict.fromkeys(READS, bool(without))


def test_what_a_ward_needs_is_let_through(site):
    async def story():
        with site.broker():
            return {act: await write(site, *act) for act in RIGHTS}

    assert asyncio.run(story()) == dict.fromkeys(RIGHTS, True)


def test_nobody_comes_in_without_a_password_or_with_anothers(site):
    async def refused(**login):
        try:
            async with site.client("101", **login):
                return False
        except aiomqtt.MqttError:
            return True

    async def story(without, more):
        with site.broker(without, more):
            return [
                await refused(username=None, password=None),
                await refused(password=site.slips["102"].password),
                await refused(username="house.999"),
            ]

    assert asyncio.run(story((), "")) == [True, True, True]
    control = ("password_file", "allow_anonymous", "acl_file", "use_username_as_clientid")
    assert asyncio.run(story(control, "allow_anonymous true\n")) == [False, False, False]


def test_the_broker_proves_itself_and_speaks_tls_only(site, tmp_path):
    other = Site(tmp_path / "other")

    def trusted_by(authority):
        trust = ssl.create_default_context(cadata=authority)
        with socket.create_connection(("127.0.0.1", site.port), 20) as plain:
            try:
                with trust.wrap_socket(plain, server_hostname="127.0.0.1"):
                    return True
            except ssl.SSLCertVerificationError:
                return False

    def answers_in_the_clear():
        """CONNECT of MQTT 3.1.1 (3.1) without a user: a broker that hears it answers with a CONNACK."""
        with socket.create_connection(("127.0.0.1", site.port), 20) as plain:
            plain.sendall(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x")
            try:
                return plain.recv(1) == b"\x20"
            except ConnectionError:
                return False

    with site.broker():
        assert trusted_by(site.slips["101"].authority)
        assert not trusted_by(other.slips["101"].authority)
        assert not answers_in_the_clear()
    with site.broker(("certfile", "keyfile")):
        assert answers_in_the_clear()  # Control.


@pytest.mark.parametrize("without", [(), ("use_username_as_clientid",)], ids=["as made", "control: without the line"])
def test_no_room_takes_the_place_of_another(site, without):
    """By its client identifier: the broker would cut the other off, and give away what waits for it."""

    async def story():
        with site.broker(without):
            async with site.client("102") as victim:
                async with site.client("101", identifier=site.slips["102"].username):
                    pass
                try:
                    await victim.publish(f"{BASE}/102/health", "alive", qos=1, timeout=5)
                except aiomqtt.MqttError:
                    return True
                return False

    with contextlib.suppress(aiomqtt.MqttError):
        assert asyncio.run(story()) is bool(without)


@pytest.fixture
def own(tmp_path):
    return Site(tmp_path / "house")


def test_a_revoked_room_is_cut_off_by_a_reload_and_does_not_come_back(own):
    async def gone(client):
        try:
            async with client:
                return False
        except aiomqtt.MqttError:
            return True

    async def story():
        with own.broker() as broker:
            async with own.client("102") as stays:
                room = own.client("101")
                await room.__aenter__()
                assert not await gone(own.client("101", identifier=""))  # Control: it may, before.
                await room.__aexit__(None, None, None)
                async with contextlib.AsyncExitStack() as stack:
                    with contextlib.suppress(aiomqtt.MqttError):
                        held = await stack.enter_async_context(own.client("101"))
                        own.ward("revoke", "101")
                        broker.process.send_signal(signal.SIGHUP)
                        await asyncio.wait_for(asyncio.shield(held._disconnected), 20)
                    assert held._disconnected.done(), "the broker did not cut the connection"
                assert await gone(own.client("101"))
                await stays.publish(f"{BASE}/102/health", "alive", qos=1, timeout=20)
            own.enroll("enroll", "101", "west")
            broker.process.send_signal(signal.SIGHUP)
            for _ in range(200):
                if not await gone(own.client("101")):
                    return
                await asyncio.sleep(0.05)
            pytest.fail("enrolled again, and not let in")

    asyncio.run(story())


def test_new_credentials_end_the_old_ones(own):
    former = own.slips["101"]

    async def refused(password):
        try:
            async with own.client("101", password=password):
                return False
        except aiomqtt.MqttError:
            return True

    async def story():
        with own.broker():
            return await refused(former.password), await refused(own.slips["101"].password)

    assert asyncio.run(story()) == (False, False)
    own.enroll("enroll", "101", "west", "--again")
    assert asyncio.run(story()) == (True, False)


def test_a_new_certificate_is_served_after_a_reload(own):
    def serial():
        return ssl.get_server_certificate(("127.0.0.1", own.port))

    async def story():
        with own.broker() as broker:
            before = serial()
            own.ward("renew", "--now")
            assert serial() == before  # Control: not without the reload.
            broker.process.send_signal(signal.SIGHUP)
            await until(lambda: serial() != before, "the new certificate")
            async with own.client("101"):  # The authority is the same, so nobody has to join anew.
                pass

    asyncio.run(story())


@pytest.mark.skipif(shutil.which("mosquitto_passwd") is None, reason="needs mosquitto_passwd")
def test_our_password_lines_are_mosquittos_own(own):
    """mosquitto_passwd changes one line of a file with ours, and the broker lets both in."""
    path = own.folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", path, "house.102", "another"], check=True)

    async def story():
        with own.broker():
            async with own.client("101"), own.client("102", password="another"):
                return True

    assert asyncio.run(story())
