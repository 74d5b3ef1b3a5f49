"""The starting weights in torch are the network of the file; and what is drawn on pictures lands where it should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the detector is trained in torch, which is not installed here")
pytest.importorskip("onnx")

# After the skips above: these need both.
from training.eye import backbone, detector, head, loss, variations, whole  # noqa: E402
from training.eye.examples import Body, Example  # noqa: E402
from training.eye.rounding import Rounding, steps  # noqa: E402
from training.person.data import LYING, NOBODY, PERSON, UPRIGHT  # noqa: E402

WEIGHTS = Path(__file__).parents[3] / "shared" / "models" / "yolox_nano.onnx"
needs_weights = pytest.mark.skipif(not WEIGHTS.exists(), reason="the starting weights (../shared) are not here")


@pytest.fixture(scope="module")
def plan():
    return backbone.read(WEIGHTS)


@needs_weights
def test_it_answers_as_onnxruntime_does(plan):
    runtime = pytest.importorskip("onnxruntime")
    picture = np.random.default_rng(0).uniform(0, 255, (1, 3, 416, 416)).astype(np.float32)
    # The file wants blue, green, red.
    (wanted,) = runtime.InferenceSession(str(WEIGHTS)).run(None, {"images": picture[:, ::-1].copy()})
    with torch.no_grad():
        told = backbone.predict(plan, backbone.Backbone(plan)(torch.tensor(picture)))
    parts = [torch.cat([one["reg"], one["obj"].sigmoid(), one["cls"].sigmoid()], 1).flatten(2) for one in told]
    assert np.abs(torch.cat(parts, 2).permute(0, 2, 1).numpy() - wanted).max() < 1e-4


@needs_weights
def test_an_empty_head_changes_nothing(plan):
    network = whole.new(plan).eval()
    picture = torch.rand(1, 3, 96, 128) * 255
    with torch.no_grad():
        told, found = network(picture), network.found(picture)
    assert torch.allclose(told["person"][:, 0], found.person, atol=1e-4)
    assert told["person"].shape[1] == told["boxes"].shape[1] == 3


def example(bodies, source="coco", target=PERSON):
    picture = np.full((120, 160, 3), 90, np.uint8)
    for one in bodies or ():
        left, top, wide, high = (np.array(one.box) * [160, 120, 160, 120]).astype(int)
        picture[top : top + high, left : left + wide] = 255
    return Example(source, "train", target, bodies, "", picture)


@pytest.mark.parametrize("seed", range(20))
def test_a_box_follows_its_body(seed):
    one = example([Body((0.3, 0.4, 0.25, 0.2), PERSON)])
    matrix = variations._matrix(one.picture, float(seed * 37 - 180), 192, 256, np.random.default_rng(seed))
    box, share = variations._box(one.bodies[0], one.picture.shape, matrix, (192, 256), mirrored=False)
    moved = variations.cv2.warpAffine(one.picture, matrix, (256, 192))
    rows, columns = np.nonzero(moved[..., 0] > 180)
    if share > 0.99:
        assert np.abs(box - [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]).max() < 3


@pytest.mark.parametrize(
    ("body", "angle", "target"),
    [
        (Body((0, 0, 1, 1), UPRIGHT, tall=True), 90, LYING),
        (Body((0, 0, 1, 1), UPRIGHT, tall=True), 5, UPRIGHT),
        (Body((0, 0, 1, 1), UPRIGHT), 90, PERSON),
        (Body((0, 0, 1, 1), LYING), 170, LYING),
        (Body((0, 0, 1, 1), PERSON), 90, PERSON),
    ],
)
def test_turning_a_picture_turns_what_may_be_said(body, angle, target):
    assert variations.turned_target(example([body], "infants"), body, angle) == target


def test_who_lies_seen_from_the_side_is_only_a_person_when_turned():
    body = Body((0, 0, 1, 1), LYING)
    assert variations.turned_target(example([body], "gmdcsa24"), body, 90) == PERSON


def found_of(logits, height=64, width=96):
    count = len(detector.places(height, width))
    person = torch.full((1, count), -6.0) + logits
    return detector.Found(person, torch.zeros(1, count), torch.zeros(1, count, 4), torch.zeros(1, 1), {})


def seen_of(boxes, target=LYING):
    picture = np.zeros((64, 96, 3), np.uint8)
    where = np.array(boxes, float).reshape(-1, 4)
    targets = [target] * len(boxes)
    return variations.Seen(picture, where, square=True, targets=targets, somewhere=False, alike=True, angle=0.0)


def test_silence_is_right_where_nobody_is_and_wrong_where_somebody_is():
    grid = detector.places(64, 96)
    quiet = found_of(torch.zeros(1))
    empty, lain = (loss.total(quiet, [seen_of(boxes)], grid) for boxes in ([], [[20, 20, 60, 44]]))
    assert float(empty["silence"]) < 0.01
    assert float(lain["people"]) > 3
    assert float(empty["people"]) == 0


def test_a_shout_beside_a_body_is_wrong():
    grid = detector.places(64, 96)
    shout = torch.zeros(1, len(grid))
    shout[0, 0] = 12.0  # upper left corner
    assert float(loss.total(found_of(shout), [seen_of([[60, 30, 90, 60]])], grid)["silence"]) > 0.4
    assert float(loss.total(found_of(torch.zeros(1)), [seen_of([[60, 30, 90, 60]])], grid)["silence"]) < 0.01


def test_rounding_has_256_steps_and_a_zero():
    rounding = Rounding(set(), {"pooled"})
    rounding.ranges["map"] = (-1.0, 3.0)
    value = torch.linspace(-2, 4, 5001)
    rounded = rounding("map", value)
    assert len(rounded.unique()) == 256
    assert 0.0 in rounded
    inside = (value > -1) & (value < 3)
    assert float((rounded - value)[inside].abs().max()) <= steps(-1.0, 3.0)[0] / 2 + 1e-5
    assert torch.equal(rounding("pooled", value), value)


def test_a_head_learns_to_turn_its_head():
    """Bodies that show only in a turned view, by a feature that the original does not heed."""
    rng = np.random.default_rng(0)
    ends, count = (4, 6, 8), 200
    features = rng.normal(0, 0.3, (count, 3, 8, 128)).astype(np.float16)
    somebody = np.arange(count) % 2 == 0
    where = np.zeros((count, 3, 8), np.int8)
    features[somebody, 1, 5, 7] = 3.0
    where[somebody, 1, 5] = 1
    lies = np.where(where == 1, 1, -1).astype(np.int8)
    blank = np.zeros((count, 3, 8, 4), np.float16)
    made = head.Views(
        features, np.full((count, 3, 8), -4, np.float16), blank, where, lies, np.zeros((count, 1)), np.arange(count)
    )
    pools = {"coco+": np.flatnonzero(somebody), "coco-": np.flatnonzero(~somebody)}
    learnt = head.train(made, pools, ends, head.How({"coco+": 0.5, "coco-": 0.5}, steps=120, rate=1e-2))
    before, after = (head.answers(one, made, ends)[:, 0] for one in (None, learnt))
    assert before[somebody].mean() == pytest.approx(before[~somebody].mean())
    assert after[somebody].min() > after[~somebody].max()
    blind = head.answers(learnt, made, ends, turned=False)[:, 0]
    assert abs(blind[somebody].mean() - blind[~somebody].mean()) < 0.5


def test_nobody_is_not_a_posture():
    assert variations.turned_target(example([], target=NOBODY), Body((0, 0, 1, 1), NOBODY), 90) == NOBODY
