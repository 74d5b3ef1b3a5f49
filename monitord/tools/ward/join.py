"""`monitord ward join SLIP`: on a room's Pi, or on the machine of a station, what `enroll` made becomes configuration.

The secrets are written first and the configuration last, each as a whole: a crash in between leaves the monitor as it
was, and joining again goes on. What is the owner's is never overwritten without being asked for, and never lost.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitord.config import Config, ConfigError
from monitord.lan import LanError, destination
from monitord.tools.ward import kept, slip
from monitord.tools.ward.folder import utc_now
from monitord.tools.ward.registry import WardError

if TYPE_CHECKING:
    from monitord.tools.ward.slip import Slip

CONFIG = Path("/etc/monitord/config.toml")
STATION = Path("/etc/monitord/ward.toml")
READERS = "monitord-config"
"""The group of the package whose members may read the configuration."""
_HEADER = re.compile(r"\s*\[\s*notify\s*\.\s*(?:ward|\"ward\"|'ward')\s*\]\s*(?:#.*)?")
_BROKER = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}")
_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,128}")


@dataclass(frozen=True, slots=True)
class _Put:
    """A file to be written: what was there is kept as `aside`, None: nothing was, or the same."""

    path: Path
    content: bytes
    aside: Path | None


def join(source: str, config: Path | None, *, do_replace: bool) -> None:
    """Turn a slip into configuration.

    Args:
        source: path of the slip; "-": standard input.
        config: the file that gets the section, or becomes ward.toml; None: where the package has it.
        do_replace: whether what an earlier slip, or the owner, has written there may be replaced.

    Raises:
        WardError: it cannot be done; nothing has changed then, or only files with secrets that were not there.
    """
    shown = "standard input" if source == "-" else source
    try:
        carried = slip.decode(_read(source, shown))
        _check(carried)
    except WardError as cause:
        raise WardError(f"{shown}: {cause}") from None
    path = config or (CONFIG if carried.kind == "room" else STATION)
    folder = path.parent / ("ward" if carried.kind == "room" else "ward-station")  # One machine may be both.
    secrets = {folder / "ca.crt": carried.authority, folder / "password": f"{carried.password}\n"}
    before, after = (
        _room(path, carried, folder, do_replace) if carried.kind == "room" else _station(path, carried, folder)
    )
    stamp = utc_now().strftime("%Y%m%dT%H%M%SZ")
    puts = [_put(each, content.encode(), stamp) for each, content in secrets.items()]
    whole = _put(path, after.encode(), stamp)
    standing = [
        str(put.path) for put in (*puts, *([whole] if carried.kind == "station" else [])) if put.aside is not None
    ]
    if standing and not do_replace:
        raise WardError(f"{' and '.join(standing)}: would be overwritten; --replace keeps the old ones beside the new")
    if before == after and not any(_differs(put) for put in puts):
        print(f"{path}: has joined already as {carried.name}; nothing was changed")
        return
    _write(folder, puts, whole, carried)
    _say(carried, path, [put for put in (*puts, whole) if put.aside is not None], source)


def _read(source: str, shown: str) -> str:
    try:
        if source == "-":
            content = sys.stdin.buffer.read(slip.SIZE_MAX + 1)
        else:
            with Path(source).open("rb") as file:
                if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                    print(f"{shown}: others may read it, and it holds a password; chmod 600 {shown}", file=sys.stderr)
                content = file.read(slip.SIZE_MAX + 1)
    except OSError as cause:
        raise WardError(f"cannot be read: {cause.strerror}") from None
    try:
        return content.decode("ascii")
    except UnicodeDecodeError:
        raise WardError(f'is no slip of monitord ward enroll: one begins with "{slip.PREFIX}"') from None


def _check(carried: Slip) -> None:
    """What goes into a configuration is only what needs no quoting there, and leads to the house."""
    for each in (carried.username, carried.password):
        if not _PLAIN.fullmatch(each):
            raise WardError("has a user name or a password that monitord ward enroll does not make")
    for each in carried.brokers:
        host = each.rpartition(":")[0]
        try:
            if not _BROKER.fullmatch(each):
                raise WardError("names a broker that is none")
            destination(host, cgnat=True)
        except LanError:
            raise WardError(f"names the broker {host}, which is outside the house") from None


def _room(path: Path, carried: Slip, folder: Path, do_replace: bool) -> tuple[str, str]:  # noqa: FBT001 - of join
    """The configuration as it is, and with the section; checked as a whole."""
    try:
        before = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise WardError(f"{path}: is not there; name the monitor's configuration with --config") from None
    except OSError as cause:
        raise WardError(f"{path}: cannot be read: {cause.strerror}") from None
    except UnicodeDecodeError:
        raise WardError(f"{path}: is not UTF-8 text") from None
    _valid(path, before, "mend it first")
    section = _section(carried, folder)
    lines = before.splitlines(keepends=True)
    at = next((number for number, line in enumerate(lines) if _HEADER.fullmatch(line.rstrip("\r\n"))), None)
    if at is None:
        gap = "" if not before or before.endswith("\n\n") else "\n" if before.endswith("\n") else "\n\n"
        after = f"{before}{gap}{section}"
    else:
        end = next((n for n in range(at + 1, len(lines)) if lines[n].lstrip().startswith("[")), len(lines))
        while end > at + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
            end -= 1  # What stands before the next section is about that.
        after = "".join([*lines[:at], section, *lines[end:]])
        if before != after and not do_replace:
            raise WardError(f"{path}: has a section [notify.ward] already; --replace puts the new one in its place")
    _valid(path, after, "write this into it by hand:\n\n" + section)
    return before, after


def _valid(path: Path, text: str, mend: str) -> None:
    """Raises WardError: `text` is no configuration."""
    beside = path.with_name(f".{path.name}.checked")
    kept.replace(beside, text.encode(), 0o600)
    try:
        Config.load(beside)
    except ConfigError as cause:
        first = str(cause).splitlines()[0].replace(str(beside), str(path))
        raise WardError(f"{first}; nothing was changed, {mend}") from None
    finally:
        beside.unlink(missing_ok=True)


def _section(carried: Slip, folder: Path) -> str:
    return (
        "[notify.ward]\n"
        'kind = "ward"\n'
        f"site = {_quoted(carried.site)}\n"
        f"room = {_quoted(carried.name)}\n"
        f"{_connection(carried, folder)}"
    )


def _connection(carried: Slip, folder: Path) -> str:
    return (
        f"brokers = [{', '.join(map(_quoted, carried.brokers))}]\n"
        f"ca_file = {_quoted(str(folder.absolute() / 'ca.crt'))}\n"
        f"username = {_quoted(carried.username)}\n"
        f"password_file = {_quoted(str(folder.absolute() / 'password'))}\n"
    )


def _station(path: Path, carried: Slip, folder: Path) -> tuple[str, str]:
    """What is at `path`, and a whole ward.toml."""
    if not carried.rooms:
        raise WardError("names no room: enroll the rooms of the ward first, then the station with --again")
    text = (
        "[ward]\n"
        f"site = {_quoted(carried.site)}\n"
        f"name = {_quoted(carried.ward)}\n"
        f"station = {_quoted(carried.name)}\n"
        f"rooms = [{', '.join(map(_quoted, carried.rooms))}]\n"
        f"\n[broker]\n{_connection(carried, folder)}"
    )
    try:
        return path.read_bytes().decode("utf-8", "replace"), text
    except FileNotFoundError:
        return "", text
    except OSError as cause:
        raise WardError(f"{path}: cannot be read: {cause.strerror}") from None


def _quoted(text: str) -> str:
    """As TOML's basic string, which JSON's is for everything that `_check` lets through."""
    return json.dumps(text, ensure_ascii=False)


def _put(path: Path, content: bytes, stamp: str) -> _Put:
    try:
        same = path.read_bytes() == content
    except FileNotFoundError:
        return _Put(path, content, None)
    except OSError as cause:
        raise WardError(f"{path}: cannot be read: {cause.strerror}") from None
    return _Put(path, content, None if same else path.with_name(f"{path.name}.before-{stamp}"))


def _differs(put: _Put) -> bool:
    return put.aside is not None or not put.path.exists()


def _write(folder: Path, puts: list[_Put], whole: _Put, carried: Slip) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept.give(folder, 0o750, READERS)
    except OSError as cause:
        raise WardError(f"{folder}: cannot be made: {cause.strerror}; be root") from None
    for put in puts:
        _keep_old(put)
        kept.replace(put.path, put.content, 0o640, READERS)
    _keep_old(whole)
    if whole.path.exists():
        _replace_alike(whole)
    else:
        kept.replace(whole.path, whole.content, 0o640 if carried.kind == "station" else 0o644, READERS)


def _keep_old(put: _Put) -> None:
    if put.aside is not None:
        kept.set_aside(put.path, put.aside)


def _replace_alike(put: _Put) -> None:
    """As the owner has it: the same owner, group and rights."""
    status = put.path.stat()
    kept.replace(put.path, put.content, 0o600)
    if os.geteuid() == 0:
        os.chown(put.path, status.st_uid, status.st_gid)
    put.path.chmod(stat.S_IMODE(status.st_mode))


def _say(carried: Slip, path: Path, kept_old: list[_Put], source: str) -> None:
    for put in kept_old:
        print(f"{put.path}: the old one is kept as {put.aside}")
    if carried.kind == "room":
        print(f"{path} has the section [notify.ward] now: room {carried.name} of {carried.site}.")
        print("Now: monitord check, restart monitord, then: monitord test-alert ward")
    else:
        print(f"{path} is written: station {carried.name} of ward {carried.ward}, {len(carried.rooms)} rooms.")
        print(f"Now: monitord ward --config {path}")
    if source != "-":
        print(f"The slip still holds the password: shred -u {source}")
