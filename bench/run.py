"""Every figure of docs/performance.md, beside its goal and its peers, with one command.

    python bench/run.py --yamnet yamnet.tflite --yolox yolox_nano.onnx [--other PYTHON] [--long] [--out FOLDER]

The short form takes ten minutes at most, both runtimes included; --long measures three times as much. Run it with an
environment that has the peers (bench/README.md says how to make one); what is missing is left out, and said. `--other`
is the Python of a second environment, with the other TFLite runtime. The rows come from the scripts beside this one,
each of which runs alone, too. Written to the folder: cost.txt, cost.json, cost.svg.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cost_picture
import measured

HERE = Path(__file__).resolve().parent
LOADED = 0.5
"""From this load on, before the run, the table says that it was measured beside other work."""


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    rounds: int
    seconds: int
    trials: int
    starts: int
    looks: int
    rest_s: int


SHORT, LONG = Sizes(3, 20, 24, 5, 5, 60), Sizes(9, 60, 100, 15, 15, 600)


@dataclass(frozen=True)
class Goal:
    """One line of the table: ours against a peer's, as a ratio, or a figure against a limit.

    Attributes:
        what: is compared.
        against: with what.
        goal: at most.
        found: this time; None: not measured.
        unit: "x" for a ratio.
    """

    what: str
    against: str
    goal: float
    found: float | None
    unit: str = "x"

    @property
    def verdict(self) -> str:
        """Whether it is met."""
        return "-" if self.found is None else "met" if self.found <= self.goal else "MISSED"


def section(python: str, script: str, *options: str) -> dict[str, Any]:
    """What `script` says; where it cannot be run, why."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "rows.json")
        command = [python, str(HERE / script), "--json", str(told), *options]
        print(f"# {' '.join(command[1:])}", file=sys.stderr, flush=True)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not told.exists():
            return {"rows": [], "left_out": (done.stderr.strip().splitlines() or ["it failed"])[-1]}
        content: dict[str, Any] = json.loads(told.read_text("utf-8"))
        return content | {"left_out": [line for line in done.stderr.splitlines() if "left out" in line]}


def of_runtime(python: str, sizes: Sizes, options: argparse.Namespace) -> dict[str, Any]:
    """The sections that depend on the TFLite runtime."""
    yamnet = ("--yamnet", str(options.yamnet)) if options.yamnet else ()
    yolox = ("--yolox", str(options.yolox)) if options.yolox else ()
    return {
        "ear": section(python, "ear.py", "--rounds", str(sizes.rounds), "--seconds", str(sizes.seconds), *yamnet),
        "onset": section(python, "onset.py", "--trials", str(sizes.trials), *yamnet),
        "start": section(python, "start.py", "--rounds", str(sizes.starts), *yamnet),
        "look": section(python, "eye.py", "--rounds", str(sizes.looks), *yolox),
    }


def pick(rows: list[dict[str, Any]], figure: str, **names: str) -> float | None:
    """`figure` of the row of those names; None: there is none."""
    found = (row.get(figure) for row in rows if all(row.get(key) == value for key, value in names.items()))
    return next((float(value) for value in found if value is not None), None)


def ratio(ours: float | None, peers: float | None) -> float | None:
    """Ours by theirs."""
    return None if ours is None or not peers else ours / peers


