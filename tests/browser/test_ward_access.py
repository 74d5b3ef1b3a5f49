"""Who sees the board of a ward, and who may acknowledge there; each with its control."""

from __future__ import annotations

import urllib.error

import pytest
from brokers import needs_mosquitto
from screens import TABLET, Screen
from wardhouse import Ward, until

pytestmark = needs_mosquitto

ROOMS = "#rooms > li"


@pytest.fixture
def ward(tmp_path):
    with Ward(tmp_path, ["101", "102"], page='pairing = "always"\n') as ward:
        yield ward


@pytest.fixture
def screen(browser, ward):
    opened = []

    def open_one(*options, name="Desk"):
        each = Screen(browser, ward.url, size=TABLET)
        opened.append(each)
        each.wait("document.body.dataset.view === 'pairing'")
        each.page.locator("#pair-code").fill(ward.pair(*options))
        each.page.locator("#pair-name").fill(name)
        each.page.locator("#pair-form button").tap()
        each.wait(f"document.querySelectorAll({ROOMS!r}).length === 2")
        return each

    yield open_one
    for each in opened:
        each.close()
        assert each.errors == []
        assert each.foreign == []


def test_without_a_session_nothing_is_shown_and_with_one_the_board_is(browser, ward, screen):
    stranger = Screen(browser, ward.url, size=TABLET)
    stranger.wait("document.body.dataset.view === 'pairing'")
    ward.cry("101")
    screen().wait("document.querySelector('#rooms .alert')")  # The control.
    assert stranger.page.locator("#rooms").count() == 0
    assert "101" not in stranger.page.evaluate("document.body.innerText")
    for path in ("board", "report", "incidents", "state"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            ward.station.get(path)
        assert refused.value.code == 401
        refused.value.close()
    stranger.close()


def test_who_is_put_out_sees_the_board_no_more(screen):
    page = screen()
    page.page.locator("#log-out").tap()
    page.wait("document.body.dataset.view === 'pairing'")
    assert page.page.locator(ROOMS).count() == 0


def test_a_watching_screen_sees_the_alert_and_cannot_acknowledge_it(screen, ward):
    watching, acting = screen("--role", "watch", name="Wall"), screen(name="Desk")
    ward.cry("102")
    for each in (watching, acting):
        each.wait("document.querySelector('#rooms .alert')")
        each.page.wait_for_timeout(1000)
    assert watching.page.locator("#rooms .take").count() == 0
    watching.page.locator("#rooms .head").first.focus()
    watching.page.keyboard.press("a")
    number = ward.told("102")[0]["id"]
    path = f"/api/v1/rooms/102/incidents/{number}/ack"
    assert watching.page.evaluate(f"fetch({path!r}, {{ method: 'POST' }}).then((answer) => answer.status)") == 403
    assert ward.told("102")[0]["state"] == "alerting"
    acting.page.locator("#rooms .take").tap()  # The control.
    until(lambda: ward.told("102")[0]["state"] == "acknowledged", "the room heeds")
    watching.wait("!document.querySelector('#rooms .alert')")
