"""A real ALSA card and a real V4L2 camera, and the protections that a container's kernel cannot show.

Half an hour on an idle PC without KVM. With MONITORD_VM_RESULTS=docs/vm-results.md the result is written there.
"""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest
import vm

pytestmark = [pytest.mark.vm, pytest.mark.skipif(bool(vm.missing()), reason=vm.missing())]


@pytest.fixture(scope="module")
def told(package, work):
    with_package = vm.image(package, work)
    told = vm.boot(*with_package, work)
    if "MONITORD_VM_RESULTS" in os.environ:
        write(told, Path(os.environ["MONITORD_VM_RESULTS"]))
    return told


def of(told, what):
    return next(each for each in told if each["what"].startswith(what))


def test_a_cry_through_a_real_card_opens_a_real_camera(told):
    assert of(told, "start")["level_dbfs"] is not None, told
    (incident,) = of(told, "cry")["incidents"]
    assert incident["label"] == "CRY"
    assert of(told, "look")["camera"].startswith("Sight."), told
    assert of(told, "eye gone")["gone"]
    assert of(told, "stop")["units"] == ""


@pytest.mark.parametrize(
    ("what", "refused"),
    [
        ("DeviceAllow: the ear", "PermissionError: [Errno 1]"),
        ("DeviceAllow: the eye", "PermissionError: [Errno 1]"),
        ("IPAddressDeny: the voice", "PermissionError: [Errno 1]"),
        ("MemoryMax: the ear", "oom-kill"),
        ("MemoryMax: the voice", "oom-kill"),
    ],
)
def test_a_protection_holds_and_without_it_the_same_is_done(told, what, refused):
    result = of(told, what)
    assert result["control"] == "done", result
    assert result["with_"].startswith(refused), result


@pytest.mark.parametrize("what", ["the ear opens", "the eye opens", "the voice sends"])
def test_what_a_unit_needs_it_may(told, what):
    assert of(told, f"allowed: {what}")["with_"] == "done"


@pytest.mark.parametrize("unit", ["monitord.service", "monitord-audio.service"])
def test_nothing_is_swapped(told, unit):
    assert next(each for each in told if each.get("unit") == unit)["MemorySwapMax"] == "0"


def write(told, path):
    """The result as a page."""
    system = of(told, "system")
    lines = [
        "# Last run in a virtual machine",
        "",
        "Written by the test itself:",
        "`MONITORD_VM_RESULTS=docs/vm-results.md ./monitord.sh test -m vm tests/system/test_vm.py` (root; Debian:",
        "`qemu-system-x86 mmdebstrap systemd-container`; no KVM). The microphone is an ALSA card (snd-aloop), the",
        "camera a V4L2 device (vivid), both of the machine's own kernel. The processor is emulated, so no time here",
        "says anything about a Pi. Each protection is tried twice in a copy of its unit, with it and without it.",
        "",
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d}: Linux {system['kernel']}, systemd {system['systemd']}.",
        "",
        "| tried | as installed | control: without the protection |",
        "|---|---|---|",
    ]
    lines += [f"| {each['what']} | {each['with_']} | {each.get('control', '')} |" for each in told if "with_" in each]
    cry, look = of(told, "cry")["incidents"], of(told, "look")
    lines += [
        "",
        f"- A cry played into the card: {'told as ' + cry[0]['label'] if cry else 'NOT HEARD'}.",
        f"- The camera's verdict: {look['camera'] or 'NONE'}; eye gone afterwards: {of(told, 'eye gone')['gone']}.",
    ]
    lines += [
        f"- `{each['unit']}`: memory {int(each['MemoryCurrent']) / 2**20:.0f} MiB, tasks {each['TasksCurrent']}, "
        f"MemorySwapMax {each['MemorySwapMax']}."
        for each in told
        if each["what"] == "accounts"
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")
