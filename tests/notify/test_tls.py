"""The page over TLS: who trusts it, who is sent to it, who is refused, and where it is asked for. A real voice."""

from __future__ import annotations

import asyncio
import socket
import ssl
import stat

import aiohttp
import pytest
from phones import TLS, browser

from monitord.config import Config
from monitord.notify.web import authority


@pytest.fixture(scope="module")
def house(tmp_path_factory, a_real_voice):
    voice = a_real_voice(tmp_path_factory.mktemp("voice"))
    voice.config.write_text(TLS, "utf-8")
    with voice.running():
        yield voice


def test_a_stranger_does_not_trust_the_page(house):
    async def story():
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.get(house.page)

    asyncio.run(story())


def test_the_authoritys_certificate_is_served_and_its_key_is_not(house):
    async def story():
        async with browser(house) as phone, phone.get(f"{house.page}ca.crt") as answer:
            assert answer.content_type == "application/x-x509-ca-cert"
            assert await answer.read() == (house.runtime / "page-ca.crt").read_bytes()

    asyncio.run(story())
    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE((house.state / "tls" / name).stat().st_mode) == 0o600


def test_who_comes_without_tls_is_sent_to_it(house):
    async def story():
        plain = house.page.replace("https", "http")
        async with aiohttp.ClientSession() as session, session.get(plain, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (307, house.page)

    asyncio.run(story())


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")  # That it is old is the point.
def test_old_tls_is_refused(house):
    context = ssl.create_default_context(cafile=house.runtime / "page-ca.crt")
    port = int(house.page.rstrip("/").rpartition(":")[2])
    for version, works in ((ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_1, False)):
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = version
        with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
            if works:
                context.wrap_socket(line, server_hostname="127.0.0.1").close()
            else:
                with pytest.raises((ssl.SSLError, OSError)):
                    context.wrap_socket(line, server_hostname="127.0.0.1")


@pytest.mark.parametrize("name", ["ca.key", "ca.crt", "server.crt"])
def test_damaged_certificates_are_one_sentence(real_voice, name):
    real_voice.config.write_text(TLS, "utf-8")
    authority.ensure(real_voice.state / "tls", ["127.0.0.1"])
    (real_voice.state / "tls" / name).write_text("nonsense")
    real_voice.start()
    code, logged = real_voice.ended()
    assert code == 1
    assert "remove the folder" in logged
    assert "Traceback" not in logged


@pytest.mark.parametrize(
    ("page", "secure"),
    [
        ("", False),
        ('address = "::1"', False),
        ('address = "192.168.1.5"', True),
        ('address = "192.168.1.5"\ntls = "off"', False),
        ('tls = "on"', True),
    ],
)
def test_to_the_house_it_is_tls_unless_the_owner_says_no(tmp_path, page, secure):
    file = tmp_path / "c.toml"
    file.write_text(f"[page]\n{page}\n")
    assert Config.load(file).page.secure == secure