def median(rows: list[dict[str, Any]], figure: str) -> float | None:
    """Of all rows."""
    values = sorted(float(row[figure]) for row in rows)
    return values[len(values) // 2] if values else None


def goals(found: dict[str, Any]) -> list[Goal]:
    """The table of one runtime."""
    ear, onset, start = (found[name]["rows"] for name in ("ear", "onset", "start"))

    def cpu(listener: str, sound: str) -> float | None:
        return pick(ear, "cpu_s_per_min", listener=listener, sound=sound)

    def memory(listener: str) -> float | None:
        return pick(ear, "pss_mib", listener=listener, sound="speech")

    def late(listener: str, figure: str) -> float | None:
        return pick(onset, figure, listener=listener)

    eco, quiet, loud = "monitord-eco", "quiet", "speech"
    balanced = cpu("monitord-balanced", loud)
    tagger = cpu("yamnet", loud)
    decision = None if balanced is None or tagger is None else (balanced / 240) / (tagger / (60 / 0.975))
    look, peer = found["look"].get("rows", []), found["look"].get("peers", [])
    night = found["look"].get("night", {}).get("one_to")
    began = pick(start, "wall_s", program="yamnet")
    return [
        Goal(
            "CPU of the ear, quiet, eco",
            "YAMNet behind Frigate's gate",
            0.7,
            ratio(cpu(eco, quiet), cpu("yamnet-gated", quiet)),
        ),
        Goal("", "openWakeWord", 1 / 100, ratio(cpu(eco, quiet), cpu("openwakeword", quiet))),
        Goal("", "microWakeWord", 1 / 25, ratio(cpu(eco, quiet), cpu("microwakeword", quiet))),
        Goal("CPU of the ear, sound, eco", "YAMNet", 0.5, ratio(cpu(eco, loud), tagger)),
        Goal("CPU per decision, balanced", "YAMNet", 0.2, decision),
        Goal("memory of the ear (PSS)", "YAMNet", 0.85, ratio(memory(eco), memory("yamnet"))),
        Goal("", "openWakeWord", 0.25, ratio(memory(eco), memory("openwakeword"))),
        Goal(
            "onset to decision, balanced, p50",
            "YAMNet, hop 0.975 s",
            0.6,
            ratio(late("monitord-balanced", "p50_s"), late("yamnet", "p50_s")),
        ),
        Goal(
            "onset to decision, balanced, p95",
            "YAMNet, hop 0.975 s",
            0.5,
            ratio(late("monitord-balanced", "p95_s"), late("yamnet", "p95_s")),
        ),
        Goal("start to first decision", "YAMNet", 1.0, ratio(pick(start, "wall_s", program=eco), began)),
        Goal(
            "CPU of a look, its start included",
            "YOLOX-Nano in onnxruntime",
            0.8,
            ratio(median(look, "cpu_s"), median(peer, "cpu_s")),
        ),
        Goal(
            "CPU of a night with 12 cries",
            "the classifier at 5 a second",
            1 / 500,
            None if night is None else 1 / night,
        ),
    ]


def at_rest(rows: list[dict[str, Any]]) -> list[Goal]:
    """The table of the daemon at rest."""
    return [
        Goal("the daemon at rest: CPU", "one core", 1.0, pick(rows, "core_percent", process="all"), "%"),
        Goal("the daemon at rest: memory (PSS)", "", 120.0, pick(rows, "pss_mib", process="all"), "MiB"),
        Goal("the daemon at rest: wake-ups", "a second", 20.0, pick(rows, "wakeups_per_s", process="all"), ""),
        Goal("the daemon at rest: written", "an hour", 64.0, pick(rows, "written_kib_per_h", process="all"), "KiB"),
    ]


def text(machine: dict[str, Any], tables: dict[str, list[Goal]], left_out: list[str]) -> str:
    """All of it, for a person."""
    lines = [f"# {machine}"]
    if machine["load_before"] >= LOADED:
        lines.append("# measured beside other work: run it again on a machine that does nothing else")
    lines += [f"# {each}" for each in left_out]
    for name, table in tables.items():
        lines += ["", name, f"{'figure':36s}{'against':32s}{'goal':>9s}{'found':>11s}"]
        for each in table:
            found = "not measured" if each.found is None else f"{each.found:.4g} {each.unit}"
            lines.append(f"{each.what:36s}{each.against:32s}{each.goal:>9.4g}{found:>13s}  {each.verdict}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure all, and write the three files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--short", action="store_true", help="ten minutes at most (the default)")
    length.add_argument("--long", action="store_true", help="an hour")
    parser.add_argument("--yamnet", type=Path, help="yamnet.tflite with waveform input")
    parser.add_argument("--yolox", type=Path, help="yolox_nano.onnx")
    parser.add_argument("--other", metavar="PYTHON", help="of an environment with the other TFLite runtime")
    parser.add_argument("--out", type=Path, default=Path("cost"), help="folder for the results (default: cost)")
    options = parser.parse_args()
    sizes = LONG if options.long else SHORT
    machine = measured.machine()
    runtimes = {name: of_runtime(name, sizes, options) for name in filter(None, (sys.executable, options.other))}
    rest = section(sys.executable, "rest.py", "--seconds", str(sizes.rest_s))
    yamnet = ("--yamnet", str(options.yamnet)) if options.yamnet else ()
    listeners = () if options.long else ("--listeners", "monitord-eco", "yamnet-gated", "yamnet")
    counts = section(sys.executable, "instructions.py", *listeners, *yamnet)
    named = {runtime_of(found, python): found for python, found in runtimes.items()}
    tables = {name: goals(found) for name, found in named.items()} | {"all processes": at_rest(rest["rows"])}
    sections = [*(part for found in runtimes.values() for part in found.values()), rest, counts]
    left_out = sorted({line for part in sections for line in lines_of(part["left_out"])})
    options.out.mkdir(parents=True, exist_ok=True)
    said = text(machine, tables, left_out)
    print(said)
    (options.out / "cost.txt").write_text(said, "utf-8")
    (options.out / "cost.svg").write_text(cost_picture.draw(tables), "utf-8")
    report = {
        "machine": machine,
        "goals": {name: [asdict(each) | {"verdict": each.verdict} for each in table] for name, table in tables.items()},
        "runtimes": named,
        "rest": rest,
        "instructions": counts,
    }
    (options.out / "cost.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")


def lines_of(left_out: str | list[str]) -> list[str]:
    """What a section left out, or why all of it was."""
    return [left_out] if isinstance(left_out, str) else left_out


def runtime_of(found: dict[str, Any], python: str) -> str:
    """The TFLite runtime that a set of sections was measured with."""
    versions = next((part["machine"]["versions"] for part in found.values() if "machine" in part), {})
    return next(
        (f"{name} {versions[name]}" for name in ("ai-edge-litert", "tflite-runtime") if name in versions), python
    )


if __name__ == "__main__":
    main()
