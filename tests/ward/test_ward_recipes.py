"""The recipes for a ward, followed to the letter: a room cries, the station shows it, an acknowledgement goes back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.request
from pathlib import Path

import pytest
from brokers import MOSQUITTO, free_port, needs_mosquitto
from rooms import Room
from station_ import RealStation, soon

from monitord.cli import _parser as parser
from monitord.cli import run
from monitord.config import Config
from monitord.wardtalk.topics import Kind, Topic

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "bench"))  # What the bench runs, the test runs.

import nats_nodes  # noqa: E402 - see above
from nats_kill import Told  # noqa: E402

RECIPES = ROOT / "docs" / "recipes"
NAMES = ("ward-mosquitto", "ward-nats")
needs_nats = pytest.mark.skipif(nats_nodes.NATS is None, reason="needs nats-server: apt-get install nats-server")


def blocks(name, kind):
    text = (RECIPES / f"{name}.md").read_text("utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def lines(name):
    return [line.removeprefix("sudo ") for block in blocks(name, "sh") for line in block.splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_each_command_is_one(name):
    known = ("apt-get install", "systemctl restart", "systemctl reload", "ln -s", "install -d")
    for line in lines(name):
        if line.startswith("monitord "):
            parser().parse_args(shlex.split(line)[1:])
        else:
            assert line.startswith(known), line


def test_the_cron_job_is_a_script_of_commands_that_there_are():
    (text,) = blocks("ward-mosquitto", "cron")
    assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0
    for command in re.findall(r"monitord (ward \w+)", text):
        parser().parse_args(command.split())


async def cry_and_answer(desk, room):
    """A cry in the room reaches the board, and the answer the room."""
    room.start()
    try:
        await soon(lambda: desk.rooms()["101"]["rank"] == 3, "a calm room")
        room.hear()
        shown = await soon(lambda: desk.rooms()["101"]["rank"] == 0 and desk.rooms()["101"], "the alert on the board")
        await asyncio.to_thread(desk.post, f"rooms/101/incidents/{shown['incident']['id']}/ack")
        await soon(lambda: room.incidents()[0]["state"] == "acknowledged", "the room heeds")
        assert room.incidents()[0]["acked_via"] == "ward"
    finally:
        await room.stop()


def channel_of(path):
    """The keys of the room's section, as the recipe has written them."""
    section = tomllib.loads(path.read_text("utf-8"))["notify"]["ward"]
    return {key: value for key, value in section.items() if key not in ("kind", "site", "room")}


