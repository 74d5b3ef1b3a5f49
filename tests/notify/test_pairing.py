"""A phone is let in, may what its role says, and is put out; with TLS by the house's own authority. A real voice."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import re
import socket
import ssl
import stat
import struct
from datetime import UTC, datetime, timedelta

import aiohttp
import cv2
import numpy as np
import pytest

from monitord.channel import Channel
from monitord.config import Config
from monitord.events import Kind, Message, Role, Sound
from monitord.notify.web import authority, limits

TLS = '[page]\nport = 0\ntls = "on"\npairing = "always"\n[room]\nname = "Nursery"\n'
PLAIN = TLS.replace('"on"', '"off"')


def digits_of(shown):
    return "".join(re.search(r"code  (\d{3}) (\d{3})", shown).groups())


def seen_by_a_camera(shown):
    """What the QR code says that was printed in half blocks, light on a dark terminal."""
    halves = {"\u2588": (1, 1), "\u2580": (1, 0), "\u2584": (0, 1), " ": (0, 0)}
    rows = [line for line in shown.splitlines() if "\u2588\u2588" in line or set(line) == {"\u2580"}]
    width = max(map(len, rows))
    picture = np.array([[halves[each][half] for each in row.ljust(width)] for row in rows for half in (0, 1)], np.uint8)
    large = np.pad(np.kron(picture * 255, np.ones((8, 8), np.uint8)), 32, constant_values=255)
    return cv2.QRCodeDetectorAruco().detectAndDecode(large)[0]  # The plain one misses one code in thirty.


@pytest.fixture(scope="module")
def house(tmp_path_factory, a_real_voice):
    voice = a_real_voice(tmp_path_factory.mktemp("voice"))
    voice.config.write_text(TLS, "utf-8")
    with voice.running():
        with Channel(voice.runtime / "events.sock", Role.EAR) as ear:
            ear.send(Message(Kind.SOUND, Sound.CRY, 91, 33))
            ear.send(Message(Kind.SOUND, Sound.HELP, 91, 33))  # For the one test that is about who acknowledges first.
        yield voice


def test_the_address_is_told_last(tmp_path, a_real_voice):
    """Whoever finds it finds the token and the authority too; `status` could not trust a page that comes before."""
    libc = ctypes.CDLL(None, use_errno=True)
    voice = a_real_voice(tmp_path)
    voice.config.write_text(TLS, "utf-8")
    watch = libc.inotify_init1(os.O_NONBLOCK)
    assert libc.inotify_add_watch(watch, bytes(voice.runtime), 0x8) >= 0  # IN_CLOSE_WRITE
    voice.start()
    try:
        voice.url()
        told = os.read(watch, 65536)
    finally:
        os.close(watch)
        voice.stop()
        voice.close()
    written = []
    while told:
        _, _, _, length = struct.unpack_from("iIII", told)
        written.append(told[16 : 16 + length].rstrip(b"\0").decode("ascii"))
        told = told[16 + length :]
    assert written[written.index("page-token") :] == ["page-token", "page-ca.crt", "page"]


def browser(voice, jar=None):
    """A browser that trusts the house's authority and no other."""
    trust = ssl.create_default_context(cafile=voice.runtime / "page-ca.crt")
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trust), cookie_jar=jar or aiohttp.CookieJar(unsafe=True)
    )


async def ask(session, method, url, **options):
    async with session.request(method, url, **options) as answer:
        return answer.status, await answer.json(), answer


async def pair(session, page, code, name="Kitchen", **options):
    return await ask(session, "POST", f"{page}api/v1/pair", json={"code": code, "name": name}, **options)


def test_a_phone_that_is_not_paired_sees_the_page_and_nothing_of_the_house(house):
    async def story():
        async with browser(house) as phone:
            async with phone.get(house.page) as answer:
                assert (answer.status, answer.content_type) == (200, "text/html")
            status, told, _ = await ask(phone, "GET", f"{house.page}api/v1/session")
            assert (status, told["role"], told["paired"]) == (200, None, False)
            for method, path in (
                ("GET", "state"),
                ("GET", "incidents"),
                ("GET", "incidents/1"),
                ("GET", "nights"),
                ("GET", "stream"),
                ("POST", "incidents/1/ack"),
                ("POST", "incidents/1/mute"),
                ("POST", "deliveries/1/seen"),
                ("POST", "deliveries/seen"),
                ("POST", "pause"),
                ("POST", "resume"),
                ("POST", "ntfy"),
            ):
                status, told, _ = await ask(phone, method, f"{house.page}api/v1/{path}")
                assert (status, set(told)) == (401, {"error"}), path
                assert "monitord pair" in told["error"]

    asyncio.run(story())


