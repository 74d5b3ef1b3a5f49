from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitord import paths
from monitord.config import Config, ConfigError
from monitord.events import Fault, Frame, Gate, Kind, Message, Role
from monitord.notify.clock import Clock
from monitord.notify.delivery import Reason
from monitord.notify.journal import Journal
from monitord.notify.morning import Morning
from monitord.notify.pause import PauseError
from monitord.notify.record import Record
from monitord.notify.sinks import wording

DAY = datetime(2026, 11, 25)  # noqa: DTZ001 - what a clock on the wall shows
MINUTE = timedelta(minutes=1)


def at(hour, minute=0):
    return DAY.replace(hour=hour, minute=minute)


def times(morning, begin, end):
    told, now = [], begin
    while now <= end:
        told += [now] if morning.due(now) else []
        now += MINUTE
    return told


def test_it_is_told_once_a_day():
    morning = Morning("07:30", at(0))
    assert times(morning, at(0), at(0) + timedelta(days=2)) == [at(7, 30), at(7, 30) + timedelta(days=1)]


def test_a_voice_that_starts_later_tells_it_unless_the_one_before_did():
    assert Morning("07:30", at(7)).due(at(8))
    assert not Morning("07:30", at(7, 31)).due(at(8))
    assert not Morning("07:30", None).due(at(8))  # No night is known yet.


def test_hours_late_it_is_of_no_use():
    morning = Morning("07:30", at(3))
    assert not morning.due(at(12))
    assert not morning.due(at(12, 5))


def test_a_clock_that_is_set_back_does_not_tell_it_twice():
    morning = Morning("07:30", at(7))
    assert morning.due(at(7, 30))
    assert not morning.due(at(7, 29))
    assert not morning.due(at(7, 30))


def test_without_a_time_it_is_never_told():
    assert times(Morning("", at(0)), at(0), at(23, 59)) == []


@pytest.mark.parametrize("text", ["7:30", "25:00", "soon", "07:30:15"])
def test_a_time_that_is_none_is_refused(tmp_path, text):
    path = tmp_path / "config.toml"
    path.write_text(f'[report]\nmorning = "{text}"\n', "utf-8")
    with pytest.raises(ConfigError, match=r"report\.morning"):
        Config.load(path)


ZONE = UTC


class House:
    def __init__(self, folder, wall=1_764_050_000.0, up=100.0, **config):
        self.wall, self.up = wall, up
        self.clock = Clock(lambda: self.up, lambda: self.wall, ZONE, lambda: self.up)
        self.journal = Journal(folder / paths.JOURNAL, self.clock)
        self.faults, self.told = [], []
        config = Config.model_validate({"report": config})
        self.record = Record(config, self.journal, self.clock, folder, fault=self.faults.append, tell=self.told.append)

    def wait(self, seconds):
        for _ in range(int(seconds // 5)):
            self.wall, self.up = self.wall + 5.0, self.up + 5.0
            self.record.tick()
            if self.record.state()["paused_until"] is None:
                self.record.hear(Frame(Message(Kind.HEARTBEAT, Gate.IDLE), Role.EAR, 1, 1))


@pytest.fixture
def first_house(tmp_path):
    house = House(tmp_path)
    house.wait(600.0)
    house.record.close()
    house.journal.close()
    return house


def test_the_summary_reaches_the_channels_as_a_notice_that_does_not_ring(first_house, tmp_path):
    soon = datetime.fromtimestamp(first_house.wall, ZONE) + timedelta(minutes=20)
    house = House(tmp_path, first_house.wall + 60.0, first_house.up + 60.0, morning=soon.strftime("%H:%M"))
    house.wait(1800.0)
    (notice,) = house.told
    assert (notice.reason, notice.urgency) == (Reason.SUMMARY, None)
    assert wording.title(notice) == "Last night, Room"
    assert wording.body(notice, "en").startswith("Protected ")
    assert "The monitor had been stopped" in wording.body(notice, "en")
    house.journal.close()


def test_a_pause_is_in_the_state_and_its_end_is_told(first_house, tmp_path):
    house = House(tmp_path)
    house.record.pause(10, "Ada", "page")
    until = datetime.fromisoformat(house.record.state()["paused_until"])
    assert until.timestamp() == pytest.approx(house.wall + 600.0, abs=0.01)
    house.wait(595.0)
    assert (house.faults, (tmp_path / paths.PAUSED).exists()) == ([], True)
    house.wait(5.0)
    assert (house.faults, (tmp_path / paths.PAUSED).exists()) == ([Fault.PAUSE_OVER], False)
    assert house.record.state() == {"paused_until": None}
    with pytest.raises(PauseError):
        house.record.pause(10_000, "", "")
    house.record.resume("", "")
    assert house.faults == [Fault.PAUSE_OVER]
    house.journal.close()
