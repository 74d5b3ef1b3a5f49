"""`monitord audit` of the installed units in a container: all is proven; what is removed from a unit is named.

A mutation is a drop-in, as an owner could write one: it takes one protection away from all three units.
"""

from __future__ import annotations

import json

import pytest
from machine import EAR, EYE, SCENE, VOICE

container = pytest.importorskip("container", reason="the package's container is not in this checkout")

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(bool(container.missing()), reason=container.missing()),
]

UNITS = {"ear": EAR, "eye": EYE, "voice": VOICE}
SILENT = ("ear", "eye")
NODES = ("mknod -m 666 /dev/video0 c 81 0", "mkdir -p /dev/snd", "mknod -m 666 /dev/snd/pcmC0D0c c 116 24")
"""Without a driver: opening them fails in a way of their own, unless the sandbox says no before."""
ROUTE = "ip route add default dev lo"
"""So that the control can send to a public address; it goes nowhere."""

# A drop-in's lines, the settings that it takes away, and from whom.
EVERYBODY = tuple(UNITS)
SETTINGS = {
    "NoNewPrivileges=no": EVERYBODY,
    "PrivateTmp=no": EVERYBODY,
    "ProtectSystem=no": EVERYBODY,
    "ProtectHome=no": EVERYBODY,
    "ProtectClock=no": EVERYBODY,
    "ProtectControlGroups=no": EVERYBODY,
    "ProtectHostname=no": EVERYBODY,
    "ProtectKernelLogs=no": EVERYBODY,
    "ProtectKernelModules=no": EVERYBODY,
    "ProtectKernelTunables=no": EVERYBODY,
    "ProtectProc=default": EVERYBODY,
    "PrivateIPC=no": EVERYBODY,
    "LockPersonality=no": EVERYBODY,
    "MemoryDenyWriteExecute=no": EVERYBODY,
    "RestrictRealtime=no": EVERYBODY,
    "RestrictSUIDSGID=no": EVERYBODY,
    "RestrictNamespaces=no": EVERYBODY,
    "CapabilityBoundingSet=CAP_NET_RAW": EVERYBODY,
    "AmbientCapabilities=CAP_NET_RAW": EVERYBODY,
    "KeyringMode=inherit": EVERYBODY,
    "SystemCallArchitectures=": EVERYBODY,
    "SystemCallFilter=": EVERYBODY,
    "DevicePolicy=auto": SILENT,  # The voice has it from PrivateDevices, too.
    "DeviceAllow=/dev/kmsg r": EVERYBODY,
    "LimitCORE=infinity": EVERYBODY,
    "MemorySwapMax=infinity": EVERYBODY,
    "MemoryMax=infinity": EVERYBODY,
    "IPAddressDeny=": EVERYBODY,
    "PrivateNetwork=no": SILENT,
    "PrivateUsers=no": SILENT,
    "RestrictAddressFamilies=": SILENT,
    "LimitFSIZE=infinity": SILENT,
    "IPAddressAllow=8.8.8.8": SILENT,
    "PrivateDevices=no": ("voice",),
}

# What, besides the setting's own line, can be seen to be gone: only where no other setting does the same.
EFFECTS = {
    "PrivateNetwork=no": {f"{role}: empty-network" for role in SILENT},
    "RestrictAddressFamilies=": {f"{role}: unit: inet socket" for role in SILENT},
    "SystemCallFilter=": {f"{role}: unit: ptrace" for role in EVERYBODY},
    "IPAddressDeny=": {"voice: addresses", "voice: unit: public address"},
    "InaccessiblePaths=": {f"{role}: {name}" for role in SILENT for name in ("no name service", "unit: name lookup")},
}
NO_SETTING = {"InaccessiblePaths="}
"""Not looked at as a setting: what it hides is knocked at."""


@pytest.fixture(scope="module")
def machine(root, installed, work):
    with container.Container([installed, root], work / "audit") as machine:
        machine.configure(f"file:{SCENE}/night.flac")
        for command in (*NODES, ROUTE):
            machine.run("sh", "-c", command)
        yield machine


def take_away(machine, line):
    """Restart everything without the protection that `line` takes away; "" puts it back."""
    for unit in UNITS.values():
        dropin = machine.path(f"/etc/systemd/system/{unit}.d/mutation.conf")
        dropin.parent.mkdir(parents=True, exist_ok=True)
        dropin.write_text(f"[Service]\n{line}\n", "ascii")
    machine.run("systemctl", "daemon-reload")


