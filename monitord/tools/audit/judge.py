"""From what was seen and tried to one line a promise. Pure.

A promise is held when the kernel says so and every act was refused; it is proven when, besides, the control did what
was refused. Each line names the protection that it tests, so that what is missing can be named.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from monitord.lan import is_local
from monitord.wire import BURST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from monitord.tools.audit.kernel import Seen
    from monitord.tools.audit.stage import Report

_SAME = ("NoNewPrivs", "Seccomp", "Seccomp_filters", "CapEff", "CapPrm", "CapBnd")
_NET_BIND_SERVICE = 1 << 10


class Verdict(StrEnum):
    """What became of a promise."""

    PROVEN = "proven"
    NOT_PROVEN = "not proven"
    BROKEN = "NOT HELD"


@dataclass(frozen=True, slots=True)
class Line:
    """One promise of one process.

    Attributes:
        process: "ear", "eye" or "voice".
        promise: as a person reads it.
        protection: what holds it.
        kernel: what the kernel says now; empty: it is not asked.
        tried: what happened when it was tried; empty: it was not.
        control: what the same did outside the sandbox.
        verdict: what follows.
    """

    process: str
    promise: str
    protection: str
    kernel: str
    tried: str
    control: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known of one process.

    Attributes:
        process: "ear", "eye" or "voice".
        seen: the running one; None: it does not run now, which is the eye's usual state.
        probe: what its probe has told.
        control: what the control has told.
        swapping: whether this machine swaps.
        sockets: addresses of the running one's sockets, of the voice only.
    """

    process: str
    seen: Seen | None
    probe: Report
    control: Report
    swapping: bool
    sockets: Sequence[str] | None = None


def judge(case: Case) -> list[Line]:
    """Every line of one process."""
    silent = case.process != "voice"
    lines = [*_powers(case), *_tried(case, silent=silent), _core(case)]
    if silent:
        lines += [_network(case), _files(case), *_channel(case)]
    else:
        lines.append(_addresses(case))
    if case.seen is not None:
        lines += [_swap(case, case.seen), _same(case, case.seen)]
    return lines


def _powers(case: Case) -> list[Line]:
    status = case.probe.told["status"] if case.seen is None else case.seen.status
    whose = "a process confined like it: " if case.seen is None else ""
    kept = 0 if case.process != "voice" else _NET_BIND_SERVICE
    privs = status["NoNewPrivs"]
    capabilities = f"CapEff {status['CapEff']}, CapPrm {status['CapPrm']}"
    powerless = (int(status["CapEff"], 16) | int(status["CapPrm"], 16)) & ~kept == 0
    rows = (
        ("gains no new privileges", "no-new-privileges", f"NoNewPrivs {privs}", privs == "1"),
        ("its calls are filtered", "seccomp", f"Seccomp {status['Seccomp']}", status["Seccomp"] == "2"),
        (f"has no capabilities{' but to use a low port' if kept else ''}", "no-capabilities", capabilities, powerless),
    )
    lines = [
        Line(case.process, promise, protection, whose + says, "", "", _plain(held=held))
        for promise, protection, says, held in rows
    ]
    landlock = bool(case.probe.told["measures"].get("landlock"))
    says = f"its probe: Landlock {'took hold' if landlock else 'is not to be had here'}"
    return [*lines, Line(case.process, "opens only what is its own", "landlock", says, "", "", _plain(held=landlock))]


PROMISES = {
    "inet socket": ("opens no internet socket", "seccomp"),
    "name lookup": ("looks up no name, by itself or by another service", "no name service"),
    "write a file": ("writes no file", "no-file-writes"),
    "open a device": ("opens no device of another process", "landlock"),
    "ptrace": ("traces no process and is not traced", "seccomp"),
    "run a program": ("runs no other program", "seccomp"),
    "public address": ("reaches no public address", "addresses"),
}
SILENT_ACTS = ("inet socket", "name lookup", "write a file", "open a device", "ptrace", "run a program")
VOICE_ACTS = ("open a device", "ptrace", "public address")


def _tried(case: Case, *, silent: bool) -> list[Line]:
    acts = SILENT_ACTS if silent else VOICE_ACTS
    lines = [_one_act(case, act, bare=False) for act in acts]
    if "bare" in case.probe.told:  # Before the process gave up anything itself. A unit cannot forbid other programs.
        lines += [_one_act(case, act, bare=True) for act in acts if act != "run a program"]
    return lines


def _one_act(case: Case, act: str, *, bare: bool) -> Line:
    promise, protection = PROMISES[act]
    if bare:
        promise, protection = f"{promise}, by its unit alone", f"unit: {act}"
    done, possible = case.probe.done(act, bare=bare) or [], case.control.done(act) or []
    refused = [what for what in possible if what not in done]
    if done:
        verdict, tried = Verdict.BROKEN, f"SUCCEEDED: {', '.join(done)}"
    elif not possible:
        verdict, tried = (
            Verdict.NOT_PROVEN,
            "refused" if case.probe.refused_acts(act) else "nothing here to try it with",
        )
    else:
        verdict, tried = Verdict.PROVEN, f"refused: {', '.join(refused)}"
    return Line(case.process, promise, protection, "", tried, _short(possible), verdict)


