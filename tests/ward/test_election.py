"""Which of a ward's stations rings."""

from __future__ import annotations

import pytest

from monitord.ward.board import Board
from monitord.ward.election import AWAY_S, LEARN_S, is_away, is_chosen
from monitord.ward.room import SILENT_S
from monitord.wardtalk import codec
from monitord.wardtalk.message import Station
from monitord.wardtalk.topics import Kind, Topic


@pytest.fixture
def board():
    return Board("home", "west", "desk", rooms={"101": "101"}, now=0.0)


def speaks(board, name, now, *, seq=1, alive=True):
    said = Station("west", name, 9, seq, 1_790_000_000.0, alive=alive, rings=False, shift=None, taken=())
    where = str(Topic(Kind.STATION, "home", name, ward="west"))
    assert board.take(where, codec.format(said).encode(), retained=False, now=now) == said


def test_without_a_broker_it_rings_after_a_while(board):
    assert (is_chosen(board, AWAY_S - 0.1), is_away(board, AWAY_S - 0.1)) == (None, False)
    assert (is_chosen(board, AWAY_S), is_away(board, AWAY_S)) == (True, True)


def test_it_listens_first_and_rings_where_it_is_alone(board):
    board.linked(1.0)
    assert is_chosen(board, 1.0 + LEARN_S - 0.1) is None
    assert is_chosen(board, 1.0 + LEARN_S) is True
    assert not is_away(board, 100.0)


@pytest.mark.parametrize(("other", "chosen"), [("attic", False), ("office", True)])
def test_of_two_the_one_whose_name_comes_first_rings(board, other, chosen):
    board.linked(0.0)
    speaks(board, other, 1.0)
    assert is_chosen(board, LEARN_S) is chosen


@pytest.mark.parametrize("ends", ["its last will", "silence"])
def test_the_next_one_rings_when_the_first_is_gone(board, ends):
    board.linked(0.0)
    speaks(board, "attic", 1.0)
    now = 1.0 + SILENT_S
    assert is_chosen(board, now - 0.1) is False
    if ends == "its last will":
        now = 3.0
        speaks(board, "attic", now, seq=0, alive=False)
    assert is_chosen(board, now) is True


def test_what_another_said_before_the_broker_was_lost_counts_for_nothing(board):
    board.linked(0.0)
    speaks(board, "attic", 1.0)
    board.unlinked(2.0)
    assert is_chosen(board, 2.0 + AWAY_S) is True
