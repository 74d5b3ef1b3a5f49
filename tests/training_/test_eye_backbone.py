"""The body is that of the file; three views lie over each other; a head learns from them; all of it is exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the head is trained in torch, which is not installed here")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

# After the skips above: these need both.
from monitord.video import boxes  # noqa: E402
from training.eye import backbone, cutouts, head, measure, variations, views  # noqa: E402
from training.eye.body import STRIDES, Body, Level  # noqa: E402
from training.eye.examples import Body as Somebody  # noqa: E402
from training.eye.examples import Example, fitted  # noqa: E402
from training.person.data import LYING, NOBODY, PERSON, UPRIGHT  # noqa: E402

WEIGHTS = Path(__file__).parents[3] / "shared" / "models" / "yolox_nano.onnx"
needs_weights = pytest.mark.skipif(not WEIGHTS.exists(), reason="the starting weights (../shared) are not here")


@needs_weights
def test_the_cut_body_answers_as_the_whole_file():
    runtime = pytest.importorskip("onnxruntime")
    picture = np.random.default_rng(0).uniform(0, 255, (1, 416, 416, 3)).astype(np.float32)
    # The file wants blue, green, red.
    planes = np.ascontiguousarray(picture[..., ::-1].transpose(0, 3, 1, 2))
    (wanted,) = runtime.InferenceSession(str(WEIGHTS)).run(None, {"images": planes})
    levels, stem = Body(WEIGHTS)(picture)
    raw = np.concatenate([level.boxes.reshape(-1, 4) for level in levels])
    assert np.abs(raw - wanted[0, :, :4]).max() < 1e-3
    kinds = np.concatenate([level.kinds.reshape(-1, 80) for level in levels])
    smaller = np.minimum(wanted[0, :, 4:5], wanted[0, :, 5:])
    assert np.abs(1 / (1 + np.exp(-kinds)) - smaller).max() < 1e-4
    assert stem.shape == (1, 52, 52, 64)


@needs_weights
def test_the_exported_network_says_what_body_and_head_say():
    pytest.importorskip("tensorflow", reason="the exporter needs TensorFlow")
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

    from training.eye import export  # noqa: PLC0415

    torch.manual_seed(0)
    heads = [head.Head(), head.Head()]
    for layer in (layer for one in heads for part in (one.upright, one.lying, one.posture) for layer in part.say):
        torch.nn.init.normal_(layer.weight, 0, 0.3)
    body, plan = Body(WEIGHTS), backbone.read(WEIGHTS)
    picture = (np.random.default_rng(0).uniform(0, 255, (12, 16, 3)).repeat(8, 0).repeat(8, 1)).astype(np.uint8)
    places = views.look(body, picture)
    whole = head.joined(heads)
    wanted = np.mean([head.places_of(one, places)[:2] for one in heads], axis=0)
    wanted = np.concatenate([wanted, head.places_of(whole, places)[2:]])
    room = export.Room(np.eye(5, 64, dtype=np.float32), np.zeros(5, np.float32))
    told = {}
    for half in (False, True):
        content = export.to_tflite(plan, whole, room, 96, 128, half=half)
        interpreter = Interpreter(model_content=content)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[None].astype(np.float32))
        interpreter.invoke()
        told[half] = [interpreter.get_tensor(one["index"]) for one in interpreter.get_output_details()]
    assert np.abs(told[False][0] - wanted).max() < 0.02
    assert np.abs(told[True][0] - wanted).max() < 0.3
    # The turned view's box lies where its body is, in the picture held upright.
    best = {}
    for turn in (1, -1):
        levels, _ = body(np.ascontiguousarray(np.rot90(picture, turn))[None])
        scores = np.concatenate([level.kinds[..., 0].ravel() for level in levels])
        where = boxes.decode(np.concatenate([level.boxes.reshape(-1, 4) for level in levels]), 128, 96)
        best[turn] = float(scores.max()), where[scores.argmax()]
    turn = max(best, key=lambda each: best[each][0])
    left, top, right, bottom = best[turn][1]
    back = (128 - bottom, left, 128 - top, right) if turn == 1 else (top, 96 - right, bottom, 96 - left)
    assert np.abs(boxes.decode(told[False][1][1], 96, 128) - back).sum(axis=1).min() < 0.5


class Marks:
    """A body that sees nothing but where the picture is white: in each view, the mean of each place."""

    def __call__(self, pictures):
        levels = []
        for stride in STRIDES:
            count, height, width = len(pictures), pictures.shape[1] // stride, pictures.shape[2] // stride
            mean = pictures[..., 0].reshape(count, height, stride, width, stride).mean(axis=(2, 4))[..., None]
            levels.append(Level(mean.repeat(128, -1), mean.repeat(80, -1), mean.repeat(4, -1)))
        return levels, np.zeros((len(pictures), 1, 1, 64))


def test_a_place_is_the_same_place_in_all_views():
    picture = np.random.default_rng(1).integers(0, 255, (96, 128, 3)).astype(np.uint8)
    places = views.look(Marks(), picture)
    assert len(places.level) == boxes.count(96, 128)
    for view in (1, 2):
        assert np.array_equal(places.scores[:, 0], places.scores[:, view])
        assert np.array_equal(places.features[:, :128], places.features[:, 128 * view : 128 * (view + 1)])
    assert len(np.unique(places.scores[:, 0])) > 20


def test_who_is_there_is_told_to_the_places_of_their_middle():
    places = views.look(Marks(), np.zeros((96, 128, 3), np.uint8))
    grid = views.grid(96, 128)
    views.tell(places, grid, np.array([[40.0, 20, 80, 90]]), [LYING])
    core = places.where == views.BODY
    assert core.any()
    assert set(places.lies[core]) == {1}
    assert (grid[core, 0] > 40).all()
    assert (grid[core, 0] < 80).all()
    assert (places.where[grid[:, 0] > 110] == views.ELSEWHERE).all()
    kept = places.some(views.chosen(places, 64, np.random.default_rng(0), None))
    assert (kept.where == views.BODY).any()
    assert len(kept.level) == 64


def example(bodies, source="coco", target=PERSON):
    picture = np.full((120, 160, 3), 90, np.uint8)
    for one in bodies or ():
        left, top, wide, high = (np.array(one.box) * [160, 120, 160, 120]).astype(int)
        picture[top : top + high, left : left + wide] = 255
    return Example(source, "train", target, bodies, "", picture)


def test_a_fitted_box_is_where_the_fitted_body_is():
    one = example([Somebody((0.25, 0.5, 0.5, 0.25), PERSON)])
    assert fitted(one, 192, 256).tolist() == [[64, 96, 192, 144]]


@pytest.mark.parametrize("seed", range(20))
def test_a_box_follows_its_body(seed):
    one = example([Somebody((0.3, 0.4, 0.25, 0.2), PERSON)])
    matrix = variations._matrix(one.picture, float(seed * 37 - 180), 192, 256, np.random.default_rng(seed))
    box, share = variations._box(one.bodies[0], one.picture.shape, matrix, (192, 256), mirrored=False)
    moved = variations.cv2.warpAffine(one.picture, matrix, (256, 192))
    rows, columns = np.nonzero(moved[..., 0] > 180)
    if share > 0.99:
        assert np.abs(box - [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]).max() < 3


@pytest.mark.parametrize(
    ("body", "angle", "target"),
    [
        (Somebody((0, 0, 1, 1), UPRIGHT, tall=True), 90, LYING),
        (Somebody((0, 0, 1, 1), UPRIGHT, tall=True), 5, UPRIGHT),
        (Somebody((0, 0, 1, 1), UPRIGHT), 90, PERSON),
        (Somebody((0, 0, 1, 1), LYING), 170, LYING),
        (Somebody((0, 0, 1, 1), PERSON), 90, PERSON),
    ],
)
def test_turning_a_picture_turns_what_may_be_said(body, angle, target):
    assert variations.turned_target(example([body], "infants"), body, angle) == target


def test_who_lies_seen_from_the_side_is_only_a_person_when_turned():
    body = Somebody((0, 0, 1, 1), LYING)
    assert variations.turned_target(example([body], "gmdcsa24"), body, 90) == PERSON


def test_nobody_is_not_a_posture():
    assert variations.turned_target(example([], target=NOBODY), Somebody((0, 0, 1, 1), NOBODY), 90) == NOBODY


def test_a_half_hidden_body_keeps_its_head():
    one = example([Somebody((0.4, 0.1, 0.2, 0.8), UPRIGHT, tall=True)])
    hidden = variations.half_hidden(one, [np.full((60, 60, 3), 10, np.uint8)], np.random.default_rng(0))
    assert (hidden.picture[14:34, 70:90] == 255).all()
    assert (hidden.picture[100:106, 70:90] == 10).all()


def test_who_is_laid_lies_in_their_box_and_a_shape_of_something_else_is_nobody():
    who = cutouts.Cutout(np.full((80, 30, 3), 250.0, np.float32), np.ones((80, 30), np.float32))
    room = cutouts.Room(np.full((192, 256, 3), 60, np.uint8), np.array([40.0, 80, 220, 180]), has_bed=True)
    others = [np.full((60, 80, 3), 120, np.uint8)]
    made = list(cutouts.laid(60, [who], [room], others, seed=1))
    assert {one.target for one in made} == {NOBODY, LYING, UPRIGHT}
    for one in made:
        assert (one.target == NOBODY) == (not one.bodies)
        if one.target == LYING:
            assert one.bodies[0].box[2] * 256 > one.bodies[0].box[3] * 192
        if one.target == UPRIGHT:
            assert one.bodies[0].box[2] * 256 < one.bodies[0].box[3] * 192


def test_a_head_learns_to_turn_its_head():
    """Bodies that show only in a turned view, by a feature that the original does not heed."""
    rng = np.random.default_rng(0)
    count, width = 200, views.WIDTH_OF_ALL
    features = rng.normal(0, 0.3, (count, 8, width)).astype(np.float16)
    kind = np.arange(count) % 3  # nobody, lying, upright
    where, lies = np.zeros((count, 8), np.int8), np.full((count, 8), -1, np.int8)
    for value, channels in ((1, slice(130, 160)), (2, slice(0, 30))):
        rows = kind == value
        features[rows, 5, channels] += 3.0
        where[rows, 5] = views.BODY
        lies[rows, 5] = 2 - value
    level = np.tile(np.array([0, 0, 0, 0, 1, 1, 2, 2], np.int8), (count, 1))
    places = views.Places(features, np.full((count, 8, 3), -2, np.float16), level, where, lies)
    pools = {"coco+": np.flatnonzero(kind > 0), "coco-": np.flatnonzero(kind == 0)}
    how = head.How({"coco+": 0.6, "coco-": 0.4}, steps=150, rate=1e-2, stay=0.0)
    learnt = head.train(places, pools, how)
    told = np.array([head.answer(learnt, places.some(np.array(at))) for at in range(count)])
    assert told[kind == 1, 1].min() > told[kind != 1, 1].max()
    assert told[kind == 2, 0].min() > told[kind != 2, 0].max()


def test_zero_is_the_threshold_of_both_kinds():
    rng = np.random.default_rng(0)
    rooms = [Example("rooms", "validation", NOBODY, [], "", np.zeros((1, 1, 3), np.uint8)) for _ in range(1000)]
    told = measure.Scored(rooms, rng.normal(-5, 1, 1000), rng.normal(2, 3, 1000), np.zeros(1000), np.zeros(1000))
    even = measure.balanced(told)
    assert ((even.upright > 0) | (even.lying > 0)).sum() == 30
    assert (even.upright > 0).sum() == 15
