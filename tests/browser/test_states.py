"""Each state of the page, in a real browser, in both languages, on a phone and a tablet, by day and at night."""

from __future__ import annotations

import itertools

import pytest
from axe_playwright_python.sync_playwright import Axe
from house import House
from screens import PHONE, SMALL_PHONE, TABLET, Screen
from states import STATES

EVERY_SCREEN = list(itertools.product(("en", "de"), (PHONE, TABLET), ("day", "night")))


def violations(page):
    """What axe finds, one line each."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html']} {node['failureSummary']}" for each in found for node in each["nodes"]]


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("name", STATES)
def test_a_state_is_told_in_words_shape_and_colour(browser, tmp_path, name):
    state = STATES[name]
    with House(tmp_path, state.config) as house:
        state.bring(house)
        titles, tints = {}, set()
        for language, size, light in EVERY_SCREEN:
            screen = Screen(browser, house.url, language=language, size=size, light=light)
            screen.mood(state.mood)
            page = screen.page
            assert page.locator("html").get_attribute("lang") == language
            assert page.locator("html").get_attribute("data-light") == light
            assert page.locator("body").get_attribute("data-urgency") == state.urgency
            screen.wait(f"document.getElementById('title').textContent === {state.title[language]!r}")
            titles[language] = page.title()
            assert page.locator(".orb .i:visible").count() == 1
            assert page.locator(f".orb .i.{state.mood}").is_visible()
            tints.add(page.evaluate("getComputedStyle(document.body).getPropertyValue('--tint').trim()"))
            if state.urgency:
                assert screen.text("urgency").strip("!? ")
            assert page.locator("#act .strong").count() == (1 if state.urgency else 0)
            assert fits(page)
            assert violations(page) == []
            assert screen.errors == []
            assert screen.foreign == []
            screen.close()
        assert titles["en"] == f"{state.title['en']} \u2013 Nursery"
        assert titles["de"] == f"{state.title['de']} \u2013 Nursery"
        if state.urgency:
            assert len(tints) == 1  # The colour of a priority is the same by day and night.


def test_the_states_differ_in_shape_and_the_priorities_in_colour_and_mark(browser, tmp_path):
    seen = {}
    for name in ("alert-high", "alert-medium", "alert-low", "fault"):
        folder = tmp_path / name
        folder.mkdir()
        with House(folder, STATES[name].config) as house:
            STATES[name].bring(house)
            screen = Screen(browser, house.url)
            screen.mood(STATES[name].mood)
            screen.wait("document.getElementById('urgency').textContent")
            colour = screen.page.evaluate("getComputedStyle(document.querySelector('.now')).backgroundColor")
            seen[name] = (colour, screen.text("urgency").split()[0])
            screen.close()
    assert seen["alert-high"] == ("rgb(200, 16, 46)", "!!!")
    assert seen["alert-medium"] == ("rgb(255, 212, 0)", "!!")
    assert seen["alert-low"] == ("rgb(43, 208, 229)", "!")
    assert seen["fault"] == ("rgb(111, 45, 189)", "?")


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_small_old_phone_shows_the_alert_and_its_button_without_scrolling_sideways(screen, house, language):
    STATES["alert-high"].bring(house)
    small = screen(size=SMALL_PHONE, language=language)
    small.mood("alert")
    assert fits(small.page)
    assert small.page.locator("#act .strong").bounding_box()["y"] < 2 * SMALL_PHONE[1]


def test_axe_finds_what_is_planted(screen, house):
    house.listens()
    phone = screen()
    phone.mood("calm")
    page = phone.page
    assert violations(page) == []
    page.evaluate("document.querySelector('main').append(document.createElement('button'), new Image())")
    assert {each.split(":")[0] for each in violations(page)} >= {"button-name", "image-alt"}


def test_a_planted_request_to_another_host_is_refused_and_noticed(screen, house):
    house.listens()
    phone = screen()
    phone.mood("calm")
    assert phone.foreign == []
    refused = phone.page.evaluate(
        "fetch('http://198.51.100.7/').then(() => 'sent', () => 'refused').then(async (said) => {"
        "  const image = new Image(); image.src = 'http://198.51.100.7/p.png';"
        "  await new Promise((done) => { image.onerror = image.onload = done; }); return said; })"
    )
    assert refused == "refused"
    assert any("198.51.100.7" in each for each in phone.foreign)
    phone.foreign.clear()


def test_without_the_policy_the_same_request_leaves_the_page(browser, house):
    """The control of the test above: the policy refused it, not the browser."""
    from screens import Screen  # noqa: PLC0415

    def answer_all(context):
        context.route(
            "http://198.51.100.7/**",
            lambda route: route.fulfill(body="x", headers={"Access-Control-Allow-Origin": "*"}),
        )
        context.route(f"{house.url}", _without_policy)

    def _without_policy(route):
        answer = route.fetch()
        headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-security-policy"}
        route.fulfill(response=answer, headers=headers)

    open_ = Screen(browser, house.url, before=answer_all)
    said = open_.page.evaluate("fetch('http://198.51.100.7/').then(() => 'sent', () => 'refused')")
    assert said == "sent"
    assert open_.foreign == ["http://198.51.100.7/"]
    open_.close()
