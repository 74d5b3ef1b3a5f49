"""`monitord calibrate camera`: numbers of the empty room are kept, a picture never is."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from monitord import cli, paths
from monitord.tools import calibrate
from monitord.video import calibration
from monitord.video.empty_room import Worth

EMPTY = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0]
MOVED = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]
NETWORK = SimpleNamespace(fingerprint="f00d", feature_count=6)
WORTH = Worth(presence=0.8, distance=20.0, bias=-4.0, most=4.0, moved=0.5, cells=3)


def saw(features=EMPTY, sight="NOBODY", score=90, **more):
    return {"frames": 12, "sight": sight, "score": score, "bright": 120.0, "grey": False, "features": features} | more


@pytest.fixture
def house(tmp_path, monkeypatch):
    """The command with a camera that says what the test wants."""
    monkeypatch.setenv("EYE_STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setattr(calibrate.Classifier, "load", lambda _: NETWORK)
    monkeypatch.setattr(calibration, "worth", lambda *_: WORTH)
    asked = []

    def run(said, *options):
        def sample(device, look_s, *, features, config):
            asked.append((device, look_s, features, config))
            return said

        monkeypatch.setattr(calibrate, "sample", sample)
        return cli.run(["calibrate", "camera", "--no-wait", *options])

    return SimpleNamespace(run=run, folder=tmp_path / "state", asked=asked)


def kept(house):
    return calibration.load(house.folder, NETWORK)


def test_it_looks_and_keeps_a_few_numbers(house, capsys):
    assert house.run(saw()) == 0
    assert house.asked == [("0", calibrate.LOOK_S, True, None)]
    (room,) = kept(house)
    assert room.features.tolist() == EMPTY
    said = capsys.readouterr().out
    assert "calibrated in coloured light (brightness 120 of 255); 1 in all, kept as 6 numbers each" in said
    assert "once more when the light is another one" in said


def test_by_night_as_well(house, capsys):
    house.run(saw())
    capsys.readouterr()
    assert house.run(saw(MOVED, grey=True, bright=60.0)) == 0
    assert len(kept(house)) == 2
    assert "once more" not in capsys.readouterr().out


def test_a_moved_camera_drops_what_was_kept_of_its_old_place(house, capsys):
    house.run(saw())
    house.run(saw(MOVED, grey=True))
    assert house.run(saw(MOVED)) == 0
    assert "The camera was moved: 2 earlier calibrations are dropped." in capsys.readouterr().out
    (room,) = kept(house)
    assert room.features.tolist() == MOVED


def test_with_somebody_in_the_picture_nothing_is_kept_unless_the_owner_insists(house, capsys):
    assert house.run(saw(sight="LYING", score=83)) == 1
    said = capsys.readouterr().err
    assert "somebody seems to be in the picture (83 %); nothing was kept" in said
    assert len(said.splitlines()) == 1
    assert kept(house) == []
    assert house.run(saw(sight="LYING", score=83), "--nobody-is-there") == 0
    assert len(kept(house)) == 1


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (
            {"fault": "CAMERA_BUSY", "text": "/dev/video0: another program uses the camera; close it"},
            "close it; nothing",
        ),
        ({"frames": 9, "sight": "DARK", "score": 100}, "too dark; calibrate in the light"),
        ({"frames": 9, "sight": "COVERED", "score": 100}, "the camera is covered; nothing was kept"),
        (saw(sight="FROZEN"), "the same picture again and again; nothing was kept"),
        ({"frames": 0, "sight": "CANNOT_TELL", "score": 0}, "no frame can be used; nothing was kept"),
    ],
)
def test_a_camera_that_shows_nothing_is_one_sentence(house, capsys, said, says):
    assert house.run(said) == 1
    error = capsys.readouterr().err
    assert says in error
    assert len(error.splitlines()) == 1
    assert kept(house) == []


def test_a_damaged_file_gives_way(house, capsys):
    house.folder.mkdir()
    (house.folder / paths.EMPTY_ROOM).write_text("{")
    assert house.run(saw()) == 0
    assert "is damaged" in capsys.readouterr().out
    assert len(kept(house)) == 1


def test_listing_and_forgetting(house, capsys):
    assert cli.run(["calibrate", "camera", "--list"]) == 0
    assert "not calibrated" in capsys.readouterr().out
    house.run(saw())
    capsys.readouterr()
    assert cli.run(["calibrate", "camera", "--list"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("in coloured light (brightness 120 of 255)")
    assert cli.run(["calibrate", "camera", "--forget"]) == 0
    assert kept(house) == []
    assert cli.run(["calibrate", "camera", "--forget"]) == 0
    assert "nothing to delete" in capsys.readouterr().out


def test_a_network_without_features_says_so_and_opens_nothing(house, monkeypatch, capsys):
    monkeypatch.setattr(calibration, "worth", lambda *_: None)
    assert house.run(saw()) == 1
    assert "knows no calibration" in capsys.readouterr().err
    assert house.asked == []


def test_a_camera_that_is_off_is_not_opened(house, tmp_path, capsys):
    (tmp_path / "c.toml").write_text('[video]\ndevice = "off"\n')
    assert house.run(saw(), "--config", str(tmp_path / "c.toml")) == 1
    assert "switched off" in capsys.readouterr().err
    assert house.asked == []


def test_features_survive_the_way_through_the_file(house):
    fine = (np.arange(6, dtype=np.float32) / 7).tolist()
    house.run(saw(fine))
    assert np.allclose(kept(house)[0].features, fine, atol=1e-4)
