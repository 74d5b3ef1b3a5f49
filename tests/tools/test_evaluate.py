import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from monitord import paths
from monitord.audio.files import FileSource, read_pieces
from monitord.audio.models import EarModels
from monitord.config import HOP_S, AudioConfig, Config, Profile
from monitord.tools import evaluate

CONFIG = Config()
NIGHT = Path(evaluate.__file__).parents[1] / "scene" / "night.flac"

pytestmark = pytest.mark.skipif(not (paths.models_dir() / "cry.toml").exists(), reason="the sound model is not there")


@pytest.fixture(scope="module")
def fresh():
    """Makes detectors of the shipped models, by the time between decisions."""
    models = {HOP_S[profile]: EarModels.load(AudioConfig(profile=profile)) for profile in Profile}
    return lambda hop_s: models[hop_s].detector()


@pytest.fixture
def clips(tmp_path):
    """Two clips and a manifest of them."""
    rng = np.random.default_rng(5)
    wave = 0.3 * np.sin(2 * np.pi * 450 * np.arange(3 * 44100) / 44100) * (rng.random(3 * 44100) > 0.2)
    soundfile.write(tmp_path / "a.wav", np.stack([wave, wave], 1), 44100)
    soundfile.write(tmp_path / "b.flac", (rng.standard_normal(20000) * 500).astype(np.int16), 16000)
    return manifest(tmp_path, "a.wav,cry", "b.flac,other")


def manifest(folder, *lines, head="path,label"):
    (folder / "manifest.csv").write_text("\n".join([head, *lines]) + "\n")
    return folder / "manifest.csv"


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_clip_has_a_row_with_its_score(clips, tmp_path):
    assert evaluate.audio(clips, tmp_path / "scores.csv", CONFIG) == 0
    found = rows(tmp_path / "scores.csv")
    assert [(row["path"], row["label"]) for row in found] == [("a.wav", "cry"), ("b.flac", "other")]
    assert list(found[0]) == ["path", "label", "score", "smoke_alarm", "co_alarm"]
    assert all(0.0 <= float(row["score"]) <= 1.0 for row in found)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "b.flac", "manifest.csv", "scores.csv"]


def test_a_clip_does_not_hear_the_one_before(clips, tmp_path):
    evaluate.audio(clips, tmp_path / "together.csv", CONFIG)
    alone = manifest(tmp_path, "b.flac,other")
    evaluate.audio(alone, tmp_path / "alone.csv", CONFIG)
    assert rows(tmp_path / "together.csv")[1] == rows(tmp_path / "alone.csv")[0]


@pytest.mark.skipif(not NIGHT.exists(), reason="the bundled scene is not there")
@pytest.mark.parametrize("hop_s", [0.25, 0.5])
def test_the_score_is_the_highest_posterior_of_the_running_ear(fresh, hop_s):
    """The ear's own source plays the file in blocks, then quiet for ever; evaluate reads it in pieces."""
    clock = iter(range(0, 10**6, 10))
    source = FileSource(NIGHT, hop_s, lambda: float(next(clock)))
    running = fresh(hop_s)
    blocks = (source.read(0.0) for _ in range(int(40 / hop_s)))
    posteriors = [decision.posteriors["cry"] for block in blocks for decision in running.feed(block)]
    score = evaluate.highest(read_pieces(NIGHT), fresh(hop_s))
    assert score["cry"] == max(posteriors) > 0.5


@given(st.integers(0, 2**32 - 1), st.integers(1, 60000), st.lists(st.integers(1, 20000), max_size=8))
def test_the_score_is_the_highest_smoothed_posterior_of_any_sound(fresh, seed, length, sizes):
    rng = np.random.default_rng(seed)
    clip = (rng.standard_normal(length) * rng.choice([20, 500, 8000])).clip(-32768, 32767).astype(np.int16)
    pieces = np.split(clip, [at for at in np.cumsum(sizes) if at < length])
    score = evaluate.highest(pieces, fresh(0.5))
    ear = fresh(0.5)
    padded = np.concatenate([clip, np.zeros(-length % 8000 + ear.tail, np.int16)])
    assert score["cry"] == max(decision.posteriors["cry"] for decision in ear.feed(padded))


