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
import os
import pty
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from machine import EAR, TEST, Machine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROGRAMS = ("systemd-nspawn", "mmdebstrap", "nsenter", "dpkg-deb")
ALLOWED = "bpf landlock_create_ruleset landlock_add_rule landlock_restrict_self"
"""System calls that the container's own filter would refuse, and that the sandbox is built with."""
BOOT_S = 60.0


def missing() -> str:
    """What this machine lacks for containers, one sentence; nothing, if all is there."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"needs {', '.join(absent)}: apt-get install systemd-container mmdebstrap util-linux dpkg"
    return "" if os.getuid() == 0 else "needs root: it boots a container"


class Container(Machine):
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
        """As `Machine.run` says."""
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

    def write(self, path: str, text: str) -> None:
        """Write a text file inside, folders included."""
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(text, "utf-8")

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


def use_sound_of(machine: Container, folder: str) -> None:
    """Give the ear, and the self-test, the sound server whose folder on the host is bound to `folder` inside."""
    server = f"ALSA_CONFIG_PATH={folder}/asound.conf PULSE_SERVER=unix:{folder}/sound PULSE_LATENCY_MSEC=40"
    for unit in (EAR, TEST):
        machine.write(
            f"/etc/systemd/system/{unit}.d/sound.conf",
            f"[Service]\nEnvironment={server}\n",
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
