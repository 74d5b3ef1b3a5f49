"""What may be told at the device: its commands, by the token beside the address, and when its word needs no pairing."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import stat
import struct

import aiohttp
import pytest
from phones import PLAIN, TLS, ask

from monitord.events import Sound
from monitord.notify.web import authority


@pytest.fixture(scope="module")
def house(tmp_path_factory, a_real_voice):
    voice = a_real_voice(tmp_path_factory.mktemp("voice"))
    voice.config.write_text(TLS, "utf-8")
    with voice.running():
        voice.hears(Sound.CRY)  # Incident 1.
        yield voice


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


def test_what_pair_shows_leads_there(house):
    shown = house.monitord("pair")
    assert house.page in shown
    assert authority.ensure(house.state / "tls", ["127.0.0.1"]).fingerprint in shown
    assert "\u2580" in shown  # Half a block of the QR code.


def test_a_name_that_is_none_is_one_sentence(house):
    assert "1 to 40 printable" in house.monitord("pair", "--name", "x" * 41, code=1)


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