@pytest.mark.parametrize("spelling", ["digits", "link"])
def test_a_code_makes_a_session_once(house, spelling):
    shown = house.monitord("pair", "--role", "watch")
    url, _, long = seen_by_a_camera(shown).partition("#pair=")
    assert url == house.page
    code = digits_of(shown) if spelling == "digits" else long

    async def story():
        async with browser(house) as phone:
            status, told, answer = await pair(phone, house.page, code, f"Tablet {spelling}")
            assert (status, told["role"], told["name"]) == (200, "watch", f"Tablet {spelling}")
            cookie = answer.headers["Set-Cookie"]
            assert cookie.startswith("__Host-monitord=")
            assert {"HttpOnly", "Secure", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
            assert "Domain" not in cookie
            assert (await ask(phone, "GET", f"{house.page}api/v1/state"))[0] == 200
            status, told, _ = await ask(phone, "POST", f"{house.page}api/v1/incidents/1/ack")
            assert (status, told["error"]) == (403, "this phone may watch and not change anything")
            assert (await pair(phone, house.page, code))[0] == 403
            assert (await ask(phone, "POST", f"{house.page}api/v1/logout"))[1]["paired"] is False
            assert (await ask(phone, "GET", f"{house.page}api/v1/state"))[0] == 401

    asyncio.run(story())


def test_who_may_acknowledge_does_so_by_name(house):
    code = digits_of(house.monitord("pair", "--name", "Papa"))

    async def story():
        async with browser(house) as phone:
            assert (await pair(phone, house.page, code, "ignored"))[1]["name"] == "Papa"
            status, told, _ = await ask(phone, "POST", f"{house.page}api/v1/incidents/2/ack")
            assert (status, told["acked_by"], told["acked_via"]) == (200, "Papa", "page")
            status, told, _ = await ask(phone, "POST", f"{house.page}api/v1/ntfy")
            assert (status, told["topic"], told["password"][:3]) == (200, "monitord", "tk_")
            return told["password"]

    password = asyncio.run(story())
    assert "Papa: may acknowledge, page" in house.monitord("pair", "--list")
    assert "Papa (ntfy): may acknowledge, ntfy" in house.monitord("pair", "--list")
    told = house.monitord("pair", "--revoke", "Papa")
    assert "is no longer paired" in told

    async def afterwards():
        async with browser(house) as phone:
            headers = {"Authorization": f"Bearer {password}"}  # It was Papa's: it went with him.
            assert (await ask(phone, "GET", f"{house.page}monitord/auth", headers=headers))[0] == 401

    asyncio.run(afterwards())
    assert "nobody is called 'Papa'" in house.monitord("pair", "--revoke", "Papa", code=1)


def test_who_is_put_out_loses_the_open_stream(house):
    code = digits_of(house.monitord("pair", "--name", "lost phone"))

    async def story():
        async with browser(house) as phone:
            await pair(phone, house.page, code)
            async with phone.get(f"{house.page}api/v1/stream") as stream:
                assert await stream.content.readline() == b"retry: 2000\n"
                await asyncio.to_thread(house.monitord, "pair", "--revoke", "lost phone")
                async with asyncio.timeout(30):
                    await stream.content.read()  # To its end.

    asyncio.run(story())


def test_wrong_codes_lock_the_digits_out(real_voice):
    """A voice of its own: whoever pairs with digits after this is locked out, too."""
    real_voice.config.write_text(PLAIN, "utf-8")
    real_voice.start()
    page = real_voice.url()
    code = digits_of(real_voice.monitord("pair"))
    wrong = f"{(int(code) + 1) % 10**6:06}"

    async def story():
        async with aiohttp.ClientSession() as phone:
            got = [(await pair(phone, page, wrong))[0] for _ in range(limits.GUESSES_PER_PEER)]
            assert got == [403] * limits.GUESSES_PER_PEER
            status, told, answer = await pair(phone, page, code)
            assert status == 429
            assert "scan the QR code" in told["error"]
            assert int(answer.headers["Retry-After"]) > 500

    asyncio.run(story())


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "code: give the one that `monitord pair` shows"),
        (b"{", "is no JSON"),
        (b"[]", "no JSON object"),
        (b'{"code": 123456}', "code: a text is wanted"),
        (b'{"code": ""}', "code: give"),
        (b'{"code": "1", "role": "acknowledge"}', "'role' is no key"),
        (b'{"code": "1", "name": ""}', "1 to 40 printable"),
        (b'{"code": "1", "name": "a\\u0000b"}', "1 to 40 printable"),
        (b"[" * 900, "no JSON"),
        (b"\xff\xfe", "no JSON"),
    ],
)
def test_a_wrong_request_to_pair_is_one_sentence(house, body, says):
    async def story():
        async with browser(house) as phone:
            status, told, _ = await ask(phone, "POST", f"{house.page}api/v1/pair", data=body)
            assert status == 400
            assert says in told["error"]

    asyncio.run(story())


def test_so_many_requests_a_second_and_no_more(house):
    async def story():
        async with browser(house) as phone:
            # As a proxy would pass them on: then this machine is one peer of many.
            passed_on = {"X-Forwarded-For": "10.0.0.5"}
            got = [
                (await ask(phone, "GET", f"{house.page}api/v1/session", headers=passed_on))[0]
                for _ in range(int(limits.BURST) + 60)
            ]
            assert got[: int(limits.BURST)] == [200] * int(limits.BURST)
            assert 429 in got
            assert (await ask(phone, "GET", f"{house.page}api/v1/session"))[0] == 200  # Control: this machine itself.

    asyncio.run(story())


