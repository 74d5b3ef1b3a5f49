"""Faults of the clock, the disk, the network and of processes that die again and again; see test_faults.py."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import faulty_libc
import pytest
from faults_measured import keep
from latency import bundled_cry
from making_faults import fault, label
from running_house import House, is_sound_incident
from sound_server import MICROPHONE, missing

from monitord.steadiness import DEATHS

sys.path.insert(0, str(Path(__file__).parent.parent))
from brokers import MOSQUITTO, Mosquitto

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(bool(missing()), reason=missing()),
]
needs_faulty_libc = pytest.mark.skipif(bool(faulty_libc.missing()), reason=faulty_libc.missing())
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root")
RING_S = 5.0


@needs_faulty_libc
@pytest.mark.parametrize(("step_s", "title"), [(3600, "forward"), (-3600, "back")])
def test_clock_set(folder, sound, step_s, title):
    libc = faulty_libc.FaultyLibc(folder)
    extra = f"[rules.cry]\nrepeat_s = {RING_S}\n"
    with House(folder, {**sound.environment, **libc.environment}, MICROPHONE, extra=extra) as house:
        sound.player(bundled_cry(folder / "cry.wav"))
        await_rings(house, 2)  # The alert, and the first ring after it.
        before = house.wait(lambda told: told.name == "state", 30.0)
        libc.clock(step_s)
        stepped, done = time.monotonic(), rings_of(house)
        # None is lost: the next comes when it would have come, and so do those after it.
        rings = [await_rings(house, done + more) for more in (1, 2, 3)]
        after = house.wait(lambda told: told.name == "state" and told.at > rings[-1], 30.0)
        moved = (at_of(after) - at_of(before)) - (after.at - before.at)
        assert abs(moved - step_s) < 5.0, "the control: the house's clock was set"
        faults = {label(told) for told in house.told if told.name == "incident" and told.content["kind"] == "fault"}
        assert faults == set(), "a false alarm"
        pauses = [later - earlier for earlier, later in zip([stepped, *rings], rings, strict=False)]
        if "MONITORD_FAULTS" in os.environ:
            assert all(pause < RING_S + 2.0 for pause in pauses), pauses
        keep(f"clock set {title} by an hour; no fault told; over: the third ring of an alert", None, 0.0,
             rings[-1] - stepped, 3 * RING_S + 3.0)  # fmt: skip


def rings_of(house):
    """How often the alert was told so far: the log is a channel that takes each at once."""
    return house.log().count("(high) Test: A child is crying.")


def await_rings(house, count):
    """When there were so many."""
    began = time.monotonic()
    while rings_of(house) < count:
        time.sleep(0.02)
        assert time.monotonic() < began + 60.0, house.log()
    return time.monotonic()


def at_of(told):
    return datetime.fromisoformat(told.content.get("state", told.content)["time"]).timestamp()


@pytest.fixture
def ext4(folder):
    """A small file system of its own at the state folder, which turns read-only when it meets an error."""
    state = folder / "st"
    state.mkdir()
    with (folder / "disk").open("wb") as file:
        file.truncate(24 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", folder / "disk"], check=True)
    subprocess.run(["mount", "-o", "loop,errors=remount-ro", folder / "disk", state], check=True)
    yield state
    subprocess.run(["umount", state], check=True)


@needs_root
def test_disk_read_only(folder, sound, ext4):
    with House(folder, sound.environment, MICROPHONE) as house:
        found = subprocess.run(["findmnt", "-no", "SOURCE", ext4], check=True, capture_output=True, text=True)
        trigger = Path("/sys/fs/ext4") / Path(found.stdout.strip()).name / "trigger_fs_error"
        if not trigger.exists():
            pytest.skip("this kernel lets nobody make an ext4 fail")
        began = time.monotonic()
        trigger.write_text("a test", "ascii")
        with pytest.raises(OSError, match="Read-only"):
            (ext4 / "control").touch()
        told = fault(house, "JOURNAL", "", 60.0)
        # Memory until it heals: the alert goes out all the same.
        sound.player(bundled_cry(folder / "cry.wav"))
        house.wait(is_sound_incident, 60.0)
        keep("disk has become read-only (an error of ext4)", told - began, 6.0, None, 0.0)


@needs_root
def test_disk_full_with_nothing_to_write(folder, sound, ext4):
    with House(folder, sound.environment, MICROPHONE) as house:
        began = time.monotonic()
        with contextlib.suppress(OSError), (ext4 / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))
        full = time.monotonic()
        told = fault(house, "JOURNAL", "", 60.0)
        assert not house.incidents()
        (ext4 / "filler").unlink()
        mended = time.monotonic()
        over = fault(house, "JOURNAL", "cleared", 120.0)
        assert full > began
        keep("disk full in a quiet room", told - full, 6.0, over - mended, 90.0)


@needs_faulty_libc
def test_disk_slow(folder, sound):
    libc = faulty_libc.FaultyLibc(folder)
    with House(folder, {**sound.environment, **libc.environment}, MICROPHONE) as house:
        before = libc.met
        libc.slow_disk(4000)
        sound.player(bundled_cry(folder / "cry.wav"))
        first = time.monotonic()
        while libc.met == before:  # The first sync that is slow.
            time.sleep(0.01)
            assert time.monotonic() < first + 60.0
        began = time.monotonic()
        told = fault(house, "DISK_SLOW", "", 90.0)
        assert house.incidents(), "late, and told all the same"
        libc.slow_disk(0)
        mended = time.monotonic()
        over = fault(house, "DISK_SLOW", "cleared", 150.0)
        keep("disk slow (each sync takes 4 s)", told - began, 10.0, over - mended, 90.0)


@pytest.fixture
def cable():
    """A network namespace at the far end of a cable: (its name, our end, its address)."""
    space, ours, theirs = "mnfar", "mnnear0", "mnfar0"

    def ip(*arguments):
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    ip("netns", "add", space)
    try:
        ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", space)
        ip("addr", "add", "10.213.77.1/24", "dev", ours)
        ip("link", "set", ours, "up")
        ip("-n", space, "addr", "add", "10.213.77.2/24", "dev", theirs)
        ip("-n", space, "link", "set", theirs, "up")
        ip("-n", space, "link", "set", "lo", "up")
        yield space, theirs, "10.213.77.2", ip
    finally:
        subprocess.run(["ip", "netns", "del", space], check=False)
        subprocess.run(["ip", "link", "del", ours], check=False, capture_output=True)


@needs_root
@pytest.mark.skipif(MOSQUITTO is None, reason="needs mosquitto")
def test_network_cut(folder, sound, cable):
    space, theirs, address, ip = cable
    broker = Mosquitto(folder, "allow_anonymous true", address=address, prefix=("ip", "netns", "exec", space)).start()
    extra = f'[notify.home]\nkind = "mqtt"\nhost = "{address}"\nport = {broker.port}\nversion = "3.1.1"\n'
    try:
        with House(folder, sound.environment, MICROPHONE, extra=extra) as house:
            house.wait(lambda told: trouble(told) == "", 60.0)
            began = time.monotonic()
            # The far end's plug: our own link stays up, and nobody says that nobody answers.
            ip("-n", space, "link", "set", theirs, "down")
            with pytest.raises(OSError, match=r"timed out|unreachable|No route"):
                socket.create_connection((address, broker.port), 2.0)
            told = house.wait(lambda told: bool(trouble(told)), 120.0).at
            mended = time.monotonic()
            ip("-n", space, "link", "set", theirs, "up")
            over = house.wait(lambda told: trouble(told) == "", 120.0).at
            keep("network cut between house and broker, nothing to send", told - began, 60.0, over - mended, 90.0)
    finally:
        broker.stop()


def trouble(told):
    if told.name not in {"state", "snapshot"}:
        return None
    state = told.content.get("state", told.content)
    return next((each["trouble"] for each in state.get("channels", []) if each["name"] == "home"), None)


def test_ear_killed_again_and_again(house):
    began = time.monotonic()
    for life in range(DEATHS):
        died = time.monotonic()
        ear = house.processes()["audio"]
        os.kill(ear, signal.SIGKILL)
        while house.processes().get("audio") in {ear, None}:
            time.sleep(0.05)
            assert time.monotonic() < died + 60.0
        # It has said its first word: one that dies before that was never there.
        while house.log().count("ear   I model ear:") < life + 2:
            time.sleep(0.05)
            assert time.monotonic() < died + 60.0
    told = fault(house, "EAR_UNSTEADY", "", 60.0)
    assert "monitord audio dies again and again" in house.log()
    # It hears again, and the alarm stays all the same.
    house.wait(lambda each: each.name == "state" and each.at > told + 5.0, 60.0)
    assert [each.content["state"] for each in house.told if label(each) == "EAR_UNSTEADY"][-1] != "cleared"
    keep(f"ear killed {DEATHS} times (SIGKILL); told after the last", told - died, 20.0, None, 0.0)
    assert told > began


def test_voice_killed_again_and_again(house):
    for _ in range(DEATHS):
        died = time.monotonic()
        voice = house.processes()["notify"]
        os.kill(voice, signal.SIGKILL)
        while house.processes().get("notify") in {voice, None}:
            time.sleep(0.05)
            assert time.monotonic() < died + 60.0
        house.listen()
        house.wait(lambda told, since=died: told.at > since and told.name == "snapshot", 60.0)
    labels = {each["label"] for each in house.told[-1].content.get("incidents", [])}
    told = time.monotonic()
    if "VOICE_UNSTEADY" not in labels:
        snapshots = [each for each in house.told if each.name == "snapshot" and each.at > died]
        labels = {each["label"] for snapshot in snapshots for each in snapshot.content["incidents"]}
        told = snapshots[0].at
    assert "VOICE_UNSTEADY" in labels
    assert "monitord notify dies again and again" in house.log()
    keep(f"voice killed {DEATHS} times (SIGKILL); told after the last", told - died, 30.0, None, 0.0)
