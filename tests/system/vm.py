"""A virtual machine with monitord's package, and an ALSA card and V4L2 cameras of its own kernel. No KVM is needed.

For a test, take the fixture `vm` (conftest.py): a machine that was just booted, with nothing of monitord running. It is
booted once a session and a snapshot is taken, so each further test costs two seconds::

    pytestmark = [pytest.mark.vm, pytest.mark.skipif(bool(vm.missing()), reason=vm.missing())]

    def test_a_camera_that_goes_away(vm):
        vm.feed("lying_0.png")              # ffmpeg shows a picture of the bundled scene, with noise, to /dev/video9
        vm.start()                          # configured, `systemctl start monitord`, waits until sound arrives
        told = vm.cry()                     # a cry played into the card; returns the incident
        vm.unfeed()                         # the camera stops to deliver
        vm.unplug_card(); vm.plug_card()    # the microphone goes, and comes back
        vm.run("systemctl", "stop", "monitord")

What there is in it: root's `run`, `write`, `show`, `pid`, `wait`, `status`, `incidents`, `log` (machine.py); the
microphone CARD, fed by `play`; the camera CAMERA (v4l2loopback, no camera until `feed`); the camera TEST_PICTURE
(vivid, which makes pictures of its own and can be told to fail: `v4l2-ctl -d /dev/video8 --list-ctrls`); a network
interface that leads nowhere, with a default route; in /root the package, a later version (UPGRADE), and cry.wav.

Each test's outcome goes into docs/vm-results.md when MONITORD_VM_RESULTS names that file; the fixture `vm_page` takes
what else is to be said there.

While you write a test, MONITORD_VM=FOLDER keeps the booted machine there and takes it the next time, whatever the
package has become since: delete the folder after a change that the test is about. What takes a PC a second takes some
15 here, of which the machine itself notices little: state a limit generously, and measure no time here.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from container import Container, install_layer, repack
from container import missing as no_container
from latency import bundled_cry
from machine import EAR, EYE, SCENE, SUITE, Machine, debian_root

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROGRAMS = ("qemu-system-x86_64", "qemu-img", "mke2fs")
CARD = "Loopback: PCM (hw:0,1)"
PLAYER = "plughw:0,0"
CAMERA, TEST_PICTURE = "/dev/video9", "/dev/video8"
BLACK, SHOWN, FRAMES, PAGE = "black", "/run/shown.yuv", 23, 4096
PACKAGE, UPGRADE = "/root/monitord.deb", "/root/monitord_99.deb"
HOUSE, ROUTER = "192.168.77.2/24", "192.168.77.1"
STATE = (
    r"exec 3<>/dev/tcp/127.0.0.1/8740 && printf 'GET /api/v1/state HTTP/1.1\r\nHost: 127.0.0.1:8740\r\n"
    r"Connection: close\r\n\r\n' >&3 && timeout 10 cat <&3"
)
READY = "ready"
"""The snapshot: booted, devices there, nothing of monitord running."""
MEMORY_MIB = 2048
BOOT_S, ANSWER_S, SNAPSHOT_S = 600.0, 60.0, 300.0
CHUNK = 1 << 20
_DRIVER = "/sys/bus/platform/drivers/snd_aloop"


def missing() -> str:
    """What this machine lacks, one sentence; nothing, if all is there."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"needs {', '.join(absent)}: apt-get install qemu-system-x86 qemu-utils e2fsprogs"
    return no_container()


@dataclass(frozen=True, slots=True)
class Image:
    """A disk (qcow2, with snapshots in it), a kernel and an initial RAM disk."""

    disk: Path
    kernel: Path
    ram_disk: Path

    @classmethod
    def of(cls, folder: Path) -> Image:
        """The one that `make_image` put into `folder`."""
        return cls(folder / "disk.qcow2", folder / "vmlinuz", folder / "initrd.img")


