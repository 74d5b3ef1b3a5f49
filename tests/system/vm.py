"""A virtual machine with monitord's package, an ALSA card and a V4L2 camera of its own kernel. No KVM is needed.

`image` makes the disk from the container's layers; `boot` starts it and returns what `vm_guest.py` told.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from container import SUITE, Container, debian_root, install_layer
from container import missing as no_container
from latency import bundled_cry

GUEST = Path(__file__).with_name("vm_guest.py")
LIMIT_S = 3000.0
RUN = """[Unit]
Description=What is tried in this machine
After=multi-user.target
[Service]
Type=simple
ExecStart=/usr/bin/python3 /root/vm_guest.py /dev/ttyS1
[Install]
WantedBy=multi-user.target
"""


def missing() -> str:
    """What this machine lacks, one sentence; nothing, if all is there."""
    if shutil.which("qemu-system-x86_64") is None or shutil.which("mke2fs") is None:
        return "needs qemu-system-x86_64 and mke2fs: apt-get install qemu-system-x86 e2fsprogs"
    return no_container()


def image(package: Path, folder: Path) -> tuple[Path, Path, Path]:
    """Disk, kernel and initial RAM disk of a machine with the package installed."""
    root = debian_root(SUITE, "amd64", "machine")
    layer = install_layer(root, package, folder / "layer")
    with Container([layer, root], folder / "guest") as machine:
        # Written while it runs, because that is when the layers lie over one another.
        shutil.copy(GUEST, machine.path("/root"))
        bundled_cry(machine.path("/root/cry.wav"))
        machine.path("/etc/systemd/system/guest.service").write_text(RUN, "ascii")
        machine.run("systemctl", "enable", "guest.service")
        machine.run("systemctl", "mask", "systemd-networkd-wait-online.service", "apt-daily.timer", check=False)
        disk = folder / "disk.ext4"
        merged = folder / "merged"
        merged.mkdir()
        subprocess.run(["mount", "--bind", machine.root, merged], check=True)
        try:
            subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", merged, disk, "6G"], check=True)
        finally:
            subprocess.run(["umount", merged], check=True)
    kernel = max((root / "boot").glob("vmlinuz-*"))
    return disk, kernel, max((root / "boot").glob("initrd.img-*"))


def boot(disk: Path, kernel: Path, ram_disk: Path, folder: Path) -> list[dict[str, Any]]:
    """Boot the machine, wait until it powers off, and return what it told, in order.

    Raises:
        RuntimeError: it did not come to its end; the text has the last lines of its console.
    """
    results, console = folder / "results", folder / "console"
    command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2048",
                "-nodefaults", "-no-reboot", "-display", "none", "-nic", "none",
               "-drive", f"file={disk},if=virtio,format=raw,snapshot=on", "-kernel", kernel, "-initrd", ram_disk,
               "-append", "console=ttyS0 root=/dev/vda rw quiet systemd.unified_cgroup_hierarchy=1",
               "-serial", f"file:{console}", "-serial", f"file:{results}"]  # fmt: skip
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(command, check=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL)
    told = [json.loads(line) for line in results.read_text("utf-8").splitlines() if line.startswith("{")]
    if not told or told[-1]["what"] != "end":
        said = console.read_text("utf-8", "replace")[-3000:]
        raise RuntimeError(f"the machine did not come to its end: {told}\n{said}")
    return told
