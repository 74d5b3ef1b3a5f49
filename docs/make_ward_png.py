# ruff: noqa: INP001 - a script
"""Make docs/page/ward-*.png: the page of a real station of a ward, with rooms of real voices, in a real browser.

Needs Chromium, mosquitto and the Python packages of monitord[browser]. Usage: ``python docs/make_ward_png.py``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

DOCS = Path(__file__).parent
for folder in ("tests/browser", "bench"):
    sys.path.insert(0, str(DOCS.parent / folder))

from screens import PHONE, Screen, chromium  # noqa: E402 - lies beside the tests that share it
from wardhouse import Ward  # noqa: E402
from week import play, report  # noqa: E402

from monitord.notify.web.files import files  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOMS = [str(number) for number in range(101, 125)]
PICTURES = (
    # name, language, size, light
    ("ward-kiosk-day-en", "en", (1280, 800), "day"),
    ("ward-kiosk-night-de", "de", (1280, 800), "night"),
    ("ward-phone-night-de", "de", PHONE, "night"),
)


def make() -> None:
    """Make the pictures."""
    with tempfile.TemporaryDirectory(prefix="monitord-ward-") as name, chromium() as browser:
        _boards(browser, Path(name))
        _report(browser, Path(name))


def _boards(browser: Browser, folder: Path) -> None:
    with Ward(folder, ROOMS, silent=["125"], rules={"hilfe": {"priority": "medium"}}) as ward:
        ward.cry("109", "114")
        ward.cry("104", sound="HILFE")
        for title, language, size, light in PICTURES:
            screen = Screen(browser, ward.url, language=language, size=size, light=light)
            screen.wait("document.querySelectorAll('#rooms .alert').length === 3")
            screen.wait("document.querySelector('#rooms .unheard')", 90)
            screen.switch_sound_on()
            screen.page.wait_for_timeout(1500)
            screen.page.screenshot(path=DOCS / "page" / f"{title}.png")
            screen.close()


def _report(browser: Browser, folder: Path) -> None:
    (folder / "week").mkdir()
    story, told = play(folder / "week", rooms=24, days=4, seed=1)
    page = browser.new_page(viewport={"width": 1000, "height": 1100})
    page.set_content(report(told, story, "en", files()["/report.css"][0].decode()))
    page.screenshot(path=DOCS / "page" / "ward-report-en.png")
    told.ledger.close()


if __name__ == "__main__":
    make()
