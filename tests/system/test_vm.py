"""A real ALSA card and real V4L2 cameras, and the protections that a container's kernel cannot show.

An hour on an idle PC without KVM, much more on a busy one. How to add a test: vm.py.
"""

from __future__ import annotations

import itertools
import json
import re

import pytest
import vm as virtual
from machine import EAR, EVENTS, EYE, LOOK, VOICE

pytestmark = [pytest.mark.vm, pytest.mark.skipif(bool(virtual.missing()), reason=virtual.missing())]

STRANGER = "198.51.100.7"
"""Nobody has it: RFC 5737."""
PATHS = ("/usr/bin/monitord", "/opt/monitord", "/etc/monitord", "/var/lib/monitord", "/var/lib/monitord-ear",
         "/run/monitord")  # fmt: skip
CAMERA_SAID = 600.0
_number = itertools.count()

OPEN = "import os,sys; os.close(os.open(sys.argv[1], os.O_RDWR | os.O_NONBLOCK)); print('done')"
SEND = (
    "import socket,sys; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', (sys.argv[1], 9)); print('done')"
)
FILL = "import sys; b = bytearray(int(sys.argv[1]) << 20); b[::4096] = b'x' * len(b[::4096]); print('done')"
NOT_OF_A_PROBE = (
    r"(SyslogIdentifier|ExecStart|ExecStopPost|Restart\w*|Watchdog\w*|RuntimeMax\w*|Refuse\w*|Type"
    r"|PartOf|Wants|Requires|After)="
)
ANY_DEVICE = r"(DeviceAllow|DevicePolicy|PrivateDevices|ProtectClock)="

# What is tried, in whose sandbox, how; without which lines it is done; what else the unit is given: the ear's user is
# let in by the file's mode, so that only the device policy stands between them.
PROTECTIONS = {
    "DeviceAllow: the ear opens the camera":
        (EAR, OPEN, virtual.CAMERA, ANY_DEVICE, "SupplementaryGroups=video", "PermissionError: [Errno 1]"),
    "DeviceAllow: the eye opens the microphone":
        (EYE, OPEN, "/dev/snd/controlC0", ANY_DEVICE, "SupplementaryGroups=audio", "PermissionError: [Errno 1]"),
    "PrivateDevices: the voice opens the camera":
        (VOICE, OPEN, virtual.CAMERA, ANY_DEVICE, "SupplementaryGroups=video", "FileNotFoundError: [Errno 2]"),
    "IPAddressDeny: the voice sends to a public address":
        (VOICE, SEND, STRANGER, r"IPAddress\w+=", "", "PermissionError: [Errno 1]"),
    "MemoryMax: the ear takes 600 MiB": (EAR, FILL, "600", "MemoryMax=", "", "oom-kill"),
    "MemoryMax: the eye takes 600 MiB": (EYE, FILL, "600", "MemoryMax=", "", "oom-kill"),
    "MemoryMax: the voice takes 600 MiB": (VOICE, FILL, "600", "MemoryMax=", "", "oom-kill"),
}  # fmt: skip
ALLOWED = {
    "the ear opens the sound card": (EAR, OPEN, "/dev/snd/controlC0"),
    "the eye opens the camera": (EYE, OPEN, virtual.CAMERA),
    "the voice sends into the house": (VOICE, SEND, virtual.ROUTER),
}


def all_down(vm):
    return not any(map(vm.active, (VOICE, EAR, EYE, EVENTS, LOOK)))


