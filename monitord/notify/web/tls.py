"""TLS as the server uses it: the context, and the certificate of the next year in time."""

from __future__ import annotations

import logging
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from monitord.notify.web.authority import Certificates

log = logging.getLogger(__name__)


class TlsError(Exception):
    """TLS cannot be served; the text says why in one sentence."""


class Tls:
    """The server's side of TLS 1.2 and 1.3.

    Args:
        folder: where the certificates are, or will be.
        hosts: addresses and names that the server is called by.

    Raises:
        TlsError: there are no certificates, and none can be made.
    """

    def __init__(self, folder: Path, hosts: set[str]) -> None:
        self._folder, self._hosts = folder, hosts
        self.certificates = self._ensure()
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._load()

    def renew(self) -> None:
        """Make the server's certificate anew if it is time; connections that come from now on get it."""
        if datetime.now(UTC) < self.certificates.ends:
            return
        try:
            self.certificates = self._ensure()
            self._load()
        except TlsError as cause:
            log.error("%s", cause)  # noqa: TRY400 - a sentence for a person, not a traceback
        else:
            log.info("the page has a new certificate")

    def _ensure(self) -> Certificates:
        try:
            from monitord.notify.web import authority  # noqa: PLC0415 - only who serves TLS needs it
        except ImportError:
            raise TlsError(
                'TLS needs the Python package cryptography; install it, or set page.tls = "off" in the configuration'
            ) from None
        try:
            return authority.ensure(self._folder, self._hosts)
        except authority.AuthorityError as cause:
            raise TlsError(str(cause)) from None

    def _load(self) -> None:
        try:
            self.context.load_cert_chain(self.certificates.chain, self.certificates.key)
        except (OSError, ssl.SSLError) as cause:
            raise TlsError(f"{self.certificates.chain}: cannot be used: {cause}; remove the folder") from None
