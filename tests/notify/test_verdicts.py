"""What the eye says and the voice makes of it: no verdict silences an alert, a moved camera is told once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitord.config import AlertWhen, RulesConfig
from monitord.events import Calibration, Fault, Kind, Look, Message, Role, Sight, Sound
from monitord.notify.incident import Action, State
from monitord.notify.triage import Triage


def test_a_camera_that_was_moved_is_a_fault_until_a_look_finds_it_in_its_place():
    book = Triage("Room", RulesConfig(), 10.0)

    def saw(calibration, now):
        return book.take(Message(Kind.SIGHT, Sight.LYING, 90, calibration.value), Role.EYE, now)

    assert saw(Calibration.HOLDS, 0.0) == []
    (change,) = saw(Calibration.MOVED, 1.0)
    assert (change.incident.subject, Action.ALERT in change.actions) == (Fault.CAMERA_MOVED, True)
    (again,) = saw(Calibration.MOVED, 2.0)
    assert again.incident.id == change.incident.id
    assert Action.ALERT not in again.actions  # Once is enough.
    assert saw(Calibration.OTHER_LIGHT, 3.0) == []  # By night it cannot be told.
    (over,) = saw(Calibration.HOLDS, 4.0)
    assert over.incident.state is State.CLEARED


@given(st.sampled_from(Sight), st.sampled_from(Sound), st.sampled_from(AlertWhen), st.sampled_from(Calibration))
def test_no_verdict_silences_an_alert(sight, sound, when, calibration):
    """NOBODY above all: the alert has gone out, or goes out with the verdict."""
    rules = RulesConfig.model_validate({sound.name.lower(): {"alert": when.value}})
    book = Triage("Room", rules, 10.0)
    actions = []
    for now, role, message in (
        (0.0, Role.EAR, Message(Kind.SOUND, sound, 90)),
        (0.5, Role.EYE, Message(Kind.LOOK, Look.BEGAN)),
        (3.0, Role.EYE, Message(Kind.SIGHT, sight, 99, calibration.value)),
        (3.0, Role.EYE, Message(Kind.LOOK, Look.ENDED)),
    ):
        changes = book.take(message, role, now)
        actions += [action for change in changes if change.incident.subject is sound for action in change.actions]
    assert actions.count(Action.ALERT) == 1
