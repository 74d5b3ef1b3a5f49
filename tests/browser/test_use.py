"""Using the page: mute, pause, keyboard, screen reader, languages, light, the picture of the night."""

from __future__ import annotations

import json
import sys
import urllib.request
from pathlib import Path

from house import House
from screens import TABLET, Screen
from states import STATES
from test_alarm import silent
from test_states import violations

from monitord.events import Gate, Sight

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))

from make_page_png import nights


def test_muting_everywhere_silences_every_screen_and_leaves_the_alert(screen, house):
    house.listens()
    first, second = screen(ear=True), screen(ear=True, language="de")
    for each in (first, second):
        each.mood("calm")
        each.switch_sound_on()
        each.hear()
    STATES["alert-high"].bring(house)
    for each in (first, second):
        each.mood("alert")
    first.page.get_by_role("button", name="Mute the tone on every screen").tap()
    for each in (first, second):
        each.wait("document.querySelector('#incidents .muted')")
    assert silent(first, 9)
    assert silent(second, 1)
    assert second.text("title") == "Ein Kind weint"
    assert "stumm" in second.text("act")
    assert second.page.locator("#act .strong").is_visible()


def test_a_pause_is_begun_and_ended_on_the_page_and_stands_in_the_night(screen, house):
    house.listens()
    phone, tablet = screen(), screen(size=TABLET)
    phone.mood("calm")
    phone.page.locator("#pause summary").tap()
    phone.page.get_by_role("button", name="Pause for 30 min").tap()
    phone.wait("document.getElementById('pause').textContent.includes('Paused until')")
    assert (house.runtime / "paused").exists()
    tablet.wait("document.getElementById('pause').textContent.includes('Paused until')")
    house.listens(Gate.PAUSED)
    phone.mood("paused")
    assert violations(phone.page) == []
    phone.page.wait_for_timeout(3000)
    phone.page.get_by_role("button", name="Listen again").tap()
    phone.wait("!document.getElementById('pause').textContent.includes('Paused until')")
    assert not (house.runtime / "paused").exists()
    house.listens(Gate.IDLE)
    phone.mood("calm")
    assert phone.page.locator("#pause summary").is_visible()
    phone.page.reload()
    phone.wait("document.querySelector('#tonight .span.paused')")
    assert "paused" in phone.text("tonight-sum")


def test_the_night_is_drawn_and_told_in_words(browser, house):
    house.listens()
    phone = Screen(
        browser,
        house.url,
        hour=3,
        language="de",
        before=lambda context: context.route("**/api/v1/nights*", lambda route: route.fulfill(json=nights())),
    )
    phone.wait("document.querySelector('#tonight svg.night')")
    counted = phone.page.evaluate(
        "Object.fromEntries(['.span.protected', '.span.unprotected', '.span.paused', '.sound', '.look',"
        " '.alert', '.ack']"
        ".map((each) => [each, document.querySelectorAll(`#tonight .night ${each}`).length]))"
    )
    assert counted == {
        ".span.protected": 3,
        ".span.unprotected": 1,
        ".span.paused": 1,
        ".sound": 2,
        ".look": 2,
        ".alert": 2,
        ".ack": 2,
    }
    label = phone.page.locator("#tonight svg.night").get_attribute("aria-label")
    assert "nicht geschützt 9 min" in label
    assert phone.page.locator("#nights li").count() == 4
    phone.page.locator(".nights summary").tap()
    words = phone.text("tonight-words")
    assert "Das Mikrofon fehlt" in words
    assert "Bestätigt: Anna" in words
    assert violations(phone.page) == []
    assert phone.errors == []
    phone.close()


def test_everything_can_be_done_by_keyboard_and_focus_is_seen_and_stays(screen, house):
    STATES["alert-high"].bring(house)
    page = screen(size=TABLET).page
    page.locator("#act .strong").wait_for()
    reached = []
    for _ in range(30):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "(() => { const it = document.activeElement; const style = getComputedStyle(it);"
            " return [it.dataset.key || it.id || it.tagName, style.outlineStyle, parseFloat(style.outlineWidth)]; })()"
        )
        reached.append(focused[0])
        if focused[0] == "BODY":
            break
        assert focused[1:] == ["solid", 3], focused
    assert {"language", "sound-on", "ack 1", "mute 1", "here 1"} <= set(reached)
    page.locator("#act .strong").focus()
    house.listens(Gate.COOLDOWN, level=40)  # The page is drawn anew; the focus stays.
    page.wait_for_timeout(700)
    assert page.evaluate("document.activeElement.dataset.key") == "ack 1"
    page.keyboard.press("Enter")
    page.locator("#incidents .acknowledged").wait_for()


