"""Faults that only a machine of its own can have: its watchdogs, its clock, its disk, its network, its sound card.

How to add a test: vm.py. Each has a control that the fault really happened. No time is measured: the machine is slow.
"""

from __future__ import annotations

import re

import pytest
import vm as virtual
from machine import EAR, VOICE

pytestmark = [pytest.mark.vm, pytest.mark.skipif(bool(virtual.missing()), reason=virtual.missing())]
LONG_S = 1200.0
FAR = "10.213.77.2"
RING = "[rules.cry]\nrepeat_s = 20.0\n"


def faults(vm):
    """Labels of the faults that stand."""
    return {each["label"] for each in vm.incidents("fault") if each["state"] != "cleared"}


def hears(vm):
    return vm.status().get("state", {}).get("level_dbfs") is not None


@pytest.mark.parametrize(("unit", "other"), [(EAR, VOICE), (VOICE, EAR)])
def test_what_stands_still_is_ended_by_its_watchdog_and_comes_back(vm, vm_page, unit, other):
    vm.start(video="off")
    stands, stays = vm.pid(unit), vm.pid(other)
    vm.run("systemctl", "kill", "--kill-whom=main", "--signal=STOP", unit)
    assert "\nState:\tT" in vm.run("cat", f"/proc/{stands}/status").stdout
    vm.wait("another one", lambda: vm.active(unit) and vm.pid(unit) not in {0, stands}, LONG_S)
    log = vm.log()
    assert re.search(r"Watchdog timeout \(limit \w+\)!", log), log
    assert vm.pid(other) == stays
    vm.wait("it hears again", lambda: hears(vm), LONG_S)
    vm_page.lines.append(f"`{unit}` was stopped (SIGSTOP); its watchdog ended it and it came back.")


def test_a_microphone_that_another_program_holds(vm):
    # The card takes eight who listen; the ninth is told that it is busy.
    holds = "for n in 0 1 2 3 4 5 6 7; do arecord -q -D hw:0,1,$n -f S16_LE -r 16000 -c 1 /dev/null & done; wait"
    vm.run("systemd-run", "--quiet", "--unit=holder", "--collect", "sh", "-c", holds)
    state = "cat /proc/asound/card0/pcm1c/sub*/status"
    vm.wait("they hold the card", lambda: vm.run("sh", "-c", state).stdout.count("RUNNING") == 8)
    vm.configure(virtual.CARD)
    vm.run("systemctl", "start", "monitord")
    vm.wait("told", lambda: faults(vm) & {"MICROPHONE_BUSY", "MICROPHONE_MISSING"}, LONG_S)
    assert not hears(vm)
    vm.run("systemctl", "stop", "holder")
    vm.wait("it hears", lambda: hears(vm), LONG_S)
    assert vm.cry()["state"] == "alerting"


@pytest.mark.parametrize("step", ["+1 hour", "-1 hour"])
def test_a_clock_that_is_set(vm, step):
    vm.start(video="off", extra=RING)
    vm.cry()
    pids = vm.pid(EAR), vm.pid(VOICE)

    def rings():
        # The log is a channel that takes each alert at once.
        return vm.log().count("(high) Test: A child is crying.")

    vm.wait("it rings", lambda: rings() > 1, LONG_S)
    rang, before, stood = rings(), int(vm.run("date", "+%s").stdout), faults(vm)
    vm.run("date", "-s", step)
    after = int(vm.run("date", "+%s").stdout)
    assert 3000 < abs(after - before) < 4200
    vm.wait("it rings on", lambda: rings() >= rang + 2, LONG_S)
    # So slow a machine misses sound, and after the cry there is nothing but digital silence.
    assert faults(vm) - stood <= {"MICROPHONE_OVERRUN", "MICROPHONE_SILENT"}, "a false alarm"
    assert (vm.pid(EAR), vm.pid(VOICE)) == pids, "no watchdog took it for a stall"


def test_a_disk_that_is_full(vm):
    vm.run("sh", "-c", "truncate -s 16M /root/disk && mkfs.ext4 -q -F /root/disk && mkdir -p /var/lib/monitord && "
           "mount -o loop /root/disk /var/lib/monitord && chown monitord:monitord /var/lib/monitord")  # fmt: skip
    vm.start(video="off")
    vm.run("sh", "-c", "dd if=/dev/zero of=/var/lib/monitord/filler bs=64k", check=False)
    assert " 100% " in vm.run("df", "/var/lib/monitord").stdout
    vm.wait("told", lambda: "JOURNAL" in faults(vm), LONG_S)
    assert vm.cry()["state"] == "alerting"
    vm.run("rm", "/var/lib/monitord/filler")
    vm.wait("over", lambda: "JOURNAL" not in faults(vm), LONG_S)


def test_a_network_that_is_cut(vm):
    vm.run("sh", "-c", "ip netns add far && ip link add near0 type veth peer name far0 netns far && "
           f"ip addr add 10.213.77.1/24 dev near0 && ip link set near0 up && ip -n far addr add {FAR}/24 dev far0 && "
           "ip -n far link set far0 up")  # fmt: skip
    vm.run("systemd-run", "--quiet", "--unit=server", "--collect", "ip", "netns", "exec", "far", "python3", "-m",
           "http.server", "8000")  # fmt: skip
    vm.start(video="off", extra=f'[notify.phone]\nkind = "ntfy"\nurl = "http://{FAR}:8000"\ntopic = "room"\n')

    def trouble():
        channels = vm.status().get("state", {}).get("channels", [])
        return next((each["trouble"] for each in channels if each["name"] == "phone"), None)

    vm.wait("the server is there", lambda: trouble() == "", LONG_S)
    vm.run("ip", "-n", "far", "link", "set", "far0", "down")
    vm.wait("told", trouble, LONG_S)
    vm.run("ip", "-n", "far", "link", "set", "far0", "up")
    vm.wait("over", lambda: trouble() == "", LONG_S)
