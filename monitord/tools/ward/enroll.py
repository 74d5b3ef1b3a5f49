"""On the broker: `monitord ward init`, `enroll`, `enroll-station`, `revoke`, `list` and `renew`.

They run as root, because Mosquitto's files are root's. None of them restarts or reloads the broker; each says how.
"""

from __future__ import annotations

import json
import re
import secrets
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitord.lan import LanError, destination
from monitord.notify.web.authority import RENEW_DAYS
from monitord.tools.qr import show_qr
from monitord.tools.ward import kept, mosquitto, registry, slip
from monitord.tools.ward.folder import CONF, Folder, utc_now
from monitord.tools.ward.registry import Member, Site, WardError
from monitord.wardtalk.topics import room_user, station_user

FOLDER = Path("/etc/mosquitto/monitord")
PORT = 8883
"""MQTT over TLS, as registered at IANA."""
RELOAD = "systemctl reload mosquitto"
_SECRET_BYTES = 32
_BROKER = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?")


def init(folder: Path, site: str, brokers: list[str], *, cgnat: bool) -> None:
    """Begin a site. Raises: WardError."""
    registry.checked(site, "site")
    made = Site(site, tuple(broker(each, cgnat=cgnat) for each in brokers))
    kept_in, now = Folder(folder), utc_now()
    with kept_in.locked():
        if kept_in.exists():
            known = kept_in.load()
            if (known.site, known.brokers) == (made.site, made.brokers):
                print(f"{folder} is the folder of site {site} already; nothing was changed")
                return
            raise WardError(
                f"{folder} is the folder of site {known.site} at {', '.join(known.brokers)}; name another --folder, or "
                "give it other brokers with: monitord ward renew --broker HOST"
            )
        ends = kept_in.certify(made, now)
        _tell(kept_in.save(made, now))
    print(f"Site {site} is begun; its authority is {folder}/ca.crt, its broker's certificate ends on {_day(ends)}.")
    print("Let Mosquitto serve it, once:\n")
    print(f"    sudo ln -s {folder.absolute() / CONF} /etc/mosquitto/conf.d/monitord.conf")
    print("    sudo systemctl restart mosquitto\n")
    print("Then: monitord ward enroll ROOM, and monitord ward enroll-station NAME")


def enroll(folder: Path, kind: str, name: str, ward: str, *, again: bool, out: Path | None, qr: bool) -> None:
    """Make the credentials of a room or a station ("room", "station"), and its slip. Raises: WardError."""
    registry.checked(name, kind)
    registry.checked(ward, "ward")
    path = Path(f"{kind}-{name}.ward") if out is None else out
    kept_in, now = Folder(folder), utc_now()
    with kept_in.locked():
        before = kept_in.load()
        if not qr and path.exists() and not again:
            raise WardError(f"{path}: is there already; remove it, or name another one with --out")
        password = secrets.token_urlsafe(_SECRET_BYTES)
        hash_ = mosquitto.hashed(password, secrets.token_bytes(mosquitto.SALT_BYTES))
        site = registry.add(before, kind, Member(name, ward, hash_, now.timestamp()), again=again)
        carried = _slip(site, kind, Member(name, ward, "", 0.0), password, kept_in.authority())
        if not qr:  # First: credentials that nobody can carry would lock out a room that has them already.
            kept.replace(path, f"# monitord, {kind} {name} of {site.site}: a password.\n{carried}\n".encode(), 0o600)
        _tell(kept_in.save(site, now))
    print(f"{kind.capitalize()} {name} of ward {ward} is enrolled at {site.site}.\n")
    if qr:
        print("This holds its password; who photographs it has it. Scan it, and paste its text on the Pi into:\n")
        show_qr(carried)
        print("\n    monitord ward join -\n")
    else:
        print(f"Carry {path} to it, and there:\n\n    sudo monitord ward join {path.name}\n")
        print(f"It holds the password; afterwards, remove it here and there: shred -u {path.name}")
    print(f"The broker lets it in after: sudo {RELOAD}")
    _about_stations(site, kind, name, ward, before)


def revoke(folder: Path, name: str) -> None:
    """Take away the credentials and the rights of a room or a station. Raises: WardError."""
    kept_in, now = Folder(folder), utc_now()
    with kept_in.locked():
        site, kind, gone = registry.remove(kept_in.load(), name)
        _tell(kept_in.save(site, now))
    print(f"{kind.capitalize()} {name} of ward {gone.ward} has no credentials and no rights any more.")
    print(f"The broker knows after this, and cuts its connection then (SIGHUP): sudo {RELOAD}")
    if kind == "room":
        told = [each.name for each in site.stations if each.ward == gone.ward]
        if told:
            print(f"Take it out of rooms in ward.toml of {', '.join(told)}: they would miss its heartbeat and alarm.")


