"""A cluster of real nats-servers on loopback, from the recipe in docs/recipes/ward-nats.md, each killed when wanted."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

RECIPE = Path(__file__).parents[1] / "docs" / "recipes" / "ward-nats.md"
NATS = shutil.which("nats-server", path="/usr/sbin:/usr/bin:/usr/local/bin")
PATIENCE_S = 60.0
SITE, PASSWORD = "house", "a-password-of-the-bench"
MESSAGES = "$MQTT_msgs"
"""The stream that holds every QoS 1 message until each subscriber has it."""


def block(kind: str) -> str:
    """The one block of that kind in the recipe."""
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```", RECIPE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return str(found)


def users(rooms: list[str], stations: list[str]) -> str:
    """users.conf for these rooms and stations, each written as the recipe writes its one of them."""
    text = block("users")
    head, room, station, foot = re.fullmatch(
        r"(.*?users: \[\n)( {4}\{.*?\n {4}\}\n)( {4}\{.*?\n {4}\}\n)(.*)", text, re.DOTALL
    ).groups()  # type: ignore[union-attr] # The recipe has both.
    read = re.search(r'^ *("monitord.v1.house.101.state", .*)\n', station, re.MULTILINE)[1]  # type: ignore[index] # As above.
    write = '"monitord.v1.house.101.ack"'

    def all_rooms(line: str) -> str:
        return ", ".join(re.sub(r"\b101\b", each, line) for each in rooms)

    parts = [re.sub(r"\b101\b", each, room).replace(f"PASSWORD-OF-{each}", PASSWORD) for each in rooms]
    for each in stations:
        own = station.replace(read, all_rooms(read)).replace(write, all_rooms(write))
        parts.append(own.replace("PASSWORD-OF-DESK", PASSWORD).replace("desk", each))
    return head + "".join(parts) + foot


class Cluster:
    """Three nodes at 127.0.0.11 to 13, as the recipe has 192.168.1.11 to 13.

    Args:
        folder: for everything.
        certificates: a folder with ca.crt, server.crt and server.key.
        rooms: their names.
        stations: their names.
    """

    addresses = ("127.0.0.11", "127.0.0.12", "127.0.0.13")

    def __init__(self, folder: Path, certificates: Path, rooms: list[str], stations: list[str]) -> None:
        self.folder = folder
        ports = {each: _free_port(self.addresses) for each in ("4222", "6222", "8222", "8883")}
        self.mqtt, self._http = int(ports["8883"]), int(ports["8222"])
        (folder / "users.conf").write_text(users(rooms, stations))
        self._nodes: dict[str, subprocess.Popen[bytes]] = {}
        for number, address in enumerate(self.addresses, 1):
            text = block("nats").replace("192.168.1.", "127.0.0.").replace("listen: 127.0.0.11", f"listen: {address}")
            text = text.replace("server_name: nats-1", f"server_name: nats-{number}").replace(
                "ROUTE-PASSWORD", PASSWORD
            )
            text = re.sub(r"^(listen|http): 127\.0\.0\.1:", rf"\1: {address}:", text, flags=re.MULTILINE)
            for port, free in ports.items():
                text = text.replace(f":{port}", f":{free}")
            for name in ("ca.crt", "server.crt", "server.key"):
                text = text.replace(f"/etc/nats/{name}", str(certificates / name))
            text = text.replace("/var/lib/nats", str(folder / f"store-{number}"))
            text = text.replace("/etc/nats/users.conf", "users.conf")
            (folder / f"node-{number}.conf").write_text(text)

    def start(self, address: str) -> None:
        """Start a node."""
        number = self.addresses.index(address) + 1
        with (self.folder / f"node-{number}.log").open("ab") as log:
            command = [str(NATS), "-c", str(self.folder / f"node-{number}.conf")]
            self._nodes[address] = subprocess.Popen(command, stdout=log, stderr=log)

    def start_all(self) -> None:
        """Start all, and wait until they serve MQTT together."""
        for each in self.addresses:
            self.start(each)
        end = time.monotonic() + PATIENCE_S
        while not all(self._serves(each) for each in self.addresses):
            for each, node in self._nodes.items():
                if node.poll() is not None:
                    raise RuntimeError(f"{each} ended: {self.log(each)}")
            if time.monotonic() > end:
                raise RuntimeError(f"the cluster does not come about: {self.log(self.addresses[0])}")
            time.sleep(0.1)

    def log(self, address: str) -> str:
        """The last that a node said."""
        return (self.folder / f"node-{self.addresses.index(address) + 1}.log").read_text("utf-8")[-2000:]

    def leader(self, stream: str = MESSAGES) -> str:
        """The address of the node that leads a stream."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            for each in self.addresses:
                told = self._ask(each, "jsz?accounts=true&streams=true")
                for account in (told or {}).get("account_details") or []:
                    for found in account.get("stream_detail") or []:
                        leader = (found.get("cluster") or {}).get("leader", "")
                        if found["name"] == stream and leader:
                            return self.addresses[int(leader.rpartition("-")[2]) - 1]
            time.sleep(0.1)
        raise RuntimeError(f"{stream} has no leader")

    def kill(self, address: str) -> float:
        """SIGKILL; returns when, seconds, monotonic."""
        at = time.monotonic()
        self._nodes[address].send_signal(signal.SIGKILL)
        self._nodes.pop(address).wait()
        return at

    def stop(self) -> None:
        """Kill what is left."""
        for each in list(self._nodes):
            self.kill(each)

    def _serves(self, address: str) -> bool:
        told = self._ask(address, "healthz")
        if told is None or told.get("status") != "ok":
            return False
        try:
            with socket.create_connection((address, self.mqtt), 1.0):
                return True
        except OSError:
            return False

    def _ask(self, address: str, what: str) -> dict[str, Any] | None:
        try:
            with urllib.request.urlopen(f"http://{address}:{self._http}/{what}", timeout=2.0) as answer:
                told: dict[str, Any] = json.load(answer)
                return told
        except (OSError, ValueError):
            return None


def _free_port(addresses: tuple[str, ...]) -> int:
    """One that is free at every address."""
    while True:
        with socket.socket() as probe:
            probe.bind((addresses[0], 0))
            port = int(probe.getsockname()[1])
        try:
            for each in addresses[1:]:
                with socket.socket() as probe:
                    probe.bind((each, port))
        except OSError:
            continue
        return port