def make_image(package: Path, folder: Path) -> Image:
    """A machine with the package installed, as `folder`/disk.qcow2; it has not booted yet."""
    root = debian_root(SUITE, "amd64", "machine")
    work = folder / "work"
    layer = install_layer(root, package, work / "layer")
    with Container([layer, root], work / "guest") as machine:
        # Written while it runs, because that is when the layers lie over one another.
        shutil.copy(package, machine.path(PACKAGE))
        shutil.copy(repack(package, "99~test", work), machine.path(UPGRADE))
        bundled_cry(machine.path("/root/cry.wav"))
        # It would tell of every call.
        machine.write("/etc/systemd/system/qemu-guest-agent.service.d/quiet.conf", "[Service]\nLogLevelMax=warning\n")
        machine.run("systemctl", "mask", "systemd-networkd-wait-online.service", "apt-daily.timer",
                    "apt-daily-upgrade.timer", "e2scrub_all.timer", "man-db.timer", check=False)  # fmt: skip
        merged, raw = work / "merged", work / "disk.raw"
        merged.mkdir()
        subprocess.run(["mount", "--bind", machine.root, merged], check=True)
        try:
            subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", merged, raw, "6G"], check=True)
        finally:
            subprocess.run(["umount", merged], check=True)
    image = Image.of(folder)
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", raw, image.disk], check=True)
    shutil.copy(max((root / "boot").glob("vmlinuz-*")), image.kernel)
    shutil.copy(max((root / "boot").glob("initrd.img-*")), image.ram_disk)
    shutil.rmtree(work)
    return image


