"""What is kept of the empty room, and the looks that use it."""

from __future__ import annotations

import json
import shutil
import stat
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from monitord import paths
from monitord.events import Calibration, Sight
from monitord.model import ModelError
from monitord.video import calibration
from monitord.video.calibration import CalibrationError
from monitord.video.classifier import Judgement, Operating
from monitord.video.empty_room import Empty, Light, Worth
from monitord.video.verdict import Glimpse, Known, aggregate

NETWORK = SimpleNamespace(fingerprint="f00d", feature_count=6)
LIGHT = Light(120.0, grey=False)
OPERATING = Operating(present=0.6, absent=0.3, absent_grey=0.1, posture=0.6, several=0.5)
WORTH = Worth(presence=0.8, distance=20.0, bias=-4.0, most=4.0, moved=0.5, cells=3)
EMPTY = np.array([1, 0, 1, 0, 1, 0], np.float32)
SOMEBODY = np.array([1, 0, 1, 0, 0, 1], np.float32)
MOVED = np.array([0, 1, 0, 1, 0, 1], np.float32)


def empty(number=0, features=EMPTY, light=LIGHT):
    return Empty(f"2026-01-{number + 1:02d}T20:00:00+00:00", light, features)


def test_what_is_kept_comes_back(tmp_path):
    folder = tmp_path / "state"
    assert calibration.load(folder, NETWORK) == []
    rooms = [empty(), empty(1, SOMEBODY / 3, Light(40.04, grey=True))]
    assert calibration.keep(folder, NETWORK, rooms) == 2
    back = calibration.load(folder, NETWORK)
    assert [(each.at, each.light.grey) for each in back] == [(rooms[0].at, False), (rooms[1].at, True)]
    assert back[1].light.bright == 40.0
    assert np.allclose(back[1].features, rooms[1].features, atol=1e-4)


def test_it_is_a_small_file_of_numbers_for_its_owner_alone(tmp_path):
    calibration.keep(tmp_path / "state", NETWORK, [empty(number) for number in range(20)])
    (file,) = (tmp_path / "state").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    kept = json.loads(file.read_text())
    assert len(kept["rooms"]) == calibration.MOST
    assert kept["rooms"][-1]["at"].startswith("2026-01-20")
    assert {key for room in kept["rooms"] for key in room} == {"at", "bright", "grey", "features"}


@pytest.mark.parametrize(
    "content",
    [
        "no json",
        "[]",
        "{}",
        '{"network": "f00d"}',
        '{"network": "f00d", "rooms": [{"at": "x", "bright": 1, "grey": false, "features": [1, 2]}]}',
        '{"network": "f00d", "rooms": [{"at": "x", "bright": 1, "grey": 0, "features": [1, 2, 3, 4, 5, 6]}]}',
        '{"network": "f00d", "rooms": [{"at": "x", "bright": 1, "grey": true, "features": [1, 2, 3, 4, 5, NaN]}]}',
        '{"network": "f00d", "rooms": [{"at": "x", "bright": "a", "grey": true, "features": [1, 2, 3, 4, 5, 6]}]}',
    ],
)
def test_a_damaged_file_is_one_sentence_and_the_look_goes_on(tmp_path, monkeypatch, content):
    (tmp_path / paths.EMPTY_ROOM).write_text(content)
    with pytest.raises(CalibrationError, match=r"is damaged; run .monitord calibrate camera --forget."):
        calibration.load(tmp_path, NETWORK)
    monkeypatch.setattr(calibration, "worth", lambda *_: WORTH)
    known, trouble = calibration.known(NETWORK, tmp_path, tmp_path)
    assert known == Known((), WORTH)
    assert "is damaged" in trouble


def test_numbers_of_another_network_mean_nothing(tmp_path):
    calibration.keep(tmp_path, NETWORK, [empty()])
    with pytest.raises(CalibrationError, match="another model"):
        calibration.load(tmp_path, SimpleNamespace(fingerprint="beef", feature_count=6))


def test_forgetting(tmp_path):
    assert not calibration.forget(tmp_path)
    calibration.keep(tmp_path, NETWORK, [empty()])
    assert calibration.forget(tmp_path)
    assert calibration.load(tmp_path, NETWORK) == []


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CalibrationError, match="cannot be kept there"):
        calibration.keep(tmp_path / "file", NETWORK, [empty()])


