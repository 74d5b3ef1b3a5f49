"""A Debian with a real systemd as PID 1, in a container that boots in a second, with monitord's package in it.

Layers lie over a cached root (`make_root.sh`), each a folder that holds what changed, so a test gets a machine of its
own for the price of a mount::

    root = debian_root("bookworm")
    package = build_package("bookworm", folder)
    layer = install_layer(root, package, folder / "layer")
    with Container([layer, root], folder / "one") as machine:
        machine.run("systemctl", "start", "monitord")

The host's kernel is the container's: modules, devices and (under a first-generation cgroup hierarchy) MemoryMax are
not what a machine of its own has; tests/system/vm.py is for those.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

TOP = Path(__file__).parent.parent.parent
PROGRAMS = ("systemd-nspawn", "mmdebstrap", "nsenter", "dpkg-deb")
VOICE, EAR, EYE = "monitord.service", "monitord-audio.service", "monitord-video.service"
EVENTS, LOOK = "monitord-events.socket", "monitord-video.socket"
SUITE = os.environ.get("MONITORD_SUITE", "bookworm")
"""The Debian that the tests run on; CI's is the default."""
SCENE = f"/opt/monitord/lib/python{ {'bookworm': '3.11', 'trixie': '3.13'}[SUITE] }/site-packages/monitord/scene"
ALLOWED = "bpf landlock_create_ruleset landlock_add_rule landlock_restrict_self"
"""System calls that the container's own filter would refuse, and that the sandbox is built with."""
BOOT_S = 60.0
WAIT_S = 60.0


