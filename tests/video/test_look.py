"""One look: what several frames add up to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.events import Fault, Sight
from monitord.video.classifier import Judgement, Operating
from monitord.video.empty_room import Light
from monitord.video.fake import FakeCamera
from monitord.video.look import collect, look
from monitord.video.picture import SHAPE
from monitord.video.v4l2 import CameraError
from monitord.video.verdict import FRAMES_MAX, FRAMES_MIN, SEEN, Glimpse, Look, aggregate, decide

OPERATING = Operating(present=0.6, absent=0.3, absent_grey=0.1, posture=0.6, several=0.5)
LIGHT = Light(120.0, grey=False)
NO_FEATURES = np.empty(0, np.float32)
OBSTACLES = (Sight.DARK, Sight.COVERED, Sight.BLURRED)


def judged(lying, upright, several=0.0):
    return Judgement(lying + upright, lying, upright, several, NO_FEATURES)


def mean(lying, upright, several=0.0):
    return {"nobody": 1.0 - lying - upright, "lying": lying, "upright": upright, "several": several}


parts = st.tuples(*[st.floats(0.001, 1)] * 3, st.floats(0, 1)).map(
    lambda t: (t[1] / sum(t[:3]), t[2] / sum(t[:3]), t[3] * (t[1] + t[2]) / sum(t[:3]))
)
digests = st.binary(min_size=1, max_size=2)
glimpses = st.lists(
    st.builds(Glimpse, digests, st.none(), parts.map(lambda part: judged(*part)), st.just(LIGHT))
    | st.builds(Glimpse, digests, st.sampled_from(OBSTACLES)),
    max_size=12,
)


@given(glimpses, st.randoms(use_true_random=False))
def test_the_order_of_frames_does_not_matter(seen, random):
    verdict = aggregate(seen, OPERATING)
    random.shuffle(seen)
    again = aggregate(seen, OPERATING)
    assert (again.sight, again.frames) == (verdict.sight, verdict.frames)
    assert abs(again.score - verdict.score) <= 1  # Sums of floats in another order may round to the next percent.


@given(glimpses)
def test_a_verdict_is_within_its_bounds(seen):
    verdict = aggregate(seen, OPERATING)
    assert 0 <= verdict.score <= 100
    assert verdict.frames == len(seen)
    if verdict.sight in OBSTACLES:
        assert any(one.obstacle is verdict.sight for one in seen)


@given(parts)
def test_nobody_is_said_only_below_absent(part):
    somebody = part[0] + part[1]
    assert (decide(mean(*part), OPERATING) is Sight.NOBODY) == (somebody < OPERATING.absent)


@given(parts)
def test_of_pictures_without_colour_nobody_is_said_less_easily(part):
    by_day, by_night = (decide(mean(*part), OPERATING, grey=grey) for grey in (False, True))
    assert by_night is by_day or (by_day, by_night) == (Sight.NOBODY, Sight.CANNOT_TELL)
    assert (by_night is Sight.NOBODY) == (part[0] + part[1] < OPERATING.absent_grey)


@pytest.mark.parametrize(("colourless", "sight"), [(0, Sight.NOBODY), (2, Sight.NOBODY), (3, Sight.CANNOT_TELL)])
def test_a_look_is_without_colour_when_most_of_its_frames_are(colourless, sight):
    lights = [Light(120.0, grey=number < colourless) for number in range(4)] + [None]
    seen = [Glimpse(bytes([at]), None, judged(0.15, 0.05), light) for at, light in enumerate(lights)]
    assert aggregate(seen, OPERATING).sight is sight


@given(glimpses.filter(len))
def test_a_camera_that_cannot_see_never_says_nobody(seen):
    blind = [one for one in seen if one.obstacle is not None]
    if 2 * len(blind) > len(seen):
        assert aggregate(seen, OPERATING).sight not in SEEN


@given(parts)
def test_confidence_is_the_probability_of_what_is_said(part):
    verdict = aggregate([Glimpse(b"1", None, judged(*part), LIGHT)], OPERATING)
    assert sum(verdict.probabilities[name] for name in ("nobody", "lying", "upright")) == pytest.approx(1.0)
    if verdict.sight in SEEN:
        assert verdict.score == round(100 * verdict.probabilities[verdict.sight.name.lower()])


@pytest.mark.parametrize(
    ("lying", "upright", "several", "sight"),
    [
        (0.05, 0.05, 0.0, Sight.NOBODY),
        (0.8, 0.1, 0.1, Sight.LYING),
        (0.1, 0.8, 0.4, Sight.UPRIGHT),
        (0.4, 0.1, 0.0, Sight.CANNOT_TELL),  # Somebody, perhaps.
        (0.45, 0.45, 0.1, Sight.CANNOT_TELL),  # Somebody, but how?
        (0.45, 0.45, 0.7, Sight.SEVERAL),  # One lies, one stands.
        (0.2, 0.2, 0.4, Sight.CANNOT_TELL),  # Several, if anybody at all.
    ],
)
def test_verdicts(lying, upright, several, sight):
    assert decide(mean(lying, upright, several), OPERATING) is sight


def frame(digest, obstacle=None):
    return Glimpse(digest, obstacle) if obstacle else Glimpse(digest, None, judged(0.8, 0.1), LIGHT)


def test_a_picture_that_stands_still_is_frozen():
    assert aggregate([frame(b"1")] * 3, OPERATING).sight is Sight.FROZEN


def test_one_picture_is_not_frozen_yet():
    assert aggregate([frame(b"1")], OPERATING).sight is Sight.LYING
    assert aggregate([frame(b"1"), frame(b"1"), frame(b"2")], OPERATING).sight is Sight.LYING


def test_the_usual_obstacle_wins():
    seen = [frame(b"1", Sight.DARK), frame(b"2", Sight.DARK), frame(b"3", Sight.BLURRED), frame(b"4")]
    verdict = aggregate(seen, OPERATING)
    assert (verdict.sight, verdict.score) == (Sight.DARK, 50)


def test_no_frame_is_no_verdict():
    assert aggregate([], OPERATING).sight is Sight.CANNOT_TELL


class Answers:
    """Stands for the classifier: a fixed answer, and a count of how often it was asked."""

    operating = OPERATING

    def __init__(self, lying):
        self.asked = 0
        self._lying = lying

    def classify(self, picture):
        assert picture.any(), "the frame was wiped before it was looked at"
        self.asked += 1
        return judged(self._lying, 0.05)


def pictures(count):
    rng = np.random.default_rng(count)
    coarse = rng.integers(30, 255, (count, SHAPE[0] // 8, SHAPE[1] // 8, 3), dtype=np.uint8)
    fine = rng.integers(0, 20, (count, *SHAPE, 3), dtype=np.uint8)
    return list(coarse.repeat(8, axis=1).repeat(8, axis=2) // 2 + fine)


def test_every_other_frame_is_judged_in_a_mirror_and_says_nothing_of_the_room():
    shown, judged_ones = pictures(4), []

    class Notes(Answers):
        def classify(self, picture):
            judged_ones.append(np.array(picture))
            return super().classify(picture)

    as_shown = [np.array(picture) for picture in shown]
    seen = Look(OPERATING, 4.0)
    collect(FakeCamera(shown), Notes(0.6), seen)
    for number, (picture, judged_one) in enumerate(zip(as_shown, judged_ones, strict=True)):
        assert (judged_one == (picture[:, ::-1] if number % 2 else picture)).all()
        assert (judged_one != (picture if number % 2 else picture[:, ::-1])).any()
    assert [one.light is None for one in seen.glimpses] == [False, True, False, True]


def test_frames_are_overwritten_after_the_look():
    shown = pictures(FRAMES_MAX)
    verdict = look(FakeCamera(shown), Answers(0.6), 4.0)
    assert verdict.frames == FRAMES_MAX
    assert not any(picture.any() for picture in shown)


def test_a_sure_look_ends_early_and_wipes_its_last_frame():
    shown = pictures(FRAMES_MAX)
    verdict = look(FakeCamera(shown), Answers(0.94), 4.0)
    assert (verdict.sight, verdict.frames) == (Sight.LYING, FRAMES_MIN)
    assert not any(picture.any() for picture in shown[:FRAMES_MIN])
    assert shown[FRAMES_MIN].any()  # Control: what was not looked at was not touched.


def test_a_look_ends_with_its_time():
    times = iter(range(1000))
    answers = Answers(0.6)
    verdict = look(FakeCamera(pictures(40), live=True), answers, 3.0, clock=lambda: float(next(times)))
    assert verdict.frames < FRAMES_MAX


@pytest.mark.parametrize(("judging_s", "left_s"), [(0.1, 4.0), (2.4, 10.0), (4.0, 10.0)])
def test_a_slow_machine_has_a_verdict_when_its_time_is_up(judging_s, left_s):
    """The look began late and each frame takes its time: what was seen by then is told, and nothing runs beyond it."""
    now = 25.0

    class Slow(Answers):
        def classify(self, picture):
            nonlocal now
            now += judging_s
            return super().classify(picture)

    def clock():
        nonlocal now
        now += 0.01
        return now

    answers = Slow(0.6)
    verdict = look(FakeCamera(pictures(400), live=True), answers, 30.0, clock=clock, until=25.0 + left_s)
    assert verdict.sight is Sight.LYING
    assert now <= 25.0 + left_s
    assert 25.0 + left_s - now < 2 * judging_s + 1.0, "the time there was is used"
    # The control: without it, the look goes on until its frames or its own time are used up.
    look(FakeCamera(pictures(400), live=True), answers, 30.0, clock=clock)
    assert now > 25.0 + left_s


def test_a_live_camera_is_paced():
    now = 0.0

    def clock():
        nonlocal now
        now += 0.01
        return now

    answers = Answers(0.6)
    look(FakeCamera(pictures(60), live=True), answers, 6.0, clock=clock)
    assert answers.asked < 10  # 60 frames within about a second, one looked at each half second.


def test_a_camera_that_breaks_early_is_a_fault():
    broken = CameraError(Fault.CAMERA_BROKEN, "gone")
    with pytest.raises(CameraError):
        look(FakeCamera(pictures(2), broken), Answers(0.6), 4.0)


def test_a_camera_that_breaks_late_leaves_a_verdict():
    broken = CameraError(Fault.CAMERA_BROKEN, "gone")
    assert look(FakeCamera(pictures(FRAMES_MIN), broken), Answers(0.7), 4.0).sight is Sight.LYING
