# ruff: noqa: INP001 - a script
"""Make docs/page.png and docs/page/*.png: the page of a real voice in a real browser, in its states.

A real voice runs in a temporary folder and is told of sounds and of what a look found, as the ear and the eye tell it.
Needs Chromium and the Python packages of monitord[browser]. Usage: ``python docs/make_page_png.py``.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "tests" / "browser"))

from house import House  # noqa: E402 - lies beside the tests that share it
from screens import PHONE, TABLET, Screen, chromium  # noqa: E402
from states import STATES  # noqa: E402

PICTURES = (
    # name, state, language, size, light
    ("calm-phone-night-de", "calm", "de", PHONE, "night"),
    ("looking-phone-day-en", "looking", "en", PHONE, "day"),
    ("alert-medium-phone-day-de", "alert-medium", "de", PHONE, "day"),
    ("fault-phone-night-en", "fault", "en", PHONE, "night"),
    ("paused-phone-day-en", "paused", "en", PHONE, "day"),
    ("calm-tablet-night-en", "calm", "en", TABLET, "night"),
)
LOST = ("lost-phone-night-de", "calm", "de", PHONE, "night")
HOUR = 3
"""Of the night in the pictures."""
COMPOSED = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; width: 1320px; height: 820px; background: #d9dfe3; display: flex; align-items: center;
  justify-content: center; gap: 44px }}
img {{ display: block; border: 10px solid #14181f; border-radius: 38px }} .t {{ width: 780px }} .p {{ width: 330px }}
</style><img class="t" src="data:image/png;base64,{tablet}"><img class="p" src="data:image/png;base64,{phone}">"""


def nights() -> dict[str, Any]:
    """Five nights as /api/v1/nights tells them: a monitor that has just been started has none to show."""
    now = datetime.now(UTC)
    ahead = timedelta(hours=(HOUR - now.hour + 12) % 24 - 12)
    midnight = (now + ahead).replace(hour=0, minute=0, second=0, microsecond=0)
    noon = midnight - timedelta(hours=12) - ahead
    return {"nights": [_night(noon - timedelta(days=ago), now) for ago in range(4, -1, -1)]}


def _night(noon: datetime, now: datetime) -> dict[str, Any]:
    end = min(noon + timedelta(days=1), now)

    def at(hours: float) -> str:
        return min(noon + timedelta(hours=hours), end).isoformat(timespec="seconds")

    spans = [("protected", "", 7, 9), ("paused", "owner", 9, 9.5), ("protected", "", 9.5, 12.3)]
    spans += [("unprotected", "microphone_missing", 12.3, 12.45), ("protected", "", 12.45, 24)]
    told = [(9.8, "CRY", "high", 1), (11.4, "HELP", "medium", 2)]
    past = [each for each in told if noon + timedelta(hours=each[0]) < end]
    return {
        "from": noon.isoformat(timespec="seconds"),
        "to": (noon + timedelta(days=1)).isoformat(timespec="seconds"),
        "spans": [
            {"from": at(begin), "to": at(stop), "state": state, "why": why}
            for state, why, begin, stop in spans
            if at(begin) < at(stop)
        ],
        "sounds": [
            {"at": at(when), "label": label, "urgency": rank, "incident": number} for when, label, rank, number in past
        ],
        "looks": [{"from": at(when), "to": at(when), "verdict": "Sight.LYING"} for when, *_ in past],
        "alerts": [{"at": at(when), "incident": number} for when, _, _, number in past],
        "acks": [{"at": at(when + 0.05), "incident": number, "by": "Anna"} for when, _, _, number in past],
        "camera_on_s": 8.0 * len(past),
    }


def _with_nights(context: Any) -> None:
    context.route("**/api/v1/nights*", lambda route: route.fulfill(json=nights()))


def _open(browser: Any, house: House, state: str, *look: Any) -> Screen:
    language, size, light = look
    screen = Screen(browser, house.url, language=language, size=size, light=light, hour=HOUR, before=_with_nights)
    screen.mood(STATES[state].mood)
    screen.switch_sound_on()
    screen.page.wait_for_timeout(1500)  # Fonts, and the confirmation that the alert was shown.
    return screen


def _picture(screen: Screen) -> bytes:
    picture: bytes = screen.page.screenshot()
    screen.close()
    return picture


def _house(folder: Path, name: str, state: str) -> House:
    (folder / name).mkdir()
    return House(folder / name, STATES[state].config)


def make() -> None:
    """Make the pictures."""
    (DOCS / "page").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="monitord-page-") as name, chromium() as browser:
        folder = Path(name)
        for title, state, language, size, light in PICTURES:
            with _house(folder, title, state) as house:
                STATES[state].bring(house)
                picture = _picture(_open(browser, house, state, language, size, light))
                (DOCS / "page" / f"{title}.png").write_bytes(picture)
        with _house(folder, "lost", LOST[1]) as house:
            STATES[LOST[1]].bring(house)
            screen = _open(browser, house, *LOST[1:])
            house.freeze()
            screen.wait("!document.getElementById('lost').hidden")
            (DOCS / "page" / f"{LOST[0]}.png").write_bytes(_picture(screen))
        with _house(folder, "alert", "alert-high") as house:
            STATES["alert-high"].bring(house)
            pictures = {
                "tablet": _picture(_open(browser, house, "alert-high", "en", TABLET, "day")),
                "phone": _picture(_open(browser, house, "alert-high", "de", PHONE, "night")),
            }
        encoded = {kind: base64.b64encode(picture).decode() for kind, picture in pictures.items()}
        page = browser.new_page(viewport={"width": 1320, "height": 820})
        page.set_content(COMPOSED.format(**encoded))
        page.wait_for_timeout(500)
        page.screenshot(path=DOCS / "page.png")


if __name__ == "__main__":
    make()
