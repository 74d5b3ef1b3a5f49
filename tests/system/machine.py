"""What a test does with a machine that has monitord's package, whether it is a container or a virtual machine."""

from __future__ import annotations

import abc
import json
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

TOP = Path(__file__).parent.parent.parent
VOICE, EAR, EYE = "monitord.service", "monitord-audio.service", "monitord-video.service"
TEST = "monitord-selftest.service"
EVENTS, LOOK = "monitord-events.socket", "monitord-video.socket"
SUITE = os.environ.get("MONITORD_SUITE", "bookworm")
"""The Debian that the tests run on; CI's is the default."""
SCENE = f"/opt/monitord/lib/python{ {'bookworm': '3.11', 'trixie': '3.13'}[SUITE] }/site-packages/monitord/scene"


def debian_root(suite: str, arch: str = "amd64", *kind: str) -> Path:
    """The cached root of that suite; made if it is not there yet, which needs a network. `kind`: see make_root.sh."""
    script = Path(__file__).with_name("make_root.sh")
    made = subprocess.run([script, suite, arch, *kind], check=True, stdout=subprocess.PIPE, text=True)
    return Path(made.stdout.strip())


def build_package(suite: str, folder: Path, arch: str = "amd64") -> Path:
    """The package, built from this checkout into `folder`; MONITORD_DEB names one that was built before."""
    if "MONITORD_DEB" in os.environ:
        return Path(os.environ["MONITORD_DEB"])
    built = subprocess.run(
        [TOP / "packaging" / "build.sh", suite, arch, folder], check=True, stdout=subprocess.PIPE, text=True
    )
    return Path(built.stdout.strip())


class Machine(abc.ABC):
    """A Debian of its own, with a systemd as PID 1.

    Attributes:
        patience_s: how long `wait` waits where nothing else is said; a slow machine has more of it.
        pause_s: how long `wait` leaves the machine alone before it asks again.
    """

    patience_s = 60.0
    pause_s = 0.1

    @abc.abstractmethod
    def run(self, *command: str, check: bool = True, timeout_s: float = 300.0) -> subprocess.CompletedProcess[str]:
        """Run a command as root inside, with its output captured, stderr in it.

        Raises:
            RuntimeError: `check`, and it did not exit with 0; the text has its output.
        """

    @abc.abstractmethod
    def write(self, path: str, text: str) -> None:
        """Write a text file inside, folders included."""

    def show(self, unit: str, name: str) -> str:
        """One property of a unit, as `systemctl show` gives it."""
        return self.run("systemctl", "show", "--value", "-p", name, unit).stdout.strip()

    def active(self, unit: str) -> bool:
        """Whether the unit is up."""
        return self.show(unit, "ActiveState") == "active"

    def pid(self, unit: str) -> int:
        """Process id inside the machine of the unit's main process; 0: none."""
        return int(self.show(unit, "MainPID") or 0)

    def log(self) -> str:
        """What monitord's units and systemd said of them."""
        return self.run("journalctl", "--no-pager", "-o", "short-monotonic", "-u", "monitord*", check=False).stdout

    def wait(self, what: str, condition: Callable[[], Any], timeout_s: float = 0.0) -> Any:
        """The first true value of `condition`.

        Raises:
            TimeoutError: it stayed false; the text has monitord's log.
        """
        limit = timeout_s or self.patience_s
        deadline = time.monotonic() + limit
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not in {limit:g} s: {what}\n{self.log()}")
            time.sleep(self.pause_s)
        return value

    def status(self) -> dict[str, Any]:
        """What `monitord status --json` says; empty while the voice does not answer."""
        said = self.run("monitord", "status", "--json", check=False)
        return dict(json.loads(said.stdout)) if said.returncode == 0 else {}

    def incidents(self, kind: str = "sound") -> list[dict[str, Any]]:
        """Incidents of that kind ("sound", "fault") that the voice knows."""
        return [each for each in self.status().get("incidents", []) if each["kind"] == kind]

    def kill_when_it_starts(self, unit: str) -> None:
        """SIGKILL the unit's process as soon as there is one: a look may be over before anybody outside sees it."""
        kill = f"systemctl kill --kill-whom=main --signal=KILL {unit} 2>/dev/null"
        self.run("systemd-run", "--quiet", "--collect", "sh", "-c", f"until {kill}; do sleep {self.pause_s / 2}; done")

    def configure(self, audio: str, video: str = "off", extra: str = "", look_s: float = 2.0) -> None:
        """Write the service's configuration, as an owner does; nothing is restarted."""
        self.write(
            "/etc/monitord/config.toml",
            f'[room]\nname = "Test"\n[audio]\ndevice = "{audio}"\nprofile = "balanced"\n'
            f'[video]\ndevice = "{video}"\nlook_s = {look_s}\n{extra}',
        )