def test_a_screen_reader_is_told_each_thing_once(screen, house):
    house.listens()
    phone = screen()
    phone.mood("calm")
    phone.page.wait_for_timeout(500)
    phone.page.evaluate(
        "window.told = []; for (const id of ['says', 'shouts', 'title']) new MutationObserver(() => {"
        " const it = document.getElementById(id);"
        " if (it.textContent && it.getAttribute('role')) told.push(it.textContent);"
        "}).observe(document.getElementById(id), { childList: true, characterData: true, subtree: true })"
    )
    house.hears()
    phone.mood("alert")
    phone.page.wait_for_timeout(9000)  # Two states and two bursts.
    assert phone.page.evaluate("told") == ["High priority. A child is crying"]
    house.sees(Sight.LYING)
    phone.wait("told.length > 1")
    assert phone.page.evaluate("told[1]") == "High priority. A child is crying. The camera sees one person, lying."


def test_the_language_is_the_browsers_can_be_changed_and_is_remembered(screen, house):
    house.listens()
    phone = screen(language="de")
    phone.mood("calm")
    assert phone.text("title") == "Alles ruhig"
    assert phone.page.locator("#language").get_attribute("lang") == "en"
    phone.page.locator("#language").tap()
    phone.wait("document.documentElement.lang === 'en'")
    assert phone.text("title") == "All quiet"
    phone.page.reload()
    phone.mood("calm")
    assert phone.text("title") == "All quiet"


def test_by_itself_the_page_is_light_by_day_and_dim_at_night_and_dark_where_the_device_is(screen, house):
    house.listens()
    for hour, scheme, light in (
        (12, "light", "day"),
        (12, "dark", "dark"),
        (2, "light", "night"),
        (22, "dark", "night"),
    ):
        phone = screen(hour=hour)
        phone.page.emulate_media(color_scheme=scheme)
        phone.page.reload()
        phone.mood("calm")
        assert phone.page.locator("html").get_attribute("data-light") == light
        assert violations(phone.page) == []


def test_the_screen_is_kept_awake_where_the_browser_may_and_the_page_says_so_where_it_may_not(screen, house):
    house.listens()
    awake = screen()
    awake.wait("document.getElementById('awake').textContent === 'This screen stays awake.'")
    plain = screen(before=_insecure)
    plain.wait("document.getElementById('awake').textContent.includes('only over HTTPS')")
    old = screen(before=_without_wake_lock)
    old.wait("document.getElementById('awake').textContent.includes('cannot keep it awake')")


def _insecure(context):
    context.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")


def _without_wake_lock(context):
    context.add_init_script("delete Navigator.prototype.wakeLock")


def test_a_screen_that_slept_says_for_how_long_it_could_not_ring(screen, house):
    house.listens()
    phone = screen()
    phone.mood("calm")
    phone.page.wait_for_timeout(1500)
    assert phone.page.locator("#slept").is_hidden()
    phone.page.evaluate("{ const now = Date.now; Date.now = () => now() + 3600e3; }")
    phone.wait("!document.getElementById('slept').hidden")
    assert "slept for 1 h 0 min" in phone.text("slept")


def test_the_page_comes_back_by_itself_when_the_voice_was_started_anew(browser, tmp_path):
    with House(tmp_path) as house:
        house.listens()
        phone = Screen(browser, house.url)
        phone.mood("calm")
        port = int(house.url.rstrip("/").rpartition(":")[2])
    with House(tmp_path, room="Bedroom", port=port) as house:
        phone.wait("document.getElementById('room').textContent === 'Bedroom'")
        house.listens()
        phone.mood("calm")
        assert phone.page.locator("#lost").is_hidden()
        assert phone.errors == []
        phone.close()


def test_the_page_can_be_installed(screen, house):
    house.listens()
    phone = screen()
    phone.mood("calm")
    session = phone.context.new_cdp_session(phone.page)
    assert session.send("Page.getAppManifest")["errors"] == []
    said = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [each["errorId"] for each in said] == [
        "in-incognito"
    ]  # What is wrong is the test's profile, and nothing else.


def asks(house, path, content):
    """POST to the API of the house, as the command does."""
    data, headers = json.dumps(content).encode(), {"Content-Type": "application/json"}
    request = urllib.request.Request(house.url + path, data, headers)  # noqa: S310 - http
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
        return json.load(answer)


def test_a_self_test_at_night_is_shown_and_rings_nobody(screen, house):
    house.listens()
    phone = screen(ear=True)
    phone.mood("calm")
    phone.switch_sound_on()
    phone.hear()
    asks(house, "api/v1/selftest", {"seconds": 8, "quiet": True})
    house.hears()
    phone.wait("document.querySelector('#incidents .held')")
    assert "This is a test" in phone.text("incidents")
    assert "nobody is rung" in phone.text("incidents")
    assert "A child is crying" not in phone.text("incidents")
    assert silent(phone, 3)
    phone.mood("sound")


def test_a_self_test_by_day_is_an_alert_that_says_that_it_is_a_test(screen, house):
    house.listens()
    phone = screen()
    phone.mood("calm")
    asks(house, "api/v1/selftest", {"seconds": 8})
    house.hears()
    phone.mood("alert")
    assert phone.text("title") == "This is a test"
    assert "Test: Nursery" in phone.text("when")
    assert violations(phone.page) == []
    phone.page.locator("#act .strong").tap()
    phone.wait("document.querySelector('#incidents .acknowledged')")
