"""What is kept of enrolled voices: numbers, readable by their owner only, gone when they are to be forgotten."""

from __future__ import annotations

import os
import stat

import numpy as np
import pytest

from monitord.audio import templates
from monitord.audio.templates import MOST, TemplatesError

KIND = "made-up"


def some(count=5, seed=0):
    return list(np.random.default_rng(seed).standard_normal((count, 16, 96)).astype(np.float32))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state" / "enrolled"


def test_nobody_has_enrolled(folder):
    assert len(templates.load(folder, "help", KIND)) == 0
    assert templates.enrolled(folder) == []
    assert not templates.forget(folder, "help")
    assert not folder.exists()


def test_what_is_added_is_kept_beside_what_was(folder):
    assert templates.add(folder, "help", KIND, some()) == 5
    assert templates.add(folder, "help", KIND, some(seed=1)) == 10
    assert np.array_equal(templates.load(folder, "help", KIND), np.stack(some() + some(seed=1)))
    assert templates.enrolled(folder) == ["help"]


@pytest.mark.parametrize("umask", [0o022, 0o000])
def test_only_its_owner_may_read_it(folder, umask):
    before = os.umask(umask)
    try:
        templates.add(folder, "help", KIND, some())
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_root_enrolls_belongs_to_whom_the_folder_belongs(folder):
    folder.mkdir(parents=True)
    os.chown(folder, 4711, 4712)
    templates.add(folder, "help", KIND, some())
    (file,) = folder.iterdir()
    assert (file.stat().st_uid, file.stat().st_gid) == (4711, 4712)


def test_what_is_forgotten_is_gone(folder):
    templates.add(folder, "help", KIND, some())
    templates.add(folder, "hilfe", KIND, some())
    assert templates.forget(folder, "help")
    assert templates.enrolled(folder) == ["hilfe"]
    assert [path.name for path in folder.iterdir()] == ["hilfe.npz"]


def refusal(folder, kind=KIND):
    with pytest.raises(TemplatesError) as refused:
        templates.load(folder, "help", kind)
    assert "\n" not in str(refused.value)
    assert 'run "monitord enroll help --forget" and enroll again' in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY", b"text", bytes(300)], ids=repr)
def test_a_damaged_file_is_one_sentence(folder, content):
    folder.mkdir(parents=True)
    (folder / "help.npz").write_bytes(content)
    assert "help.npz: " in refusal(folder)


def test_a_file_cut_short_is_one_sentence(folder):
    templates.add(folder, "help", KIND, some())
    file = folder / "help.npz"
    file.write_bytes(file.read_bytes()[:9000])
    assert "is damaged" in refusal(folder)


@pytest.mark.parametrize(
    "kept",
    [np.zeros((5, 16, 96)), np.zeros((16, 96), np.float32), np.full((5, 16, 96), np.nan, np.float32), np.array("text")],
    ids=lambda kept: f"{kept.dtype}{kept.shape}",
)
def test_other_numbers_are_refused(folder, kept):
    folder.mkdir(parents=True)
    np.savez(folder / "help.npz", templates=kept, backbone=np.array(KIND))
    assert "holds no utterances" in refusal(folder)


def test_numbers_of_another_embedding_are_refused(folder):
    templates.add(folder, "help", "former", some())
    assert "of another version of the speech embedding" in refusal(folder)
    with pytest.raises(TemplatesError):
        templates.add(folder, "help", KIND, some())


def test_pickled_objects_are_never_loaded(folder):
    folder.mkdir(parents=True)
    np.savez(folder / "help.npz", templates=np.array([{"a": 1}], object), backbone=np.array(KIND), allow_pickle=True)
    assert "is damaged" in refusal(folder)


def test_there_is_an_end_to_it(folder):
    templates.add(folder, "help", KIND, some(MOST))
    with pytest.raises(TemplatesError, match="utterances are kept, 25 at most"):
        templates.add(folder, "help", KIND, some(1))
    assert len(templates.load(folder, "help", KIND)) == MOST


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(TemplatesError, match="Not a directory"):
        templates.add(tmp_path / "file" / "enrolled", "help", KIND, some())
