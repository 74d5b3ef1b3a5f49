import made_alarms
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitord.audio.cadence import CARBON_MONOXIDE, LABELS, SMOKE, Alarms
from monitord.audio.features import FrontEnd, LogMel

BOTH = pytest.mark.parametrize("cadence", [SMOKE, CARBON_MONOXIDE], ids=LABELS)
PITCHES = pytest.mark.parametrize(
    "pitch", [{"hz": 2800.0}, {"hz": 3100.0}, {"hz": 3500.0}, {"hz": 520.0, "square": True}]
)
LOG_MEL = LogMel(FrontEnd())
KEPT = 80


def frames_of(samples):
    return LOG_MEL.frames(np.concatenate([np.zeros(112, np.int16), samples]))


def listen(frames, hop_s=0.5, is_open=lambda _: True):
    """Time -> posteriors; hops that are not open are not fed."""
    hop = round(hop_s * 40)
    alarms = Alarms(FrontEnd())
    made = {}
    for end in range(hop, len(frames) + 1, hop):
        feed = is_open(end / 40)
        newest = frames[max(0, end - KEPT) : end]
        made[end / 40] = alarms.feed(newest, end * 400) if feed else alarms.posteriors(end * 400)
    return made


def best(samples, cadence=SMOKE):
    return max(posteriors[LABELS.index(cadence.label)] for posteriors in listen(frames_of(samples)).values())


def began(samples, cadence, hop_s=0.5):
    """Seconds from the start of the stream; None: never."""
    made = listen(frames_of(samples), hop_s)
    return next((t_s for t_s, each in made.items() if each[LABELS.index(cadence.label)] > 0.5), None)


@BOTH
@PITCHES
def test_an_alarm_at_5_db_is_found_within_two_cadences_and_is_not_the_other(cadence, pitch):
    samples = made_alarms.in_noise(made_alarms.signal(cadence, lead_s=1.0, dbfs=-30.0, **pitch), -35.0)
    t_s = began(samples, cadence)
    assert 1.0 + cadence.cycle_s < t_s <= 1.0 + 2 * cadence.cycle_s
    other = CARBON_MONOXIDE if cadence is SMOKE else SMOKE
    assert best(samples, other) < 0.5


@BOTH
@pytest.mark.parametrize("scale", [0.92, 1.0, 1.08])
def test_all_times_may_be_off_as_the_standard_allows(cadence, scale):
    samples = made_alarms.in_noise(made_alarms.signal(cadence, scale, cycles=4), -50.0)
    assert best(samples, cadence) > 0.9


@pytest.mark.parametrize(
    "wrong",
    [
        (2, 0.5, 0.5, 1.5),
        (4, 0.5, 0.5, 1.5),
        (3, 0.3, 0.7, 1.7),
        (3, 0.7, 0.3, 1.3),
        (3, 0.5, 0.3, 1.5),
        (3, 0.5, 0.7, 1.5),
        (3, 0.5, 0.5, 0.9),
        (3, 0.5, 0.5, 2.2),
        (3, 0.5, 0.5, 5.0),
        (3, 0.4, 0.4, 1.2),
        (3, 0.6, 0.6, 1.8),
        (1, 0.5, 0.0, 0.5),
        (3, 0.1, 0.1, 5.0),
        (5, 0.1, 0.1, 5.0),
        (4, 0.2, 0.1, 5.0),
        (4, 0.1, 0.2, 5.0),
        (4, 0.1, 0.1, 3.5),
        (4, 0.1, 0.1, 7.0),
        (4, 0.0625, 0.0625, 0.5625),
        (1, 0.1, 0.0, 0.1),
        (1, 0.1, 0.0, 30.0),
    ],
    ids=str,
)
@pytest.mark.parametrize("noise_dbfs", [-50.0, -90.0])
def test_beepers_of_another_timing_are_no_alarm(wrong, noise_dbfs):
    cycle_s = wrong[0] * (wrong[1] + wrong[2]) + wrong[3]
    beeper = made_alarms.beeps(*wrong, cycles=min(12, 2 + int(24 / cycle_s)))
    made = listen(frames_of(made_alarms.in_noise(beeper, noise_dbfs)))
    assert max(max(each) for each in made.values()) < 0.5


@BOTH
def test_one_group_alone_is_no_alarm(cadence):
    samples = made_alarms.in_noise(made_alarms.signal(cadence, cycles=1), -50.0)
    assert 0.0 < best(samples, cadence) < 0.5


