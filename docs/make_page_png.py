# ruff: noqa: INP001, ASYNC110, ASYNC240 - a script, that waits for other programs and has nothing else to do meanwhile
"""Make docs/page.png: the page in a real browser, on a phone at night and a tablet by day, in a real alert.

A real voice runs in a temporary folder and is told of a cry and of what a look found, as the ear and the eye tell it.
Needs Chromium (Debian: ``apt-get install chromium``). Usage: ``python docs/make_page_png.py [OUT.png]``.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from monitord.channel import Channel
from monitord.events import Gate, Kind, Life, Look, Message, Role, Sight, Sound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

OUT = Path(__file__).with_name("page.png")
PATIENCE_S = 30.0
CHROMIUM = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
]
PHONE_WIDTH = 390
COMPOSED = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; width: 1320px; height: 820px; background: #d9dfe3; display: flex; align-items: center;
  justify-content: center; gap: 44px }}
img {{ display: block; border: 10px solid #14181f; border-radius: 38px }} .t {{ width: 780px }} .p {{ width: 330px }}
</style><img class="t" src="data:image/png;base64,{tablet}"><img class="p" src="data:image/png;base64,{phone}">"""


class Browser:
    """One tab, spoken to by the Chrome DevTools Protocol (https://chromedevtools.github.io/devtools-protocol/)."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call `method` and return its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            answer = await self._socket.receive_json()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                result: dict[str, Any] = answer["result"]
                return result

    async def evaluate(self, script: str) -> Any:
        """The value of `script` in the page."""
        answer = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return answer["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until `script` is true in the page."""
        async with asyncio.timeout(PATIENCE_S):
            while not await self.evaluate(script):
                await asyncio.sleep(0.1)

    async def open(self, url: str, width: int, height: int, *, scale: float = 1.0, scheme: str = "light") -> None:
        """Open `url` on a screen of that size."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width == PHONE_WIDTH,
        )
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        await self.call(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}, still]
        )
        await self.call("Page.navigate", url=url)

    async def picture(self) -> str:
        """The screen as PNG, in base64."""
        answer = await self.call("Page.captureScreenshot", format="png")
        return str(answer["data"])


@contextlib.asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Browser]:
    """A browser with its profile in `folder`."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        raise SystemExit("no Chromium is installed; on Debian: apt-get install chromium")
    process = await asyncio.create_subprocess_exec(
        program,
        *CHROMIUM,
        f"--user-data-dir={folder}",
        "about:blank",
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        ready = folder / "DevToolsActivePort"
        await until(ready.exists)
        await until(lambda: bool(ready.read_text("ascii")))
        port = ready.read_text("ascii").split()[0]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                tab = next(each for each in await answer.json() if each["type"] == "page")
            async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Browser(socket)
    finally:
        process.terminate()
        await process.wait()


async def until(true: Callable[[], bool]) -> None:
    """Wait until `true()`."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():
            await asyncio.sleep(0.05)


@contextlib.contextmanager
def voice(folder: Path) -> Iterator[Path]:
    """A real voice in `folder`; gives its runtime folder."""
    runtime = folder / "run"
    config = folder / "config.toml"
    config.write_text('[page]\nport = 0\n[room]\nname = "Nursery"\n', "utf-8")
    environment = {**os.environ, "RUNTIME_DIRECTORY": str(runtime), "STATE_DIRECTORY": str(folder / "state")}
    command = [sys.executable, "-m", "monitord", "notify", "--config", str(config)]
    process = subprocess.Popen(command, env=environment)  # noqa: S603 - this program itself
    try:
        yield runtime
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_S)


async def tell(runtime: Path, url: str) -> None:
    """What the ear and the eye tell of a night: a call that was answered, and now a cry."""
    ear = Channel(runtime / "events.sock", Role.EAR)
    eye = Channel(runtime / "events.sock", Role.EYE)
    with ear, eye:
        ear.send(Message(Kind.HELLO, Life.STARTED))
        ear.send(Message(Kind.SOUND, Sound.HELP, 78, 41))
        eye.send(Message(Kind.LOOK, Look.BEGAN))
        eye.send(Message(Kind.SIGHT, Sight.UPRIGHT, 88))
        eye.send(Message(Kind.LOOK, Look.ENDED))
        ear.send(Message(Kind.SOUND_END, Sound.HELP, 0, 60))
        async with aiohttp.ClientSession() as session:
            async with asyncio.timeout(PATIENCE_S):
                while (await (await session.post(f"{url}api/v1/incidents/1/ack")).json()).get("camera") is None:
                    await asyncio.sleep(0.1)
        ear.send(Message(Kind.SOUND, Sound.CRY, 93, 29))
        ear.send(Message(Kind.LOOK, Look.ASKED))
        eye.send(Message(Kind.LOOK, Look.BEGAN))
        eye.send(Message(Kind.SIGHT, Sight.LYING, 94))
        eye.send(Message(Kind.LOOK, Look.ENDED))
        ear.send(Message(Kind.HEARTBEAT, Gate.COOLDOWN, level=31))


async def make(out: Path) -> None:
    """Make the picture at `out`."""
    with tempfile.TemporaryDirectory(prefix="monitord-page-") as name:
        folder = Path(name)
        with voice(folder) as runtime:
            await until((runtime / "page").exists)
            url = (runtime / "page").read_text("ascii").strip()
            await tell(runtime, url)
            async with browser(folder / "browser") as tab:
                pictures = {}
                for kind, width, height, scheme in (
                    ("tablet", 1024, 768, "light"),
                    ("phone", PHONE_WIDTH, 844, "dark"),
                ):
                    await tab.open(url, width, height, scheme=scheme)
                    await tab.until("document.body.dataset.mood === 'alert' && !document.querySelector('#act:empty')")
                    await asyncio.sleep(1.0)  # Fonts, and the confirmation that the alert was shown.
                    pictures[kind] = await tab.picture()
                (folder / "composed.html").write_text(COMPOSED.format(**pictures), "utf-8")
                await tab.open((folder / "composed.html").as_uri(), 1320, 820)
                await asyncio.sleep(1.0)
                out.write_bytes(base64.b64decode(await tab.picture()))


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1]) if len(sys.argv) > 1 else OUT))
