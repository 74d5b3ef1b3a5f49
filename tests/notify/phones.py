"""A phone that the tests let in: what it reads off `monitord pair`, its browser, and a house that wants it paired."""

from __future__ import annotations

import re
import ssl

import aiohttp
import cv2
import numpy as np

# Everyone has to be paired there, this machine too.
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


def browser(voice):
    """A browser that trusts the house's authority and no other."""
    trust = ssl.create_default_context(cafile=voice.runtime / "page-ca.crt")
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust), cookie_jar=aiohttp.CookieJar(unsafe=True))


async def ask(session, method, url, **options):
    async with session.request(method, url, **options) as answer:
        return answer.status, await answer.json(), answer


async def pair(session, page, code, name="Kitchen", **options):
    return await ask(session, "POST", f"{page}api/v1/pair", json={"code": code, "name": name}, **options)
