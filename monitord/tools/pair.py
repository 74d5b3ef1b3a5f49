"""`monitord pair`: lets a phone in, lists those that are, and puts one out.

It runs as root or as the user of the voice, because it writes the access file; nobody else may.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import ssl
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from monitord import paths
from monitord.lan import is_local
from monitord.notify.web import access, accessfile
from monitord.notify.web.access import AccessError, Role
from monitord.notify.web.accessfile import AccessFile
from monitord.notify.web.doorkeeper import admit_ntfy
from monitord.tools.qr import show_qr
from monitord.tools.status import PAGE_CA, page_url

if TYPE_CHECKING:
    from monitord.config import Config
    from monitord.notify.web.access import Session

_LONG_BYTES = 32
_LOOK_S = 0.5


def pair(config: Config, role: str, name: str | None) -> int:
    """Show a one-time code and, on a terminal, wait until a phone has used it; returns the exit code."""
    url = page_url(config)
    digits, long = f"{secrets.randbelow(10**access.DIGITS):0{access.DIGITS}}", secrets.token_urlsafe(_LONG_BYTES)
    file = _file()
    try:
        wanted = "" if name is None else access.clean_name(name)
        before = file.change(
            lambda held: access.open_code(
                access.tidy(held, time.time(), config.page.session_days),
                time.time(),
                digits=digits,
                long=long,
                role=Role(role),
                name=wanted,
            )
        )
    except AccessError as cause:
        return _failed(cause)
    minutes = int(access.CODE_S // 60)
    print(f"Scan this with the phone, or open {url} on it and type the code. Good for {minutes} minutes, once.\n")
    show_qr(f"{url}#pair={long}")
    print(f"\n    code  {digits[:3]} {digits[3:]}    it may then {role}\n")
    _explain(config, url)
    return _wait(file, {each.id for each in before.sessions}) if sys.stdout.isatty() else 0


def pair_ntfy(config: Config, role: str, name: str | None) -> int:
    """Make a user and password for an ntfy app and show them; returns the exit code."""
    if not config.page.ntfy_topic:
        return _failed("ntfy apps are not served: page.ntfy_topic is empty in the configuration")
    url = page_url(config)
    try:
        admitted = admit_ntfy(_file(), name or "ntfy app", Role(role), time.time(), config.page.session_days)
    except AccessError as cause:
        return _failed(cause)
    parts = urlsplit(url)
    link = f"ntfy://{parts.netloc}/{config.page.ntfy_topic}" + ("" if parts.scheme == "https" else "?secure=false")
    print("In the ntfy app: Settings, Manage users, add this user; then subscribe to the topic on this server.\n")
    print(f"    server    {url.rstrip('/')}\n    topic     {config.page.ntfy_topic}")
    print(f"    user      monitord\n    password  {admitted.token}\n")
    print("The password is shown this once. An Android phone that has the user subscribes by this code:\n")
    show_qr(link)
    print()
    _explain(config, url)
    return 0


def show(config: Config, *, as_json: bool) -> int:
    """List who is paired; returns the exit code."""
    try:
        held = access.tidy(_file().read(), time.time(), config.page.session_days)
    except AccessError as cause:
        return _failed(cause)
    for each in held.sessions:
        if as_json:
            told = {"id": each.id, "name": each.name, "role": each.role, "use": each.use}
            print(json.dumps({**told, "paired_at": each.made_at, "used_at": each.used_at}, ensure_ascii=False))
        else:
            print(f"{each.id}  {each.name}: may {each.role}, {each.use}, paired {_day(each.made_at)}, {_used(each)}")
    if not held.sessions and not as_json:
        print("nobody is paired; monitord pair lets a phone in")
    return 0


def revoke(config: Config, wanted: str) -> int:
    """Put out who has this name or id, at once; returns the exit code."""
    del config
    gone: list[Session] = []

    def remove(held: access.Access) -> access.Access:
        after, removed = access.remove(held, wanted)
        gone.extend(removed)
        return after

    try:
        _file().change(remove)
    except AccessError as cause:
        return _failed(cause)
    if not gone:
        return _failed(f"nobody is called {wanted!r}; monitord pair --list shows who is paired")
    for each in gone:
        print(f"{each.name} ({each.id}) is no longer paired")
    return 0


def _file() -> AccessFile:
    return AccessFile(paths.state_dir() / accessfile.NAME)


def _explain(config: Config, url: str) -> None:
    host = urlsplit(url).hostname or ""
    if (is_local(host) and host.startswith("127.")) or host in ("::1", "localhost"):
        print("The page is served to this machine alone; a phone reaches it when [page] address is this machine's own.")
    if url.startswith("https://"):
        print(f"To trust the page, install {url}ca.crt on the phone (docs/pairing.md); its SHA-256 fingerprint must be")
        print(f"    {_fingerprint()}")
    elif config.page.secure:
        print("monitord does not run as configured; start it again.")


def _fingerprint() -> str:
    try:
        der = ssl.PEM_cert_to_DER_cert((paths.runtime_dir() / PAGE_CA).read_text("ascii"))
    except (OSError, ValueError):
        return "(monitord does not run; start it and ask again)"
    return hashlib.sha256(der).digest().hex(":").upper()


def _wait(file: AccessFile, before: set[str]) -> int:
    """Until a phone has come, the code is void, or the person has seen enough (Ctrl-C)."""
    end = time.monotonic() + access.CODE_S
    while time.monotonic() < end:
        try:
            held = file.read()
        except AccessError as cause:
            return _failed(cause)
        for each in held.sessions:
            if each.id not in before:
                print(f"{each.name} is paired and may {each.role}.")
                return 0
        time.sleep(_LOOK_S)
    return _failed("no phone has used the code; it is void now")


def _day(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d")


def _used(session: Session) -> str:
    return f"last used {_day(session.used_at)}"


def _failed(cause: object) -> int:
    print(cause, file=sys.stderr)
    return 1
