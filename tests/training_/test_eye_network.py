"""Two bodies are those of their files; a head learns from the maps of both; all of it is exported as one network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the head is trained in torch, which is not installed here")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("ai_edge_litert", reason="the second body runs on LiteRT, which is not installed here")

# After the skips above: these need them.
from ai_edge_litert.interpreter import Interpreter  # noqa: E402

from monitord.video import boxes  # noqa: E402
from training.eye import backbone, bodies, body, cutouts, head, measure, pose, variations, views, where  # noqa: E402
from training.eye.examples import Body as Somebody  # noqa: E402
from training.eye.examples import Example, fitted  # noqa: E402
from training.person.data import LYING, NOBODY, PERSON, UPRIGHT  # noqa: E402

ROOT = Path(__file__).parents[2]
FIRST = ROOT.parent / "shared" / "models" / "yolox_nano.onnx"
SECOND = ROOT / "training" / "work" / "eye" / "pose_detection.tflite"
needs_first = pytest.mark.skipif(not FIRST.exists(), reason="the first body's weights (../shared) are not here")
needs_second = pytest.mark.skipif(not SECOND.exists(), reason="the second body (training/README.md) is not here")
HEIGHT, WIDTH = 192, 256


def some_picture():
    return np.random.default_rng(0).integers(0, 255, (24, 32, 3)).repeat(8, 0).repeat(8, 1).astype(np.uint8)


@needs_first
def test_the_cut_first_body_answers_as_the_whole_file():
    runtime = pytest.importorskip("onnxruntime")
    picture = np.random.default_rng(0).uniform(0, 255, (1, 416, 416, 3)).astype(np.float32)
    # The file wants blue, green, red.
    planes = np.ascontiguousarray(picture[..., ::-1].transpose(0, 3, 1, 2))
    (wanted,) = runtime.InferenceSession(str(FIRST)).run(None, {"images": planes})
    levels, stem = body.Body(FIRST)(picture)
    raw = np.concatenate([level.boxes.reshape(-1, 4) for level in levels])
    assert np.abs(raw - wanted[0, :, :4]).max() < 1e-3
    kinds = np.concatenate([level.kinds.reshape(-1, 80) for level in levels])
    smaller = np.minimum(wanted[0, :, 4:5], wanted[0, :, 5:])
    assert np.abs(1 / (1 + np.exp(-kinds)) - smaller).max() < 1e-4
    assert stem.shape == (1, 52, 52, 64)


@needs_second
def test_the_cut_second_body_answers_as_the_whole_file():
    whole = Interpreter(model_content=pose.read(SECOND))
    whole.allocate_tensors()
    picture = np.random.default_rng(0).integers(0, 255, (224, 224, 3)).astype(np.uint8)
    whole.set_tensor(whole.get_input_details()[0]["index"], picture[None].astype(np.float32) / 127.5 - 1)
    whole.invoke()
    wanted = whole.get_tensor(whole.get_output_details()[1]["index"]).ravel()
    scores = pose.Body(SECOND, 224, 224)(picture).scores
    assert [each.shape for each in scores] == [(28, 28), (14, 14), (7, 7)]
    firsts = np.split(wanted, np.cumsum([28 * 28 * 2, 14 * 14 * 2]))
    for told, each, count in zip(scores, firsts, (2, 2, 6), strict=True):
        assert np.array_equal(told.ravel(), each.reshape(-1, count).max(axis=1))


def test_another_file_is_refused(tmp_path):
    (tmp_path / "other.tflite").write_bytes(b"something else")
    with pytest.raises(SystemExit, match=r"other.tflite: not the detector"):
        pose.read(tmp_path / "other.tflite")
    with pytest.raises(SystemExit, match=r"none.tflite: No such file"):
        pose.read(tmp_path / "none.tflite")


@needs_first
@needs_second
def test_the_exported_network_says_what_bodies_and_head_say():
    pytest.importorskip("tensorflow", reason="the exporter needs TensorFlow")
    from training.eye import export  # noqa: PLC0415

    torch.manual_seed(0)
    heads = [head.Head(), head.Head()]
    for layer in (layer for one in heads for part in (one.upright, one.lying, one.posture) for layer in part.say):
        torch.nn.init.normal_(layer.weight, 0, 0.3)
    picture, both = some_picture(), bodies.Bodies(FIRST, SECOND, HEIGHT, WIDTH)
    places, seen = views.look(both, picture), both(picture)
    whole = head.joined(heads)
    wanted = np.mean([head.places_of(one, places)[:2] for one in heads], axis=0)
    wanted = np.concatenate([wanted, head.places_of(whole, places)[2:]])
    rng = np.random.default_rng(1)
    layers = [export.Linear(rng.normal(0, 0.1, (4, channels)), np.zeros(4)) for channels in bodies.CHANNELS]
    room = export.Linear(np.eye(5, 64), np.zeros(5))
    parts = export.Parts(backbone.read(FIRST), pose.read(SECOND), whole, layers, room)
    for half, near in ((False, 0.1), (True, 0.4)):
        interpreter = Interpreter(model_content=export.to_tflite(parts, HEIGHT, WIDTH, half=half))
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[None].astype(np.float32))
        interpreter.invoke()
        told = [interpreter.get_tensor(one["index"]) for one in interpreter.get_output_details()]
        assert [each.shape for each in told] == [(3, 1008), (2, 1008, 4), (1, 120)]
        assert np.abs(told[0] - wanted).max() < near  # The places are kept in half precision, too.
    upright = np.concatenate([each.reshape(-1, 4) for each in seen.boxes])
    assert np.abs(told[1][0] - upright).max() < 0.1
    raw = [seen.features[level] @ layers[level].kernel.T for level in range(3)]
    assert np.abs(told[1][1] - np.concatenate([each.reshape(-1, 4) for each in raw])).max() < 0.4


@needs_first
@needs_second
def test_both_bodies_see_the_same_thing_at_a_place(monkeypatch):
    """A white square in a grey picture: each body's map, laid over the places, is brightest where it is."""
    both = bodies.Bodies(FIRST, SECOND, HEIGHT, WIDTH)
    monkeypatch.setattr(both, "_second", Marks())
    picture = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    picture[128:160, 192:224] = 255
    for level, score in enumerate(both(picture).scores):
        row, column = np.unravel_index(score[..., 1].argmax(), score.shape[:2])
        stride = boxes.STRIDES[level]
        assert 112 <= (row + 0.5) * stride <= 176
        assert 176 <= (column + 0.5) * stride <= 240