def test_a_cry_through_a_real_card_opens_a_real_camera(vm, vm_page):
    kernel, systemd = vm.run("uname", "-r").stdout.strip(), vm.run("systemctl", "--version").stdout.split()[1]
    vm_page.system = f"Linux {kernel}, systemd {systemd}"
    assert all_down(vm)
    vm.feed()
    vm.start()
    assert vm.pid(EYE) == 0
    told = vm.cry()
    assert (told["label"], told["state"]) == ("CRY", "alerting")
    assert vm.sight() == "Sight.LYING"
    vm.wait("the eye is gone", lambda: vm.pid(EYE) == 0)
    assert vm.active(LOOK)
    for unit in (VOICE, EAR):
        assert vm.show(unit, "MemorySwapMax") == "0"
        memory = int(vm.show(unit, "MemoryCurrent"))
        assert memory < int(vm.show(unit, "MemoryMax"))
        vm_page.lines.append(f"`{unit}` after a cry: {memory / 2**20:.0f} MiB of its control group, "
                             f"{vm.show(unit, 'TasksCurrent')} tasks.")  # fmt: skip
    vm.run("systemctl", "stop", "monitord")
    assert all_down(vm)
    assert vm.run("pgrep", "-f", "[m]onitord (audio|video|notify)", check=False).stdout == ""
    assert vm.run("ls", "/run/monitord").stdout == ""


def test_what_is_killed_comes_back(vm):
    vm.feed()
    vm.start()
    for unit, other in ((VOICE, EAR), (EAR, VOICE)):
        killed, stays = vm.pid(unit), vm.pid(other)
        vm.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", unit)
        vm.wait(f"another {unit}", lambda unit=unit, killed=killed: vm.active(unit) and vm.pid(unit) not in {0, killed})
        assert vm.pid(other) == stays
    vm.wait("sound arrives", lambda: vm.status().get("state", {}).get("level_dbfs") is not None)
    vm.kill_when_it_starts(EYE)
    assert vm.cry()["state"] == "alerting"
    vm.wait("it was killed", lambda: vm.show(EYE, "Result") == "signal", CAMERA_SAID)
    assert vm.verdict() == "Fault.CAMERA_TIMEOUT"  # It was silent until the voice gave up.
    assert vm.incidents()[0]["state"] == "alerting"
    assert vm.active(LOOK)
    assert "WIRE_GAP" not in {each["label"] for each in vm.incidents("fault")}


def test_the_audit_proves_everything_with_devices_there(vm, vm_page):
    vm.feed()
    vm.start()
    vm.cry()
    assert vm.sight() == "Sight.LYING"
    vm.wait("the eye is gone", lambda: vm.pid(EYE) == 0)
    before = vm.pid(EAR), vm.pid(VOICE)
    # The control of the last line: whoever holds the camera, be it the test's own player, is found.
    with_feed = json.loads(vm.run("monitord", "audit", "--json", check=False).stdout)
    assert with_feed["missing"] == ["eye: no eye"], with_feed
    vm.unfeed()
    done = vm.run("monitord", "audit", "--json", check=False)
    said = json.loads(done.stdout)
    assert (done.returncode, said["missing"], said["not_proven"]) == (0, [], []), json.dumps(said, indent=1)
    assert said["mode"] == "units"
    assert said["camera"]["since_boot_s"] > 0.0
    tried = {(line["process"], line["promise"]): line["tried"] for line in said["lines"]}
    assert virtual.CAMERA in tried["ear", "opens no device of another process, by its unit alone"]
    assert "/dev/snd/controlC0" in tried["eye", "opens no device of another process, by its unit alone"]
    assert virtual.CAMERA in tried["voice", "opens no device of another process, by its unit alone"]
    assert (vm.pid(EAR), vm.pid(VOICE)) == before
    vm_page.lines.append(f"`monitord audit`: {len(said['lines'])} lines, all proven; the camera was on for "
                         f"{said['camera']['since_boot_s']} s since the boot.")  # fmt: skip


def test_a_device_policy_that_is_taken_away_is_named(vm):
    dropin = "[Service]\nDevicePolicy=auto\nDeviceAllow=\nProtectClock=no\nSupplementaryGroups=video\n"
    vm.write(f"/etc/systemd/system/{EAR}.d/mutation.conf", dropin)
    vm.run("systemctl", "daemon-reload")
    vm.start(video="off")
    vm.wait("its first word", lambda: vm.status().get("state", {}).get("confinement", {}).get("ear"))
    said = json.loads(vm.run("monitord", "audit", "--json", check=False).stdout)
    assert set(said["missing"]) == {"ear: DevicePolicy", "ear: ProtectClock", "ear: unit: open a device"}, said


