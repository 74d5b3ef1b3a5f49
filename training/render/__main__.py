"""Renders pictures: ``python -m training.render --count 10000 --out training/work/eye/renders``.

It goes on where it was stopped; picture N is the same whenever and in whichever order it is made.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

_ATTEMPTS = 6


def main() -> None:
    """Render what is missing of pictures `--first` to `--first` + `--count` - 1."""
    parser = argparse.ArgumentParser(prog="python -m training.render", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=10_000, help="pictures (default %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first one (default %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="folder for NNNNNN.jpg and its labels, NNNNNN.json")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    # anny keeps what it computes once; beside the pictures, not in the home folder.
    os.environ.setdefault("ANNY_CACHE_DIR", str(options.out.resolve() / "anny"))

    import torch  # noqa: PLC0415 - after the folder is set

    from training.render.bodies import Bodies  # noqa: PLC0415

    torch.set_num_threads(1)
    wanted = range(options.first, options.first + options.count)
    missing = [number for number in wanted if not (options.out / f"{number:06d}.json").exists()]
    began = time.monotonic()
    bodies = Bodies()
    for number in tqdm(
        missing, desc="rendering", unit="picture", initial=len(wanted) - len(missing), total=len(wanted)
    ):
        one(number, bodies, options.out)
    spent, memory = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(missing)} pictures, {spent:.0f} s, {memory:.0f} MiB at most")


def one(number: int, bodies: object, out: Path) -> None:
    """Render picture `number` and write it with its labels; the labels come last, so that they mean "done"."""
    import cv2  # noqa: PLC0415

    from training.render import picture, scenes  # noqa: PLC0415

    for attempt in range(_ATTEMPTS):
        scene = scenes.make(number, bodies, attempt)  # type: ignore[arg-type]
        shot = picture.shoot(scene)
        if shot is not None:
            break
    else:
        (out / f"{number:06d}.json").write_text(json.dumps({"number": number, "skipped": True}), "utf-8")
        return
    people = [
        {"box": asdict(box), "posture": person.posture, "pose": person.pose, "age": person.age}
        for person, box in zip(scene.people, shot.boxes, strict=True)
        if box is not None
    ]
    group = number // scenes.PER_ROOM
    labels = {
        "number": number,
        "group": f"room:{group}",
        "bed": scene.room.bed.kind,
        "infrared": scene.infrared,
        "attempt": attempt,
        "people": people,
    }
    cv2.imwrite(str(out / f"{number:06d}.jpg"), shot.picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    (out / f"{number:06d}.json").write_text(json.dumps(labels), "utf-8")


if __name__ == "__main__":
    main()
