import made_sounds
import pytest


@pytest.fixture
def tone_model():
    """The class of a model that hears a "cry" in tones."""
    return made_sounds.ToneModel


@pytest.fixture
def sound():
    """The makers of sounds: tone, noise, together."""
    return made_sounds
