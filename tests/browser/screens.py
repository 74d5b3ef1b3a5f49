"""A real Chromium whose tabs stand for the screens of a house."""

from __future__ import annotations

import contextlib
import shutil
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from house import PATIENCE_S
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PHONE, SMALL_PHONE, TABLET = (390, 844), (320, 568), (1024, 768)
LOCALES = {"en": "en-GB", "de": "de-DE"}
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
# Playwright mutes the browser and lets it sound without a touch; here both have to be as they are on a real phone.
_NOT = ["--mute-audio"]
_WORKLET = (
    "data:text/javascript,registerProcessor('ear', class extends AudioWorkletProcessor { process([[block]]) {"
    "(this.told = this.told || []).push([currentTime, block ? Math.max(...block) : 0]);"
    "if (this.told.length >= 16) { this.port.postMessage(this.told); this.told = []; } return true; } });"
)
_EARS = f"""
{{
  // Everything that goes to the loudspeaker, as (audio clock, peak) of each 128 samples: heard on the thread of the
  // sound, which misses nothing, however busy the page and the machine are.
  window.heard = []; window.listening = false;
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (target, ...more) {{
    if (target === this.context.destination) {{
      this.context.audioWorklet.addModule({_WORKLET!r}).then(() => {{
        const ear = new AudioWorkletNode(this.context, "ear");
        ear.port.onmessage = (told) => {{ window.heard.push(...told.data); }};
        connect.call(this, ear);
        window.listening = true;
      }});
    }}
    return connect.call(this, target, ...more);
  }};
}}
"""


def zone(hour: int) -> str:
    """A time zone in which it is that hour now; at noon the page's own choice of light is that of the day."""
    offset = (hour - datetime.now(UTC).hour + 12) % 24 - 12
    return "Etc/GMT" if offset == 0 else f"Etc/GMT{-offset:+d}"


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, as Debian has it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=_FLAGS, ignore_default_args=_NOT)
        try:
            yield browser
        finally:
            browser.close()


class Screen:
    """One phone or tablet with the page open.

    Attributes:
        page: Playwright's.
        errors: what went wrong in the page's own code.
        foreign: URLs of other hosts that the page asked for, or tried to.
    """

    def __init__(
        self,
        browser: Browser,
        url: str,
        *,
        size: tuple[int, int] = PHONE,
        language: str = "en",
        light: str = "auto",
        sound: bool = False,
        hour: int = 12,
        before: object = None,
        ear: bool = False,
    ) -> None:
        self.context: BrowserContext = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=LOCALES[language],
            timezone_id=zone(hour),
            has_touch=True,
            reduced_motion="reduce",
            bypass_csp=ear,  # The ear of the test is a script of its own.
        )
        self.errors: list[str] = []
        self.foreign: list[str] = []
        if ear:
            self.context.add_init_script(_EARS)
        kept = {"light": light, **({"sound": "on"} if sound else {})}
        self.context.add_init_script(f"for (const [a, b] of Object.entries({kept})) localStorage.setItem(a, b);")
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._read)
        host = urlsplit(url).netloc
        self.context.on(
            "request", lambda request: urlsplit(request.url).netloc == host or self.foreign.append(request.url)
        )
        if before is not None:
            before(self.context)
        if sound:
            # Each question of Playwright's counts as a touch: none before the page has tried to sound without one.
            with self.page.expect_request("**/api/v1/session"):
                self.page.goto(url)
        else:
            self.page.goto(url)

    def _read(self, message) -> None:
        if "Content Security Policy" in message.text:
            self.foreign.append(message.text)

    def wait(self, script: str, patience_s: float = PATIENCE_S) -> None:
        """Until `script` is true in the page (the page's policy forbids Playwright's own way of waiting)."""
        end = time.monotonic() + patience_s
        while not self.page.evaluate(script):
            if time.monotonic() > end:
                raise TimeoutError(f"waited in vain for {script}")
            self.page.wait_for_timeout(50)

    def mood(self, name: str) -> None:
        """Until the page has drawn that mood; it is "starting" before it has drawn anything."""
        self.wait(f"document.body.dataset.mood === {name!r} && 'urgency' in document.body.dataset")

    def text(self, what: str) -> str:
        """Text of the element with that id."""
        return self.page.locator(f"#{what}").inner_text()

    def switch_sound_on(self) -> None:
        """Tap, as a person does."""
        self.page.locator("#sound-on").tap()
        self.wait("document.getElementById('silent').hidden")

    def hear(self) -> None:
        """Until the ear of the test hears what the loudspeaker is given, and the test tone is over."""
        self.wait("window.listening")
        self.page.wait_for_timeout(1500)
        self.forget()

    def forget(self) -> None:
        """Forget what was heard so far."""
        self.page.evaluate("window.heard.length = 0")

    def loud(self) -> None:
        """Until something is heard."""
        self.wait("window.heard.some((each) => each[1] > 0.05)")

    def close(self) -> None:
        """Close the tab."""
        self.context.close()


def pulses(heard: list[list[float]], loud: float = 0.05) -> list[tuple[float, float]]:
    """Begin and length of each pulse in what was heard, seconds on the audio clock."""
    found: list[tuple[float, float]] = []
    began = None
    for at, level in heard:
        if level >= loud and began is None:
            began = at
        elif level < loud and began is not None:
            found.append((began, at - began))
            began = None
    return [(at, long) for at, long in found if long > 0.02]
