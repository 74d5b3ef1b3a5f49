"""The camera's on-time, from the looks in the journal."""

from datetime import UTC, datetime, timedelta

import pytest

from monitord.events import Frame, Kind, Look, Message, Role, Sight
from monitord.notify.history import StoredFrame
from monitord.tools.audit.looks import on_time_s

BEGAN, ENDED, SEEN = Message(Kind.LOOK, Look.BEGAN), Message(Kind.LOOK, Look.ENDED), Message(Kind.SIGHT, Sight.NOBODY)
START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def frames(*told):
    return [
        StoredFrame((START + timedelta(seconds=at)).isoformat(timespec="milliseconds"), Frame(message, role, 1, 0, age))
        for at, message, role, age in told
    ]


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ([], 0.0),
        ([(0, BEGAN, Role.EYE, 0), (2, SEEN, Role.EYE, 0), (3, ENDED, Role.EYE, 0)], 3.0),
        ([(0, BEGAN, Role.EYE, 0), (3, ENDED, Role.EYE, 0), (60, BEGAN, Role.EYE, 0), (62, ENDED, Role.EYE, 0)], 5.0),
        ([(0, BEGAN, Role.EYE, 0)], 12.0),  # It never told its end: as long as a look can be.
        ([(0, BEGAN, Role.EYE, 0), (60, BEGAN, Role.EYE, 0), (62, ENDED, Role.EYE, 0)], 14.0),
        ([(0, ENDED, Role.EYE, 0)], 0.0),  # Its beginning was before the time that is asked for.
        ([(9, BEGAN, Role.EYE, 9), (9, ENDED, Role.EYE, 5)], 4.0),  # Both waited while the voice was away.
        ([(0, Message(Kind.LOOK, Look.ASKED), Role.EAR, 0)], 0.0),
        ([(0, BEGAN, Role.EYE, 0), (900, ENDED, Role.EYE, 0)], 12.0),
    ],
)
def test_on_time(told, seconds):
    assert on_time_s(frames(*told), 12.0) == seconds
