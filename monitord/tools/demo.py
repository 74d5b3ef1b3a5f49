"""`monitord demo`: the whole job on a bundled scene, with the real processes, the shipped models and a real page.

It starts `monitord run` with the scene's sound file as microphone and its pictures as camera, and subscribes to the
page's stream as a screen would. It needs no microphone, camera or network, and leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from monitord.tools import screen
from monitord.tools.story import Story, read_parts, to_confirm

if TYPE_CHECKING:
    from collections.abc import Callable

SCENE = Path(__file__).resolve().parent.parent / "scene"
PATIENCE_S = 75.0
"""The scene lasts 36 s; after this long, what is missing is missing."""

CONFIG = """\
[room]
name = "Demo nursery"
[audio]
device = {sound}
profile = "balanced"
[video]
device = {pictures}
look_s = 2.0
[page]
port = 0
"""


def demo(*, keep: bool) -> int:
    """Run the demo; returns 0 once the alert is in the journal and was delivered, 1 if a link of the chain is broken.

    Args:
        keep: leave the page up until Ctrl-C.
    """
    with tempfile.TemporaryDirectory(prefix="monitord-demo-") as folder:
        return _Stage(Path(folder)).play(keep=keep)


class _Stage:
    """The processes of the demo, and the queue of what they tell."""

    def __init__(self, folder: Path) -> None:
        self._story = Story(read_parts(SCENE / "scene.toml"))
        self._told: queue.SimpleQueue[tuple[Callable[[Any], list[str]], Any]] = queue.SimpleQueue()
        self._log: list[str] = []
        self._environment = {
            **os.environ,
            "RUNTIME_DIRECTORY": str(folder / "run"),
            "STATE_DIRECTORY": str(folder / "state"),
        }
        self._config = folder / "demo.toml"
        sound, pictures = (json.dumps(f"file:{SCENE / name}") for name in ("night.flac", "pictures"))
        self._config.write_text(CONFIG.format(sound=sound, pictures=pictures), "utf-8")
        self._address = folder / "run" / "page"

    def play(self, *, keep: bool) -> int:
        command = [sys.executable, "-m", "monitord", "run", "--config", str(self._config), "--trace"]
        with subprocess.Popen(  # noqa: S603 - our own program and a file of ours
            command,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C reaches this process, which ends the others.
        ) as monitor:
            readers = [
                threading.Thread(target=read, args=(stream,), daemon=True)
                for read, stream in ((self._read_trace, monitor.stdout), (self._read_log, monitor.stderr))
            ]
            for reader in readers:
                reader.start()
            try:
                self._tell(monitor)
                if keep and not self._story.missing:
                    print(f"The page stays up at {self._address.read_text().strip()} until Ctrl-C.")
                    monitor.wait()
            except KeyboardInterrupt:
                print()
            finally:
                with contextlib.suppress(ProcessLookupError):
                    monitor.send_signal(signal.SIGTERM)
                for reader in readers:  # Before the streams are closed under them.
                    reader.join()
        return self._verdict()

    def _tell(self, monitor: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        watcher: threading.Thread | None = None
        while self._story.missing and time.monotonic() < deadline and monitor.poll() is None:
            if watcher is None and self._address.exists():
                address = self._address.read_text().strip()
                print(f"The page is at {address}")
                watcher = threading.Thread(target=self._watch, args=(address,), daemon=True)
                watcher.start()
            with contextlib.suppress(queue.Empty):
                take, what = self._told.get(timeout=0.2)
                for line in take(what):
                    print(line, flush=True)

    def _watch(self, address: str) -> None:
        """Be a screen: follow the page's stream, confirm each alert that is shown, look it up in the journal."""
        confirmed: set[int] = set()
        with contextlib.suppress(OSError):  # The page is gone: the story has ended, or its missing links tell.
            for name, content in screen.follow(address):
                for incident in content["incidents"] if name == "snapshot" else [content] * (name == "incident"):
                    self._told.put((self._story.incident, incident))
                    for delivery in set(to_confirm(incident)) - confirmed:
                        confirmed.add(delivery)
                        screen.confirm(address, delivery)
                        self._look_up(incident)

    def _look_up(self, incident: dict[str, Any]) -> None:
        """Ask the journal on disk, as a person would: `monitord events --json`."""
        command = [sys.executable, "-m", "monitord", "events", "--json", "--config", str(self._config)]
        found = subprocess.run(  # noqa: S603 - our own program
            command, env=self._environment, capture_output=True, text=True, check=False
        )
        for entry in map(json.loads, found.stdout.splitlines()):
            if entry["type"] == "incident" and entry["id"] == incident["id"]:
                self._told.put((self._story.journalled, incident))
                return

    def _read_trace(self, stream: TextIO) -> None:
        for text in stream:
            line = json.loads(text)
            self._told.put((self._story.process if "process" in line else self._story.decision, line))

    def _read_log(self, stream: TextIO) -> None:
        self._log.extend(line.rstrip() for line in stream)

    def _verdict(self) -> int:
        story = self._story
        if not story.missing and not story.broken:
            print("The chain holds: sound -> gate -> camera -> verdict -> alert -> page. Nothing is left running.")
            return 0
        for trouble in story.broken:
            print(f"BROKEN   {trouble}", file=sys.stderr)
        for link in story.missing:
            print(f"MISSING  {link.value}", file=sys.stderr)
        for line in self._log[-8:]:
            print(f"log      {line}", file=sys.stderr)
        return 1
