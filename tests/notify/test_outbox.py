from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from monitord.notify import delivery
from monitord.notify.delivery import EXPIRE_S, FINAL, RINGS, Event, Reason, State
from monitord.notify.outbox import Outbox


def put(outbox, number, event, now, **told):
    outbox.put(delivery.step(outbox.get(number), event, now, **told)[0])


def test_what_is_over_does_not_overtake_the_alert():
    outbox = Outbox()
    outbox.begin(1, ["phone"], Reason.ALERT, 0.0)
    outbox.begin(1, ["phone"], Reason.CLEARED, 1.0)
    assert [(each.id, event) for each, event in outbox.due(1.0)] == [(1, Event.SEND)]
    put(outbox, 1, Event.SEND, 1.0)
    assert outbox.due(2.0) == []
    put(outbox, 1, Event.CONFIRMED, 2.0)
    assert [(each.id, event) for each, event in outbox.due(2.0)] == [(2, Event.SEND)]


def test_another_incident_or_another_sink_waits_for_nobody():
    outbox = Outbox()
    outbox.begin(1, ["phone", "page"], Reason.ALERT, 0.0)
    outbox.begin(2, ["phone"], Reason.ALERT, 0.0)
    assert [each.id for each, _ in outbox.due(0.0)] == [1, 2, 3]


def test_what_rings_again_is_not_queued_behind_what_has_not_arrived_but_sends_it_at_once():
    outbox = Outbox()
    outbox.begin(1, ["phone"], Reason.ALERT, 0.0)
    put(outbox, 1, Event.SEND, 0.0)
    put(outbox, 1, Event.ERROR, 1.0, jitter=1.0, error="nobody answers")
    assert outbox.due(1.5) == []
    (again,) = outbox.begin(1, ["phone"], Reason.REPEAT, 1.5)
    assert (again.id, again.error) == (1, "nobody answers")
    assert [each.id for each, _ in outbox.due(1.5)] == [1]
    put(outbox, 1, Event.SEND, 1.5)
    put(outbox, 1, Event.CONFIRMED, 1.6)
    (repeat,) = outbox.begin(1, ["phone"], Reason.REPEAT, 60.0)
    assert repeat.id == 2


def test_an_alert_is_lost_when_the_last_that_rang_failed_everywhere():
    outbox = Outbox()
    outbox.begin(1, ["phone", "page", "log"], Reason.ALERT, 0.0)
    put(outbox, 3, Event.CONFIRMED, 1.0)
    put(outbox, 1, Event.EXPIRE, EXPIRE_S)
    assert not outbox.lost(1, ["phone", "page"])
    assert outbox.lost(1, ["phone", "tablet"])  # It was never given to the tablet.
    put(outbox, 2, Event.EXPIRE, EXPIRE_S)
    assert outbox.lost(1, ["phone", "page"])
    assert not outbox.lost(1, ["phone", "page", "log"])
    assert not outbox.lost(1, ["tablet"])
    put(outbox, 2, Event.CONFIRMED, EXPIRE_S + 60)
    assert not outbox.lost(1, ["phone", "page"])


def test_of_many_repetitions_the_last_is_kept():
    outbox = Outbox()
    for now in range(100):
        (each,) = outbox.begin(1, ["page"], Reason.REPEAT, float(now))
        put(outbox, each.id, Event.CONFIRMED, float(now))
    assert [each.id for each in outbox.of(1)] == [100]


def test_what_is_dropped_or_forgotten_is_gone():
    outbox = Outbox()
    outbox.begin(1, ["page", "log"], Reason.ALERT, 0.0)
    outbox.begin(2, ["page"], Reason.ALERT, 0.0)
    put(outbox, 1, Event.CONFIRMED, 0.0)
    outbox.forget([2])
    assert [each.id for each in outbox.of(1)] == [2]  # It is still under way.
    outbox.drop(1)
    assert (outbox.of(1), [each.id for each, _ in outbox.due(0.0)]) == ([], [3])


class Post(RuleBasedStateMachine):
    """Whatever the channels do: in order, never twice final, and all of it ends."""

    def __init__(self):
        super().__init__()
        self.now, self.outbox, self.begun = 0.0, Outbox(), {}

    @rule(
        incident=st.integers(1, 3),
        sinks=st.sets(st.sampled_from(["page", "phone"]), min_size=1),
        why=st.sampled_from(Reason),
    )
    def begin(self, incident, sinks, why):
        for each in self.outbox.begin(incident, sorted(sinks), why, self.now):
            self.begun.setdefault(each.id, each)

    @rule(seconds=st.floats(0, 90))
    def wait(self, seconds):
        end = self.now + seconds
        while (due := self.outbox.next_due()) is not None and due <= end:
            self.now = max(due, self.now)
            found = self.outbox.due(self.now)
            assert found
            for each, event in found:
                if event is Event.SEND:
                    self.check_order(each)
                put(self.outbox, each.id, event, self.now, jitter=0.5)
        self.now = end

    def check_order(self, each):
        before = [other for other in self.outbox.of(each.incident) if other.sink == each.sink and other.id < each.id]
        assert all(other.state in FINAL for other in before)

    @rule(which=st.integers(0, 9), event=st.sampled_from([Event.CONFIRMED, Event.ERROR, Event.RESTART]))
    def answer(self, which, event):
        sending = [each for number in (1, 2, 3) for each in self.outbox.of(number) if each.state is State.SENDING]
        if sending:
            put(self.outbox, sending[which % len(sending)].id, event, self.now, jitter=0.5)

    @invariant()
    def the_agenda_says_what_a_look_at_all_of_them_says(self):
        open_ = [each for number in (1, 2, 3) for each in self.outbox.of(number) if each.state not in FINAL]

        def waits(each):
            same = (other for other in open_ if (other.incident, other.sink) == (each.incident, each.sink))
            return each.state is State.PENDING and any(other.id < each.id for other in same)

        whens = {each.id: each.expires_at if waits(each) else delivery.due(each) for each in open_}
        assert self.outbox.next_due() == min(whens.values(), default=None)
        assert [each.id for each, _ in self.outbox.due(self.now)] == sorted(
            n for n, at in whens.items() if at <= self.now
        )
        assert len(self.outbox._agenda) <= 2 * (64 + 2 * len(open_))

    @invariant()
    def a_channel_has_one_alert_of_an_incident_under_way(self):
        for incident in (1, 2, 3):
            ringing = [e.sink for e in self.outbox.of(incident) if e.reason in RINGS and e.state not in FINAL]
            assert len(ringing) == len(set(ringing))

    def teardown(self):
        self.wait(3 * EXPIRE_S)
        assert self.outbox.next_due() is None


TestPost = Post.TestCase
TestPost.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_a_former_life_is_taken_over_in_order():
    first = delivery.begin(4, 1, "page", 0.0)
    second = replace(delivery.begin(7, 1, "page", 1.0), reason=Reason.CLEARED)
    outbox = Outbox([second, first], 8)
    assert [each.id for each, _ in outbox.due(1.0)] == [4]
    assert outbox.begin(2, ["page"], Reason.ALERT, 1.0)[0].id == 8
