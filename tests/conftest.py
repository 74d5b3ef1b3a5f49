"""What holds for every test."""

from __future__ import annotations

import shutil

import made_models
import pytest
from hypothesis import settings

from monitord import paths

# No deadline: a test may not fail because another program has the processor. No database: tests leave nothing behind;
# a failing example is printed with the line that repeats it.
settings.register_profile("house", deadline=None, database=None, print_blob=True)
# For an emulated processor (tests/system/arm.sh), on which a hundred examples take minutes.
settings.register_profile("emulated", parent=settings.get_profile("house"), max_examples=20)
settings.load_profile("house")


@pytest.fixture
def models_folder(tmp_path):
    """A folder with small models of both stages, and the words "help" and "kaffee"; a test may spoil it."""
    if not made_models.CAN_WRITE:
        pytest.skip(made_models.NO_SCHEMA)
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copy(paths.models_dir() / "speech_embedding.toml", folder)
    made_models.write_ear(folder)
    made_models.write_cry(folder)
    for word in ("help", "kaffee"):
        made_models.write_word(folder / f"{word}.toml")
    return folder
