"""TLS to a machine in the house: what a connection trusts and shows, and why it does not come about, for the owner."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

TLS_S = 5.0
"""Seconds that a handshake may take."""


class TlsError(Exception):
    """There is no trusted connection; the text says why in one sentence."""


def context(ca_file: str = "", certificate_file: str = "", key_file: str = "") -> ssl.SSLContext:
    """What a connection trusts and shows: TLS 1.2 or later, the server's name checked.

    Args:
        ca_file: PEM; who may have signed the server's certificate; "": whom the system trusts.
        certificate_file: PEM; our own certificate; "": none.
        key_file: PEM; its key.

    Raises:
        TlsError: a file cannot be read or is not what it should be.
    """
    try:
        # The house's own CA instead of the world's, not beside them: a public one has no say about a machine at home.
        made = ssl.create_default_context(cafile=ca_file or None)
    except ssl.SSLError:
        raise TlsError(f"{ca_file}: is no certificate in PEM form") from None
    except OSError as cause:
        raise TlsError(f"{ca_file}: cannot be read: {cause.strerror}") from None
    if certificate_file:
        try:
            made.load_cert_chain(certificate_file, key_file, password=lambda: "")  # A key with a password is refused.
        except ssl.SSLError:
            raise TlsError(f"{certificate_file}: is no certificate in PEM form, or its key does not fit it") from None
        except OSError as cause:
            raise TlsError(f"{certificate_file} or {key_file}: cannot be read: {cause.strerror}") from None
    return made


async def secure(connection: socket.socket, host: str, trust: ssl.SSLContext) -> ssl.SSLSocket:
    """TLS on a socket of `connect`; `host` is the name or address that its certificate must have.

    Raises:
        TlsError: the server is not whom we trust; the connection is closed then.
        OSError: the server went away.
    """

    def shake() -> ssl.SSLSocket:
        connection.settimeout(TLS_S)
        with_tls = trust.wrap_socket(connection, server_hostname=host, do_handshake_on_connect=False)
        try:
            with_tls.do_handshake()
        except BaseException:
            with_tls.close()
            raise
        return with_tls

    try:
        return await asyncio.get_running_loop().run_in_executor(None, shake)
    except ssl.SSLError as cause:
        raise TlsError(distrust(cause, host)) from None
    except ConnectionError:
        raise TlsError(f"{host} hung up as soon as TLS began; does it speak TLS at this port?") from None


def distrust(cause: ssl.SSLError | ssl.SSLCertVerificationError, host: str) -> str:  # noqa: PLR0911 - one return for each reason
    """Why a TLS connection to `host` did not come about, in one sentence for the owner."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        match cause.verify_code:
            case 10:  # X509_V_ERR_CERT_HAS_EXPIRED, as the next ones: openssl-verification-options(1)
                return f"the certificate of {host} has expired; renew it there"
            case 9:
                return f"the certificate of {host} is not valid yet; is the clock of this machine right?"
            case 18 | 19 | 20 | 21:
                return f"the certificate of {host} is signed by nobody whom we trust; name the right CA as ca_file"
            case 62 | 64:
                return f"the certificate is not that of {host}; use the name that stands in it"
        return f"the certificate of {host} is refused: {cause.verify_message}"
    reason = (cause.reason or "").lower().replace("_", " ")
    if "alert" in reason:
        return f"{host} refuses our certificate ({reason}); is it there, signed by the right CA and not expired?"
    if "wrong version number" in reason or isinstance(cause, ssl.SSLEOFError):
        return f"{host} hung up as soon as TLS began; does it speak TLS at this port?"
    return f"there is no trusted connection to {host}: {reason or 'it was cut off'}"