@pytest.mark.parametrize("name", PROTECTIONS)
def test_a_protection_holds_and_without_it_the_same_is_done(vm, vm_page, name):
    unit, program, argument, without, add, refused = PROTECTIONS[name]
    as_installed = probe(vm, unit, program, argument, add=add)
    control = probe(vm, unit, program, argument, without=without, add=add)
    vm_page.protections.append((name, as_installed, control))
    assert control == "done"
    assert as_installed.startswith(refused)


@pytest.mark.parametrize("name", ALLOWED)
def test_what_a_unit_needs_it_may(vm, vm_page, name):
    said = probe(vm, *ALLOWED[name])
    vm_page.protections.append((f"allowed: {name}", said, ""))
    assert said == "done"


def probe(vm, unit, program, argument, *, without="", add=""):
    """Run `program` in the sandbox of `unit`, less the lines that match `without`; what it did, or how it ended."""
    service = vm.run("systemctl", "cat", unit).stdout.partition("[Service]")[2].partition("[Install]")[0]
    keep = [line for line in service.splitlines() if not re.match(NOT_OF_A_PROBE, line)
            and not (without and re.match(without, line))]  # fmt: skip
    name = f"probe-{next(_number)}"  # What it said is found by that name: journald may not see whose it was in time.
    text = ["[Service]", *keep, "Type=oneshot", f"SyslogIdentifier={name}", add,
            f'ExecStart=/usr/bin/python3 -c "{program}" {argument}', ""]  # fmt: skip
    vm.write("/run/systemd/system/probe.service", "\n".join(text))
    vm.run("systemctl", "daemon-reload")
    vm.run("systemctl", "reset-failed", "probe.service", check=False)
    vm.run("systemctl", "start", "probe.service", check=False)
    vm.run("journalctl", "--sync")
    said = vm.run("journalctl", "-q", "-o", "cat", "--no-pager", "-t", name).stdout.splitlines()
    result = vm.show("probe.service", "Result")
    errors = [line for line in said if re.match(r"\w*Error", line)]
    return "done" if "done" in said and result == "success" else errors[-1] if errors else result


def test_upgrade_remove_purge_and_install(vm):
    vm.start(video="off")
    vm.run("sh", "-c", "echo '# the owner' >>/etc/monitord/config.toml")
    voice, ear = vm.pid(VOICE), vm.pid(EAR)
    vm.run("apt-get", "install", "-y", "-q", virtual.UPGRADE, timeout_s=1800.0)
    vm.wait("the ear is up again", lambda: vm.active(EAR) and vm.active(VOICE))
    assert vm.pid(VOICE) not in {0, voice}
    assert vm.pid(EAR) not in {0, ear}
    assert "# the owner" in vm.run("cat", "/etc/monitord/config.toml").stdout
    assert vm.cry()["state"] == "alerting"

    vm.run("apt-get", "remove", "-y", "-q", "monitord")
    assert vm.run("pgrep", "-f", "[m]onitord (audio|video|notify)", check=False).stdout == ""
    assert "# the owner" in vm.run("cat", "/etc/monitord/config.toml").stdout
    vm.run("test", "-e", "/var/lib/monitord/journal.sqlite3")
    vm.run("apt-get", "purge", "-y", "-q", "monitord")
    assert vm.run("ls", "-d", *PATHS, check=False).stdout.count("No such file") == len(PATHS)
    assert "monitord" not in vm.run("getent", "passwd").stdout + vm.run("getent", "group").stdout

    vm.run("apt-get", "install", "-y", "-q", virtual.PACKAGE, timeout_s=1800.0)
    assert all_down(vm)
    vm.start(video="off")
    assert vm.cry()["state"] == "alerting"


def test_the_sound_card_may_go_and_come_back(vm):
    vm.start(video="off")
    vm.unplug_card()
    vm.wait("the fault is told", lambda: "MICROPHONE_MISSING" in {each["label"] for each in vm.incidents("fault")})
    vm.plug_card()
    vm.wait("sound arrives again", lambda: vm.status().get("state", {}).get("level_dbfs") is not None)
    assert vm.cry()["state"] == "alerting"
