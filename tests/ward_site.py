"""A site for the tests: a folder as `monitord ward` makes it, and a real mosquitto that serves it."""

from __future__ import annotations

import contextlib
import ssl

import aiomqtt
from brokers import Mosquitto, free_port

from monitord.cli import run
from monitord.tools.ward import slip

BASE = "monitord/v1/house"


class Site:
    """Rooms 101 and 102 of ward west with its stations a and b, room 201 of ward east with its station c."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.slips = {}
        self.ward("init", "house", "--broker", f"127.0.0.1:{self.port}")
        for room, ward in (("101", "west"), ("102", "west"), ("201", "east")):
            self.enroll("enroll", room, ward)
        for station, ward in (("a", "west"), ("b", "west"), ("c", "east")):
            self.enroll("enroll-station", station, ward)

    def ward(self, command, *arguments):
        done = run(["ward", command, *map(str, arguments), "--folder", str(self.folder)])
        assert done == 0, (command, arguments)

    def enroll(self, command, name, ward, *more):
        path = self.folder.parent / f"{name}.slip"
        path.unlink(missing_ok=True)
        self.ward(command, name, "--ward", ward, "--out", path, *more)
        self.slips[name] = slip.decode(path.read_text())

    def client(self, name, **more):
        """A client with the credentials of a room or a station."""
        carried = self.slips[name]
        trust = ssl.create_default_context(cadata=carried.authority)
        login = {"username": carried.username, "password": carried.password, "identifier": carried.username,
                 "tls_context": trust, "protocol": aiomqtt.ProtocolVersion.V5}  # fmt: skip
        return aiomqtt.Client("127.0.0.1", self.port, **{**login, **more})

    @contextlib.contextmanager
    def broker(self, without=(), more=""):
        """A mosquitto with the generated listener, without lines that begin with one of `without`, and with `more`."""
        broker = _Serving(self.folder.parent, self, without, more)
        try:
            yield broker.start()
        finally:
            broker.stop()


class _Serving(Mosquitto):
    def __init__(self, folder, site, without, more):
        super().__init__(folder)
        self.port = site.port
        served = folder / "conf.d"
        served.mkdir(exist_ok=True)
        link = served / "monitord.conf"
        link.unlink(missing_ok=True)
        if without:
            lines = (site.folder / "monitord.conf").read_text().splitlines(keepends=True)
            link.write_text("".join(line for line in lines if not line.startswith(tuple(without))) + more)
        else:
            link.symlink_to(site.folder / "monitord.conf")
        self.config.write_text(f"user root\npersistence false\nlog_dest file {self.log}\ninclude_dir {served}\n")
