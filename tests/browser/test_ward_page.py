"""The page of a ward: a real station, real voices in its rooms, a real broker, a real browser."""

from __future__ import annotations

import json

import pytest
from brokers import needs_mosquitto
from screens import SMALL_PHONE, TABLET, Screen
from test_states import fits, violations
from wardhouse import Ward, until

pytestmark = needs_mosquitto

NAMES = [str(number) for number in range(101, 113)]
SHOWN = "Array.from(document.querySelectorAll('#rooms > li .head'), (each) => each.dataset.room)"


@pytest.fixture
def ward(tmp_path):
    with Ward(tmp_path, NAMES, silent=["199"], rules={"hilfe": {"priority": "medium"}}) as ward:
        yield ward


@pytest.fixture
def screen(browser, ward):
    opened = []

    def open_one(**options):
        each = Screen(browser, options.pop("url", ward.url), **{"size": TABLET, **options})
        opened.append(each)
        each.wait(f"document.querySelectorAll('#rooms > li').length === {len(NAMES) + 1}")
        return each

    yield open_one
    for each in opened:
        each.close()
        assert each.errors == []
        assert each.foreign == []


def head(screen, room):
    return screen.page.locator(f"#rooms .head[data-room='{room}']")


def row(screen, room):
    return head(screen, room).locator("xpath=..")


def alerting(screen, *rooms):
    for room in rooms:
        screen.wait(f"(document.querySelector(\"#rooms .alert .head[data-room='{room}']\") || 0) !== 0")


def focused(screen):
    return screen.page.evaluate("document.activeElement.dataset.room")


def taken(ward, room):
    """What the room itself knows of its newest incident."""
    return ward.told(room)[0]["state"] == "acknowledged"


def test_the_board_has_the_most_urgent_room_first_and_says_so_in_words(screen, ward):
    page = screen()
    assert page.page.evaluate(SHOWN)[1:] == NAMES
    ward.cry("107", sound="HILFE")
    ward.cry("111", "104")
    alerting(page, "107", "111", "104")
    shown = page.page.evaluate(SHOWN)
    assert set(shown[:2]) == {"111", "104"}
    assert shown[2] == "107"
    assert "A child is crying" in row(page, "104").inner_text()
    assert page.page.locator(".counts .alert").inner_text().split() == ["3", "Alert"]
    until(lambda: ward.rank("199") == 2, "the room that nobody started")
    page.wait("document.querySelector('#rooms .unheard')")
    assert "Not heard yet" in row(page, "199").inner_text()
    assert page.page.evaluate(SHOWN)[3] == "199"
    boxes = [row(page, each).bounding_box() for each in ("104", "107", "199", "101")]
    assert all(box["height"] > 40 and box["width"] > 100 for box in boxes)  # Each rank is there to be seen.
    assert [each.bounding_box()["width"] > 20 for each in page.page.locator(".counts li").all()] == [True] * 5


def test_the_silence_of_a_room_is_taken_like_an_alert(screen, ward):
    page = screen()
    page.wait("document.querySelector('#rooms .silence .take')", 90)
    page.page.wait_for_timeout(1000)
    row(page, "199").locator(".take").tap()
    until(lambda: ward.station.rooms()["199"]["silence"] == {"taken": True}, "somebody looks after it")
    page.wait("!document.querySelector('#rooms .silence')")
    assert "Somebody looks after it." in row(page, "199").inner_text()


def test_an_acknowledgement_on_the_page_reaches_the_room_and_every_screen(screen, ward):
    first, second = screen(), screen(language="de")
    ward.cry("105")
    alerting(first, "105")
    alerting(second, "105")
    first.page.wait_for_timeout(1000)
    assert not taken(ward, "105")
    row(first, "105").locator(".take").tap()
    until(lambda: taken(ward, "105"), "the room heeds")
    for each in (first, second):
        each.wait("!document.querySelector('#rooms .alert')")
    head(second, "105").tap()
    assert "durch die Station" in row(second, "105").inner_text() or "die Station" in row(second, "105").inner_text()


