"""From what was seen and tried to a verdict."""

from dataclasses import replace

import pytest

from monitord.events import Fault
from monitord.tools.audit.acts import ACTS
from monitord.tools.audit.judge import Case, Verdict, judge, missing, unproven
from monitord.tools.audit.kernel import Seen
from monitord.tools.audit.stage import Report

STATUS = {"NoNewPrivs": "1", "Seccomp": "2", "CapEff": "0", "CapPrm": "0", "CapBnd": "0", "Uid": "5 5 5 5"}
LIMITS = {"Max core file size": "0 0", "Max file size": "0 0"}
MEASURES = {"landlock": True, "not-dumpable": True}
REFUSED = {act: {"done": [], "refused": ["it: EPERM"]} for act in ACTS}
DONE = {act: {"done": ["it"], "refused": []} for act in ACTS}
COUNTS = {Fault.WIRE_REJECTED: 3, Fault.WIRE_RATE: 40}


def told(acts, **more):
    more = {"network": "net:[1]"} | more
    return {"acts": acts, "status": STATUS, "limits": LIMITS, "interfaces": ["lo"], "measures": MEASURES, **more}


SEEN = Seen(7, STATUS, LIMITS, True, frozenset({"lo"}), 0, (), (), (), 0, "0")  # noqa: FBT003 - as the fields stand
PROBE = Report(told(REFUSED), 16, 56, COUNTS, dumped=False)
CONTROL = Report(told(DONE, network="net:[2]"), 16, 56, COUNTS, dumped=True)
GOOD = Case("ear", SEEN, PROBE, CONTROL, swapping=True)


def test_all_is_proven():
    assert {line.verdict for line in judge(GOOD)} == {Verdict.PROVEN}
    eye = replace(GOOD, process="eye", seen=None)
    assert {line.verdict for line in judge(eye)} == {Verdict.PROVEN}
    voice = replace(GOOD, process="voice", sockets=["127.0.0.1"])
    assert {line.verdict for line in judge(voice)} == {Verdict.PROVEN}


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"status": {**STATUS, "NoNewPrivs": "0"}}, {"ear: no-new-privileges"}),
        ({"status": {**STATUS, "Seccomp": "0"}}, {"ear: seccomp"}),
        ({"status": {**STATUS, "CapEff": "400"}}, {"ear: no-capabilities"}),
        ({"limits": {**LIMITS, "Max core file size": "0 unlimited"}}, {"ear: not-dumpable"}),
        ({"limits": {**LIMITS, "Max file size": "unlimited unlimited"}}, {"ear: file-size"}),
        ({"interfaces": frozenset({"lo", "eth0"})}, {"ear: empty-network"}),
        ({"own_network": False}, {"ear: empty-network"}),
        ({"inet_sockets": 1}, {"ear: empty-network"}),
        ({"files": ("/tmp/sound",)}, {"ear: file-size"}),  # noqa: S108 - a name
        ({"swapped_kb": 4}, {"ear: no-swap"}),
    ],
)
def test_what_the_kernel_sees_is_named(change, names):
    lines = judge(replace(GOOD, seen=replace(SEEN, **change)))
    assert set(missing(lines)) == names


@pytest.mark.parametrize(
    "act", ["inet socket", "name lookup", "write a file", "open a device", "ptrace", "run a program"]
)
def test_an_act_that_succeeds_is_broken_and_one_without_a_control_not_proven(act):
    broken = judge(replace(GOOD, probe=replace(GOOD.probe, told=told({**REFUSED, act: DONE[act]}))))
    assert [line.tried for line in broken if line.verdict is Verdict.BROKEN] == ["SUCCEEDED: it"]
    vain = judge(replace(GOOD, control=replace(GOOD.control, told=told({**DONE, act: REFUSED[act]}))))
    assert missing(vain) == []
    assert len(unproven(vain)) == 1


def test_what_could_not_be_seen_is_not_proven():
    for change in ({"swap_max": None}, {"files": None}, {"status": {**STATUS, "CapBnd": "1"}}):
        lines = judge(replace(GOOD, seen=replace(SEEN, **change)))
        assert missing(lines) == []
        assert len(unproven(lines)) == 1
    assert unproven(judge(replace(GOOD, probe=replace(GOOD.probe, dumped=None)))) == ["ear: not-dumpable"]
    assert unproven(judge(replace(GOOD, process="voice"))) == ["voice: binds"]


def test_a_machine_that_does_not_swap_needs_no_limit():
    assert unproven(judge(replace(GOOD, seen=replace(SEEN, swap_max=None), swapping=False))) == []


def test_the_channel():
    flooded = replace(GOOD.probe, accepted=17)
    assert missing(judge(replace(GOOD, probe=flooded))) == ["ear: rate"]
    long_taken = replace(GOOD.probe, refused={Fault.WIRE_REJECTED: 2, Fault.WIRE_RATE: 40})
    assert missing(judge(replace(GOOD, probe=long_taken))) == ["ear: wire"]
    no_flood = replace(GOOD.probe, well_formed=16, refused={Fault.WIRE_REJECTED: 3})
    assert unproven(judge(replace(GOOD, probe=no_flood))) == ["ear: rate"]


def test_a_voice_that_is_bound_to_a_public_address():
    lines = judge(replace(GOOD, process="voice", sockets=["192.168.1.4", "8.8.8.8"]))
    assert missing(lines) == ["voice: binds"]


def test_by_the_unit_alone():
    bare = {**REFUSED, "inet socket": DONE["inet socket"]}
    lines = judge(replace(GOOD, probe=replace(GOOD.probe, told=told(REFUSED, bare=bare))))
    assert missing(lines) == ["ear: unit: inet socket"]
