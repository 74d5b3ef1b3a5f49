"""Messages of a ward, made up: strategies and plain ones."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from monitord.events import Fault, Gate, Sight, Sound
from monitord.notify.incident import State as Course
from monitord.notify.incident import Urgency
from monitord.wardtalk import message as talk

whole = st.integers(0, talk.BOOT_MAX)
name = st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True)
when = st.floats(0, 1 << 34) | st.integers(0, 1 << 34).map(float)
fault = st.sampled_from([each for each in Fault if each is not Fault.RECOVERED])
number = st.integers(1, 999_999_999_999_999)
head = {"boot": whole, "seq": whole, "at": when}
acknowledged = st.builds(talk.Acknowledged, at=when, via=st.sampled_from(talk.Via))

states = st.builds(
    talk.State, room=name, **head, gate=st.none() | st.sampled_from(Gate), paused_until=st.none() | when,
    protected=st.booleans(), microphone=st.sampled_from(talk.Microphone), camera=st.sampled_from(talk.Camera),
    faults=st.lists(fault, unique=True).map(tuple), refused=whole,
)  # fmt: skip
healths = st.builds(talk.Health, room=name, **head, alive=st.booleans(), line=whole)
reports = st.builds(
    talk.Report, room=name, **head, id=number, subject=st.sampled_from(Sound) | fault,
    urgency=st.sampled_from(Urgency), state=st.sampled_from(Course), score=st.integers(0, 100), since=when,
    repeats=st.integers(0, talk.REPEATS_MAX), sight=st.none() | st.sampled_from(Sight),
    acknowledged=st.none() | acknowledged,
)  # fmt: skip
acks = st.builds(
    talk.Ack, station=name, **head, id=number, incident_boot=whole, action=st.sampled_from(talk.Act)
)  # fmt: skip
stations = st.builds(
    talk.Station, ward=name, station=name, **head, alive=st.booleans(), rings=st.booleans(),
    shift=st.none() | st.integers(0, 31), taken=st.lists(name, unique=True, max_size=20).map(tuple),
)  # fmt: skip
messages = states | healths | reports | acks | stations

CRY = talk.Report(
    "101", 7, 5, 1_790_000_000.0, 3, Sound.CRY, Urgency.HIGH, Course.ALERTING, 91, 1_790_000_000.0, 0, None, None
)
HEALTH = talk.Health("101", 7, 1, 1_790_000_000.0, alive=True, line=0)
STATE = talk.State(
    "101", 7, 2, 1_790_000_000.0, Gate.IDLE, None, protected=True, microphone=talk.Microphone.LISTENING,
    camera=talk.Camera.IDLE, faults=(),
)  # fmt: skip


def taken(report, at=1_790_000_050.0, via=talk.Via.WARD, **more):
    return replace(report, state=Course.ACKNOWLEDGED, acknowledged=talk.Acknowledged(at, via), **more)
