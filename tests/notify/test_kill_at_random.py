"""kill -9 of a real voice at random instants, while frames come as fast as it takes them and its channel is flaky.

What holds afterwards: every frame that the socket accepted is in the journal exactly once and in order; every alert has
arrived, or has failed and is told as such; nothing arrived twice without the key that a receiver knows a double by.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from waiting import until

from monitord.events import Fault, Frame, Kind, Message, Role, Sound
from monitord.notify import delivery
from monitord.notify.database import JournalError
from monitord.notify.history import read
from monitord.wire import encode

FLAKY = str(Path(__file__).parent / "flaky_voice.py")
STORY = [
    *[Message(Kind.SOUND, Sound.CRY, 80, 30), Message(Kind.SOUND, Sound.HELP, 90, 20)] * 2,
    Message(Kind.FAULT, Fault.MICROPHONE_MISSING),
    *[Message(Kind.SOUND, Sound.CRY, 70, 30)] * 3,
    Message(Kind.FAULT, Fault.RECOVERED),
]
"""Two sounds that go on, and a fault that comes and goes: an incident of its own each time."""


class Flood:
    """Sends numbered frames as fast as they are taken, until it is stopped."""

    def __init__(self, path, pause_s=0.0):
        self.sent = []
        self._pause_s = pause_s
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.connect(str(path))
        self._socket.settimeout(0.1)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self):
        number = 0
        while not self._over.is_set():
            life, sequence = divmod(number, 60_000)
            try:
                self._socket.send(encode(Frame(STORY[number % len(STORY)], Role.EAR, life, sequence)))
            except TimeoutError:
                continue
            self.sent.append((life, sequence))
            number += 1
            time.sleep(self._pause_s)

    def stop(self):
        self._over.set()
        self._thread.join()
        self._socket.close()


def start(voice, **environment):
    (voice.runtime / "page").unlink(missing_ok=True)
    voice.start(program=(FLAKY,), ARRIVALS=str(voice.runtime / "arrivals"), **environment)


def is_up(voice):
    return (voice.runtime / "page").exists()


def kill(voice):
    voice.process.send_signal(signal.SIGKILL)
    code, logged = voice.ended()
    assert code == -signal.SIGKILL, logged


def live_and_die(voice, flood, dice):
    """One life: killed while it starts, or at some instant of its work, however fast this machine is."""
    start(voice)
    if dice.random() < 0.2:
        time.sleep(dice.uniform(0.0, 1.0))
    else:
        until(lambda: is_up(voice) or voice.process.poll() is not None)
        enough = len(flood.sent) + dice.randint(0, 60)
        until(lambda: len(flood.sent) >= enough or voice.process.poll() is not None)
        time.sleep(dice.uniform(0.0, 0.05))
    kill(voice)


def journalled(voice, *, when_all_is_brought=False):
    """The frames in the journal; none where deliveries are under way and it matters, or none can be read yet.

    That is so before the voice has made it, and while a damaged one waits for the voice to set it aside.
    """
    try:
        with closing(read(voice.state / "journal.sqlite3")) as history:
            if when_all_is_brought and history.unfinished():
                return []
            return [(stored.frame.boot, stored.frame.sequence) for stored in history.frames_since("2000")]
    except JournalError:
        return []


def settled(voice):
    return journalled(voice, when_all_is_brought=True)


def has_the_last(frames, flood):
    return frames[-1:] == flood.sent[-1:]


def last_life(voice, flood, **environment):
    """Let it take what is left and bring what it has; returns the journal's frames."""
    start(voice, **environment)
    flood.stop()
    until(lambda: has_the_last(settled(voice), flood))
    code, logged = voice.stop()
    assert code == 0, logged
    return settled(voice)