@BOTH
def test_the_same_pattern_of_noise_bursts_is_no_alarm(cadence):
    """Somebody hammers in time: what is loud at all pitches is no tone."""
    envelope = np.abs(made_alarms.signal(cadence, square=True, dbfs=0.0))
    hiss = np.random.default_rng(5).standard_normal(len(envelope)).astype(np.float32) * 0.05
    assert best(made_alarms.in_noise(envelope * hiss, -60.0), cadence) < 0.5


@BOTH
def test_a_group_that_a_noise_hides_does_not_end_the_alarm_nor_prevent_it(cadence):
    samples = made_alarms.in_noise(made_alarms.signal(cadence, cycles=3), -50.0)
    second = round((1.0 + cadence.cycle_s - 0.1) * 16000)
    burst = np.random.default_rng(2).standard_normal(16000 * 3) * 6000
    samples[second : second + len(burst)] = np.clip(burst, -32768, 32767).astype(np.int16)
    assert best(samples, cadence) > 0.5


@BOTH
def test_the_alarm_is_over_some_cycles_after_its_last_group(cadence):
    alarm = made_alarms.signal(cadence, cycles=3)
    samples = made_alarms.in_noise(np.concatenate([alarm, np.zeros(round(4 * cadence.cycle_s) * 16000)]), -60.0)
    made = {t_s: each[LABELS.index(cadence.label)] for t_s, each in listen(frames_of(samples)).items()}
    last_group_s = 1.0 + 2 * cadence.cycle_s
    heard = [t_s for t_s, value in made.items() if value > 0.5]
    assert heard == [t_s for t_s in made if heard[0] <= t_s <= heard[-1]]
    assert last_group_s + 2 * cadence.cycle_s < heard[-1] < last_group_s + 3.5 * cadence.cycle_s


@settings(max_examples=25)
@given(
    offset=st.integers(0, 8000),
    of=st.sampled_from([SMOKE, CARBON_MONOXIDE]),
    noise_dbfs=st.floats(-60.0, -24.0),
    closed=st.sets(st.integers(0, 40)),
)
def test_the_time_between_decisions_changes_nothing_but_when_one_asks(offset, of, noise_dbfs, closed):
    """Hops of half a second in which the level gate is closed, or not: the same at 0.25 s and at 0.5 s."""
    frames = frames_of(made_alarms.in_noise(made_alarms.signal(of, cycles=3, lead_s=1.0)[offset:], noise_dbfs))

    def is_open(t_s):
        return int((t_s - 0.01) / 0.5) not in closed

    # Shown no more than is new: what the gate kept out stays silence.
    often, seldom = (listen_strictly(frames, hop_s, is_open) for hop_s in (0.25, 0.5))
    assert {t_s: often[t_s] for t_s in seldom} == seldom


def listen_strictly(frames, hop_s, is_open):
    hop = round(hop_s * 40)
    alarms = Alarms(FrontEnd())
    made = {}
    for end in range(hop, len(frames) + 1, hop):
        fed = alarms.feed(frames[end - hop : end], end * 400) if is_open(end / 40) else alarms.posteriors(end * 400)
        made[end / 40] = fed
    return made


def test_the_pause_may_be_silence_that_was_never_given():
    """The level gate closes three seconds into the pause of temporal-four."""
    frames = frames_of(made_alarms.in_noise(made_alarms.signal(CARBON_MONOXIDE, lead_s=1.0), -60.0))
    made = listen(frames, is_open=lambda t_s: (t_s - 1.0) % CARBON_MONOXIDE.cycle_s < 4.0)
    assert max(each[1] for each in made.values()) > 0.5


@given(cuts=st.lists(st.integers(1, 300), max_size=12))
@settings(max_examples=25)
def test_frames_given_twice_or_many_at_once_are_the_same(cuts):
    frames = frames_of(made_alarms.in_noise(made_alarms.signal(SMOKE, cycles=3), -50.0))
    alarms = Alarms(FrontEnd())
    end = 0
    for cut in cuts:
        begin, end = end, min(end + cut, len(frames))
        alarms.feed(frames[max(0, begin - 7) : end], end * 400)
    assert (
        alarms.feed(frames[max(0, end - 7) :], len(frames) * 400)
        == list(listen_strictly(frames, 0.025, bool).values())[-1]
    )


def test_another_front_end_is_refused():
    with pytest.raises(ValueError, match="cadence of alarms"):
        Alarms(FrontEnd(bins=64))


def test_silence_is_nothing():
    assert best(np.zeros(16000 * 5, np.int16)) == 0.0