def test_a_room_that_comes_under_the_finger_is_not_acknowledged(screen, ward):
    page = screen()
    ward.cry("103")
    alerting(page, "103")
    page.page.wait_for_timeout(1000)
    # Another room's button at the place of this one, from one moment to the next: as a more urgent alert does it.
    page.page.evaluate(
        "(async () => { const { rows } = await import('/rows.js'); rows.get('103').movedAt = performance.now(); })()"
    )
    row(page, "103").locator(".take").tap()
    page.wait("document.getElementById('says').textContent.includes('has just moved')")
    page.page.wait_for_timeout(700)
    assert not taken(ward, "103")
    row(page, "103").locator(".take").tap()  # The control: a moment later the same touch counts.
    until(lambda: taken(ward, "103"), "the room heeds")


def test_rows_that_move_are_known_to_have_moved_and_others_not(screen, ward):
    page = screen()
    ward.cry("103")
    alerting(page, "103")
    page.page.wait_for_timeout(1000)
    moved = (
        "(async () => { const { rows } = await import('/rows.js'); const now = performance.now();"
        " return Array.from(rows).filter(([, row]) => now - row.movedAt < 900).map(([name]) => name); })()"
    )
    assert page.page.evaluate(moved) == []
    ward.cry("108", sound="CRY")
    alerting(page, "108")
    found = page.page.evaluate(moved)
    assert "108" in found
    assert "103" not in found  # What is older stays where it is: somebody may be reaching for it.


def test_by_keyboard_one_walks_opens_and_acknowledges_and_the_focus_stays_on_its_room(screen, ward):
    page = screen()
    keys = page.page.keyboard
    ward.cry("106")
    alerting(page, "106")
    page.page.wait_for_timeout(1000)
    page.page.locator("#find").focus()
    keys.press("ArrowDown")
    assert focused(page) == "106"
    order = page.page.evaluate(SHOWN)
    for key, index in (("j", 1), ("ArrowRight", 2), ("k", 1), ("End", len(order) - 1), ("Home", 0)):
        keys.press(key)
        assert focused(page) == order[index], key
    keys.press("ArrowDown")
    below = focused(page)
    assert below not in order[:2]
    keys.press("ArrowUp")
    assert focused(page) == "106"
    # The order changes under the keys: another alert, of higher urgency, goes above this one.
    head(page, "110").focus()
    ward.cry("102", "112")
    alerting(page, "102", "112")
    assert focused(page) == "110"
    keys.press("a")  # It is calm: nothing is done, and surely not to another room.
    page.page.wait_for_timeout(1000)
    assert not taken(ward, "106")
    keys.press("Home")
    assert focused(page) == "106"
    keys.press("Enter")
    row(page, "106").locator(".inside button").first.wait_for()
    keys.press("Escape")
    assert focused(page) == "106"
    keys.press("a")
    until(lambda: taken(ward, "106"), "the room heeds")
    assert not taken(ward, "102")
    assert not taken(ward, "112")
    page.wait("document.activeElement.dataset.room === '106'")  # It has gone down, and the focus with it.


def test_a_key_does_not_acknowledge_what_came_into_its_room_a_moment_ago(screen, ward):
    page = screen()
    head(page, "109").focus()
    page.page.evaluate(
        "window.pressed = false; new MutationObserver(() => {"
        " if (pressed || !document.querySelector('#rooms .alert')) return; pressed = true;"
        " document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', bubbles: true }));"
        " }).observe(document.getElementById('rooms'), { subtree: true, childList: true, attributes: true })"
    )
    ward.cry("109")
    alerting(page, "109")
    page.wait("window.pressed")
    page.page.wait_for_timeout(1200)
    assert not taken(ward, "109")
    page.page.keyboard.press("a")
    until(lambda: taken(ward, "109"), "the room heeds")