@pytest.fixture
def public_folder():
    """One that the user `mosquitto` may enter."""
    folder = Path(tempfile.mkdtemp(prefix="monitord-recipe-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@needs_mosquitto
def test_mosquitto(public_folder, monkeypatch):
    """With Debian's own main file, and as the user that it drops to: the rights of the files count."""
    here, port = public_folder, free_port()
    folder, served = here / "monitord", here / "conf.d"
    served.mkdir()
    monkeypatch.chdir(here)
    (here / "config.toml").write_text('[room]\nname = "Room 101"\n')
    done = []
    for line in lines("ward-mosquitto"):
        words = shlex.split(line.replace("/etc/mosquitto", str(here)).replace("192.168.1.5", f"127.0.0.1:{port}"))
        if words[:2] == ["monitord", "ward"]:
            where = ["--config", str(here / "config.toml")] if words[2] == "join" else ["--folder", str(folder)]
            assert run([*words[1:], *where]) == 0, line
            done.append(words[2])
        elif words[:2] == ["ln", "-s"]:
            Path(words[3]).symlink_to(words[2])
    assert done == ["init", "enroll", "enroll-station", "join"]
    assert run(["ward", "join", "station-desk.ward", "--config", str(here / "ward.toml")]) == 0
    main = here / "mosquitto.conf"
    store = here / "store"
    store.mkdir()
    if os.geteuid() == 0:
        shutil.chown(store, "mosquitto")
    main.write_text(f"persistence true\npersistence_location {store}/\nlog_dest stderr\ninclude_dir {served}\n")
    log = (here / "log").open("wb")
    broker = subprocess.Popen([MOSQUITTO, "-c", main], stderr=log)
    desk = RealStation(here, (here / "ward.toml").read_text() + "[page]\nport = 0\nmetrics = true\n")
    try:
        until_open(("127.0.0.1", port), broker, here / "log")
        desk.start()
        asyncio.run(cry_and_answer(desk, Room(here / "rooms", "101", channel_of(here / "config.toml"), site="house")))
        with contextlib.suppress(ImportError):
            import prometheus_client  # noqa: F401, PLC0415 - only where it is

            with urllib.request.urlopen(f"{desk.url}metrics", timeout=20) as answer:  # noqa: S310 - ours
                text = answer.read().decode()
            assert "monitord_ward_stations 0.0\n" in text
            assert re.search(r'^monitord_acknowledgement_seconds_count\{urgency="high"\} 1.0$', text, re.MULTILINE)
        assert desk.stop() == 0
    finally:
        desk.close()
        broker.terminate()
        broker.wait(10)
        log.close()


def until_open(address, process, log):
    end = time.monotonic() + 60.0
    while True:
        with contextlib.suppress(OSError), socket.create_connection(address, 0.2):
            return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)


@pytest.fixture
def cluster(tmp_path):
    site = tmp_path / "site"
    brokers = [each for address in nats_nodes.Cluster.addresses for each in ("--broker", address)]
    assert run(["ward", "init", "house", "--folder", str(site), *brokers]) == 0
    cluster = nats_nodes.Cluster(tmp_path, site, ["101", "102"], ["desk"])
    cluster.start_all()
    yield cluster
    cluster.stop()


def section(cluster, tmp_path):
    """The recipe's section of the room, with what is another here."""
    (text,) = blocks("ward-nats", "toml")
    assert Config.model_validate(tomllib.loads(text)).notify["ward"].version == "3.1.1"
    password = tmp_path / "password"
    password.write_text(f"{nats_nodes.PASSWORD}\n")
    password.chmod(0o600)
    text = text.replace("/etc/monitord/ward/ca.crt", f"{tmp_path}/site/ca.crt").replace("192.168.1.", "127.0.0.")
    text = text.replace("/etc/monitord/ward/password", str(password)).replace(":8883", f":{cluster.mqtt}")
    path = tmp_path / "room.toml"
    path.write_text(text)
    return path


def station_of(room_keys, cluster, tmp_path):
    """ward.toml with the five keys that the recipe names."""
    keys = {**room_keys, "username": "house.ward.desk"}
    told = "".join(f"{key} = {value!r}\n" for key, value in keys.items()).replace("'", '"')
    return (
        '[ward]\nsite = "house"\nname = "west"\nstation = "desk"\nrooms = ["101", "102"]\n'
        f"[broker]\n{told}[page]\nport = 0\n"
    )


def test_what_the_bench_counts_as_lost():
    told = Told()
    for number in (1, 2, 3):
        told.asked["101", number] = 10.0 + number
    told.confirmed |= {("101", 1): 11.5, ("101", 2): 19.0}
    told.arrived["101", 1] += 2
    assert told.lost() == [("101", 2)]  # The third was not confirmed: it would be sent again.
    assert told.first_after(12.0) == pytest.approx(7.0)
    assert told.first_of_alerts_after(11.9) == pytest.approx(7.1)
    del told.asked["101", 3]
    assert told.longest_wait(11.5) == pytest.approx(7.0)


@needs_nats
@pytest.mark.slow
def test_nats(cluster, tmp_path):
    keys = channel_of(section(cluster, tmp_path))
    desk = RealStation(tmp_path, station_of(keys, cluster, tmp_path))
    try:
        desk.start()
        asyncio.run(cry_and_answer(desk, Room(tmp_path / "rooms", "101", keys, site="house")))
        leader = cluster.leader()
        cluster.kill(leader)
        room = Room(tmp_path / "rooms", "102", {**keys, "username": "house.102"}, site="house")

        async def story():
            """After the node that led is dead, another room's cry arrives all the same."""
            room.start()
            room.hear()
            await soon(lambda: desk.rooms()["102"]["rank"] == 0, "the alert on the board", patience_s=120.0)
            await room.stop()

        asyncio.run(story())
        assert desk.stop() == 0
    finally:
        desk.close()


@needs_nats
@pytest.mark.parametrize("rights", ["as the recipe has them", "control: none"])
def test_at_nats_a_room_reads_and_writes_nothing_but_its_own(tmp_path, monkeypatch, rights):
    """Also not what is on its way to the station, below $MQTT.sub, which each user must be allowed to subscribe to."""
    if rights != "as the recipe has them":
        real = nats_nodes.users
        bare = r"permissions: \{.*?\n      \}\n"
        monkeypatch.setattr(nats_nodes, "users", lambda *who: re.sub(bare, "", real(*who), flags=re.DOTALL))
    site = tmp_path / "site"
    brokers = [each for address in nats_nodes.Cluster.addresses for each in ("--broker", address)]
    assert run(["ward", "init", "house", "--folder", str(site), *brokers]) == 0
    cluster = nats_nodes.Cluster(tmp_path, site, ["101", "102"], ["desk"])
    cluster.start_all()
    try:
        heard = asyncio.run(_spy(cluster, site))
    finally:
        cluster.stop()
    expected = rights != "as the recipe has them"
    assert heard == {"reads the state of 102": expected, "writes the state of 102": expected}


async def _spy(cluster, site):
    import ssl  # noqa: PLC0415 - here alone

    import aiomqtt  # noqa: PLC0415

    def client(user):
        trust = ssl.create_default_context(cafile=site / "ca.crt")
        return aiomqtt.Client(cluster.addresses[0], cluster.mqtt, username=user, password=nats_nodes.PASSWORD,
                              identifier=user, tls_context=trust, clean_session=True, timeout=60)  # fmt: skip

    state, health = str(Topic(Kind.STATE, "house", "102")), str(Topic(Kind.HEALTH, "house", "102"))
    acked = str(Topic(Kind.ACK, "house", "101"))
    spied, told = [], []

    async def listen(who, into):
        async for message in who.messages:
            into.append((str(message.topic), message.payload.decode()))

    async with client("house.101") as spy, client("house.ward.desk") as desk:
        listening = [asyncio.create_task(listen(spy, spied)), asyncio.create_task(listen(desk, told))]
        await desk.subscribe([(state, 1), (health, 1)])
        for topic in ("#", "monitord/#", state, "$MQTT/sub/#", "$MQTT/#", "monitord/v1/house/+/state", acked):
            with contextlib.suppress(aiomqtt.MqttError):
                await spy.subscribe(topic, qos=1)
        async with client("house.102") as victim:
            await victim.publish(state, "private", qos=1, retain=True)
            with contextlib.suppress(aiomqtt.MqttError):
                await spy.publish(state, "forged", qos=1)
            await victim.publish(health, "fence", qos=1)
        await soon(lambda: (health, "fence") in told, "the fence at the desk")
        assert (state, "private") in told
        with contextlib.suppress(aiomqtt.MqttError):
            await desk.publish(acked, "fence", qos=1)
        await soon(lambda: any(payload == "fence" for _, payload in spied), "the fence at the spy")
        for each in listening:
            each.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    return {
        "reads the state of 102": any(payload == "private" for _, payload in spied),
        "writes the state of 102": (state, "forged") in told,
    }