def show(folder: Path, *, as_json: bool) -> int:
    """List who is enrolled and what has to be done; returns 1 if anything has. Raises: WardError."""
    kept_in, now = Folder(folder), utc_now()
    site = kept_in.load()
    due = _due(kept_in, site, now)
    if as_json:
        told = [_json("room", each) for each in site.rooms] + [_json("station", each) for each in site.stations]
        print(json.dumps({"site": site.site, "brokers": site.brokers, "enrolled": told, "due": due}))
        return 1 if due else 0
    print(f"site {site.site}, broker {', '.join(site.brokers)}")
    for kind, members in (("room", site.rooms), ("station", site.stations)):
        for each in members:
            print(
                f"{kind:7s}  {each.name}: ward {each.ward}, enrolled {_day(datetime.fromtimestamp(each.made_at, UTC))}"
            )
    if not site.rooms:
        print("no room is enrolled; monitord ward enroll ROOM does it")
    for each_due in due:
        print(f"DUE: {each_due}")
    return 1 if due else 0


def renew(folder: Path, brokers: list[str], *, anew: bool, cgnat: bool) -> None:
    """Make what is missing or ends soon: the broker's certificate, and what Mosquitto reads. Raises: WardError."""
    kept_in, now = Folder(folder), utc_now()
    with kept_in.locked():
        site = kept_in.load()
        if brokers:
            site = replace(site, brokers=tuple(broker(each, cgnat=cgnat) for each in brokers))
        before = _certificate(kept_in)
        stale = kept_in.out_of_date(site)
        ends = kept_in.certify(site, now, anew=anew)
        _tell(kept_in.save(site, now))
        changed = [*stale, *(["server.crt"] if _certificate(kept_in) != before else [])]
    if not changed:
        print(f"Nothing is due; the broker's certificate ends on {_day(ends)}.")
        return
    print(f"Made anew: {', '.join(changed)}. The broker's certificate ends on {_day(ends)}. Now: sudo {RELOAD}")
    if brokers:
        print(
            "Rooms and stations still have the former brokers; write the new ones into their files, or enroll --again."
        )


def broker(text: str, *, cgnat: bool) -> str:
    """`text` as "host:port".

    Raises:
        WardError: it is none, or leads out of the house.
    """
    found = _BROKER.fullmatch(text)
    port = PORT if found is None or found[2] is None else int(found[2])
    if found is None or not 0 < port < 1 << 16:
        raise WardError(f"{text!r} is no broker: HOST, or HOST:PORT")
    try:
        host = destination(found[1], cgnat=cgnat)
    except LanError:
        raise WardError(f"{text!r} is no machine in the house: give a private address or a name") from None
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _slip(site: Site, kind: str, member: Member, password: str, authority: str) -> str:
    name, ward = member.name, member.ward
    user = room_user if kind == "room" else station_user
    rooms = tuple(site.rooms_of(ward)) if kind == "station" else ()
    made = slip.Slip(kind, site.site, ward, name, site.brokers, user(site.site, name), password, authority, rooms)
    return slip.encode(made)


def _json(kind: str, member: Member) -> dict[str, str | float]:
    return {"kind": kind, "name": member.name, "ward": member.ward, "made_at": member.made_at}


def _about_stations(site: Site, kind: str, name: str, ward: str, before: Site) -> None:
    if kind == "station" and not site.rooms_of(ward):
        print(f"Ward {ward} has no room yet: enroll its rooms, and then this station --again.")
    told = [each.name for each in site.stations if each.ward == ward]
    if kind == "room" and told and name not in before.rooms_of(ward):
        print(f"Add it to rooms in ward.toml of {', '.join(told)}.")


def _due(kept_in: Folder, site: Site, now: datetime) -> list[str]:
    """What has to be done, a sentence each."""
    due = []
    stale = kept_in.out_of_date(site)
    if stale:
        due.append(f"{', '.join(stale)}: not as monitord ward writes them; sudo monitord ward renew")
    soon = now + timedelta(days=RENEW_DAYS)
    for what, ends, mend in (
        ("the broker's certificate", kept_in.certificate_ends, f"sudo monitord ward renew && sudo {RELOAD}"),
        ("the site's authority", kept_in.authority_ends, "docs/ward-provisioning.md says how it is replaced"),
    ):
        try:
            at = ends()
        except WardError as cause:
            due.append(f"{cause}; {mend}")
            continue
        if at <= soon:
            due.append(f"{what} {'ends' if at > now else 'ended'} on {_day(at)}; {mend}")
    return due


def _certificate(kept_in: Folder) -> bytes:
    try:
        return (kept_in.path / "server.crt").read_bytes()
    except OSError:
        return b""


def _tell(sentences: list[str]) -> None:
    for each in sentences:
        print(each, file=sys.stderr)


def _day(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d")