def missing() -> str:
    """What this machine lacks for containers, one sentence; nothing, if all is there."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"needs {', '.join(absent)}: apt-get install systemd-container mmdebstrap util-linux dpkg"
    return "" if os.getuid() == 0 else "needs root: it boots a container"


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


class Container:
    """Boots a machine from `layers` (topmost first; none is changed); what it changes is in `folder`/"upper".

    Args:
        layers: folders that lie over one another; the last is a whole root.
        folder: made for this container; remove it afterwards, or use its "upper" as a layer.
        bind: folders of the host and where the container sees them, read-only.
    """

    def __init__(self, layers: Sequence[Path], folder: Path, bind: Mapping[Path, str] | None = None) -> None:
        self._layers = list(layers)
        self._folder = folder
        self._bind = dict(bind or {})
        self.upper = folder / "upper"
        self.root = folder / "root"
        self._process: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def __enter__(self) -> Self:
        for part in (self.upper, self.root, self._folder / "work"):
            part.mkdir(parents=True)
        lower = ":".join(map(str, self._layers))
        options = f"lowerdir={lower},upperdir={self.upper},workdir={self._folder / 'work'}"
        subprocess.run(["mount", "-t", "overlay", "monitord-test", "-o", options, self.root], check=True)
        try:
            self._boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                if self._leader:
                    os.kill(self._leader, signal.SIGRTMIN + 4)  # systemd(1): power off.
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._console.join(5)
            os.close(self._terminal)
        subprocess.run(["umount", "--recursive", self.root], check=False)

    def path(self, inside: str) -> Path:
        """Where the host sees a file of the container."""
        return self.root / inside.lstrip("/")

    def run(self, *command: str, check: bool = True, timeout_s: float = 300.0) -> subprocess.CompletedProcess[str]:
        """Run a command as root inside, with its output captured.

        Raises:
            RuntimeError: `check`, and it did not exit with 0; the text has its output.
        """
        entered = ["nsenter", "-t", str(self._leader), "-a", "env", "-i", "-C", "/"]
        entered += ["DEBIAN_FRONTEND=noninteractive", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        done = subprocess.run(
            [*entered, "LANG=C.UTF-8", "HOME=/root", *command],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s,
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}")
        return done

    def show(self, unit: str, name: str) -> str:
        """One property of a unit, as `systemctl show` gives it."""
        return self.run("systemctl", "show", "--value", "-p", name, unit).stdout.strip()

    def active(self, unit: str) -> bool:
        """Whether the unit is up."""
        return self.show(unit, "ActiveState") == "active"

    def pid(self, unit: str) -> int:
        """Process id inside the container of the unit's main process; 0: none."""
        return int(self.show(unit, "MainPID") or 0)

    def log(self) -> str:
        """What monitord's units and systemd said of them."""
        return self.run("journalctl", "--no-pager", "-o", "short-monotonic", "-u", "monitord*", check=False).stdout

    def wait(self, what: str, condition: Callable[[], Any], timeout_s: float = WAIT_S) -> Any:
        """The first true value of `condition`.

        Raises:
            TimeoutError: it stayed false; the text has monitord's log.
        """
        deadline = time.monotonic() + timeout_s
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not in {timeout_s:g} s: {what}\n{self.log()}")
            time.sleep(0.1)
        return value

    def status(self) -> dict[str, Any]:
        """What `monitord status --json` says; empty while the voice does not answer."""
        said = self.run("monitord", "status", "--json", check=False)
        return dict(json.loads(said.stdout)) if said.returncode == 0 else {}

    def incidents(self, kind: str = "sound") -> list[dict[str, Any]]:
        """Incidents of that kind ("sound", "fault") that the voice knows."""
        return [each for each in self.status().get("incidents", []) if each["kind"] == kind]

    def _boot(self) -> None:
        self._terminal, theirs = pty.openpty()
        command = ["systemd-nspawn", "--quiet", f"--directory={self.root}", "--boot", "--register=no", "--keep-unit",
                   f"--machine=mn{os.getpid()}-{self._folder.name}", "--private-network", "--capability=all",
                   "--system-call-filter=" + ALLOWED, "--console=interactive", "--link-journal=no", "--resolv-conf=off",
                   "--timezone=off"]  # fmt: skip
        command += [f"--bind-ro={here}:{there}" for here, there in self._bind.items()]
        self._process = subprocess.Popen(
            command,
            # Devices, addresses and memory are held to account by the second hierarchy only.
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._said = bytearray()
        self._console = threading.Thread(target=self._listen, daemon=True)
        self._console.start()
        deadline = time.monotonic() + BOOT_S
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the container did not boot:\n{self._said.decode(errors='replace')}")
            time.sleep(0.1)

    def _is_up(self) -> bool:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text("ascii").split()
        self._leader = next((int(each) for each in children if _name(int(each)) == "systemd"), 0)
        return bool(self._leader) and self.run("systemctl", "is-system-running", check=False).stdout.strip() in {
            "running",
            "degraded",
        }

    def _listen(self) -> None:
        with contextlib.suppress(OSError):  # The terminal's other end is closed.
            while said := os.read(self._terminal, 4096):
                self._said += said


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text("ascii").strip()
    except OSError:
        return ""


def apt_install(machine: Container, package: Path) -> None:
    """Install a package file without a network, as `apt install ./FILE` does."""
    shutil.copy(package, machine.path("/root"))
    machine.run("apt-get", "install", "-y", "-q", "-o", "DPkg::Use-Pty=0", f"/root/{package.name}",
                timeout_s=900.0)  # fmt: skip
    machine.path("/root").joinpath(package.name).unlink()


def install_layer(root: Path, package: Path, folder: Path) -> Path:
    """Boot `root`, install the package, shut down; returns the layer with everything that this changed."""
    with Container([root], folder) as machine:
        apt_install(machine, package)
    return folder / "upper"


def configure(machine: Container, audio: str, video: str = "off", extra: str = "") -> None:
    """Write the service's configuration, as an owner does; nothing is restarted."""
    machine.path("/etc/monitord/config.toml").write_text(
        f'[room]\nname = "Test"\n[audio]\ndevice = "{audio}"\nprofile = "balanced"\n'
        f'[video]\ndevice = "{video}"\nlook_s = 2.0\n{extra}',
        "utf-8",
    )


def use_sound_of(machine: Container, folder: str) -> None:
    """Give the ear the sound server whose folder on the host is bound to `folder` inside."""
    dropin = machine.path(f"/etc/systemd/system/{EAR}.d/sound.conf")
    dropin.parent.mkdir(parents=True, exist_ok=True)
    dropin.write_text(
        "[Service]\n"
        f"Environment=ALSA_CONFIG_PATH={folder}/asound.conf PULSE_SERVER=unix:{folder}/sound PULSE_LATENCY_MSEC=40\n",
        "ascii",
    )
    machine.run("systemctl", "daemon-reload")


def repack(package: Path, version: str, folder: Path) -> Path:
    """The same package as another version, for an upgrade."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        subprocess.run(["dpkg-deb", "--raw-extract", package, scratch], check=True)
        control = Path(scratch, "DEBIAN", "control")
        lines = control.read_text("utf-8").splitlines()
        control.write_text(
            "".join(f"Version: {version}\n" if line.startswith("Version: ") else f"{line}\n" for line in lines), "utf-8"
        )
        out = folder / f"monitord_{version}.deb"
        subprocess.run(["dpkg-deb", "-Znone", "--root-owner-group", "--build", scratch, out], check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
    return out
