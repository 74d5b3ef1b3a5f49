"""The page is opened: who may come, by what certificate, at what address, and where others find that address."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from monitord.config.page import Pairing
from monitord.notify import texts
from monitord.notify.web import accessfile
from monitord.notify.web.accessfile import AccessFile
from monitord.notify.web.doorkeeper import Doorkeeper
from monitord.notify.web.gate import Gate, names_of_this_machine
from monitord.notify.web.server import Server
from monitord.notify.web.tls import Tls

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable
    from pathlib import Path

    from monitord.config import Language, PageConfig
    from monitord.notify.web.answers import Answers, WardAnswers
    from monitord.notify.web.feed import Feed
    from monitord.notify.web.hub import Hub

log = logging.getLogger(__name__)

PAGE = "page"
"""File in the runtime folder that holds the address of the page while it is served."""
PAGE_CA = "page-ca.crt"
"""Beside it: the certificate that signs the page's, while it is served by TLS."""
TOKEN = "page-token"  # noqa: S105 - the name of a file
"""Beside it, for the user of this process: what `monitord status` shows where this machine has to be paired, too."""
_RENEW_S = 3600.0


async def open_page(
    answers: Answers,
    hub: Hub,
    feed: Feed,
    *,
    config: PageConfig,
    language: Language,
    folders: tuple[Path, Path],
    cleanup: contextlib.AsyncExitStack,
    every: Callable[[float, Callable[[], None]], None],
    ward: WardAnswers | None = None,
) -> tuple[Doorkeeper, str]:
    """Serve the page until `cleanup` is closed; returns who keeps the door, and the page's address.

    Args:
        answers: whom the page asks.
        hub: the live stream.
        feed: what ntfy apps are told.
        config: where.
        language: of the button in ntfy apps.
        folders: of the state and of the sockets.
        cleanup: what is undone at the end.
        every: calls something every so many seconds.
        ward: whom the page of a ward asks, too.

    Raises:
        ServerError: the port is taken, or the address is not of this machine.
        TlsError: there is no certificate.
    """
    state, runtime = folders
    names = names_of_this_machine()
    doorkeeper = Doorkeeper(AccessFile(state / accessfile.NAME), config.session_days)
    gate = Gate(
        doorkeeper,
        names,
        scheme="https" if config.secure else "http",
        trust_here=config.pairing is Pairing.LAN,
        cgnat=config.cgnat,
    )
    tls = Tls(state / "tls", {config.address, *names}) if config.secure else None
    button = texts.catalogue(language)["acknowledge"]
    server = Server(answers, hub, feed, gate, config=config, tls=tls, button=button, ward=ward)
    url = await server.start()
    cleanup.push_async_callback(server.stop)
    if config.pairing is Pairing.ALWAYS:
        _announce(runtime / TOKEN, doorkeeper.own, cleanup, 0o600)
    if tls is not None:
        # Whoever may find the page may know its authority: `monitord status` of any user trusts no other.
        _announce(runtime / PAGE_CA, tls.certificates.authority.read_text("ascii"), cleanup)
        every(_RENEW_S, tls.renew)
    # Last: whoever finds the address finds the token and the authority beside it.
    _announce(runtime / PAGE, f"{url}\n", cleanup)
    return doorkeeper, url


def _announce(path: Path, text: str, cleanup: contextlib.AsyncExitStack, mode: int = 0o644) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="ascii") as file:  # noqa: PTH123 - a descriptor, opened with its mode
            file.write(text)
        path.chmod(mode)  # Whatever the umask: `monitord status` of any user finds the page by it.
    except OSError as cause:
        log.warning("%s: the page's address cannot be written: %s", path, cause.strerror)
    else:
        cleanup.callback(path.unlink, missing_ok=True)
