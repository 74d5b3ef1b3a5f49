from __future__ import annotations

import asyncio
import json

import pytest

from monitord.notify.web.hub import CLIENTS_MAX, KEPT, Hub, TooManyPagesError, encode


def parse(event: bytes) -> tuple[str, str, dict]:
    number, name, content, *rest = event.decode().split("\n")
    assert rest == ["", ""]
    return number.removeprefix("id: "), name.removeprefix("event: "), json.loads(content.removeprefix("data: "))


@pytest.fixture
def hub():
    return Hub(lambda: {"all": True})


def test_a_line_break_in_a_text_does_not_break_the_event():
    assert parse(encode("state", {"room": "a\nb\r\n\u2028data: x"}, "1"))[2] == {"room": "a\nb\r\n\u2028data: x"}


def test_a_new_page_gets_everything_and_then_what_happens(hub):
    client, (first,) = hub.join("")
    assert parse(first)[1:] == ("snapshot", {"all": True})
    hub.publish("state", {"n": 1})
    assert parse(client.queue.get_nowait())[1:] == ("state", {"n": 1})


def test_a_page_that_comes_back_gets_exactly_what_it_missed(hub):
    client, (first,) = hub.join("")
    for number in range(3):
        hub.publish("state", {"n": number})
    last = parse(client.queue.get_nowait())[0]
    hub.leave(client)
    _, missed = hub.join(last)
    assert [parse(event)[2]["n"] for event in missed] == [1, 2]
    _, after_snapshot = hub.join(parse(first)[0])
    assert [parse(event)[2]["n"] for event in after_snapshot] == [0, 1, 2]


@pytest.mark.parametrize("last", ["x", "1", "-1", "ffffffff-1", "\u00b2", "-", "0" * 5000])
def test_a_number_of_another_life_gets_everything(hub, last):
    hub.publish("state", {})
    assert parse(hub.join(last)[1][0])[1] == "snapshot"


def test_a_page_away_for_too_long_or_from_the_future_gets_everything(hub):
    _, (first,) = hub.join("")
    life = parse(first)[0].partition("-")[0]
    for _ in range(KEPT + 1):
        hub.publish("state", {})
    assert parse(hub.join(f"{life}-0")[1][0])[1] == "snapshot"
    assert len(hub.join(f"{life}-1")[1]) == KEPT
    assert parse(hub.join(f"{life}-999999")[1][0])[1] == "snapshot"


def test_a_slow_page_is_let_go_and_does_not_hold_up_the_others(hub):
    slow, _ = hub.join("")
    quick, _ = hub.join("")
    for number in range(300):
        hub.publish("state", {"n": number})
        assert quick.queue.get_nowait() is not None
    assert slow.queue.get_nowait() is None
    assert hub.clients == 1


def test_there_is_an_end_to_pages(hub):
    for _ in range(CLIENTS_MAX):
        hub.join("")
    with pytest.raises(TooManyPagesError):
        hub.join("")


def test_closing_ends_every_page(hub):
    client, _ = hub.join("")
    hub.close()
    assert asyncio.run(client.queue.get()) is None