def test_what_cannot_be_scored_is_told_with_its_line_and_the_rest_is_scored(clips, tmp_path, capsys):
    (tmp_path / "text.wav").write_text("no sound")
    broken = manifest(tmp_path, "a.wav,cry", "missing.wav,cry", "text.wav,cry", "b.flac,other")
    assert evaluate.audio(broken, tmp_path / "scores.csv", CONFIG) == 1
    assert [row["path"] for row in rows(tmp_path / "scores.csv")] == ["a.wav", "b.flac"]
    told = [line for line in capsys.readouterr().err.splitlines() if "manifest.csv" in line]
    assert told[0].startswith(f"{broken}:3: ")
    assert "no such file" in told[0]
    assert told[1].startswith(f"{broken}:4: ")
    assert len(told) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("path,class\na.wav,cry\n", "has no column label"),
        ("", "has no column path, label"),
        ("path,label\na.wav,cry\nb.flac\n", ":3: has fewer fields"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_one_sentence(tmp_path, capsys, text, says):
    (tmp_path / "manifest.csv").write_text(text)
    assert evaluate.audio(tmp_path / "manifest.csv", tmp_path / "scores.csv", CONFIG) == 1
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert not (tmp_path / "scores.csv").exists()


def test_a_manifest_that_is_no_text_or_not_there_is_one_sentence(tmp_path, capsys):
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    for name in ("binary.csv", "missing.csv"):
        assert evaluate.audio(tmp_path / name, tmp_path / "scores.csv", CONFIG) == 1
        assert capsys.readouterr().err.count("\n") == 1


def test_scores_without_a_place_are_told_before_the_work(clips, tmp_path, capsys):
    assert evaluate.audio(clips, tmp_path / "none" / "scores.csv", CONFIG) == 1
    assert "no such folder" in capsys.readouterr().err
    assert evaluate.audio(clips, tmp_path, CONFIG) == 1
    assert "is a folder" in capsys.readouterr().err


def test_old_scores_stay_until_the_new_are_whole(clips, tmp_path, monkeypatch):
    (tmp_path / "scores.csv").write_text("old")
    monkeypatch.setattr(evaluate.csv.DictWriter, "writerows", lambda *_: (_ for _ in ()).throw(OSError(28, "No space")))
    assert evaluate.audio(clips, tmp_path / "scores.csv", CONFIG) == 1
    assert (tmp_path / "scores.csv").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "b.flac", "manifest.csv", "scores.csv"]


needs_person = pytest.mark.skipif(
    not (paths.models_dir() / "person.toml").exists(), reason="the model of the eye is not there"
)


@needs_person
def test_pictures_get_one_probability_for_each_verdict(tmp_path):
    import cv2  # noqa: PLC0415 - only where there is something to try it on

    picture = np.random.default_rng(1).integers(0, 255, (120, 160, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    listed = manifest(tmp_path, "a.png,0,", head="path,people,posture")
    assert evaluate.video(listed, tmp_path / "scores.csv", CONFIG) == 0
    (row,) = rows(tmp_path / "scores.csv")
    assert list(row) == ["path", "nobody", "lying", "upright"]
    assert sum(float(value) for name, value in row.items() if name != "path") == pytest.approx(1.0, abs=1e-5)


@needs_person
def test_a_missing_picture_is_told_with_its_line(tmp_path, capsys):
    listed = manifest(tmp_path, "a.png,0,", head="path,people,posture")
    assert evaluate.video(listed, tmp_path / "scores.csv", CONFIG) == 1
    assert f"{listed}:2: " in capsys.readouterr().err
    assert rows(tmp_path / "scores.csv") == []


@pytest.mark.parametrize("profile", ["eco", "balanced"])
def test_every_label_has_the_score_of_the_running_ear(models_folder, tmp_path, monkeypatch, profile):
    """Both stages and words: the loop's own source in its blocks of any length, and evaluate's table."""
    monkeypatch.setattr(paths, "models_dir", lambda: models_folder)
    rng = np.random.default_rng(7)
    wave = rng.standard_normal(5 * 16000) * 40
    wave[20000:60000] += 4000 * np.sin(2 * np.pi * rng.choice([500, 1000], 5).repeat(8000) * np.arange(40000) / 16000)
    soundfile.write(tmp_path / "a.wav", wave.astype(np.int16), 16000)
    config = Config(audio=AudioConfig(profile=profile, words=("help", "kaffee")))
    assert evaluate.audio(manifest(tmp_path, "a.wav,cry"), tmp_path / "scores.csv", config) == 0
    (row,) = rows(tmp_path / "scores.csv")
    assert list(row) == ["path", "label", "score", "help", "kaffee", "smoke_alarm", "co_alarm"]
    models = EarModels.load(config.audio)

    @settings(max_examples=6)
    @given(st.floats(0.1, 1.0))
    def any_block(block_s):
        clock = iter(range(0, 10**6, 10))
        source = FileSource(tmp_path / "a.wav", block_s, lambda: float(next(clock)))
        running = models.detector()
        blocks = [source.read(0.0) for _ in range(int(8 / block_s))]
        made = [decision.posteriors for block in blocks for decision in running.feed(block)]
        best = {label: f"{max(each[label] for each in made):.6f}" for label in models.detector().labels}
        assert best == {"cry": row["score"]} | {label: row[label] for label in list(row)[3:]}

    any_block()
