"""Fifty rooms of real voices, two stations, a real broker with TLS, passwords and an ACL; and everything dies once.

Each room has a voice, a journal and an outbox of its own, ten of them to a process; one is a whole `monitord notify`.
No time is shortened and nothing is faked: the broker and a station are killed by SIGKILL, a room likewise, and the
network of a part of the rooms is cut for a minute (no byte passes, and no connection is closed).
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from brokers import Authority, Mosquitto, free_port, needs_mosquitto
from station_ import RealStation
from whole_room import WholeRoom

from monitord.events import Kind, Message, Sound

pytestmark = [needs_mosquitto, pytest.mark.slow]

NAMES = [f"{number}" for number in range(101, 150)]
WHOLE = "150"
"""The room that is a whole process of its own."""
BEHIND = NAMES[30:]
"""Rooms whose network is cut."""
STATIONS = ("a-desk", "b-desk")
SHOWN_S = 30.0
CUT_S = 60.0
SLACK_S = 5.0
"""What two busy cores may add to a time: the page is asked four times a second beside everything else."""


class Process:
    """A program that is told what to do, a line each, and answers each with one."""

    def __init__(self, *command):
        self.process = subprocess.Popen(
            [sys.executable, *map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def line(self):
        said = self.process.stdout.readline()
        assert said, f"it ended: {self.process.wait(10)}"
        return said

    def ask(self, text):
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()
        return self.line()

    def do(self, what, **more):
        return json.loads(self.ask(json.dumps({"do": what, **more})))

    def close(self):
        self.process.kill()
        self.process.communicate()


class Facility:
    """All of it."""

    def __init__(self, folder):
        self.folder = folder
        self.authority = Authority(folder)
        certificate, key = self.authority.issue("localhost")
        self.broker = Mosquitto(
            folder, f"certfile {certificate}", f"keyfile {key}", "allow_anonymous false",
            f"password_file {folder / 'passwords'}", f"acl_file {folder / 'acl'}", "max_queued_messages 0",
        )  # fmt: skip
        rules = []
        for room in [*NAMES, WHOLE]:
            base = f"monitord/v1/home/{room}"
            rules += [f"user home.{room}", f"topic write {base}/state", f"topic write {base}/health",
                      f"topic write {base}/incident/+", f"topic read {base}/ack"]  # fmt: skip
        for name in STATIONS:
            rules += [f"user home.ward.{name}", "topic read monitord/v1/home/#",
                      *(f"topic write monitord/v1/home/{room}/ack" for room in [*NAMES, WHOLE]),
                      f"topic write monitord/v1/home/_ward/west/{name}/state"]  # fmt: skip
        (folder / "acl").write_text("\n".join([*rules, ""]))
        users = [f"home.{room}" for room in [*NAMES, WHOLE]] + [f"home.ward.{name}" for name in STATIONS]
        (folder / "passwords").write_text("".join(f"{user}:geheim-{user}\n" for user in users))
        subprocess.run(["mosquitto_passwd", "-U", folder / "passwords"], check=True)
        self.broker.start()
        self.proxy = Process(Path(__file__).parent / "proxy.py", port := free_port(), self.broker.port)
        assert self.proxy.line() == "ready\n"
        self.groups = [NAMES[begin : begin + 10] for begin in range(0, 50, 10)]
        self.processes = [Process(Path(__file__).parent / "rooms.py") for _ in self.groups]
        for process, names in zip(self.processes, self.groups, strict=True):
            through = port if names[0] in BEHIND else self.broker.port
            process.do("start", folder=str(folder / "rooms"), rooms=names, channel=self.channel(through), users=True)
        self.whole = WholeRoom(
            folder / "whole",
            f'[page]\nport = 0\n[notify.ward]\nkind = "ward"\nbrokers = ["localhost:{self.broker.port}"]\n'
            f'ca_file = "{self.authority.certificate}"\nsite = "home"\nroom = "{WHOLE}"\n'
            f'username = "home.{WHOLE}"\npassword = "geheim-home.{WHOLE}"\n',
        )
        self.stations = [RealStation(folder, self.file(name), name) for name in STATIONS]

    def channel(self, port):
        return {"brokers": [f"localhost:{port}"], "ca_file": str(self.authority.certificate)}

    def file(self, name):
        return (
            f'[ward]\nsite = "home"\nname = "west"\nstation = "{name}"\nrooms = {json.dumps([*NAMES, WHOLE])}\n'
            f'[broker]\nbrokers = ["localhost:{self.broker.port}"]\nca_file = "{self.authority.certificate}"\n'
            f'username = "home.ward.{name}"\npassword = "geheim-home.ward.{name}"\n[page]\nport = 0\n'
        )

    def of(self, room):
        return next(process for process, names in zip(self.processes, self.groups, strict=True) if room in names)

    def cry(self, *rooms, sound="CRY"):
        for process, names in zip(self.processes, self.groups, strict=True):
            mine = [room for room in rooms if room in names]
            if mine:
                process.do("cry", rooms=mine, sound=sound)

    def told(self):
        return {room: said for process in self.processes for room, said in process.do("told").items()}

    def close(self):
        for each in (*self.processes, self.whole, self.proxy, *self.stations):
            each.close()
        self.broker.stop()


@pytest.fixture
def facility(tmp_path):
    made = Facility(tmp_path)
    try:
        yield made
    finally:
        made.close()


def wait(true, what, patience_s=120.0):
    """Returns after how many seconds."""
    begin = time.monotonic()
    while True:
        with contextlib.suppress(OSError):
            if true():
                return time.monotonic() - begin
        assert time.monotonic() - begin < patience_s, f"waited too long for {what}"
        time.sleep(0.25)


def with_rank(station, rank):
    return {room for room, each in station.rooms().items() if each["rank"] == rank}


def take_all(station, rooms):
    for room in rooms:
        station.post(f"rooms/{room}/incidents/{station.rooms()[room]['incident']['id']}/ack")


def test_fifty_rooms_lose_no_alert_whatever_dies(facility, capsys):  # noqa: PLR0915 - one long story
    desk, other = (each.start() for each in facility.stations)
    every = {*NAMES, WHOLE}
    seconds = {}
    wait(lambda: with_rank(desk, 3) == with_rank(other, 3) == every, "all rooms calm at both stations")

    # An alarm of all rooms, which every one of the two stations acknowledges half of.
    facility.whole.say(Message(Kind.SOUND, Sound.CRY, 90, 30))
    facility.cry(*NAMES)
    seconds["50 alerts on both boards"] = wait(lambda: with_rank(desk, 0) == with_rank(other, 0) == every, "50 alerts")
    take_all(desk, NAMES[:25])
    take_all(other, [*NAMES[25:], WHOLE])
    seconds["50 acknowledgements in all rooms and on both boards"] = wait(
        lambda: with_rank(desk, 3) == with_rank(other, 3) == every, "all taken"
    )

    # The broker is killed. Control: both stations say that they hear it no more.
    facility.broker.stop(9)
    seconds["broker killed: shown by both stations"] = wait(
        lambda: not desk.board()["linked"] and not other.board()["linked"], "the broker is missed", SHOWN_S + SLACK_S
    )
    facility.cry(*NAMES[:10], sound="HELP")
    wait(lambda: with_rank(desk, 2) >= set(NAMES), "all rooms unseen")
    facility.broker.start()
    seconds["broker back: alerts of meanwhile on both boards"] = wait(
        lambda: with_rank(desk, 0) == with_rank(other, 0) == set(NAMES[:10]) and not with_rank(desk, 2),
        "what came meanwhile",
    )

    # The station that rings is killed; the other one rings. Control: it did not before.
    assert desk.board()["rings"]
    assert not other.board()["rings"]
    desk.kill()
    seconds["station killed: the other rings"] = wait(
        lambda: other.board()["rings"], "the other rings", SHOWN_S + SLACK_S
    )
    facility.cry(*NAMES[10:20], sound="HILFE")
    wait(lambda: with_rank(other, 0) == set(NAMES[:20]), "alerts without the first station")
    take_all(other, NAMES[:15])
    desk.start()
    seconds["station back: its board is as the other's"] = wait(
        lambda: with_rank(desk, 0) == with_rank(other, 0) == set(NAMES[15:20]), "the first knows what it missed"
    )
    take_all(desk, NAMES[15:20])
    wait(lambda: not with_rank(desk, 0) and not with_rank(other, 0), "all taken again")

    # A room is killed. Control: its process is gone.
    facility.whole.kill()
    assert facility.whole.process.returncode == -9
    seconds["room killed: unseen on both boards"] = wait(
        lambda: with_rank(desk, 2) == with_rank(other, 2) == {WHOLE}, "the dead room", SHOWN_S + SLACK_S
    )
    facility.whole.start()
    seconds["room back: seen on both boards"] = wait(
        lambda: not with_rank(desk, 2) and not with_rank(other, 2), "the room is back"
    )

    # The network of nineteen rooms is cut for a minute. Control: an alert there does not arrive.
    facility.proxy.ask("cut")
    begin = time.monotonic()
    facility.cry(BEHIND[0], BEHIND[1], sound="SMOKE_ALARM")
    seconds["network cut: unseen on both boards"] = wait(
        lambda: with_rank(desk, 2) == with_rank(other, 2) == set(BEHIND), "the rooms behind the cut", SHOWN_S + SLACK_S
    )
    assert not with_rank(desk, 0)
    facility.cry(NAMES[0], sound="SMOKE_ALARM")
    wait(lambda: with_rank(desk, 0) == {NAMES[0]}, "the others go on")
    while time.monotonic() - begin < CUT_S:
        time.sleep(1.0)
    assert with_rank(desk, 2) == set(BEHIND)
    facility.proxy.ask("mend")
    late = {NAMES[0], BEHIND[0], BEHIND[1]}
    seconds["network back: alerts of meanwhile on both boards"] = wait(
        lambda: with_rank(desk, 0) == with_rank(other, 0) == late and not with_rank(desk, 2), "what came meanwhile"
    )
    take_all(other, late)
    wait(lambda: with_rank(desk, 3) == with_rank(other, 3) == every, "all is calm")

    # 0 lost, each acknowledged once.
    cries = {room: ["CRY"] for room in NAMES}
    for rooms, sound in ((NAMES[:10], "HELP"), (NAMES[10:20], "HILFE"), (late, "SMOKE_ALARM")):
        for room in rooms:
            cries[room].append(sound)
    told = facility.told()
    for room, wanted in cries.items():
        assert sorted(each["label"] for each in told[room]["incidents"] if each["label"] in
                      ("CRY", "HELP", "HILFE", "SMOKE_ALARM")) == sorted(wanted), room  # fmt: skip
        acknowledged = [number for number, event, _, _ in told[room]["acts"] if event == "ACK"]
        assert sorted(acknowledged) == sorted(set(acknowledged)), f"{room}: one is acknowledged twice"
        sounds = {each["id"] for each in told[room]["incidents"] if each["label"] in wanted}
        assert sounds <= set(acknowledged), f"{room}: one is not acknowledged"
        assert told[room]["refused"] == 0
    for station in (desk, other):
        assert station.board()["refused"] == {"replayed": 0, "malformed": 0, "forged": 0}
        seen = [(each["room"], each["subject"]) for each in ledger_of(station) if each["subject"].startswith("Sound")]
        wanted = [(room, f"Sound.{sound}") for room, sounds in cries.items() for sound in sounds]
        assert sorted(seen) == sorted([*wanted, (WHOLE, "Sound.CRY")])
    with capsys.disabled():
        for what, after in seconds.items():
            sys.stdout.write(f"\n{after:6.1f} s  {what}")
    for what, after in seconds.items():
        if "shown" in what or "unseen" in what or "rings" in what:
            assert after <= SHOWN_S + SLACK_S, what


def ledger_of(station):
    from monitord.ward.ledger import Ledger  # noqa: PLC0415 - of this check only

    ledger = Ledger(station.state / "ward.sqlite3", "reader")
    try:
        return ledger.alerts()
    finally:
        ledger.close()
