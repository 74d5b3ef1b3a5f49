"""Trains, exports and measures the eye's network: ``python -m training.eye views``, then ``ship``; see ``--help``."""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import torch

WORK = Path("training/work/eye")


def main() -> None:
    """Run one step."""
    options = _options()
    began = time.monotonic()
    torch.set_num_threads(options.threads)
    options.step(options)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{time.monotonic() - began:.0f} s, {memory:.0f} MiB at most")


def _views(options: argparse.Namespace) -> None:
    from training.eye import cached  # noqa: PLC0415 - needs TensorFlow, the rest does not

    renders = options.render_folder if options.renders else None
    cached.make(options.out, options.data, (options.weights, options.pose), renders=renders, most=options.renders)


def _pasted(options: argparse.Namespace) -> None:
    from training.eye import cached  # noqa: PLC0415

    cached.make_pasted(options.out, options.data, (options.weights, options.pose), options.alone)


def _ablate(options: argparse.Namespace) -> None:
    from training.eye import learn  # noqa: PLC0415

    learn.ablate(options.views, range(1, options.seeds + 1), options.steps, options.out)


def _ship(options: argparse.Namespace) -> None:
    from training.eye import ship  # noqa: PLC0415

    made, table = ship.make(
        options.views,
        options.data,
        (options.weights, options.pose),
        room_out=options.leave_room_out,
        steps=options.steps,
        renders=bool(options.renders),
    )
    report({"float16": table})
    if options.out is not None:
        note = "gmdcsa24 left out" if options.leave_room_out else "all training data"
        ship.write(options.out / "person.toml", made, note)


def _mistakes(options: argparse.Namespace) -> None:
    from training.eye import mistakes  # noqa: PLC0415

    most = options.renders or 10_000
    report({"share": mistakes.sheet(options.models, options.data, options.render_folder, most, options.out)})


def report(tables: dict[str, dict[str, str]]) -> None:
    """Print tables side by side."""
    for name in dict.fromkeys(row for table in tables.values() for row in table):
        print(f"{name}: " + " | ".join(table.get(name, "-") for table in tables.values()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.eye", description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="folder that holds vision/manifest.csv"
    )
    shared = Path("../shared/models/yolox_nano.onnx")
    parser.add_argument("--weights", type=Path, default=shared, help="starting weights of the first body")
    parser.add_argument("--pose", type=Path, default=WORK / "pose_detection.tflite", help="and of the second")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--renders", type=int, default=0, help="how many renders to use (default: none)")
    parser.add_argument("--render-folder", type=Path, default=WORK / "renders")
    parser.add_argument("--leave-room-out", action="store_true", help="keep all of gmdcsa24 for the test")
    steps = parser.add_subparsers(required=True)
    one = steps.add_parser("views", help="what the bodies see in every picture; goes on where it was stopped")
    one.set_defaults(step=_views)
    one.add_argument("--out", type=Path, default=WORK / "views")
    one = steps.add_parser("pasted", help="the same of renders laid into rooms; for the trial, nothing ships with them")
    one.set_defaults(step=_pasted)
    one.add_argument("--out", type=Path, default=WORK / "views")
    one.add_argument("--alone", type=Path, default=WORK / "alone", help="what training.render.alone made")
    one = steps.add_parser("ablate", help="heads with and without each part, on a room that was never seen")
    one.set_defaults(step=_ablate)
    one.add_argument("--views", type=Path, default=WORK / "views")
    one.add_argument("--seeds", type=int, default=3)
    one.add_argument("--steps", type=int, default=1200, help="of 48 pictures (default %(default)s)")
    one.add_argument("--out", type=Path, help="also write the figures here (JSON)")
    one = steps.add_parser("ship", help="the head that ships: train, export, measure, write the card")
    one.set_defaults(step=_ship)
    one.add_argument("--views", type=Path, default=WORK / "views")
    one.add_argument("--steps", type=int, default=1200, help="of 48 pictures (default %(default)s)")
    one.add_argument("--out", type=Path, help="folder of person.toml and person.tflite; without it, only measure")
    one = steps.add_parser("mistakes", help="a contact sheet of a model's worst mistakes")
    one.set_defaults(step=_mistakes)
    one.add_argument("--models", type=Path, default=Path("models"))
    one.add_argument("--out", type=Path, default=Path("docs/person-mistakes.jpg"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