@pytest.mark.parametrize(
    ("config", "headers", "role"),
    [
        ("[page]\nport = 0\n", {}, "acknowledge"),
        ("[page]\nport = 0\n", {"X-Forwarded-For": "10.0.0.5"}, None),
        ("[page]\nport = 0\n", {"Forwarded": "for=10.0.0.5"}, None),
        ("[page]\nport = 0\n", {"Via": "1.1 proxy"}, None),
        (PLAIN, {}, None),
    ],
)
def test_this_machine_is_trusted_unless_a_proxy_speaks_or_the_owner_says_no(real_voice, config, headers, role):
    real_voice.config.write_text(config, "utf-8")
    real_voice.start()

    async def story():
        async with aiohttp.ClientSession() as session:
            return await ask(session, "GET", f"{real_voice.url()}api/v1/session", headers=headers)

    assert asyncio.run(story())[1]["role"] == role


def test_a_damaged_access_file_lets_nobody_in_and_says_so(real_voice):
    real_voice.config.write_text(PLAIN, "utf-8")
    real_voice.state.mkdir()
    (real_voice.state / "access.json").write_text("{")
    real_voice.start()

    async def story():
        async with aiohttp.ClientSession(headers={"Authorization": "Bearer x"}) as session:
            return await ask(session, "GET", f"{real_voice.url()}api/v1/state")

    status, told, _ = asyncio.run(story())
    assert (status, "pair the phones anew" in told["error"]) == (503, True)
    assert "pair the phones anew" in real_voice.monitord("pair", code=1)
    code, logged = real_voice.stop()
    assert code == 0
    assert "Traceback" not in logged


def test_sessions_survive_a_restart(real_voice):
    real_voice.config.write_text(PLAIN, "utf-8")
    real_voice.start()
    code = digits_of(real_voice.monitord("pair"))
    jar = {}

    async def first():
        async with aiohttp.ClientSession() as phone:
            status, _, answer = await pair(phone, real_voice.url(), code)
            assert status == 200
            jar.update({name: each.value for name, each in answer.cookies.items()})
            assert "Secure" not in answer.headers["Set-Cookie"]

    asyncio.run(first())
    real_voice.stop()
    real_voice.start()

    async def second():
        async with aiohttp.ClientSession(cookies=jar, cookie_jar=aiohttp.CookieJar(unsafe=True)) as phone:
            return (await ask(phone, "GET", f"{real_voice.url()}api/v1/state"))[0]

    assert asyncio.run(second()) == 200


# What may be told at the device


def test_status_and_ack_work_where_this_machine_has_to_be_paired_and_over_tls(house):
    assert "https://127.0.0.1:" in house.monitord("status")
    assert json.loads(house.monitord("status", "--json"))["state"]["room"] == "Nursery"
    assert "incident 1:" in house.monitord("ack", "1")
    token = house.runtime / "page-token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    kept = token.read_text()
    token.unlink()
    try:
        assert "this phone is not paired" in house.monitord("status", code=1)  # Control: without it there is nothing.
    finally:
        token.write_text(kept)
        token.chmod(0o600)


def test_what_pair_shows_leads_there(house):
    shown = house.monitord("pair")
    assert house.page in shown
    assert authority.ensure(house.state / "tls", ["127.0.0.1"]).fingerprint in shown
    assert "\u2580" in shown  # Half a block of the QR code.


def test_a_name_that_is_none_is_one_sentence(house):
    assert "1 to 40 printable" in house.monitord("pair", "--name", "x" * 41, code=1)


# TLS


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


NOW = datetime(2026, 11, 25, tzinfo=UTC)
HOSTS = ["192.168.1.5", "pi.local", "fd00::5"]


def accepts(folder, host, tmp_path):
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
def test_the_certificate_is_for_its_hosts(certificates, tmp_path, host, works):
    assert accepts(certificates, host, tmp_path) == works


@pytest.mark.parametrize("host", ["8.8.8.8", "bank.example"])
def test_a_stolen_key_signs_for_nobody_outside_the_house(certificates, tmp_path, host, monkeypatch):
    monkeypatch.setattr(authority, "_names", lambda _, hosts: authority_names(hosts))
    authority.ensure(certificates, [host])
    assert not accepts(certificates, host, tmp_path)


def test_control_without_the_constraints_it_would(tmp_path, monkeypatch):
    monkeypatch.setattr(authority, "_names", lambda _, hosts: authority_names(hosts))
    monkeypatch.setattr(authority, "_NETWORKS", ("0.0.0.0/0",))
    monkeypatch.setattr(authority, "_DOMAINS", ("example",))
    for host in ("8.8.8.8", "bank.example"):
        folder = tmp_path / host
        authority.ensure(folder, [host])
        assert accepts(folder, host, tmp_path)


def authority_names(hosts):
    from cryptography import x509  # noqa: PLC0415 - what a thief would do

    return [
        x509.IPAddress(authority.ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
        for host in hosts
    ]


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
    assert accepts(tmp_path / "tls", "192.168.1.5", tmp_path)


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
