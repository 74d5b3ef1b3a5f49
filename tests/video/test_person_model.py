"""The shipped person model, through the daemon's own loader."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from monitord import paths
from monitord.events import Sight
from monitord.model import ModelError
from monitord.video.camera import FolderCamera, open_camera, read_picture
from monitord.video.classifier import LABELS, Classifier
from monitord.video.look import look

PICTURES = Path(__file__).parent.parent.parent / "monitord" / "scene" / "pictures"


@pytest.fixture(scope="module")
def classifier():
    return Classifier.load(paths.models_dir())


def test_probabilities_add_up(classifier):
    seen = classifier.probabilities(read_picture(PICTURES / "empty" / "day.png"))
    assert set(seen) == set(LABELS)
    assert sum(seen.values()) == pytest.approx(1)


def test_a_picture_and_its_mirror_are_the_same_look(classifier):
    picture = read_picture(PICTURES / "empty" / "day.png")
    seen, mirrored = (classifier.probabilities(each) for each in (picture, picture[:, ::-1]))
    assert seen == pytest.approx(mirrored)
    # The control: one way round alone, the network says something else.
    one_way, other_way = (classifier.classify(each).presence for each in (picture, picture[:, ::-1]))
    assert one_way != pytest.approx(other_way, rel=1e-3)


def test_the_scene_lies(classifier):
    verdict = look(FolderCamera(PICTURES), classifier, 4.0)
    assert (verdict.sight, verdict.frames) == (Sight.LYING, 4)


@pytest.mark.parametrize("name", ["day.png", "night.png"])
def test_the_empty_crib_is_no_person(classifier, name, tmp_path):
    shutil.copy(PICTURES / "empty" / name, tmp_path)
    verdict = look(open_camera(f"file:{tmp_path}"), classifier, 4.0)
    assert verdict.sight in {Sight.NOBODY, Sight.CANNOT_TELL}


def changed_card(folder, old, new):
    for name in ("person.toml", "person.tflite"):
        shutil.copy(paths.models_dir() / name, folder)
    card = folder / "person.toml"
    text = card.read_text("utf-8")
    assert old in text
    card.write_text(text.replace(old, new), "utf-8")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"lying", "upright"', '"upright", "lying"'),
        ("input_shape = [192, 256, 3]", "input_shape = [96, 96, 3]"),
        ("presence = [", "presense = ["),
        ("presence = [", "presence = [-"),
        ("lying = [", "lying = [1, "),
        ('several" = ', 'some" = '),
        ('"bodies", "boxes"', '"boxes", "bodies"'),
        ('present" = ', 'present" = 1'),
        ('absent_grey" = ', 'absent_gray" = '),
        ('absent_grey" = 0.', 'absent_grey" = 1.'),
        ('posture" = ', 'posture_" = '),
        ('sha256 = "', 'sha256 = "0'),
    ],
)
def test_a_card_that_does_not_fit_is_refused(tmp_path, old, new):
    changed_card(tmp_path, old, new)
    with pytest.raises(ModelError):
        Classifier.load(tmp_path)
