import made_models
import made_sounds
import pytest
from loop_house import House

from monitord.audio import loop


@pytest.fixture
def tone_model():
    """The class of a model that hears a "cry" in tones."""
    return made_sounds.ToneModel


@pytest.fixture
def sound():
    """The makers of sounds: tone, noise, together."""
    return made_sounds


@pytest.fixture
def cry_alone(tmp_path):
    """A folder with a cry model that decides alone."""
    if not made_models.CAN_WRITE:
        pytest.skip(made_models.NO_SCHEMA)
    folder = tmp_path / "alone"
    folder.mkdir()
    front = {"window": 512, "hop": 400, "bins": 40, "low_hz": 100.0, "high_hz": 3800.0, "floor": 100.0}
    weights = [made_models.bins((80, 40), 18, 2, 40)]
    made_models.write(
        folder / "cry.toml",
        ("cry",),
        weights,
        (-3.0,),
        front_end=front,
        smoothing=made_models.SMOOTHING,
        operating=made_models.operating(),
    )
    return folder


@pytest.fixture
def house(tmp_path, tone_model, monkeypatch):
    """A runtime folder and the loop in it, which waits for nothing."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(loop, "TICK_S", 0.0)
    made = House(tmp_path, tone_model)
    yield made
    made.close()


@pytest.fixture
def hops(sound):
    """Makes blocks of half a second: so many quiet ones, then so many loud ones, then quiet ones."""
    quiet, loud = sound.noise(0.5, -60), sound.tone(0.5, -20)
    return lambda *times: [hop for count, hop in zip(times, (quiet, loud, quiet), strict=False) for _ in range(count)]