def test_a_screen_reader_is_told_each_new_alert_once_and_nothing_else(screen, ward):
    page = screen()
    page.page.wait_for_timeout(2500)
    page.page.evaluate(
        "window.told = []; new MutationObserver(() => told.push(document.getElementById('shouts').textContent))"
        ".observe(document.getElementById('shouts'), { childList: true, characterData: true, subtree: true })"
    )
    ward.cry("104")
    page.wait("told.length === 1")
    assert page.page.evaluate("told[0]") == "104: A child is crying"
    ward.station.post(f"rooms/104/incidents/{ward.station.rooms()['104']['incident']['id']}/ack")
    page.wait("!document.querySelector('#rooms .alert')")
    page.page.wait_for_timeout(3000)
    assert page.page.evaluate("told.length") == 1


def test_a_search_finds_a_room_and_never_hides_one_that_waits(screen, ward):
    page = screen()
    page.page.locator("#find").fill("108")
    page.wait("document.querySelectorAll('#rooms > li').length <= 2")
    assert "108" in page.page.evaluate(SHOWN)
    assert "101" not in page.page.evaluate(SHOWN)
    ward.cry("101")
    alerting(page, "101")
    assert page.page.evaluate(SHOWN)[0] == "101"
    assert "of 13 rooms" in page.text("found")


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("light", ["day", "night"])
def test_the_board_passes_axe_and_fits_a_small_phone_and_a_kiosk(screen, ward, language, light):
    ward.cry("104", "101")
    ward.cry("107", sound="HILFE")
    for size in (SMALL_PHONE, (1920, 1080)):
        page = screen(size=size, language=language, light=light)
        alerting(page, "104", "101", "107")
        head(page, "104").tap()
        row(page, "104").locator(".inside button").first.wait_for()
        assert violations(page.page) == []
        assert fits(page.page)
        assert page.page.evaluate("document.documentElement.lang") == language
    word = {"en": "A child is crying", "de": "Ein Kind weint"}[language]
    assert word in row(page, "104").inner_text()
    bottom = page.page.evaluate("document.getElementById('rooms').getBoundingClientRect().bottom")
    assert bottom < 1080  # One screen holds the ward.


def test_the_screen_of_a_ward_rings(screen, ward):
    page = screen(ear=True)
    page.switch_sound_on()
    page.hear()
    page.page.wait_for_timeout(1000)
    if page.page.locator(".hush button").count():  # The silence of the room that nobody started.
        page.page.locator(".hush button").tap()
    page.page.wait_for_timeout(9000)
    page.forget()
    page.page.wait_for_timeout(2000)
    assert page.page.evaluate("Math.max(0, ...window.heard.map((each) => each[1]))") < 0.05
    ward.cry("104")
    page.loud()


def test_refused_messages_and_the_other_station_are_shown(screen, ward):
    page = screen()
    assert "Refused" not in page.page.locator(".notes").inner_text()
    ward.publish("101/state", "{")
    ward.publish("102/health", json.dumps(
        {"v": 1, "room": "101", "boot": 1, "seq": 1, "at": 0, "alive": True, "line": 0}
    ))  # fmt: skip
    other = ward.add("desk-b")
    page.wait("document.querySelector('.notes').textContent.includes('Station desk-b works.')")
    page.wait("document.querySelector('.notes').textContent.includes('1 malformed, 1 forged')")
    other.kill()
    page.wait("/Station desk-b: away since \\d/.test(document.querySelector('.notes').textContent)", 60)


def test_the_page_of_a_ward_alarms_by_itself_when_the_station_is_silent(screen, ward):
    page = screen()
    ward.station.process.send_signal(19)
    try:
        page.wait("!document.getElementById('lost').hidden", 40)
    finally:
        ward.station.process.send_signal(18)
    page.wait("document.getElementById('lost').hidden")
