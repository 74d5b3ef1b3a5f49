"""A real broker, and real stations that hear what is said there."""

from __future__ import annotations

import pytest
from brokers import Mosquitto
from station_ import RealStation, file_of


@pytest.fixture
def broker(tmp_path):
    broker = Mosquitto(tmp_path, "allow_anonymous true").start()
    yield broker
    broker.stop()


@pytest.fixture
def station(tmp_path, broker):
    made = []

    def make(name="desk", **text):
        each = RealStation(tmp_path, file_of(text.pop("brokers", [broker]), station=name, **text), name)
        made.append(each)
        return each.start()

    yield make
    for each in made:
        each.close()