class Marks:
    """A body that sees nothing but where the picture is white: the mean of each place."""

    def __call__(self, picture):
        features, scores = [], []
        for stride, channels in zip(boxes.STRIDES, pose.CHANNELS, strict=True):
            height, width = (side // stride for side in picture.shape[:2])
            mean = picture[..., 0].reshape(height, stride, width, stride).mean(axis=(1, 3))
            features.append(mean[..., None].repeat(channels, -1))
            scores.append(mean)
        return pose.Maps(features, scores)


class Two:
    """Two bodies of which the first is blind."""

    def __call__(self, picture):
        told = Marks()(picture)
        blind = [np.zeros((*each.shape[:2], 128)) for each in told.features]
        features = [np.concatenate(pair, -1) for pair in zip(blind, told.features, strict=True)]
        scores = [np.stack([np.zeros_like(each), each], -1) for each in told.scores]
        return bodies.Seen(features, scores, [], np.zeros((1, 1, 64)))


def test_a_place_has_its_own_numbers_and_no_more():
    picture = np.random.default_rng(1).integers(0, 255, (96, 128, 3)).astype(np.uint8)
    places = views.look(Two(), picture)
    assert len(places.level) == boxes.count(96, 128)
    assert np.array_equal(places.features[:, 128], places.scores[:, 1])
    assert not places.features[places.level == 0, bodies.CHANNELS[0] :].any()
    assert places.features[places.level == 2, -1].all()


def test_a_box_is_learnt_as_it_is_read():
    grid, box = views.grid(HEIGHT, WIDTH), np.array([40.0, 20, 120, 150])
    raw = where.wanted(grid, box).astype(np.float32)
    assert np.abs(boxes.decode(raw, HEIGHT, WIDTH) - box).max() < 1e-2


def test_who_is_there_is_told_to_the_places_of_their_middle():
    places = views.look(Two(), np.zeros((96, 128, 3), np.uint8))
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


def test_a_head_learns_what_the_body_does_not_heed():
    """Bodies that show only by a feature that the body's own score is deaf to."""
    rng = np.random.default_rng(0)
    count, width = 200, views.WIDTH_OF_ALL
    features = rng.normal(0, 0.3, (count, 8, width)).astype(np.float16)
    kind = np.arange(count) % 3  # nobody, lying, upright
    where, lies = np.zeros((count, 8), np.int8), np.full((count, 8), -1, np.int8)
    for value, channels in ((1, slice(60, 90)), (2, slice(0, 30))):
        rows = kind == value
        features[rows, 5, channels] += 3.0
        where[rows, 5] = views.BODY
        lies[rows, 5] = 2 - value
    level = np.tile(np.array([0, 0, 0, 0, 1, 1, 2, 2], np.int8), (count, 1))
    places = views.Places(features, np.full((count, 8, 2), -2, np.float16), level, where, lies)
    pools = {"coco+": np.flatnonzero(kind > 0), "coco-": np.flatnonzero(kind == 0)}
    how = head.How({"coco+": 0.6, "coco-": 0.4}, steps=150, rate=1e-2, stay=0.0, stay_lying=0.0)
    learnt = head.train(places, pools, how)
    told = np.array([head.answer(learnt, places.some(np.array(at))) for at in range(count)])
    assert told[kind == 1, 1].min() > told[kind != 1, 1].max()
    assert told[kind == 2, 0].min() > told[kind != 2, 0].max()


def test_zero_is_the_threshold_of_both_kinds():
    rng = np.random.default_rng(0)
    rooms = [Example("rooms", "validation", NOBODY, [], "", np.zeros((1, 1, 3), np.uint8)) for _ in range(1000)]
    nothing = np.zeros((1000, 1))
    told = measure.Scored(rooms, rng.normal(-5, 1, (1000, 1)), rng.normal(2, 3, (1000, 1)), nothing, nothing)
    even = measure.balanced(told)
    assert ((even.upright > 0) | (even.lying > 0)).sum() == 30
    assert (even.upright > 0).sum() == pytest.approx(30 * measure.UPRIGHT_SHARE, abs=1)


def test_a_look_of_both_ways_round_is_judged_by_the_mean_of_their_probabilities():
    room = [Example("rooms", "validation", NOBODY, [], "", np.zeros((1, 1, 3), np.uint8))]
    told = measure.Scored(
        room, np.array([[2.0, -9.0]]), np.array([[-9.0, 0.0]]), np.zeros((1, 2)), np.zeros((1, 2)), (2.0, 1.0)
    )
    assert told.person == pytest.approx([(1 / (1 + np.exp(-5.0)) + 1 / (1 + np.exp(-1.0))) / 2])


def test_each_picture_is_scored_as_it_is_and_in_a_mirror():
    picture = np.zeros((2, 4, 3), np.uint8)
    picture[:, 3] = 200
    one = Example("rooms", "validation", NOBODY, [], "", picture)
    told = measure.score([one], lambda shown: (float(shown[0, 0, 0]), 0.0, 0.0, 0.0))
    assert told.upright.tolist() == [[0.0, 200.0]]