def check_alerts(voice):
    history = read(voice.state / "journal.sqlite3")
    incidents = {each.id: each for each in history.incidents(1_000_000)}
    brought = history.deliveries(list(incidents)) if len(incidents) < 30_000 else []
    lines = [line.split() for line in (voice.runtime / "arrivals").read_text().splitlines()]
    name = history.id
    history.close()
    told = [each for each in incidents.values() if each.subject is Fault.ALERT_UNDELIVERED]
    rings = [each for each in brought if each.sink == "page" and each.reason in delivery.RINGS]
    # Every alert has a delivery; each has arrived, or it failed, and what failed was told.
    assert {each.incident for each in rings} == {each.id for each in incidents.values() if each.alerted_at is not None}
    assert {each.state for each in rings} <= delivery.FINAL
    failed = [each for each in rings if each.state is delivery.State.FAILED]
    for each in failed:
        itself = incidents[each.incident].subject is Fault.ALERT_UNDELIVERED
        assert itself or any(alarm.last_at >= each.expires_at - 1.0 for alarm in told), each
    # What counts as delivered has arrived, and a key belongs to one delivery only.
    arrived = {}
    for key, incident, reason in lines:
        assert arrived.setdefault(key, (incident, reason)) == (incident, reason)
    assert {f"{name}-{each.id}" for each in rings if each.state is delivery.State.DELIVERED} <= set(arrived)
    known = {f"{name}-{each.id}": str(each.incident) for each in brought}
    assert all(known[key] == incident for key, (incident, _) in arrived.items())
    doubles = sum(count - 1 for count in Counter(key for key, *_ in lines).values())
    return {"alerts": len(rings), "failed": len(failed), "doubles with their key": doubles}


def survive(voice, kills, seed):
    dice = random.Random(seed)  # noqa: S311 - which instants, not secrets
    voice.hold_socket()
    flood = Flood(voice.runtime / "events.sock")
    try:
        for _ in range(kills):
            live_and_die(voice, flood, dice)
        frames = last_life(voice, flood)
    finally:
        flood.stop()
    assert frames == flood.sent
    figures = check_alerts(voice)
    print(f"{kills} kills, {len(frames)} frames, {figures}")  # noqa: T201 - pytest -s shows what was measured
    assert figures["alerts"] > kills / 2


def test_nothing_is_lost_or_doubled_by_ten_kills(real_voice):
    survive(real_voice, 10, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_lost_or_doubled_by_three_hundred_kills_in_six_houses(real_voice, seed):
    survive(real_voice, 50, seed)


@pytest.fixture
def small_disk(real_voice):
    """A voice whose state is on a disk of 4 MB."""
    if os.getuid() != 0:
        pytest.skip("a disk of its own takes root to mount")
    real_voice.state.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(real_voice.state)], check=False)
    if mounted.returncode != 0:
        pytest.skip("this machine does not let root mount a disk")
    yield real_voice
    real_voice.close()
    subprocess.run(["umount", "-l", str(real_voice.state)], check=True)


def fill(voice):
    """Not a byte is left."""
    with (voice.state / "ballast").open("ab", buffering=0) as ballast:
        for size in (65536, 4096, 1):
            try:
                while True:
                    ballast.write(b"\0" * size)
            except OSError:
                pass


def free(voice):
    (voice.state / "ballast").unlink(missing_ok=True)


def arrivals(voice):
    path = voice.runtime / "arrivals"
    return len(path.read_text().splitlines()) if path.exists() else 0


def live_on_a_disk_that_fills_up(voice, *, to_the_end=True, **environment):
    """Started on a full disk that has room later, and none again; returns what was sent and what the journal has."""
    voice.hold_socket()
    fill(voice)
    start(voice, **environment)
    flood = Flood(voice.runtime / "events.sock", pause_s=0.005)
    try:
        until(lambda: is_up(voice) or voice.process.poll() is not None)
        for _ in range(3):
            before = arrivals(voice)
            until(lambda before=before: arrivals(voice) > before or voice.process.poll() is not None)
            free(voice)
            time.sleep(1.0)
            fill(voice)
            time.sleep(1.0)
        free(voice)
        flood.stop()
        if to_the_end:
            until(lambda: voice.process.poll() is not None or has_the_last(settled(voice), flood))
        else:
            time.sleep(2.0)
    finally:
        flood.stop()
    code, logged = voice.stop()
    return flood.sent, journalled(voice), code, logged


