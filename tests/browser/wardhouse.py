"""A ward for the browser: a real broker, a real station, and rooms with real voices in a process of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
for folder in (TESTS, TESTS / "ward"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from brokers import Mosquitto  # noqa: E402 - lies beside the tests that share it
from station_ import RealStation, until  # noqa: E402

FILE = """[ward]
site = "home"
name = "west"
label = "West ward"
station = "{station}"
rooms = {rooms}
[broker]
brokers = ["127.0.0.1:{port}"]
[page]
port = {page}
{more}"""


class Ward:
    """`rooms` in a ward below `folder`; usable in a ``with`` statement. `silent`: rooms that nobody starts."""

    def __init__(self, folder, rooms, *, silent=(), page="", more="", rules=None):
        self.folder, self.names, self.silent, self.rules = folder, list(rooms), list(silent), rules
        self.page, self.more = page, more

    def __enter__(self):
        self.broker = Mosquitto(self.folder, "allow_anonymous true").start()
        self.stations = []
        self.station = self.add("desk-a")
        self.program = subprocess.Popen(
            [sys.executable, str(TESTS / "ward" / "rooms.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.ask(
            "start",
            folder=str(self.folder / "rooms"),
            rooms=self.names,
            channel={"brokers": [f"127.0.0.1:{self.broker.port}"]},
            rules=self.rules,
        )
        if "pairing" not in self.page:  # Else the board is for who is paired.
            until(lambda: all(self.rank(each) == 3 for each in self.names), "calm rooms", self.station)
        return self

    def add(self, name):
        """Another station of the ward."""
        text = FILE.format(
            station=name, rooms=json.dumps([*self.names, *self.silent]), port=self.broker.port,
            page=f"0\n{self.page}", more=self.more,
        )  # fmt: skip
        made = RealStation(self.folder, text, name)
        self.stations.append(made)
        return made.start()

    @property
    def url(self):
        return self.station.url

    def rank(self, room):
        return self.station.rooms()[room]["rank"]

    def ask(self, do, **more):
        """Tell the rooms' process something; returns its answer."""
        self.program.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self.program.stdin.flush()
        return json.loads(self.program.stdout.readline())

    def cry(self, *rooms, sound="CRY"):
        self.ask("cry", rooms=list(rooms), sound=sound)

    def pair(self, *options):
        """The six digits that `monitord pair` shows for the station."""
        folders = {"STATE_DIRECTORY": str(self.station.state), "RUNTIME_DIRECTORY": str(self.station.runtime)}
        command = [sys.executable, "-m", "monitord", "pair", "--ward", "--config", str(self.station.config), *options]
        done = subprocess.run(command, env={**os.environ, **folders}, capture_output=True, text=True, check=True)
        digits = re.search(r"code +(\d{3}) (\d{3})", done.stdout)
        return digits[1] + digits[2]

    def told(self, room):
        """The incidents of a room, as it knows them itself."""
        return self.ask("told")[room]["incidents"]

    def publish(self, topic, payload):
        """As anybody could who has the broker's address."""
        subprocess.run(
            ["mosquitto_pub", "-p", str(self.broker.port), "-q", "1", "-t", f"monitord/v1/home/{topic}", "-m", payload],
            check=True,
        )

    def __exit__(self, *_):
        self.program.stdin.close()
        self.program.terminate()
        self.program.wait(30)
        self.program.stdout.close()
        for each in self.stations:
            each.close()
        self.broker.stop()
