"""Time from the trigger to the eye's verdict, its peak memory, and what is left of it: nothing.

    python bench/eye.py [--rounds 10] [--look 4.0] [--device file:FOLDER|csi|/dev/videoN] [--json FILE]

Each round is what the supervisor does when the ear asks for a look: the socket with the request in it is handed to a
new process. The clock starts with that process and stops when the frame arrives. By default the camera is the bundled
scene's pictures, which come as fast as they are asked for: so the figure is what the program itself takes, and a real
camera adds its own start, its warm-up (1.5 s at most) and the frames of the look (`--look`).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from dataclasses import asdict
from pathlib import Path

import measured  # It puts the checkout's own monitord first.

from monitord import paths
from monitord.settings import Video
from monitord.tools.bench_look import PICTURES, look
from monitord.video.camera import fit, open_camera
from monitord.video.classifier import Classifier
from monitord.video.verdict import glimpse

WARM_UP_S = 1.5
"""Of a camera, at most, before the first frame that counts."""


def measure(
    rounds: int, device: str, look_s: float, yolox: Path | None
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Rows of our looks and of YOLOX-Nano's, one after the other in each round."""
    rows, peers = [], []
    for _ in range(rounds):
        one = look(device, look_s)
        rows.append(asdict(one) | {"left": left(one.folder)})
        if yolox is not None:
            peers.append(peer(yolox))
    return rows, peers


def peer(model: Path) -> dict[str, object]:
    """The same look by a process that loads YOLOX-Nano in onnxruntime: bench/peer_look.py."""
    command = [sys.executable, str(Path(__file__).with_name("peer_look.py")), "--model", str(model), str(PICTURES)]
    began = time.perf_counter()
    pid = os.posix_spawn(
        sys.executable, command, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    )
    _, status, used = os.wait4(pid, 0)
    if status:
        raise SystemExit("bench/peer_look.py failed; it needs onnxruntime and opencv-python-headless")
    return {
        "gone_s": time.perf_counter() - began,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss / 1024,
    }


def over_a_night(rows: list[dict[str, object]], looks: int = 12, hours: float = 8.0) -> dict[str, float]:
    """CPU seconds of a night's looks, and of the same classifier on 5 frames of each second of that night."""
    network = Classifier.load(paths.models_dir())
    frames = open_camera(f"file:{PICTURES}").frames()
    picture = next(frames).copy()  # It is wiped when its generator goes.
    frames.close()
    glimpse(picture, network)
    took = []
    for _ in range(40):
        began = time.process_time()
        glimpse(fit(picture), network)
        took.append(time.process_time() - began)
    always = statistics.median(took) * 5 * hours * 3600
    ours = looks * statistics.median(float(str(row["cpu_s"])) for row in rows)
    longest = looks * (WARM_UP_S + Video().look_s)
    return {"looks_s": ours, "always_s": always, "one_to": always / ours, "open_s": longest, "night_s": hours * 3600}


def left(folder: str) -> list[str]:
    """Processes whose command names `folder`, and open cameras of anybody's."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if folder in command:
            found.append(f"{process.name} {command}")
    return found


def main() -> None:
    """Measure, print the table, write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--look", type=float, default=4.0)
    parser.add_argument("--device", default=f"file:{PICTURES}")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--yolox", type=Path, help="yolox_nano.onnx: the same look by YOLOX-Nano in onnxruntime")
    options = parser.parse_args()
    rows, peers = measure(options.rounds, options.device, options.look, options.yolox)
    print(f"{options.rounds} looks at {options.device}, verdicts: {sorted({str(row['said']) for row in rows})}")
    print(f"{'':28s}{'median':>9s}{'longest':>9s}")
    for name, text in (
        ("began_s", "start to confined, s"),
        ("verdict_s", "start to verdict, s"),
        ("gone_s", "start to gone, s"),
        ("cpu_s", "processor time, s"),
        ("peak_mib", "peak resident memory, MiB"),
    ):
        values = [float(str(row[name])) for row in rows]
        print(f"{text:28s}{statistics.median(values):9.2f}{max(values):9.2f}")
    if peers:
        cpu = statistics.median(float(str(row["cpu_s"])) for row in peers)
        peak = statistics.median(float(str(row["peak_mib"])) for row in peers)
        print(f"{'YOLOX-Nano: processor, s':28s}{cpu:9.2f}; peak {peak:.0f} MiB")
    night = over_a_night(rows)
    print(f"a night of 8 h with 12 looks: {night['looks_s']:.1f} s of the processor, the camera on for", end=" ")
    print(
        f"{night['open_s']:.0f} s; the same always on at 5 frames a second: {night['always_s']:.0f} s, as 1 to", end=" "
    )
    print(f"{night['one_to']:.0f}")
    print(f"left afterwards: {[what for row in rows for what in row['left']] or 'nothing'}")  # type: ignore[attr-defined]
    if options.json:
        report = {"machine": measured.machine(), "rows": rows, "peers": peers, "night": night}
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
