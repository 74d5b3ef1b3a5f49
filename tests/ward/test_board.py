"""The board: rooms by urgency, who is heard, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talk import CRY, HEALTH, STATE, messages, taken

from monitord.events import Fault
from monitord.notify.incident import State as Course
from monitord.notify.incident import Urgency
from monitord.ward.board import GRACE_S, Board, Forgotten
from monitord.ward.room import SILENT_S, Rank
from monitord.ward.view import board_json
from monitord.wardtalk import codec
from monitord.wardtalk import message as talk
from monitord.wardtalk.message import Station
from monitord.wardtalk.topics import Kind, Topic

T0 = 1_790_000_000.0


@pytest.fixture
def board():
    made = Board("home", "west", "desk", rooms={"101": "Room 101", "102": "102", "103": "103"}, now=0.0)
    made.linked(0.0)
    return made


def topic(each, room=None):
    kind = codec.kind_of(each)
    if kind is Kind.STATION:
        return str(Topic(kind, "home", each.station, ward=each.ward))
    return str(Topic(kind, "home", room or each.room, each.id if kind is Kind.INCIDENT else 0))


def hear(board, each, now=1.0, *, retained=False, room=None):
    return board.take(topic(each, room), codec.format(each).encode(), retained=retained, now=now)


def ranks(board, now):
    board.settle(now, T0 + now)
    return {name: room.rank[0] for name, room in board.rooms.items()}


def test_rooms_by_urgency(board):
    hear(board, HEALTH)
    hear(board, replace(HEALTH, room="102"))
    hear(board, replace(CRY, room="102"))
    hear(board, replace(STATE, room="103", faults=(Fault.CAMERA_MISSING,)))
    board.settle(2.0, T0)
    shown = board_json(board, 2.0, T0)["rooms"]
    assert [(each["room"], each["rank"]) for each in shown] == [("102", 0), ("103", 1), ("101", 3)]
    assert shown[0]["since"] == CRY.since
    assert shown[0]["incident"]["label"] == "CRY"
    assert shown[1]["faults"] == ["CAMERA_MISSING"]
    assert shown[2]["label"] == "Room 101"


def test_an_alert_that_is_taken_is_no_alert_and_says_so(board):
    hear(board, CRY)
    assert ranks(board, 1.0)["101"] is Rank.ALERT
    hear(board, taken(CRY, seq=6))
    assert ranks(board, 1.0)["101"] is Rank.CALM
    room = board_json(board, 1.0, T0, ["101"])["rooms"][0]
    assert room["acknowledged"] == {"at": T0 + 50, "via": "ward"}
    hear(board, replace(CRY, seq=7, state=Course.CLEARED))
    assert board_json(board, 1.0, T0, ["101"])["rooms"][0]["incident"] is None


def test_the_most_urgent_that_nobody_took_is_shown(board):
    hear(board, CRY)
    hear(board, replace(CRY, id=4, seq=6, urgency=Urgency.LOW, since=T0 - 99))
    hear(board, taken(replace(CRY, id=5, since=T0 - 500), seq=7))
    assert board_json(board, 1.0, T0, ["101"])["rooms"][0]["incident"]["id"] == CRY.id
    assert len(board_json(board, 1.0, T0, ["101"])["rooms"][0]["live"]) == 3


def test_silence_of_thirty_seconds_is_an_alarm_and_what_is_kept_is_no_sign_of_life(board):
    hear(board, HEALTH, 5.0)
    hear(board, replace(HEALTH, room="102"), 5.0, retained=True)
    assert board.silent(5.0 + SILENT_S - 0.1) == {"102", "103"}
    assert board.silent(5.0 + SILENT_S) == {"101", "102", "103"}
    assert ranks(board, 5.0 + SILENT_S)["101"] is Rank.UNSEEN
    assert board.rooms["101"].rank[1] == T0 + 5.0
    hear(board, replace(HEALTH, seq=2), 50.0)
    assert "101" not in board.silent(50.0)
    assert ranks(board, 50.0)["101"] is Rank.CALM


def test_a_last_will_shows_at_once_and_rings_a_little_later(board):
    hear(board, replace(HEALTH, seq=2, line=1))
    hear(board, replace(HEALTH, seq=1, line=1, alive=False), 10.0)
    assert ranks(board, 10.0)["101"] is Rank.UNSEEN
    assert board.silent(10.0) == set()
    assert board.silent(10.0 + GRACE_S) == {"101"}


def test_a_room_that_changes_its_broker_leaves_a_will_and_rings_nobody(board):
    hear(board, replace(HEALTH, seq=2, line=1))
    hear(board, replace(HEALTH, seq=1, line=1, alive=False), 10.0)
    hear(board, replace(HEALTH, seq=12, line=11), 11.0)
    assert board.silent(10.0 + 2 * GRACE_S) == set()
    assert board.refused.total() == 0


def test_the_will_of_a_connection_that_is_over_says_nothing(board):
    hear(board, replace(HEALTH, seq=12, line=11))
    hear(board, replace(HEALTH, seq=1, line=1, alive=False), 10.0)
    assert board.silent(20.0) == set()
    assert ranks(board, 20.0)["101"] is Rank.CALM
    assert board.refused["replayed"] == 1


def test_while_the_station_hears_no_broker_no_room_is_an_alarm_and_none_is_shown_as_seen(board):
    hear(board, HEALTH, 5.0)
    board.unlinked(6.0)
    assert board.silent(100.0) == set()
    assert ranks(board, 100.0)["101"] is Rank.UNSEEN
    assert board_json(board, 100.0, T0)["linked"] is False
    board.linked(100.0)
    assert board.silent(100.0 + SILENT_S - 1) == set()
    assert board.silent(100.0 + SILENT_S) == {"101", "102", "103"}


def test_a_replayed_message_is_refused_counted_and_shown(board):
    hear(board, replace(CRY, seq=6))
    hear(board, taken(CRY, seq=7))
    assert hear(board, replace(CRY, seq=6)) is None
    assert ranks(board, 1.0)["101"] is Rank.CALM
    assert board_json(board, 1.0, T0)["refused"] == {"replayed": 1, "malformed": 0, "forged": 0}
    assert board_json(board, 1.0, T0, ["101"])["rooms"][0]["refused"]["replayed"] == 1
    assert hear(board, replace(CRY, seq=8)) is not None  # The control: newer, it counts.
    assert ranks(board, 1.0)["101"] is Rank.ALERT


def test_a_forged_message_is_refused_counted_and_shown(board):
    assert hear(board, CRY, room="102") is None
    assert (
        board.take(str(Topic(Kind.INCIDENT, "home", "101", 9)), codec.format(CRY).encode(), retained=False, now=1.0)
        is None
    )
    assert board_json(board, 1.0, T0)["refused"] == {"replayed": 0, "malformed": 0, "forged": 2}
    assert Rank.ALERT not in ranks(board, 1.0).values()
    assert board.rooms["102"].heard_at is None
    assert hear(board, CRY) is not None


@pytest.mark.parametrize(
    ("where", "payload"),
    [("monitord/v1/home/101/state", b"{}"), ("monitord/v1/home/101/state", b"\xff"), ("nothing", b""),
     ("monitord/v1/home/104/state", codec.format(STATE).encode()), ("monitord/v1/else/101/state", b""),
     ("monitord/v1/home/101/ack", b""), ("monitord/v1/home/_ward/east/desk/state", b""),
     ("monitord/v1/home/101/health", b""), ("monitord/v1/home/_ward/west/other/state", b"{}")],
)  # fmt: skip
def test_a_malformed_message_is_refused_counted_and_shown(board, where, payload):
    assert board.take(where, payload, retained=False, now=1.0) is None
    assert board_json(board, 1.0, T0)["refused"] == {"replayed": 0, "malformed": 1, "forged": 0}
    assert "malformed" in board.complaints[0]


@given(
    st.text(max_size=50) | st.sampled_from([topic(CRY), topic(HEALTH), topic(STATE)]),
    st.binary(max_size=80),
    st.booleans(),
)
def test_nothing_that_a_broker_brings_raises(where, payload, retained):
    board = Board("home", "west", "desk", rooms={"101": "101"}, now=0.0)
    board.take(where, payload, retained=retained, now=1.0)
    board.settle(1.0, T0)
    json.dumps(board_json(board, 1.0, T0))


@given(st.lists(st.tuples(messages, st.booleans(), st.floats(0, 10)), max_size=12))
def test_whatever_is_said_in_whatever_order_the_board_can_be_shown(said):
    board, now = Board("home", "west", "desk", rooms={"101": "101", "102": "102"}, now=0.0), 0.0
    board.linked(0.0)
    for each, retained, step in said:
        now += step
        if not isinstance(each, Station | talk.Ack):
            hear(board, replace(each, room="101"), now, retained=retained)
        board.settle(now, T0 + now)
        board.silent(now)
    json.dumps(board_json(board, now, T0 + now))


def test_what_a_room_takes_away_is_gone(board):
    hear(board, CRY)
    where = topic(CRY)
    assert board.take(where, b"", retained=False, now=2.0) == Forgotten("101", CRY.id)
    assert board.take(where, b"", retained=False, now=2.0) is None
    assert ranks(board, 2.0)["101"] is Rank.CALM


def test_the_other_stations(board):
    other = Station("west", "other", 9, 1, T0, alive=True, rings=False, shift=1, taken=("101",))
    assert hear(board, other) == other
    assert set(board.stations(2.0)) == {"other"}
    assert board_json(board, 2.0, T0)["others"] == [
        {"station": "other", "alive": True, "rings": False, "shift": 1, "heard_s": 1.0}
    ]
    assert board.stations(1.0 + SILENT_S) == {}
    hear(board, replace(other, seq=0, alive=False), 3.0)
    assert board.stations(3.0) == {}
    hear(board, replace(other, seq=2), 4.0)
    assert set(board.stations(4.0)) == {"other"}
    assert hear(board, replace(other, station="desk")) is None  # Its own words.


def test_a_station_that_speaks_for_another_is_refused(board):
    other = Station("west", "other", 9, 1, T0, alive=True, rings=False, shift=None, taken=())
    forged = codec.format(replace(other, station="third")).encode()
    assert board.take(topic(other), forged, retained=False, now=1.0) is None
    assert board.refused["forged"] == 1


def test_a_gap_in_a_rooms_numbers_says_that_something_was_dropped(board):
    hear(board, replace(HEALTH, seq=2, line=1))
    hear(board, replace(STATE, seq=3))
    hear(board, replace(CRY, seq=4))
    assert board.missed == set()
    hear(board, replace(HEALTH, seq=6, line=5))  # A new connection: 5 is its last will.
    assert board.missed == set()
    hear(board, replace(STATE, seq=8))
    assert board.missed == {"101"}


def test_what_is_kept_and_another_life_are_no_gap(board):
    hear(board, replace(CRY, seq=40), retained=True)
    hear(board, replace(HEALTH, seq=50, line=30))
    hear(board, replace(HEALTH, boot=8, seq=2, line=1))
    hear(board, replace(STATE, boot=8, seq=3))
    assert board.missed == set()