def test_a_full_disk_stops_no_alert_and_loses_no_frame(small_disk):
    sent, frames, code, logged = live_on_a_disk_that_fills_up(small_disk)
    assert code == 0, logged
    assert frames == sent
    assert "free some space" in logged
    check_alerts(small_disk)
    history = read(small_disk.state / "journal.sqlite3")
    assert Fault.JOURNAL in {each.subject for each in history.incidents(1000)}
    history.close()


def test_without_what_is_kept_in_memory_a_full_disk_loses_frames(small_disk):
    # The control.
    sent, frames, code, logged = live_on_a_disk_that_fills_up(small_disk, to_the_end=False, NO_KEEP="1")
    assert code == 0, logged
    assert set(frames) < set(sent)


def test_without_the_memory_the_voice_does_not_start_on_a_full_disk(small_disk):
    # The control.
    small_disk.hold_socket()
    fill(small_disk)
    start(small_disk, NO_MEMORY="1")
    code, logged = small_disk.ended()
    assert (code, "cannot be" in logged) == (1, True)


def test_kills_on_a_disk_that_is_full_now_and_then_double_nothing_and_lose_only_what_was_in_memory(small_disk):
    dice = random.Random(3)  # noqa: S311 - which instants, not secrets
    small_disk.hold_socket()
    flood = Flood(small_disk.runtime / "events.sock", pause_s=0.002)
    at_risk = set()
    try:
        for number in range(8):
            full = number % 2 == 0
            begun = len(flood.sent)
            if full:
                fill(small_disk)
            live_and_die(small_disk, flood, dice)
            if full:
                free(small_disk)
                # Those in the socket before and after are in no danger; those taken meanwhile were in memory.
                at_risk |= set(flood.sent[max(0, begun - 600) : len(flood.sent)])
        frames = last_life(small_disk, flood)
    finally:
        flood.stop()
    assert frames == sorted(set(frames))
    assert set(flood.sent) - set(frames) <= at_risk


def remount(voice, how):
    subprocess.run(["mount", "-o", f"remount,{how}", str(voice.state)], check=True)


def test_on_a_read_only_disk_it_begins_in_memory_alerts_and_moves_there_when_it_can(small_disk):
    small_disk.hold_socket()
    flood = Flood(small_disk.runtime / "events.sock", pause_s=0.01)
    try:
        live_and_die(small_disk, flood, random.Random(1))  # noqa: S311 - which instant
        before = journalled(small_disk)
        remount(small_disk, "ro")
        start(small_disk)
        until(lambda: is_up(small_disk))
        count = arrivals(small_disk)
        until(lambda: arrivals(small_disk) > count + 3)
        assert journalled(small_disk) == before
        remount(small_disk, "rw")
        flood.stop()
        until(lambda: has_the_last(settled(small_disk), flood))
    finally:
        flood.stop()
    code, logged = small_disk.stop()
    assert code == 0, logged
    assert "until then it is kept in memory only" in logged
    assert settled(small_disk) == flood.sent
    check_alerts(small_disk)


def test_without_the_memory_the_voice_does_not_start_on_a_read_only_disk(small_disk):
    # The control.
    remount(small_disk, "ro")
    small_disk.hold_socket()
    start(small_disk, NO_MEMORY="1")
    code, logged = small_disk.ended()
    assert (code, "Read-only file system" in logged) == (1, True)


def test_a_journal_cut_off_in_mid_page_between_two_lives_is_set_aside_and_the_voice_goes_on(real_voice):
    real_voice.hold_socket()
    flood = Flood(real_voice.runtime / "events.sock")
    dice = random.Random(4)  # noqa: S311 - which instants
    try:
        for _ in range(3):
            live_and_die(real_voice, flood, dice)
            path = real_voice.state / "journal.sqlite3"
            size = path.stat().st_size if path.exists() else 0
            if size > 8192:
                os.truncate(path, size - dice.randint(1, 8000))
        frames = last_life(real_voice, flood)
    finally:
        flood.stop()
    assert frames[-1] == flood.sent[-1]
    assert frames == sorted(set(frames))
