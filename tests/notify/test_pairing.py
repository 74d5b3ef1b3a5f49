"""A phone is let in by a code, may what its role says, and is put out; who only tries is told why not. A real voice."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from phones import PLAIN, TLS, ask, browser, digits_of, pair, seen_by_a_camera

from monitord.events import Sound
from monitord.notify.web import limits


@pytest.fixture(scope="module")
def house(tmp_path_factory, a_real_voice):
    voice = a_real_voice(tmp_path_factory.mktemp("voice"))
    voice.config.write_text(TLS, "utf-8")
    with voice.running():
        voice.hears(Sound.CRY)  # Incident 1.
        yield voice


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
            status, told, _ = await ask(phone, "POST", f"{house.page}api/v1/incidents/1/ack")
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
