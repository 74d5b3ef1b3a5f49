import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.audio import level
from monitord.audio.level import PIECE, LevelGate, dbfs, piece_energies, piece_levels

HOP_PIECES = 10


def levels_of(samples):
    return [dbfs(energy) for energy in piece_energies(samples[: len(samples) // PIECE * PIECE])]


def run(gate, samples, *, hearing=False):
    levels = levels_of(samples)
    return [
        gate.update(levels[at : at + HOP_PIECES], hearing=hearing)
        for at in range(0, len(levels) - HOP_PIECES + 1, HOP_PIECES)
    ]


def cry(sound, seconds, dbfs):
    """A second of tone, 0.4 s for breath, again and again."""
    length = round(seconds * 16000)
    rhythm = np.arange(length) / 16000 % 1.4 < 1.0
    return (sound.tone(seconds, dbfs, 450.0) * rhythm).astype(np.int16)


def test_full_scale_square_wave_is_0_dbfs():
    assert levels_of(np.full(PIECE, -32768, np.int16)) == [pytest.approx(0.0, abs=1e-6)]


def test_full_scale_sine_is_3_db_below(sound):
    assert levels_of(sound.tone(0.05, -3.01)) == [pytest.approx(-3.01, abs=0.01)]


def test_digital_silence_has_a_level():
    assert levels_of(np.zeros(PIECE, np.int16)) == [level.SILENCE_DBFS]


def test_a_quiet_room_keeps_it_closed(sound):
    assert not any(run(LevelGate(), sound.noise(60, -62)))


def test_the_floor_comes_down_to_the_room_within_a_second(sound):
    gate = LevelGate()
    run(gate, sound.noise(1, -68))
    assert gate.floor_dbfs == pytest.approx(-68, abs=1)


def test_nothing_below_a_microphones_own_noise_opens_it(sound):
    gate = LevelGate()
    run(gate, np.zeros(16000 * 10, np.int16))
    assert gate.floor_dbfs == level.FLOOR_MIN_DBFS
    assert not any(run(gate, sound.tone(2, level.FLOOR_MIN_DBFS + level.OPEN_OVER_DB - 1)))


def test_a_click_does_not_open_it(sound):
    gate = LevelGate()
    run(gate, sound.noise(5, -60))
    click = sound.noise(0.5, -60)
    click[4000:4100] = 20000
    assert not any(run(gate, click))


def test_ten_minutes_of_crying_do_not_raise_the_floor_above_it(sound):
    gate = LevelGate()
    room = sound.noise(600, -60)
    opened = run(gate, sound.together(cry(sound, 600, -40), room))
    assert all(opened)
    assert gate.floor_dbfs < -57


@pytest.mark.parametrize("over_db", [5, 10])
def test_a_cry_over_a_white_noise_machine_opens_it(sound, over_db):
    gate = LevelGate()
    machine = sound.noise(90, -40)
    assert not any(run(gate, machine)[-10:])
    over = sound.together(cry(sound, 10, -40 + over_db), sound.noise(10, -40, seed=2))
    assert all(run(gate, over)[1:])


def test_a_noise_that_stays_is_forgotten_within_a_minute(sound):
    gate = LevelGate()
    opened = run(gate, sound.noise(70, -38))
    assert opened[0]
    assert not any(opened[-10:])


def test_while_something_is_heard_the_floor_does_not_rise(sound):
    gate = LevelGate()
    run(gate, sound.noise(5, -60))
    before = gate.floor_dbfs
    run(gate, sound.tone(120, -30), hearing=True)
    assert gate.floor_dbfs <= before


def test_it_stays_open_for_a_while(sound):
    gate = LevelGate()
    run(gate, sound.noise(5, -60))
    assert run(gate, sound.tone(0.5, -30)) == [True]
    after = run(gate, sound.noise(6, -60))
    assert sum(after) * 0.5 == pytest.approx(level.HOLD_S, abs=0.5)
    assert not after[-1]


HOUR_HOPS = 3600 * 2


def days_of_room(days, seed=1):
    """Levels of the pieces of each hop of 0.5 s, and of the room under them: nothing but a room for `days`.

    It drifts by 20 dB between night and day, a fan runs for some hours (12 dB at once), and single pieces vary as 50 ms
    of noise do. Shape (hops, pieces) and (hops,).
    """
    rng = np.random.default_rng(seed)
    hour = np.arange(days * 24 * HOUR_HOPS) / HOUR_HOPS
    room = -55.0 - 10.0 * np.cos(2 * np.pi * hour / 24)
    fan = (hour % 24 > 13.0) & (hour % 24 < 17.5)
    room = np.where(fan, np.logaddexp(room * 0.2303, (room + 12) * 0.2303) / 0.2303, room)
    return room[:, None] + rng.normal(0.0, 0.22, (len(room), HOP_PIECES)), room


def test_days_of_nothing_but_the_room_move_the_floor_and_no_threshold():
    levels, room = days_of_room(2)
    gate = LevelGate()
    # Every three hours somebody cries for ten seconds, 10 dB over the room: a second of cry, 0.4 s for breath.
    crying = np.arange(len(levels)) % (3 * HOUR_HOPS) >= 3 * HOUR_HOPS - 20
    loud = (np.arange(levels.size).reshape(levels.shape) * level.PIECE_S % 1.4 < 1.0) & crying[:, None]
    levels = np.where(loud, levels + 10.0, levels)
    opened, floors = np.empty(len(levels), bool), np.empty(len(levels))
    for hop, row in enumerate(levels.tolist()):
        opened[hop] = gate.update(row, hearing=False)
        floors[hop] = gate.floor_dbfs
    # The floor has followed all along, but for the half minute after the fan was switched on.
    behind = room - floors
    assert np.abs(np.quantile(behind, [0.001, 0.999])).max() < 1.0
    assert np.count_nonzero(behind > 3.0) < 2 * 2 * 30
    # Nothing but the room opens the gate: what is open is the fan's beginning, and cries with what they leave open.
    assert np.count_nonzero(opened & ~crying) <= 2 * (2 * 30) + 16 * 2 * (level.HOLD_S + 0.5)
    # Each cry opens it within its first second and keeps it open, on the second day as on the first.
    found = opened[crying].reshape(-1, 20)
    assert len(found) == 16
    assert found[:, 2:].all()


def test_without_following_the_floor_such_a_room_would_not_do(monkeypatch):
    """The control: with a floor that stays where it was, the same day keeps the gate open for hours."""
    levels, _ = days_of_room(1)
    monkeypatch.setattr(level, "RISE_DB_PER_S", 0.0)
    gate = LevelGate()
    opened = [gate.update(row, hearing=False) for row in levels[::10].tolist()]
    assert np.mean(opened) > 0.3


@given(st.lists(st.floats(-127, 0), min_size=5, max_size=400), st.sampled_from([5, 10]))
def test_the_floor_never_leaves_its_range_nor_outruns_its_rise(levels, pieces):
    gate = LevelGate()
    for at in range(0, len(levels), pieces):
        before = gate.floor_dbfs
        taken = levels[at : at + pieces]
        gate.update(taken, hearing=False)
        assert gate.floor_dbfs >= level.FLOOR_MIN_DBFS
        assert gate.floor_dbfs <= max(before, *taken, level.FLOOR_MIN_DBFS)
        assert gate.floor_dbfs - before <= len(taken) * level.PIECE_S * level.RISE_DB_PER_S + 1e-9


class PlainGate:
    """The gate as its docstring says it, with nothing made cheap."""

    def __init__(self):
        self.open, self.floor_dbfs, self.hold = False, level.FLOOR_START_DBFS, 0

    def update(self, levels, *, hearing):
        loud = sum(each >= self.floor_dbfs + level.OPEN_OVER_DB for each in levels)
        rise = 0.0 if hearing else level.RISE_DB_PER_S * level.PIECE_S
        floor = self.floor_dbfs
        for each in levels:
            floor += (each - floor) * level.FALL if each < floor else min(rise, each - floor)
        self.floor_dbfs = max(floor, level.FLOOR_MIN_DBFS)
        self.hold = round(level.HOLD_S / level.PIECE_S) if loud >= level.OPEN_PIECES else self.hold - len(levels)
        self.open = loud >= level.OPEN_PIECES or (self.open and self.hold > 0)
        return self.open


@given(
    st.lists(st.lists(st.floats(-127, 0) | st.floats(-66, -50), max_size=10), max_size=60),
    st.lists(st.booleans(), min_size=60, max_size=60),
)
def test_it_decides_as_the_plain_form_does(hops, hearing):
    gate, plain = LevelGate(), PlainGate()
    for levels, hears in zip(hops, hearing, strict=False):
        assert gate.update(levels, hearing=hears) == plain.update(levels, hearing=hears)
        assert gate.floor_dbfs == plain.floor_dbfs


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=20), st.integers(1, PIECE))
def test_levels_and_energies_are_what_they_are_called(steps, width):
    pieces = np.zeros((len(steps), PIECE), np.int16)
    pieces[:, :width] = np.array(steps, np.int16)[:, None]
    energies = piece_energies(pieces.ravel())
    assert energies == pytest.approx(np.mean(pieces.astype(np.float64) ** 2, axis=1).tolist(), rel=1e-5)
    assert piece_levels(energies) == [dbfs(energy) for energy in energies]
