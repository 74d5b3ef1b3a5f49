"""Trains, measures and exports the eye's network; ``python -m training.eye --help``."""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

import torch

from training.eye import backbone, examples, measure, train
from training.eye.detector import Detector
from training.eye.run import judge
from training.eye.variations import Recipe

WORK = Path("training/work/eye")


def main() -> None:
    """Run one step."""
    options = _options()
    began = time.monotonic()
    torch.set_num_threads(options.threads)
    options.step(options)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{time.monotonic() - began:.0f} s, {memory:.0f} MiB at most")


def _train(options: argparse.Namespace) -> None:
    plan = backbone.read(options.weights)
    network = Detector(plan)
    known = _examples(options)
    print(f"{train.locate(network, known)} boxes from the untrained network")
    if options.start is not None:
        network.load_state_dict(torch.load(options.start, weights_only=True))
    if options.from_nothing:
        _forget(network)
    how = train.Plan(
        steps=options.steps,
        seed=options.seed,
        device=options.device,
        recipe=Recipe(turned=not options.upright_only, empty_turned=not options.empty_upright),
        remember=not options.forget,
        keep=options.out,
        body_rate=options.body_rate,
    )
    train.run(network, known, how)


def _measure(options: argparse.Namespace) -> None:
    known = _examples(options)
    tables = {}
    for path in options.networks:
        network = Detector(backbone.read(options.weights)).eval()
        start = {name: value.clone() for name, value in network.state_dict().items()}
        if str(path) != "start":
            learnt = torch.load(path, weights_only=True)
            share = options.mix
            network.load_state_dict({name: start[name] + share * (learnt[name] - start[name]) for name in start})
        scored = measure.score(known, judge(network, train.HEIGHT, train.WIDTH))
        tables[str(path)] = measure.figures(scored, measure.threshold(scored))
    report(tables)
    if options.out is not None:
        options.out.write_text(json.dumps(tables, indent=1), "utf-8")


def _views(options: argparse.Namespace) -> None:
    from training.eye import cached  # noqa: PLC0415 - needs TensorFlow, the rest does not

    renders = options.render_folder if options.renders else None
    cached.make(options.out, options.data, options.weights, renders, options.renders)


def _ablate(options: argparse.Namespace) -> None:
    from training.eye import learn  # noqa: PLC0415

    learn.ablate(options.views, range(1, options.seeds + 1), options.steps, options.out)


def _ship(options: argparse.Namespace) -> None:
    from training.eye import ship  # noqa: PLC0415

    made, table = ship.make(
        options.views,
        options.data,
        options.weights,
        room_out=options.leave_room_out,
        steps=options.steps,
        renders=bool(options.renders),
    )
    report({"int8": table})
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


def _examples(options: argparse.Namespace) -> list[examples.Example]:
    known = examples.load(options.data / "vision", leave_room_out=options.leave_room_out)
    if options.renders:
        known += examples.load_renders(options.render_folder, options.renders)
    if options.no_negatives:
        known = [one for one in known if one.split != "train" or one.source not in ("rooms", "messy_rooms")]
    return known


def _forget(network: Detector) -> None:
    for name, weight in network.named_parameters():
        weight.requires_grad_(requires_grad=True)
        if weight.ndim > 1 and name.startswith("body."):
            torch.nn.init.kaiming_normal_(weight)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.eye", description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="folder that holds vision/manifest.csv"
    )
    parser.add_argument(
        "--weights", type=Path, default=Path("../shared/models/yolox_nano.onnx"), help="starting weights"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--renders", type=int, default=0, help="how many renders to use (default: none)")
    parser.add_argument("--render-folder", type=Path, default=WORK / "renders")
    parser.add_argument("--leave-room-out", action="store_true", help="keep all of gmdcsa24 for the test")
    parser.add_argument("--no-negatives", action="store_true", help="ablation: no empty rooms in training")
    steps = parser.add_subparsers(required=True)
    one = steps.add_parser("train", help="train a float network")
    one.set_defaults(step=_train)
    one.add_argument("--out", type=Path, required=True, help="NAME.pt")
    one.add_argument("--start", type=Path, help="go on from these weights")
    one.add_argument("--steps", type=int, default=1500, help="of 16 pictures (default %(default)s)")
    one.add_argument("--seed", type=int, default=1)
    one.add_argument("--device", default="cpu", help="torch's: cpu or cuda")
    one.add_argument("--body-rate", type=float, default=3e-4)
    one.add_argument("--upright-only", action="store_true", help="ablation: nothing is turned")
    one.add_argument("--empty-upright", action="store_true", help="ablation: empty pictures are not turned")
    one.add_argument("--forget", action="store_true", help="ablation: the original's answers are not kept")
    one.add_argument("--from-nothing", action="store_true", help="ablation: no starting weights")
    one = steps.add_parser("views", help="what the quantised body sees in every picture; goes on where it was stopped")
    one.set_defaults(step=_views)
    one.add_argument("--out", type=Path, default=WORK / "views")
    one = steps.add_parser("ablate", help="heads with and without each part, on a room that was never seen")
    one.set_defaults(step=_ablate)
    one.add_argument("--views", type=Path, default=WORK / "views")
    one.add_argument("--seeds", type=int, default=3)
    one.add_argument("--steps", type=int, default=600, help="of 48 pictures (default %(default)s)")
    one.add_argument("--out", type=Path, help="also write the figures here (JSON)")
    one = steps.add_parser("ship", help="the head that ships: train, export, measure, write the card")
    one.set_defaults(step=_ship)
    one.add_argument("--views", type=Path, default=WORK / "views")
    one.add_argument("--steps", type=int, default=600, help="of 48 pictures (default %(default)s)")
    one.add_argument("--out", type=Path, help="folder of person.toml and person.tflite; without it, only measure")
    one = steps.add_parser("mistakes", help="a contact sheet of a model's worst mistakes")
    one.set_defaults(step=_mistakes)
    one.add_argument("--models", type=Path, default=Path("models"))
    one.add_argument("--out", type=Path, default=Path("docs/person-mistakes.jpg"))
    one = steps.add_parser("measure", help="figures of float networks, side by side")
    one.set_defaults(step=_measure)
    one.add_argument("networks", nargs="+", type=Path, help='NAME.pt, or "start" for the untrained network')
    one.add_argument("--mix", type=float, default=1.0, help="share of what was learnt; the rest is the original")
    one.add_argument("--out", type=Path, help="also write the figures here (JSON)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