class Peer:
    """One end of a conversation in JSON, a line at a time: QEMU's monitor, or the agent in the machine."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._read = b""
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def call(self, command: str, timeout_s: float = ANSWER_S, **arguments: Any) -> Any:
        """What the other side returns.

        Raises:
            RuntimeError: it said no.
            OSError: it said nothing (TimeoutError), or is gone.
        """
        self._say(command, timeout_s, arguments)
        while True:
            said = self._line()
            if "error" in said:
                raise RuntimeError(f"{command}: {said['error']}")
            if "return" in said:  # Else an event, or the greeting.
                return said["return"]

    def synchronize(self, number: int, timeout_s: float = 5.0) -> None:
        """Skip what is left of an earlier conversation with the agent, up to its answer to this."""
        self._socket.settimeout(timeout_s)
        self._socket.sendall(b"\xff")  # Ends what it has read of an order of before a snapshot.
        self._say("guest-sync", timeout_s, {"id": number})
        while self._line().get("return") != number:
            pass

    def _say(self, command: str, timeout_s: float, arguments: dict[str, Any]) -> None:
        order = {"execute": command, "arguments": {name.replace("_", "-"): each for name, each in arguments.items()}}
        self._socket.settimeout(timeout_s)
        self._socket.sendall(json.dumps(order).encode() + b"\n")

    def _line(self) -> dict[str, Any]:
        while b"\n" not in self._read:
            part = self._socket.recv(1 << 20)
            if not part:
                raise ConnectionError("the machine is gone")
            self._read += part
        line, _, self._read = self._read.partition(b"\n")
        return dict(json.loads(line.lstrip(b"\xff")))


class VirtualMachine(Machine):
    """Runs `image` until the end of the block. What it writes stays in the image's disk; `load` takes it back.

    Attributes:
        console: what the kernel and systemd said to the serial line.
    """

    patience_s = 1200.0
    pause_s = 2.0

    def __init__(self, image: Image, folder: Path) -> None:
        self._image = image
        self._folder = folder
        self.console = folder / "console"
        self._numbers = itertools.count(int(time.time()))

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        booted = (
            READY
            in subprocess.run(
                ["qemu-img", "snapshot", "-l", self._image.disk], check=True, capture_output=True, text=True
            ).stdout
        )
        # Its time is counted in instructions, one a ns: while this PC is busy it passes slower, and nothing in the
        # machine runs out of it. One processor: two take turns, and a boot was not over in three minutes of this PC's.
        command = ["qemu-system-x86_64", "-accel", "tcg,thread=single", "-icount", "shift=0", "-cpu", "max",
                   "-m", MEMORY_MIB, "-nodefaults", "-no-reboot", "-display", "none", "-nic", "none",
                   "-rtc", "base=utc",
                   "-drive", f"file={self._image.disk},if=virtio,format=qcow2,cache=unsafe,discard=unmap",
                   "-kernel", self._image.kernel, "-initrd", self._image.ram_disk,
                   "-append", "console=ttyS0 root=/dev/vda rw quiet", "-serial", f"file:{self.console}",
                   "-qmp", f"unix:{self._folder}/qmp,server=on,wait=off", "-device", "virtio-serial",
                   "-chardev", f"socket,path={self._folder}/agent,server=on,wait=off,id=agent",
                   "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"]  # fmt: skip
        self._process = subprocess.Popen(
            [*map(str, command), *(["-loadvm", READY] if booted else [])], stdin=subprocess.DEVNULL
        )
        try:
            self._qemu = _soon(lambda: Peer(self._folder / "qmp"), ANSWER_S)
            self._qemu.call("qmp_capabilities")
            self._agent = Peer(self._folder / "agent")
            self._meet(BOOT_S)
            if not booted:
                self._prepare()
                self.save(READY)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # The disk is the tests'; nobody reads it again but by way of a snapshot.
        self._process.wait()
        for name in ("_qemu", "_agent"):
            if hasattr(self, name):
                getattr(self, name).close()

    def save(self, name: str) -> None:
        """Keep the machine as it is now, memory, disk and devices."""
        self._human(f"savevm {name}")

    def load(self, name: str = READY) -> None:
        """Go back to where `name` was saved."""
        self._human(f"loadvm {name}")
        self._meet(ANSWER_S)

    def run(self, *command: str, check: bool = True, timeout_s: float = 900.0) -> subprocess.CompletedProcess[str]:
        """As `Machine.run` says."""
        started = self._agent.call("guest-exec", path="/usr/bin/env", arg=[
            "-i", "-C", "/", "DEBIAN_FRONTEND=noninteractive", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
            "HOME=/root", "sh", "-c", 'exec "$@" 2>&1 </dev/null', "sh", *command], capture_output=True)  # fmt: skip
        deadline, pause_s = time.monotonic() + timeout_s, 0.02
        while not (ended := self._agent.call("guest-exec-status", pid=started["pid"]))["exited"]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{' '.join(command)}: not done in {timeout_s:g} s")
            time.sleep(pause_s)
            pause_s = min(0.5, 1.5 * pause_s)
        said = base64.b64decode(ended.get("out-data", "")).decode("utf-8", "replace")
        code = ended.get("exitcode", -ended.get("signal", 0))
        if check and code:
            raise RuntimeError(f"{' '.join(command)}: exit code {code}\n{said}")
        return subprocess.CompletedProcess(command, code, said)

    def write(self, path: str, text: str) -> None:
        """Write a text file inside, folders included."""
        self.put(path, text.encode())

    def put(self, path: str, data: bytes) -> None:
        """Write a file of a few MB, folders included; a new one has mode 0644."""
        self.run("sh", "-c", 'umask 022; mkdir -p "${1%/*}" && : >>"$1"', "sh", path)
        handle = self._agent.call("guest-file-open", path=path, mode="w")
        for begin in range(0, len(data), CHUNK):
            part = base64.b64encode(data[begin : begin + CHUNK]).decode("ascii")
            self._agent.call("guest-file-write", handle=handle, buf_b64=part)
        self._agent.call("guest-file-close", handle=handle)

    def start(self, video: str = CAMERA, audio: str = CARD, look_s: float = 15.0, extra: str = "") -> None:
        """Configure and start the service, and wait until sound arrives. Here a look takes a while even to begin."""
        self.configure(audio, video, f"cooldown_s = 0.0\n{extra}", look_s)
        self.run("systemctl", "start", "monitord")
        self.wait("the ear is up", lambda: self.active(EAR))
        self.wait("sound arrives", lambda: self.status().get("state", {}).get("level_dbfs") is not None)

    def status(self) -> dict[str, Any]:
        """What `monitord status --json` says, but for the page: that command takes seconds to start here."""
        said = self.run("bash", "-c", STATE, check=False).stdout
        head, _, body = said.partition("\r\n\r\n")
        return dict(json.loads(body)) if " 200 " in head.partition("\r\n")[0] else {}

    def play(self, path: str = "/root/cry.wav") -> None:
        """Play a file into the card, to its end."""
        self.run("aplay", "-q", "-D", PLAYER, path)

    def cry(self, times: int = 4) -> dict[str, Any]:
        """Play the scene's cry until it is heard; the incident."""
        for _ in range(times):
            self.play()
            with contextlib.suppress(TimeoutError):
                return dict(self.wait("an incident", self.incidents, 120.0)[0])
        raise TimeoutError(f"the cry was not heard\n{self.log()}")

    def verdict(self) -> str:
        """What the camera's look at the newest sound came to: "Sight....", "Fault....", "Look.ENDED"."""

        def over() -> str:
            said = self.incidents()[0]["camera"]
            return "" if said in {None, "Look.ASKED", "Look.BEGAN"} else said

        return str(self.wait("the camera's verdict", over))

    def sight(self, times: int = 4) -> str:
        """A verdict that is a sight. Where this PC is busy a look runs out of its time; then the cry goes on.

        Raises:
            TimeoutError: none of `times` looks saw anything; the text has monitord's log.
        """
        for _ in range(times):
            if (said := self.verdict()).startswith("Sight."):
                return said
            self.wait("the eye is gone", lambda: self.pid(EYE) == 0)
            self.play()
            time.sleep(10.0)
        raise TimeoutError(f"no look saw anything\n{self.log()}")

    def feed(self, picture: str = "lying_0.png", size: str = "384x288", noise: int = 6) -> None:
        """Show one of the scene's pictures, or BLACK, to CAMERA, five times a second. Without noise it is frozen.

        A picture of `size` has to fill whole pages of memory: v4l2-ctl takes as much, and another one would scroll.
        """
        source = (
            ["-f", "lavfi", "-i", "color=black"]
            if picture == BLACK
            else ["-loop", "1", "-i", f"{SCENE}/pictures/{picture}"]
        )
        raw = f"-f rawvideo -pix_fmt yuyv422 -framerate 5 -s {size}"
        # Made before they are shown: noise of its own for each frame would take the processor from the look.
        self.run("ffmpeg", "-v", "error", "-y", *source, "-vf", f"scale={size},noise=alls={noise}:allf=t",
                 "-frames:v", str(FRAMES), "-pix_fmt", "yuyv422", "-f", "rawvideo", SHOWN)  # fmt: skip
        width, height = map(int, size.split("x"))
        assert width * height * 2 % PAGE == 0, size
        # ffmpeg could write to the device, but v4l2loopback then takes no second writer, ever: it lets go of a writer
        # only where that one said that it streams.
        play = f"ffmpeg -v error -re -stream_loop -1 {raw} -i {SHOWN} -c copy -f rawvideo -"
        show = (f"v4l2-ctl -d {CAMERA} --set-fmt-video-out=width={width},height={height},pixelformat=YUYV "
                "--stream-out-mmap --stream-from=- >/dev/null")  # fmt: skip
        self.run("systemd-run", "--quiet", "--unit=feed", "--collect", "sh", "-c", f"{play} | {show}")
        self.wait("the camera has a picture", lambda: "Video Capture" in self.run(
            "v4l2-ctl", "-d", CAMERA, "--info", check=False).stdout.partition("Device Caps")[2])  # fmt: skip

    def unfeed(self) -> None:
        """Nobody shows anything to CAMERA any more."""
        self.run("systemctl", "stop", "feed.service", check=False)

    def unplug_card(self) -> None:
        """Take the sound card away, as pulling it out does."""
        self.run("sh", "-c", f"echo snd_aloop.0 >{_DRIVER}/unbind")

    def plug_card(self) -> None:
        """Put it back."""
        self.run("sh", "-c", f"echo snd_aloop.0 >{_DRIVER}/bind")

    def _prepare(self) -> None:
        """Wait for the boot's end, and bring the devices and the network up."""
        self.run("systemctl", "is-system-running", "--wait", check=False)
        self.run("modprobe", "snd-aloop", "index=0", "enable=1")
        self.run("modprobe", "v4l2loopback", "video_nr=9", "card_label=Camera", "exclusive_caps=1")
        self.run("modprobe", "vivid", "n_devs=1", "node_types=0x1", "num_inputs=1", "input_types=0x0", "vid_cap_nr=8")
        self.run("udevadm", "settle")
        self.run("ip", "link", "add", "house", "type", "dummy")
        self.run("ip", "address", "add", HOUSE, "dev", "house")
        self.run("ip", "link", "set", "house", "up")
        self.run("ip", "route", "add", "default", "via", ROUTER)

    def _human(self, command: str) -> None:
        said = self._qemu.call("human-monitor-command", timeout_s=SNAPSHOT_S, command_line=command)
        if said:
            raise RuntimeError(f"{command}: {said}")

    def _meet(self, timeout_s: float) -> None:
        """Reach the agent, and set the clock: that of a machine that was loaded stands where it was saved."""

        def met() -> bool:
            self._agent.synchronize(next(self._numbers))
            return True

        try:
            _soon(met, timeout_s)
        except TimeoutError as cause:
            said = self.console.read_text("utf-8", "replace")[-3000:]
            raise RuntimeError(f"the machine does not answer: {cause}\n{said}") from None
        self._agent.call("guest-set-time", time=time.time_ns())


def _soon(make: Callable[[], Any], timeout_s: float) -> Any:
    """What `make` returns once it raises nothing any more."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return make()
        except OSError:  # TimeoutError too.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