def test_the_card_and_the_network_must_agree(tmp_path):
    shutil.copy(paths.models_dir() / "person.toml", tmp_path)
    with (tmp_path / "person.toml").open("a") as card:
        card.write("")
    text = (tmp_path / "person.toml").read_text().partition("\n[calibration]")[0]
    (tmp_path / "person.toml").write_text(text)
    assert calibration.worth(NETWORK, tmp_path) is None
    section = "\n[calibration]\npresence = 1\ndistance = 1\nbias = 0\nmost = 4\nmoved = 0.5\ncells = {}\n"
    (tmp_path / "person.toml").write_text(text + section.format(3))
    assert calibration.worth(NETWORK, tmp_path).cells == 3
    assert calibration.worth(SimpleNamespace(feature_count=0), tmp_path) is None
    (tmp_path / "person.toml").write_text(text + section.format(4))
    with pytest.raises(ModelError, match="6 features are no 4 cells"):
        calibration.worth(NETWORK, tmp_path)


def frames(features, presence, light=LIGHT):
    judged = Judgement(presence, presence * 0.9, presence * 0.1, 0.0, features)
    return [Glimpse(bytes([number]), None, judged, light) for number in range(6)]


def test_the_empty_room_itself_is_no_longer_taken_for_somebody():
    heap_of_blankets = frames(EMPTY, 0.75)
    assert aggregate(heap_of_blankets, OPERATING).sight is Sight.LYING
    verdict = aggregate(heap_of_blankets, OPERATING, Known((empty(),), WORTH))
    assert verdict.sight is Sight.NOBODY
    assert verdict.comparison.state is Calibration.HOLDS


def test_somebody_whom_the_network_barely_saw_is_found_and_lies():
    under_a_blanket = frames(SOMEBODY, 0.2)
    assert aggregate(under_a_blanket, OPERATING).sight is Sight.NOBODY
    verdict = aggregate(under_a_blanket, OPERATING, Known((empty(),), WORTH))
    assert verdict.sight is Sight.LYING
    assert verdict.probabilities["lying"] == pytest.approx(9 * verdict.probabilities["upright"])
    assert sum(verdict.probabilities[each] for each in ("nobody", "lying", "upright")) == pytest.approx(1.0)


def test_in_a_room_that_is_known_without_colour_nobody_is_said_as_by_day():
    night = Light(LIGHT.bright, grey=True)
    seen = frames(EMPTY, 0.93, night)
    known = Known((replace(empty(), light=night),), WORTH)
    verdict = aggregate(seen, OPERATING, known)
    assert (verdict.sight, verdict.comparison.state) == (Sight.NOBODY, Calibration.HOLDS)
    somebody = 1 - verdict.probabilities["nobody"]
    assert OPERATING.absent_grey <= somebody < OPERATING.absent  # Else this shows nothing.
    # The control: the same probability in a room that is not known.
    assert aggregate(frames(EMPTY, somebody, night), OPERATING).sight is Sight.CANNOT_TELL


def test_what_a_mirror_shows_is_not_compared_with_the_room():
    known = Known((empty(),), WORTH)
    mirrored = [replace(one, light=None) for one in frames(MOVED, 0.75)]
    assert aggregate([*frames(EMPTY, 0.75)[:3], *mirrored], OPERATING, known).comparison.state is Calibration.HOLDS
    # The control: it would be another room.
    as_shown = [*frames(EMPTY, 0.75)[:3], *frames(MOVED, 0.75)]
    assert aggregate(as_shown, OPERATING, known).comparison.state is Calibration.MOVED


@pytest.mark.parametrize(
    ("known", "features", "light", "state"),
    [
        (Known(), EMPTY, LIGHT, Calibration.NONE),
        (Known((), WORTH), EMPTY, LIGHT, Calibration.NONE),
        (Known((empty(),), WORTH), MOVED, LIGHT, Calibration.MOVED),
        (Known((empty(),), WORTH), EMPTY, Light(120.0, grey=True), Calibration.OTHER_LIGHT),
    ],
)
def test_a_look_that_cannot_be_compared_says_what_it_says_without(known, features, light, state):
    seen = frames(features, 0.75, light)
    verdict = aggregate(seen, OPERATING, known)
    assert verdict.comparison.state is state
    assert (verdict.sight, verdict.score) == (Sight.LYING, aggregate(seen, OPERATING).score)