def restart(machine):
    machine.run("systemctl", "restart", "monitord")
    machine.wait("the ear is up", lambda: machine.active(EAR) and machine.status())
    machine.wait("its first word", lambda: machine.status().get("state", {}).get("confinement", {}).get("ear"))


def audit(machine):
    restart(machine)
    done = machine.run("monitord", "audit", "--json", check=False)
    return done.returncode, json.loads(done.stdout)


def running(machine):
    return {unit: machine.pid(unit) for unit in (EAR, VOICE)}


def test_all_is_proven_and_nothing_is_disturbed(machine):
    take_away(machine, "")
    code, said = audit(machine)
    assert (code, said["missing"], said["not_proven"]) == (0, [], []), json.dumps(said, indent=1)
    assert said["mode"] == "units"
    before = running(machine)
    assert machine.run("monitord", "audit").stdout.endswith("All is proven.\n")
    assert running(machine) == before
    assert machine.incidents("fault") == []
    assert not machine.path("/run/systemd/system/monitord-audit-ear.service").exists()
    assert "monitord-audit" not in machine.run("systemctl", "list-units", "--all", "--plain", "--no-legend").stdout


@pytest.mark.parametrize("line", SETTINGS)
def test_a_setting_that_is_taken_away_is_named_exactly(machine, line):
    take_away(machine, line)
    program = (
        "from monitord.tools.audit.judge import missing; from monitord.tools.audit.units import settings; "
        "import json; print(json.dumps(missing(settings())))"
    )
    said = machine.run("/opt/monitord/bin/python", "-c", program).stdout
    name = line.partition("=")[0]
    assert set(json.loads(said)) == {f"{role}: {name}" for role in SETTINGS[line]}


@pytest.mark.parametrize("line", EFFECTS)
def test_what_is_open_without_it_is_found_by_trying(machine, line):
    take_away(machine, line)
    code, said = audit(machine)
    name = line.partition("=")[0]
    settings = set() if line in NO_SETTING else {f"{role}: {name}" for role in SETTINGS[line]}
    assert set(said["missing"]) == settings | EFFECTS[line], json.dumps(said, indent=1)
    assert code == 1


def test_a_stranger_is_turned_away(machine):
    restart(machine)
    done = machine.run("setpriv", "--reuid=65534", "--clear-groups", "monitord", "audit", check=False)
    assert done.returncode == 1
    assert done.stdout.strip().endswith("which only root may")


ONLY_A_UNIT_HOLDS = {"voice: addresses", "ear: no name service", "eye: no name service"}
"""What nobody without privileges can forbid himself: public addresses, and D-Bus, which this machine has."""
ONLY_ROOT_SEES = {"ear: file-size", "eye: no eye", "voice: binds"}


def test_an_ordinary_user_audits_the_monitor_that_he_runs(machine):
    machine.run("systemctl", "stop", "monitord")
    machine.run("useradd", "--create-home", "alice")
    machine.write("/home/alice/c.toml", f'[audio]\ndevice = "file:{SCENE}/night.flac"\n[video]\ndevice = "off"\n')
    own = ["systemd-run", "--quiet", "--uid=alice", "--gid=alice", "--setenv=HOME=/home/alice"]
    machine.run(*own, "--unit=own", "monitord", "run", "--config", "/home/alice/c.toml")
    try:
        machine.wait("its first word", lambda: machine.status().get("state", {}).get("confinement", {}).get("ear"))
        asked = machine.run(*own, "--wait", "--pipe", "monitord", "audit", "--json", check=False)
        said = json.loads(asked.stdout)
        assert (said["mode"], asked.returncode) == ("run", 1)
        assert set(said["missing"]) == ONLY_A_UNIT_HOLDS, json.dumps(said, indent=1)
        assert set(said["not_proven"]) == ONLY_ROOT_SEES, json.dumps(said, indent=1)
        # Root sees the rest, by the very command that the audit names.
        hint = machine.run(*own, "--wait", "--pipe", "monitord", "audit", check=False).stdout.splitlines()[-1]
        as_root = hint.removeprefix("Root may see more: sudo ").split()
        said = json.loads(machine.run(
            "systemd-run", "--quiet", "--wait", "--pipe", *as_root, "--json", check=False).stdout)  # fmt: skip
        assert (set(said["missing"]), said["not_proven"]) == (ONLY_A_UNIT_HOLDS, []), json.dumps(said, indent=1)
    finally:
        machine.run("systemctl", "stop", "own")
