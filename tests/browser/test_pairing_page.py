"""A screen is let in by a code or a link, sees what its role may, and is put out again."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from house import House
from screens import PHONE, TABLET
from states import STATES
from test_alarm import silent
from test_states import fits, violations


@pytest.fixture
def house(tmp_path):
    """Everybody has to be paired, this machine too."""
    with House(tmp_path, page='pairing = "always"\n') as house:
        yield house


def pair(house, *options):
    """What `monitord pair` shows: six digits, and the whole text."""
    command = [sys.executable, "-m", "monitord", "pair", "--config", str(house.config), *options]
    done = subprocess.run(command, env=house.environment, capture_output=True, text=True, check=True)
    digits = re.search(r"code +(\d{3}) (\d{3})", done.stdout)
    return digits[1] + digits[2] if digits else done.stdout


def enter(screen, digits, name=""):
    screen.wait("document.body.dataset.view === 'pairing'")
    screen.page.locator("#pair-code").fill(digits)
    screen.page.locator("#pair-name").fill(name)
    screen.page.locator("#pair-form button").tap()


def test_six_digits_let_a_screen_in_and_it_is_named_in_the_acknowledgement(screen, house):
    STATES["alert-high"].bring(house)
    phone = screen()
    enter(phone, pair(house), "Anna's phone")
    phone.mood("alert")
    assert "Anna's phone" in phone.text("paired")
    phone.page.locator("#act .strong").tap()
    phone.wait("document.querySelector('#incidents .acknowledged')")
    assert "by Anna's phone" in phone.text("incidents")
    phone.page.reload()
    phone.mood("sound")  # It stays paired, and the cry goes on.


def test_a_link_as_in_the_qr_code_lets_a_screen_in_and_does_not_stay_in_the_address(screen, house):
    house.listens()
    long = link_of(house)
    phone = screen(url=f"{house.url}#pair={long}")
    phone.wait("document.body.dataset.view === 'pairing'")
    assert phone.page.locator("#pair-digits").is_hidden()
    assert "#" not in phone.page.url
    phone.page.locator("#pair-name").fill("Tablet")
    phone.page.locator("#pair-form button").tap()
    phone.mood("calm")


def link_of(house):
    """The code behind the "#" of the QR code, read where it is drawn."""
    program = (
        "import sys, segno; make = segno.make\n"
        "segno.make = lambda text, **more: (print('LINK', text), make(text, **more))[1]\n"
        "from monitord.cli import run; sys.exit(run(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "pair", "--config", str(house.config)]
    done = subprocess.run(command, env=house.environment, capture_output=True, text=True, check=True)
    return re.search(r"LINK \S+#pair=(\S+)", done.stdout)[1]


def test_a_watching_screen_sees_the_alert_and_no_button_to_answer_it(screen, house):
    STATES["alert-high"].bring(house)
    phone = screen()
    enter(phone, pair(house, "--role", "watch", "--name", "Grandma"))
    phone.mood("alert")
    assert phone.text("title") == "A child is crying"
    assert phone.page.get_by_role("button", name=re.compile("Acknowledge")).count() == 0
    assert phone.page.get_by_role("button", name=re.compile("every screen")).count() == 0
    assert phone.page.get_by_role("button", name="Mute on this screen").count() == 1
    assert phone.page.locator("#pause").inner_text() == ""
    assert "May watch." in phone.text("paired")
    assert violations(phone.page) == []


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("size", [PHONE, TABLET])
@pytest.mark.parametrize("light", ["day", "night"])
def test_the_pairing_view_is_accessible_and_says_what_is_wrong(screen, house, language, size, light):
    phone = screen(language=language, size=size, light=light)
    enter(phone, "12345")
    phone.wait("document.getElementById('pair-says').textContent")
    assert phone.text("pair-says") == {"en": "The code has six digits.", "de": "Der Code hat sechs Ziffern."}[language]
    assert violations(phone.page) == []
    assert fits(phone.page)


def test_a_wrong_code_is_refused_in_one_sentence(screen, house):
    digits = pair(house)
    phone = screen()
    enter(phone, f"{(int(digits) + 1) % 10**6:06}", "Phone")
    phone.wait("document.getElementById('pair-says').textContent")
    assert "not valid" in phone.text("pair-says")
    assert phone.page.locator("body").get_attribute("data-view") == "pairing"


def test_unpairing_ends_in_the_pairing_view_and_so_does_being_revoked(screen, house):
    house.listens()
    phone = screen()
    enter(phone, pair(house), "Phone")
    phone.mood("calm")
    phone.page.locator("#log-out").tap()
    phone.wait("document.body.dataset.view === 'pairing'")
    enter(phone, pair(house), "Phone")
    phone.wait("document.body.dataset.view === 'house'")
    phone.mood("calm")
    pair(house, "--revoke", "Phone")
    phone.wait("document.body.dataset.view === 'pairing'")


def test_a_screen_that_was_put_out_does_not_alarm(screen, house):
    house.listens()
    phone = screen(ear=True)
    enter(phone, pair(house), "Phone")
    phone.mood("calm")
    phone.switch_sound_on()
    phone.hear()
    pair(house, "--revoke", "Phone")
    phone.wait("document.body.dataset.view === 'pairing'")
    assert silent(phone, 21)  # Longer than the monitor may be silent.


def test_a_paired_phone_gets_a_user_for_its_ntfy_app(screen, house):
    house.listens()
    phone = screen()
    enter(phone, pair(house), "Phone")
    phone.mood("calm")
    phone.page.locator("#ntfy").tap()
    phone.wait("document.querySelector('#ntfy-user a')")
    said = phone.text("ntfy-user")
    assert "monitord" in said
    assert phone.page.locator("#ntfy-user a").get_attribute("href").startswith("ntfy://")
    assert violations(phone.page) == []
