"""`monitord doctor`: walks through everything that a night depends on, and says what is wrong and what mends it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from monitord import model, paths
from monitord.audio.models import EarModels
from monitord.notify import texts
from monitord.notify.database import JournalError
from monitord.notify.earwatch import EAR_SILENT_S
from monitord.notify.history import read
from monitord.notify.machine import Machine, Reading, faults_of
from monitord.notify.web import authority
from monitord.tools import meter
from monitord.tools.status import AskError, ask, page_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitord.config import Config

METER_S = 5.0
_FREE_BYTES = 100 << 20
_BUILT = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""No clock that is right shows an earlier time."""
_ASK_S = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What is found of one thing.

    Attributes:
        what: a word or two.
        good: False: it must be mended; None: it could not be looked at, or needs not be.
        says: one sentence.
        mend: the command that mends it, or the key to set; "": none is needed.
    """

    what: str
    good: bool | None
    says: str
    mend: str = ""


def doctor(config: Config, path: Path | None, *, as_json: bool, listen: bool) -> int:
    """Print what is found; returns 1 if anything must be mended.

    Args:
        config: the configuration.
        path: its file.
        as_json: one JSON object at the end, and nothing else.
        listen: whether to open the microphone for the level meter.
    """
    findings = []
    for finding in walk(config, path, listen=listen, show=not as_json and sys.stderr.isatty()):
        findings.append(finding)
        if not as_json:
            mark = {True: "ok   ", False: "FAULT", None: "     "}[finding.good]
            print(f"{mark} {finding.what:14s} {finding.says}")
            if finding.mend:
                print(f"      {'':14s} -> {finding.mend}")
    bad = sum(finding.good is False for finding in findings)
    if as_json:
        print(json.dumps({"findings": [asdict(finding) for finding in findings]}, ensure_ascii=False))
    else:
        print("Everything that was looked at is in order." if not bad else f"{bad} to be mended; see above.")
    return 1 if bad else 0


def walk(config: Config, path: Path | None, *, listen: bool, show: bool) -> Iterator[Finding]:
    """Everything in turn."""
    state = _state(config)
    yield Finding("configuration", good=True, says=str(path or "none given: the defaults"))
    yield from (_models(config), *_rights())
    yield _microphone(config, state, listen=listen, show=show)
    yield camera(config.video.device, Path("/dev"), os.access)
    yield from (_sockets(state), _page(config, state), *channels(state), *_running(state))
    yield from certificates(config, datetime.now(UTC))
    yield clock(time.time(), synchronised=_synchronised())
    yield power(Machine().read())
    yield from (_journal(), _space(paths.state_dir()))
    yield selftest(config)


def _state(config: Config) -> dict[str, object] | str:
    """The state of the running monitor; a text: why there is none."""
    try:
        answer = ask(config, "GET", "api/v1/state")
    except AskError as cause:
        return str(cause)
    state = answer.get("state")
    return (
        {**state, "incidents": answer.get("incidents", [])} if isinstance(state, dict) else "no monitord answers there"
    )


def _models(config: Config) -> Finding:
    try:
        names = [name for name, _ in EarModels.load(config.audio).lines()]
        names.append(model.load(paths.models_dir() / "person.toml").card.name)
    except model.ModelError as cause:
        return Finding("models", good=False, says=str(cause), mend="install monitord again")
    return Finding("models", good=True, says=", ".join(names))


def _rights() -> Iterator[Finding]:
    """Whether this user may use the devices; as a service others do, and systemd lets them."""
    for what, folder, group in (("sound card", "snd", "audio"), ("video", "video0", "video")):
        node = Path("/dev") / folder
        nodes = sorted(node.glob("pcm*c")) if node.is_dir() else [node] if node.exists() else []
        if nodes and not any(os.access(each, os.R_OK | os.W_OK) for each in nodes):
            says = f"this user may not use {nodes[0]}"
            yield Finding(
                f"{what} rights", good=False, says=says, mend=f"sudo usermod -aG {group} $USER, and log in again"
            )


def _microphone(config: Config, state: dict[str, object] | str, *, listen: bool, show: bool) -> Finding:
    if not isinstance(state, str) and state.get("paused_until"):
        return Finding("microphone", good=None, says="closed: the owner has paused the monitor", mend="monitord resume")
    if not isinstance(state, str) and state.get("gate"):
        return Finding("microphone", good=True, says=f"the running ear has it; {state.get('level_dbfs')} dBFS now")
    if not listen:
        return Finding("microphone", good=None, says="not opened (--no-listen)")
    try:
        from monitord.audio.microphone import Microphone  # noqa: PLC0415 - PortAudio may be missing, which is a finding
    except OSError as cause:
        return Finding("microphone", good=False, says=f"PortAudio: {cause}", mend="sudo apt-get install libportaudio2")
    if config.audio.device.startswith("file:"):
        return Finding("microphone", good=None, says=f"{config.audio.device} stands in its place")
    open_source = partial(Microphone, config.audio.device, meter.BLOCK_S)
    if show:
        print("      Speak, or clap your hands:", file=sys.stderr)
    good, says = meter.verdict(meter.listen(open_source, METER_S, show=show, clock=meter.monotonic))
    return Finding("microphone", good=good, says=says, mend="" if good else "arecord -l lists the sound cards")


def camera(device: str, devices: Path, may: Callable[[Path, int], bool]) -> Finding:
    """Whether the camera is there and may be opened; it is not opened.

    Args:
        device: as in the configuration.
        devices: the folder that stands for /dev.
        may: as `os.access`.
    """
    if device == "off":
        return Finding("camera", good=None, says="switched off by the configuration")
    if device.startswith("file:"):
        return Finding("camera", good=None, says=f"{device} stands in its place")
    if not (device.isdecimal() or device.startswith("/dev/")):
        return Finding("camera", good=None, says=f"{device}: not looked at; `monitord check` and a look tell")
    node = devices / f"video{device}" if device.isdecimal() else devices / device.removeprefix("/dev/")
    if not node.exists():
        return Finding(
            "camera", good=False, says=f"{node} is not there", mend='plug it in, or set video.device = "off"'
        )
    if not may(node, os.R_OK | os.W_OK):
        mend = "sudo usermod -aG video $USER, and log in again"
        return Finding("camera", good=False, says=f"this user may not use {node}", mend=mend)
    return Finding("camera", good=True, says=f"{node} is there (not opened)")


def _sockets(state: dict[str, object] | str) -> Finding:
    folder = paths.runtime_dir()
    missing = [name for name in (paths.EVENTS_SOCKET, paths.LOOK_SOCKET) if not (folder / name).is_socket()]
    if not missing:
        return Finding("sockets", good=True, says=str(folder))
    if isinstance(state, str):
        return Finding("sockets", good=None, says=f"{folder}: none, as monitord does not run")
    says = f"{folder}: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} gone"
    return Finding("sockets", good=False, says=says, mend="sudo systemctl restart monitord")


def _page(config: Config, state: dict[str, object] | str) -> Finding:
    if isinstance(state, str):
        mend = "sudo systemctl start monitord (or: monitord run)"
        return Finding("page", good=False, says=state, mend=mend)
    return Finding("page", good=True, says=page_url(config))


def channels(state: dict[str, object] | str) -> Iterator[Finding]:
    """Whether each channel works, as the running voice knows."""
    told = state.get("channels") if isinstance(state, dict) else None
    for each in told if isinstance(told, list) else []:
        name, trouble = str(each.get("name")), str(each.get("trouble") or "")
        mend = f"monitord test-alert {name} shows whether it works again" if trouble else ""
        yield Finding(f"channel {name}", good=not trouble, says=trouble or "no trouble known", mend=mend)


def certificates(config: Config, now: datetime) -> Iterator[Finding]:
    """Whether what the channels trust, and show, is good for a while.

    Args:
        config: the configuration.
        now: UTC.
    """
    for name, section in config.notify.items():
        for key, mend in (
            ("ca_file", "take the new one from whoever runs the server; of a ward: docs/ward-provisioning.md"),
            ("certificate_file", "have it signed anew by whoever runs the server"),
        ):
            path = getattr(section, key, "")
            if not path:
                continue
            what = f"channel {name}"
            try:
                ends = authority.ends(Path(path))
            except authority.AuthorityError as cause:
                yield Finding(what, good=False, says=str(cause), mend=f"mend notify.{name}.{key}")
                continue
            soon = ends <= now + timedelta(days=authority.RENEW_DAYS)
            says = f"{path} {'ends' if ends > now else 'ended'} on {ends.astimezone():%Y-%m-%d}"
            yield Finding(what, good=not soon, says=says, mend=mend if soon else "")


def _running(state: dict[str, object] | str) -> Iterator[Finding]:
    if isinstance(state, dict):
        since = state.get("since_ear_s")
        silent = not isinstance(since, int | float) or since > EAR_SILENT_S
        says = "the ear is silent" if silent else f"the ear spoke {since} s ago: {state.get('gate_text')}"
        mend = "journalctl -u monitord-audio -n 20 says why" if silent else ""
        yield Finding("ear", good=not silent, says=says, mend=mend)
        told = state["incidents"]
        for each in told if isinstance(told, list) else []:
            if each.get("kind") == "fault" and each.get("state") != "cleared":
                yield Finding(
                    "fault", good=False, says=str(each.get("text")), mend=f"monitord ack {each.get('id')}, once seen to"
                )


def selftest(config: Config) -> Finding:
    """What looks at the whole chain, as nothing here does."""
    section = config.selftest
    says = "none of this shows that a cry in this room reaches a person; the self-test does"
    if section.nightly:
        says = f"runs at {section.nightly} every night, by the speaker {section.speaker!r}"
    return Finding("self-test", good=None, says=says, mend="monitord selftest")


def clock(now: float, *, synchronised: bool | None) -> Finding:
    """Whether the clock can be right.

    Args:
        now: seconds since 1970.
        synchronised: whether it follows a time server; None: nobody knows.
    """
    shown = datetime.fromtimestamp(now, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    if now < _BUILT:
        return Finding("clock", good=False, says=f"it shows {shown}", mend="sudo timedatectl set-ntp true")
    if synchronised is False:
        says = f"{shown}, and it follows no time server; alerts do not need it, the ledger's times do"
        return Finding("clock", good=False, says=says, mend="sudo timedatectl set-ntp true")
    return Finding("clock", good=True, says=shown)


def _synchronised() -> bool | None:
    command = shutil.which("timedatectl")
    if command is None:
        return None
    try:
        asked = [command, "show", "--property=NTPSynchronized", "--value"]
        said = subprocess.run(asked, capture_output=True, text=True, timeout=_ASK_S, check=False).stdout.strip()  # noqa: S603 - a fixed command
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(said)


def power(reading: Reading) -> Finding:
    """Power, heat and memory."""
    found = faults_of(reading)
    if found:
        says = " ".join(texts.text(fault) for fault in sorted(found, key=lambda fault: fault.value))
        return Finding("power", good=False, says=says, mend="vcgencmd get_throttled tells more on a Raspberry Pi")
    told = [f"{max(at for at, _ in reading.heat):.0f} C"] if reading.heat else []
    told += [f"{100 * reading.memory_left:.0f} % of the memory free"] if reading.memory_left is not None else []
    told += ["no under-voltage"] if reading.under_voltage is False else []
    return Finding("power", good=True if told else None, says=", ".join(told) or "this machine tells nothing of it")


def _journal() -> Finding:
    path = paths.state_dir() / paths.JOURNAL
    if not path.exists():
        return Finding("journal", good=None, says=f"{path}: there is none yet")
    try:
        history = read(path)
    except JournalError as cause:
        return Finding("journal", good=False, says=str(cause), mend="sudo monitord doctor, if it is a matter of rights")
    try:
        live = history.live_incidents()
    except JournalError as cause:
        return Finding("journal", good=False, says=str(cause), mend="start monitord: it sets a damaged journal aside")
    finally:
        history.close()
    return Finding("journal", good=True, says=f"{path} is readable; {len(live)} incidents go on")


def _space(folder: Path) -> Finding:
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < _FREE_BYTES:
        mend = f"sudo journalctl --vacuum-size=100M; du -xh {folder} | sort -h | tail"
        return Finding("disk", good=False, says=f"only {free >> 20} MiB are free at {folder}", mend=mend)
    return Finding("disk", good=True, says=f"{free >> 20} MiB are free at {folder}")
