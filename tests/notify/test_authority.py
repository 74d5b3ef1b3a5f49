"""The house's own authority, as OpenSSL judges it: whom it signs for, whom a thief could, and when it signs anew."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import pytest

from monitord.notify.web import authority

NOW = datetime(2026, 11, 25, tzinfo=UTC)
HOSTS = ["192.168.1.5", "pi.local", "fd00::5"]


def accepts(folder, host):
    """Whether OpenSSL lets a client that trusts the authority talk to the server as `host`."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(folder / "server.crt", folder / "server.key")
    client = ssl.create_default_context(cafile=folder / "ca.crt")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = server.wrap_bio(to_server, to_client, server_side=True)
    other = client.wrap_bio(to_client, to_server, server_hostname=host)
    for _ in range(10):
        for side in (other, one):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
    return True


@pytest.fixture
def certificates(tmp_path):
    folder = tmp_path / "tls"
    authority.ensure(folder, HOSTS)
    return folder


@pytest.mark.parametrize(
    ("host", "works"), [*((host, True) for host in HOSTS), ("192.168.1.6", False), ("x.local", False)]
)
def test_the_certificate_is_for_its_hosts(certificates, host, works):
    assert accepts(certificates, host) == works


def authority_names(hosts):
    from cryptography import x509  # noqa: PLC0415 - what a thief would do

    return [
        x509.IPAddress(authority.ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
        for host in hosts
    ]


@pytest.mark.parametrize("host", ["8.8.8.8", "bank.example"])
def test_a_stolen_key_signs_for_nobody_outside_the_house(certificates, host, monkeypatch):
    monkeypatch.setattr(authority, "_names", lambda _, hosts: authority_names(hosts))
    authority.ensure(certificates, [host])
    assert not accepts(certificates, host)


def test_control_without_the_constraints_it_would(tmp_path, monkeypatch):
    monkeypatch.setattr(authority, "_names", lambda _, hosts: authority_names(hosts))
    monkeypatch.setattr(authority, "_NETWORKS", ("0.0.0.0/0",))
    monkeypatch.setattr(authority, "_DOMAINS", ("example",))
    for host in ("8.8.8.8", "bank.example"):
        folder = tmp_path / host
        authority.ensure(folder, [host])
        assert accepts(folder, host)


def test_the_certificate_stays_and_is_made_anew_in_time(tmp_path):
    folder = tmp_path / "tls"
    first = authority.ensure(folder, HOSTS, NOW)
    kept = (folder / "server.crt").read_bytes()
    assert authority.ensure(folder, HOSTS, NOW + timedelta(days=300)).ends == first.ends
    assert (folder / "server.crt").read_bytes() == kept
    later = authority.ensure(folder, HOSTS, NOW + timedelta(days=authority.SERVER_DAYS - 29))
    assert later.ends > first.ends
    assert later.fingerprint == first.fingerprint  # The phones need not trust anything anew.
    assert authority.ensure(folder, [*HOSTS, "10.0.0.9"], NOW).fingerprint == first.fingerprint
    assert (folder / "server.crt").read_bytes() != kept


@pytest.mark.parametrize("at", [NOW - timedelta(days=300), NOW + timedelta(days=authority.AUTHORITY_DAYS)])
def test_a_clock_that_jumped_gives_a_new_authority(tmp_path, at):
    first = authority.ensure(tmp_path / "tls", HOSTS, NOW)
    assert authority.ensure(tmp_path / "tls", HOSTS, at).fingerprint != first.fingerprint


def test_addresses_that_it_may_not_sign_for_are_left_out(tmp_path):
    authority.ensure(tmp_path / "tls", ["8.8.8.8", "192.168.1.5", "bank.example"])
    assert accepts(tmp_path / "tls", "192.168.1.5")
