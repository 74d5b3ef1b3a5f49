"""The house's own certificate authority: made at the first start that needs it, kept on this machine alone.

The authority's key is kept, not thrown away: a certificate of the server must end within 825 days for Apple's phones
(https://support.apple.com/103769), it names addresses that change, and a new authority would have to be trusted anew
on every phone. What somebody could do who stole the key is bounded by name constraints (RFC 5280, section 4.2.1.10):
it signs for private addresses and for names of this house only, and for no further authority.

The keys are of P-256, which everything since 2012 understands. Only this module imports `cryptography`, and only who
serves TLS imports this module: it takes 10 MB.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    Certificate = x509.Certificate
    Key = ec.EllipticCurvePrivateKey

FOLDER = "tls"
AUTHORITY_DAYS = 3650
SERVER_DAYS = 397
RENEW_DAYS = 30
"""A certificate is made anew so many days before it ends."""
_BACKDATED = timedelta(days=1)
"""A phone's clock may be behind ours."""
_NETWORKS = (
    *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"),
    *("::1/128", "fe80::/10", "fc00::/7"),
)
"""As in `monitord.lan`."""
_DOMAINS = ("localhost", "local", "home.arpa", "internal")
"""Domains that no public name is in (RFC 6761, RFC 6762, RFC 8375, ICANN 2024)."""


class AuthorityError(Exception):
    """There is no certificate; the text says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """What the server needs.

    Attributes:
        authority: file of the authority's certificate, which phones are to trust.
        chain: file of the server's certificate.
        key: file of the server's key.
        ends: when the server's certificate has to be made anew.
        fingerprint: SHA-256 of the authority's certificate, as phones show it.
    """

    authority: Path
    chain: Path
    key: Path
    ends: datetime
    fingerprint: str


def ensure(folder: Path, hosts: Iterable[str], now: datetime | None = None, *, member: bool = False) -> Certificates:
    """The certificates in `folder`; what is missing, ending or for other hosts is made.

    Args:
        folder: made, with the rights of its owner only.
        hosts: addresses and names that the server is called by.
        now: UTC; None: the clock.
        member: whether the server also shows it where it is the client, as the members of a NATS cluster do.

    Raises:
        AuthorityError: the folder cannot be used.
    """
    now = now or datetime.now(UTC)
    files = Certificates(folder / "ca.crt", folder / "server.crt", folder / "server.key", now, "")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        authority, key = _authority(folder, now)
        names = _names(authority, sorted(set(hosts)))
        server = _load(files.chain)
        if server is None or not files.key.exists() or not _serves(server, authority, names, now):
            server = _make_server(files, (authority, key), names, now, member=member)
    except OSError as cause:
        raise AuthorityError(f"{folder}: the certificates cannot be kept: {cause.strerror}") from None
    except ValueError as cause:
        raise AuthorityError(f"{folder}: the certificates cannot be read: {cause}; remove the folder") from None
    return Certificates(
        files.authority,
        files.chain,
        files.key,
        server.not_valid_after_utc - timedelta(days=RENEW_DAYS),
        fingerprint(authority),
    )


def fingerprint(certificate: Certificate) -> str:
    """SHA-256 of a certificate, as phones show it: "AB:CD:..."."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def ends(path: Path) -> datetime:
    """When the certificate at `path` ends, UTC.

    Raises:
        AuthorityError: there is none.
    """
    return _read(path).not_valid_after_utc


def names_in(path: Path) -> set[str]:
    """The addresses and names that the certificate at `path` is for.

    Raises:
        AuthorityError: there is none.
    """
    named = _read(path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(each.value) for each in named}


def _read(path: Path) -> Certificate:
    try:
        found = _load(path)
    except OSError as cause:
        raise AuthorityError(f"{path}: cannot be read: {cause.strerror}") from None
    except ValueError:
        raise AuthorityError(f"{path}: is no certificate in PEM form") from None
    if found is None:
        raise AuthorityError(f"{path}: is not there")
    return found


def _authority(folder: Path, now: datetime) -> tuple[Certificate, Key]:
    """Certificate and key; made where there are none, or where they have ended."""
    certificate = _load(folder / "ca.crt")
    with contextlib.suppress(FileNotFoundError):
        key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise AuthorityError(f"{folder}: ca.key is of another kind than monitord makes; remove the folder")
        if certificate is not None and certificate.public_key() == key.public_key() and _holds(certificate, now):
            return certificate, key
    return _make_authority(folder, now)


def _load(path: Path) -> Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except FileNotFoundError:
        return None


def _holds(certificate: Certificate, now: datetime) -> bool:
    """A clock that went back far counts too: phones would find the certificate not yet valid."""
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - timedelta(days=RENEW_DAYS)


def _serves(server: Certificate, authority: Certificate, names: list[x509.GeneralName], now: datetime) -> bool:
    try:
        server.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    named = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return _holds(server, now) and set(named) == set(names)


def _names(authority: Certificate, hosts: list[str]) -> list[x509.GeneralName]:
    """`hosts` without those that the authority may not sign for: one such name would spoil all of them."""
    limits = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or ()
    networks = [
        each.value
        for each in limits
        if isinstance(each, x509.IPAddress) and isinstance(each.value, ipaddress.IPv4Network | ipaddress.IPv6Network)
    ]
    domains = [each.value for each in limits if isinstance(each, x509.DNSName)]
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            if any(host == domain or host.endswith(f".{domain}") for domain in domains):
                names.append(x509.DNSName(host))
            continue
        if any(address in network for network in networks):
            names.append(x509.IPAddress(address))
    return names


def _make_authority(folder: Path, now: datetime) -> tuple[Certificate, Key]:

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "monitord"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"monitord of this house {secrets.token_hex(2).upper()}"),
        ]
    )
    permitted: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_network(network)) for network in _NETWORKS]
    permitted += [x509.DNSName(domain) for domain in (*_DOMAINS, *sorted(_own_names()))]
    certificate = (
        _begin(subject, subject, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signing=False), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(folder / "ca.key", _pem(key))
    _write(folder / "ca.crt", _pem(certificate))
    return certificate, key


def _make_server(
    files: Certificates, by: tuple[Certificate, Key], names: list[x509.GeneralName], now: datetime, *, member: bool
) -> Certificate:
    authority, signer = by
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, *([ExtendedKeyUsageOID.CLIENT_AUTH] if member else [])]

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "monitord")])
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    certificate = (
        _begin(subject, authority.subject, key.public_key(), now, SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signing=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(above, critical=False)
        .sign(signer, hashes.SHA256())
    )
    _write(files.key, _pem(key))
    _write(files.chain, _pem(certificate))
    return certificate


def _begin(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, signing: bool) -> x509.KeyUsage:
    """What a key is for: `signing` handshakes, or certificates."""
    return x509.KeyUsage(
        digital_signature=signing,
        key_cert_sign=not signing,
        crl_sign=not signing,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(thing: Certificate | Key) -> bytes:
    if isinstance(thing, x509.Certificate):
        return thing.public_bytes(serialization.Encoding.PEM)
    return thing.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _own_names() -> set[str]:
    """This machine's name, with and without its domain."""
    name = os.uname().nodename.lower()
    return {each for each in (name, name.partition(".")[0]) if each} - set(_DOMAINS)


def _write(path: Path, content: bytes) -> None:
    """Replace `path`, readable by its owner only; a power cut leaves the old one or the new one."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, opened with its mode
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    beside.replace(path)
