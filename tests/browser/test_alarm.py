"""The page as an alarm: it really sounds, by priority, is silenced by an answer, and sounds by itself."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from house import House
from screens import TABLET, Screen, pulses
from states import STATES

LOST_S = 15.0
SOUNDING = "import('/tones.js').then((tones) => tones.isOn())"


def heard_for(screen, seconds):
    """What the loudspeaker is given from now on, by the audio clock: what was heard before may still be on its way."""
    begin = screen.page.evaluate("import('/tones.js').then((tones) => tones.now())")
    screen.forget()
    screen.page.wait_for_timeout(1000 * seconds)
    return [[at, level] for at, level in screen.page.evaluate("window.heard") if at > begin + 0.05]


def silent(screen, seconds=1.5):
    return pulses(heard_for(screen, seconds)) == []


def test_before_a_touch_the_page_warns_and_makes_no_sound(screen, house):
    STATES["alert-high"].bring(house)
    phone = screen(ear=True)
    phone.mood("alert")
    phone.page.wait_for_timeout(1500)
    assert phone.page.locator("#silent").is_visible()
    assert "will not ring" in phone.text("silent-why")
    assert not phone.page.evaluate(SOUNDING)
    assert phone.page.evaluate("window.heard.length") == 0


def test_a_touch_switches_the_sound_on_with_a_test_tone(screen, house):
    house.listens()
    phone = screen(ear=True)
    phone.mood("calm")
    phone.switch_sound_on()
    assert phone.page.evaluate(SOUNDING)
    phone.hear()
    phone.page.locator("#sound-off").tap()
    phone.wait("!document.getElementById('silent').hidden")
    assert not phone.page.evaluate(SOUNDING)
    phone.page.locator("#sound-on").tap()
    phone.loud()
    phone.page.wait_for_timeout(1500)
    assert len(pulses(phone.page.evaluate("window.heard"))) == 2  # Low priority: two pulses.
    assert silent(phone)


def test_a_screen_that_was_switched_on_once_says_that_the_browser_wants_a_touch(screen, house):
    STATES["alert-high"].bring(house)
    phone = screen(ear=True, sound=True)
    phone.mood("alert")
    assert not phone.page.evaluate(SOUNDING)
    assert phone.page.locator("#silent").is_visible()
    assert "wants a touch" in phone.text("silent-why")
    phone.page.locator("#title").tap()  # Any touch will do.
    phone.wait("document.getElementById('silent').hidden")
    phone.loud()
    # The touch meant the sound, whatever has moved under the finger meanwhile.
    assert phone.page.locator("#act .strong").is_visible()


PRESS = """([began, detail]) => {
    const button = document.querySelector("#act .strong");
    const from = began === "button" ? button : document.getElementById(began);
    if (from) from.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
    button.dispatchEvent(new MouseEvent("click", { bubbles: true, detail }));
}"""


@pytest.mark.parametrize(("began", "detail"), [("button", 1), (None, 0), (None, 1)])
def test_a_press_of_the_button_acknowledges(screen, house, began, detail):
    """By finger, by key, by a screen reader that sends no touch; the control of the test below."""
    STATES["alert-high"].bring(house)
    phone = screen()
    phone.mood("alert")
    phone.page.evaluate(PRESS, [began, detail])
    phone.wait("document.querySelector('#incidents .acknowledged')")


def test_a_button_that_moves_under_a_finger_acknowledges_nothing(screen, house):
    STATES["alert-high"].bring(house)
    phone = screen()
    phone.mood("alert")
    phone.page.evaluate(PRESS, ["title", 1])
    phone.page.wait_for_timeout(1500)
    assert phone.page.locator("#incidents .acknowledged").count() == 0
    phone.page.locator("#act .strong").tap()
    phone.wait("document.querySelector('#incidents .acknowledged')")


def rhythm(found):
    """Pauses between pulses, seconds."""
    return [round(two - one - long, 2) for (one, long), (two, _) in pairwise(found)]


PATTERNS = {
    "alert-high": (10, [0.1, 0.1, 0.35, 0.1, 0.8, 0.1, 0.1, 0.35, 0.1]),
    "alert-medium": (3, [0.2, 0.2]),
    "alert-low": (2, [0.25]),
    "fault": (2, [0.05]),
}
"""Pulses of one burst and the pauses in it: IEC 60601-1-8, tables 3 and 4, and for a fault our own."""


@pytest.mark.parametrize("name", PATTERNS)
def test_each_priority_has_its_pattern(browser, tmp_path, name):
    count, pauses = PATTERNS[name]
    with House(tmp_path, STATES[name].config) as house:
        house.listens()
        phone = Screen(browser, house.url, ear=True)
        phone.mood("calm")
        phone.switch_sound_on()
        phone.hear()
        STATES[name].bring(house)
        phone.mood(STATES[name].mood)
        phone.page.wait_for_timeout(5500)
        found = pulses(phone.page.evaluate("window.heard"))
        assert len(found) == count
        assert rhythm(found) == pytest.approx(pauses, abs=0.04)
        assert phone.errors == []
        phone.close()


def test_an_answer_from_the_second_of_two_phones_silences_the_first(screen, house):
    house.listens()
    first, second = screen(ear=True), screen(ear=True, size=TABLET, language="de")
    for each in (first, second):
        each.mood("calm")
        each.switch_sound_on()
        each.hear()
    STATES["alert-high"].bring(house)
    for each in (first, second):
        each.mood("alert")
        each.forget()
        each.loud()
    second.page.get_by_role("button", name="Bestätigen: Ein Kind weint.").first.tap()
    first.wait("document.querySelector('#incidents .acknowledged')")
    assert silent(first, 10)  # Longer than from one burst to the next.
    assert silent(second)
    assert first.page.locator("#act button").count() == 0
    assert "Acknowledged" in first.text("incidents")


def test_an_alert_that_nobody_answers_goes_on_sounding(screen, house):
    """The control of the test above."""
    house.listens()
    phone = screen(ear=True)
    phone.mood("calm")
    phone.switch_sound_on()
    phone.hear()
    STATES["alert-high"].bring(house)
    phone.mood("alert")
    assert len(pulses(heard_for(phone, 18))) >= 20  # Two bursts of ten.


def test_muting_this_screen_leaves_the_alert_and_the_other_screen(screen, house):
    house.listens()
    first, second = screen(ear=True), screen(ear=True)
    for each in (first, second):
        each.mood("calm")
        each.switch_sound_on()
        each.hear()
    STATES["alert-high"].bring(house)
    first.mood("alert")
    second.mood("alert")
    first.page.get_by_role("button", name="Mute on this screen").tap()
    first.wait("document.getElementById('act').textContent.includes('muted on this screen')")
    assert silent(first, 9)
    assert not silent(second, 9)
    assert first.page.locator("#act .strong").is_visible()


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_page_alarms_by_itself_when_the_voice_says_nothing_for_15_s(screen, house, language):
    house.listens()
    tablet = screen(ear=True, size=TABLET, language=language)
    tablet.mood("calm")
    tablet.switch_sound_on()
    tablet.hear()
    assert silent(tablet, 3)
    house.freeze()
    tablet.forget()
    stopped = time.monotonic()
    assert tablet.page.locator("#lost").is_hidden()
    tablet.wait("!document.getElementById('lost').hidden")
    # The last word may be 5 s old when the voice is stopped.
    assert LOST_S - 6 < time.monotonic() - stopped < LOST_S + 5
    tablet.loud()
    tablet.page.wait_for_timeout(3000)
    assert len(pulses(tablet.page.evaluate("window.heard"))) >= 4
    said = {"en": "Nothing heard from the monitor", "de": "Nichts mehr vom Wächter gehört"}[language]
    assert tablet.text("lost-title") == said
    assert tablet.page.title().startswith(said)
    assert said in tablet.text("shouts")  # A screen reader says it once, at once.
    tablet.page.locator("#lost-quiet").tap()
    assert silent(tablet, 12)
    assert tablet.page.locator("#lost").is_visible()
    house.thaw()
    tablet.wait("document.getElementById('lost').hidden")
    tablet.mood("calm")
    assert silent(tablet, 3)


def test_the_dead_mans_alarm_sounds_though_all_timers_of_the_page_stand_still(screen, house):
    """As in a tab that the browser has slowed down: it is the audio clock that sounds it."""
    house.listens()
    phone = screen(ear=True)
    phone.mood("calm")
    phone.switch_sound_on()
    phone.hear()
    house.freeze()
    begin = phone.page.evaluate("import('/tones.js').then((tones) => { window.tones = tones; return tones.now(); })")
    # No timer, no worker and no event of the stream is heard while the page's own code does not end.
    end = phone.page.evaluate(
        "(() => { const end = Date.now() + 21000; while (Date.now() < end); return tones.now(); })()"
    )
    phone.loud()
    first = pulses(phone.page.evaluate("window.heard"))[0][0]
    assert begin + LOST_S - 6 < first < end
    house.thaw()


def test_while_the_voice_speaks_the_dead_mans_alarm_stays_silent(screen, house):
    house.listens()
    phone = screen(ear=True)
    phone.mood("calm")
    phone.switch_sound_on()
    phone.hear()
    assert silent(phone, LOST_S + 6)
    assert phone.page.locator("#lost").is_hidden()
