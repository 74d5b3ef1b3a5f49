"""The sub-commands of `monitord ward`, and their options. Nothing of what they do is imported here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    Command = Callable[[argparse.Namespace], int]
    Adding = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - what argparse calls it

_FOLDER = Path("/etc/mosquitto/monitord")


def add_to(ward: argparse.ArgumentParser) -> None:
    """Hang the sub-commands under `ward`, which does something of its own without one."""
    adding = ward.add_subparsers(metavar="COMMAND", required=False)
    init = _on_broker(adding, "init", _init, "on the broker's machine: begin a site")
    init.add_argument("site", metavar="SITE", help="its name: small letters, digits, hyphens")
    _brokers(init, required=True)
    for name, kind, text in (
        ("enroll", "room", "on the broker's machine: make a room's credentials and its rights"),
        ("enroll-station", "station", "on the broker's machine: make a station's credentials and its rights"),
    ):
        enroll = _on_broker(adding, name, _enroll, text)
        enroll.set_defaults(kind=kind)
        enroll.add_argument("name", metavar=kind.upper(), help="its name: small letters, digits, hyphens")
        enroll.add_argument(
            "--ward", default="ward", metavar="WARD", help='which ward it belongs to; without it, "ward"'
        )
        enroll.add_argument("--again", action="store_true", help="new credentials; the old ones end")
        how = enroll.add_mutually_exclusive_group()
        how.add_argument(
            "--out", type=Path, metavar="FILE", help=f"the slip to carry; without it, {kind}-{kind.upper()}.ward"
        )
        how.add_argument("--qr", action="store_true", help="show a QR code instead of writing a slip")
    revoke = _on_broker(adding, "revoke", _revoke, "on the broker's machine: end a room's or a station's credentials")
    revoke.add_argument("name", metavar="NAME", help="of the room or the station")
    listing = _on_broker(
        adding, "list", _list, "on the broker's machine: who is enrolled, and what is due (exit code 1)"
    )
    listing.add_argument("--json", action="store_true", help="one JSON object")
    renew = _on_broker(adding, "renew", _renew, "on the broker's machine: make what is missing or ends within 30 days")
    renew.add_argument("--now", action="store_true", help="make a certificate though the old one is good")
    _brokers(renew, required=False)
    text = "on a room's Pi or a station: turn a slip into configuration"
    join = adding.add_parser("join", help=text, description=text)
    join.set_defaults(command=_told(_join))
    join.add_argument("slip", metavar="SLIP", help='the file that enroll wrote; "-": paste its text')
    where = "the configuration that gets the section (station: the ward.toml to write); without it, the package's"
    join.add_argument("--config", type=Path, metavar="FILE", help=where)
    join.add_argument(
        "--replace", action="store_true", help="replace an earlier section; the old files are kept beside"
    )


def _on_broker(adding: Adding, name: str, command: Command, text: str) -> argparse.ArgumentParser:
    added = adding.add_parser(name, help=text, description=text)
    added.set_defaults(command=_told(command))
    added.add_argument("--folder", type=Path, default=_FOLDER, metavar="DIR", help=f"the site's; without it, {_FOLDER}")
    return added


def _brokers(parser: argparse.ArgumentParser, *, required: bool) -> None:
    text = "a broker, tried in this order; port 8883 if none is given; may be given several times"
    parser.add_argument("--broker", action="append", default=[], required=required, metavar="HOST[:PORT]", help=text)
    parser.add_argument("--cgnat", action="store_true", help="100.64.0.0/10 counts as the house (a VPN of yours)")


def _told(command: Command) -> Command:
    """`command`, with what it cannot do as one sentence."""

    def run(options: argparse.Namespace) -> int:
        from monitord.tools.ward.registry import WardError  # noqa: PLC0415 - only when it runs

        try:
            return command(options)
        except WardError as cause:
            print(f"monitord ward: {cause}", file=sys.stderr)
            return 1

    return run


def _init(options: argparse.Namespace) -> int:
    from monitord.tools.ward.enroll import init  # noqa: PLC0415 - only when it runs, as the others

    init(options.folder, options.site, options.broker, cgnat=options.cgnat)
    return 0


def _enroll(options: argparse.Namespace) -> int:
    from monitord.tools.ward.enroll import enroll  # noqa: PLC0415

    asked = (options.folder, options.kind, options.name, options.ward)
    enroll(*asked, again=options.again, out=options.out, qr=options.qr)
    return 0


def _revoke(options: argparse.Namespace) -> int:
    from monitord.tools.ward.enroll import revoke  # noqa: PLC0415

    revoke(options.folder, options.name)
    return 0


def _list(options: argparse.Namespace) -> int:
    from monitord.tools.ward.enroll import show  # noqa: PLC0415

    return show(options.folder, as_json=options.json)


def _renew(options: argparse.Namespace) -> int:
    from monitord.tools.ward.enroll import renew  # noqa: PLC0415

    renew(options.folder, options.broker, anew=options.now, cgnat=options.cgnat)
    return 0


def _join(options: argparse.Namespace) -> int:
    from monitord.tools.ward.join import join  # noqa: PLC0415

    join(options.slip, options.config, do_replace=options.replace)
    return 0
