"""The channel of Apprise: the real library in the process of its own, and where that process may not connect to."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from brokers import a_notice
from test_http_sinks import a_server

from monitord.config import AppriseConfig, Language
from monitord.config.channels import APPRISE_KINDS
from monitord.notify.sinks import SinkError
from monitord.notify.sinks.apprise import AppriseSink

apprise = pytest.importorskip("apprise", reason="needs the extra: pip install 'monitord[apprise]'")


def sink(url):
    return AppriseSink("other", AppriseConfig(kind="apprise", url=url), Language.EN)


def test_an_alert_arrives_and_a_redirect_is_not_followed():
    async def story():
        async with a_server() as (url, got):
            await sink(url.replace("http", "json") + "/baby").send(a_notice())
            ((method, path, _, body),) = got
            assert (method, path) == ("POST", "/baby")
            assert "A child is crying." in json.loads(body)["message"]
        async with a_server() as (there, reached), a_server(307, Location=f"{there}/") as (url, got):
            with pytest.raises(SinkError, match="did not take it, or cannot be reached"):
                await sink(url.replace("http", "json")).send(a_notice())
            assert (len(got), reached) == (1, [])

    asyncio.run(story())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Of what Apprise imports, all of it at once.
def test_every_kind_that_is_taken_is_one_of_apprise_s():
    known = {each for plugin in apprise.Apprise().details()["schemas"] for each in
             [*(plugin["protocols"] or []), *(plugin["secure_protocols"] or [])]}  # fmt: skip
    assert known >= APPRISE_KINDS


@pytest.mark.parametrize(
    "url",
    ["slack://a/b/c", "tgram://123/456", "mailto://u:p@gmail.com", "json://8.8.8.8/", "json://0x7f.1/",
     "json://", "nonsense", "https://192.168.1.5/", "discord://1/2", "json://[2001:db8::1]/"],
)  # fmt: skip
def test_what_goes_elsewhere_is_refused_as_configured(url):
    with pytest.raises(ValueError, match=r"which is not taken|leads to no machine|no address of Apprise"):
        AppriseConfig(kind="apprise", url=url)


GUARDED = """
import socket, sys
from monitord.notify.sinks.apprise_child import guard
if {guarded}:
    refused = guard(cgnat=False)
try:
    with socket.socket({family}, {kind}) as each:
        each.settimeout(0.2)
        {act}
except PermissionError:
    print("refused")
except OSError as cause:
    print("refused" if type(cause).__name__ == "StrangerError" else "tried")
else:
    print("tried")
"""
TCP, UDP, IPV4 = "socket.SOCK_STREAM", "socket.SOCK_DGRAM", "socket.AF_INET"


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize(
    ("act", "kind"),
    [
        ('each.connect(("198.51.100.7", 80))', TCP),
        ('each.connect_ex(("198.51.100.7", 80))', TCP),
        ('each.sendto(b"x", ("198.51.100.7", 53))', UDP),
        ('socket.create_connection(("198.51.100.7", 80), 0.2)', TCP),
    ],
)
def test_the_process_connects_to_nobody_outside_and_the_control_tries(guarded, act, kind):
    program = GUARDED.format(guarded=guarded, act=act, kind=kind, family=IPV4)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ("refused" if guarded else "tried")


@pytest.mark.parametrize(("act", "kind"), [('each.connect(("127.0.0.1", 9))', TCP)])
def test_the_house_is_not_refused(act, kind):
    program = GUARDED.format(guarded=True, act=act, kind=kind, family=IPV4)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "tried"


@pytest.mark.parametrize("guarded", [True, False])
def test_it_starts_no_program(guarded):
    program = f"""
import subprocess
from monitord.notify.sinks.apprise_child import guard
if {guarded}:
    guard(cgnat=False)
try:
    subprocess.run(["true"])
    print("tried")
except PermissionError:
    print("refused")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ("refused" if guarded else "tried")


def test_a_name_that_leads_out_is_refused_when_it_is_connected_to():
    program = """
import io, json, socket, sys
import monitord.notify.sinks.apprise_child as child
true = socket.getaddrinfo
socket.getaddrinfo = lambda host, port, *rest, **more: true("198.51.100.7", port, *rest, **more)
order = {"url": "json://server.lan/", "title": "a", "body": "b", "urgent": True, "cgnat": False}
sys.stdin = io.TextIOWrapper(io.BytesIO(json.dumps(order).encode()))
sys.exit(child.main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("it leads out of the house: '198.51.100.7'")