def _core(case: Case) -> Line:
    limits = case.probe.told["limits"] if case.seen is None else case.seen.limits
    core = limits.get("Max core file size", "unknown")
    broken = core != "0 0" or bool(case.probe.dumped) or not case.probe.told["measures"].get("not-dumpable", True)
    proven = case.probe.dumped is False and bool(case.control.dumped)
    return Line(
        case.process,
        "leaves no core dump",
        "not-dumpable",
        f"core limit {core}",
        {True: "aborted: DUMPED", False: "aborted: no core", None: "aborted, but nobody could see"}[case.probe.dumped],
        "aborted: dumped" if case.control.dumped else "left no core either",
        Verdict.BROKEN if broken else Verdict.PROVEN if proven else Verdict.NOT_PROVEN,
    )


def _network(case: Case) -> Line:
    seen = case.seen
    own = case.probe.told["network"] != case.control.told["network"] if seen is None else seen.own_network
    names = frozenset(case.probe.told["interfaces"]) if seen is None else seen.interfaces
    empty = names <= {"lo"} and (seen is None or seen.inet_sockets == 0)
    outside = ", ".join(case.control.told["interfaces"]) or "none"
    says = f"interfaces: {', '.join(sorted(names)) or 'none'}"
    says += {True: "; a network of its own", False: "; the machine's own", None: ""}[own]
    if seen is not None:
        says += f"; internet sockets there: {seen.inet_sockets}"
    verdict = Verdict.BROKEN if not empty or own is False else Verdict.PROVEN
    return Line(
        case.process, "has an empty network of its own", "empty-network", says, "", f"outside: {outside}", verdict
    )


def _files(case: Case) -> Line:
    limits = case.probe.told["limits"] if case.seen is None else case.seen.limits
    size = limits.get("Max file size", "unknown")
    says = f"file size limit {size}"
    verdict = _plain(held=size == "0 0")
    if case.seen is not None:
        files, devices = case.seen.files, case.seen.devices
        says += f"; writable mounts {len(case.seen.writable)}"
        says += "; open for writing: " + ("not to be seen" if files is None else ", ".join(files) or "nothing")
        says += "; devices open: " + ("not to be seen" if devices is None else ", ".join(devices) or "none")
        if files:
            verdict = Verdict.BROKEN
        elif files is None and verdict is Verdict.PROVEN:
            verdict = Verdict.NOT_PROVEN
    return Line(case.process, "adds no byte to a file", "file-size", says, "", "", verdict)


def _channel(case: Case) -> list[Line]:
    probe, control = case.probe, case.control
    flood = f"{probe.accepted} taken of a flood, {sum(probe.refused.values())} refused"
    long_ones = "longer frames refused" if probe.oversized_refused else "longer frames were NOT refused"
    without = f"without the bound: {probe.well_formed} taken"
    refused = _plain(held=probe.oversized_refused)
    bounded = _plain(held=probe.accepted <= BURST)
    if not control.accepted:
        refused = Verdict.NOT_PROVEN
    if probe.well_formed <= BURST and bounded is Verdict.PROVEN:
        bounded = Verdict.NOT_PROVEN
    taken = f"frames of 8 bytes: {control.accepted} taken"
    return [
        Line(case.process, "says 8 bytes at a time", "wire", "", long_ones, taken, refused),
        Line(case.process, "says less than speech", "rate", "", flood, without, bounded),
    ]


def _addresses(case: Case) -> Line:
    if case.sockets is None:
        return Line(case.process, "is bound to the house only", "binds", "not to be seen", "", "", Verdict.NOT_PROVEN)
    public = [address for address in case.sockets if not is_local(address, cgnat=True)]
    says = f"sockets at {', '.join(sorted(set(case.sockets))) or 'no address'}"
    return Line(case.process, "is bound to the house only", "binds", says, "", "", _plain(held=not public))


def _swap(case: Case, seen: Seen) -> Line:
    sure = seen.swap_max == "0" or not case.swapping
    says = f"swapped {seen.swapped_kb} kB; limit of its group {seen.swap_max or 'none'}"
    says += "" if case.swapping else "; this machine does not swap"
    verdict = Verdict.BROKEN if seen.swapped_kb else Verdict.PROVEN if sure else Verdict.NOT_PROVEN
    return Line(case.process, "is not swapped to a disk", "no-swap", says, "", "", verdict)


def _same(case: Case, seen: Seen) -> Line:
    told: Mapping[str, str] = case.probe.told["status"]
    other = [name for name in _SAME if told.get(name) != seen.status.get(name)]
    other += [name for name, value in seen.limits.items() if case.probe.told["limits"].get(name) != value]
    says = "as its probe" if not other else f"other than its probe in {', '.join(other)}"
    verdict = Verdict.NOT_PROVEN if other else Verdict.PROVEN
    return Line(case.process, "is confined as its probe was", "probe", says, "", "", verdict)


def missing(lines: Iterable[Line]) -> list[str]:
    """The protections that do not hold, as "ear: seccomp"."""
    return sorted({f"{line.process}: {line.protection}" for line in lines if line.verdict is Verdict.BROKEN})


def unproven(lines: Iterable[Line]) -> list[str]:
    """The protections that are not proven, as "ear: devices"."""
    return sorted({f"{line.process}: {line.protection}" for line in lines if line.verdict is Verdict.NOT_PROVEN})


def _plain(*, held: bool) -> Verdict:
    return Verdict.PROVEN if held else Verdict.BROKEN


def _short(items: Sequence[str]) -> str:
    return f"succeeded: {', '.join(items)}" if items else "did not succeed either"
