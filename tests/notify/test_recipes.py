"""The recipes of docs/recipes that have channels: each is loaded, and run against what it is for."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest
from brokers import FakeHouse, Mosquitto, a_notice, needs_mosquitto, running, until
from mqtt_channel import Listener
from test_http_sinks import a_server

from monitord.cli import run
from monitord.config import Config
from monitord.notify.channels import channels

RECIPES = Path(__file__).parent.parent.parent / "docs" / "recipes"
MINE = ("home-assistant", "gotify", "two-carers", "quiet-hours")


def blocks(name, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", (RECIPES / f"{name}.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)


def recipe(name, tmp_path, **changes):
    """The recipe's configuration, with what is another in every house put in."""
    (text,) = blocks(name, "toml")
    for old, new in changes.items():
        pattern, value = {
            "url": (r'url = "[^"]*"', f'url = "{new}"'),
            "host": (r'host = "[^"]*"', f'host = "127.0.0.1"\nport = {new}'),
            "secret": (r'"/etc/monitord/[a-z-]*"', f'"{new}"'),
        }[old]
        text, count = re.subn(pattern, value, text)
        assert count, f"{name} has no {old}"
    path = tmp_path / "my.toml"
    path.write_text(text, "utf-8")
    return path


def a_secret(tmp_path, text="geheim"):
    path = tmp_path / "secret"
    path.write_text(f"{text}\n")
    path.chmod(0o640)
    return path


@pytest.mark.parametrize("name", MINE)
def test_every_recipe_is_a_configuration(tmp_path, name):
    assert Config.load(recipe(name, tmp_path)).notify


@needs_mosquitto
def test_home_assistant(tmp_path):
    rules = tmp_path / "acl"
    (acl,) = blocks("home-assistant", "acl")
    rules.write_text(acl)
    broker = Mosquitto(tmp_path, f"password_file {tmp_path}/passwords", f"acl_file {rules}")
    broker.password("monitord", "geheim")
    broker.password("homeassistant", "other")
    broker.start()
    config = Config.load(recipe("home-assistant", tmp_path, host=broker.port, secret=a_secret(tmp_path)))

    async def story():
        house = FakeHouse({"id": 5, "kind": "sound", "label": "CRY", "text": "", "urgency": "high", "state": "alerting",
                           "last_at": None})  # fmt: skip
        (sink,) = channels(config)
        who = {"username": "homeassistant", "password": "other"}
        async with Listener(broker, "monitord", **who) as assistant, running(sink, house):
            await sink.send(a_notice())
            (topic,) = await until(lambda: {each for each, _, _ in assistant.heard if each.endswith("/config")})
            assert topic == "homeassistant/device/monitord/config"
            assert json.loads((await until(lambda: assistant.of("alert")))[0])["room"] == "Nursery"
            await assistant.publish("ack", "PRESS")
            await until(lambda: house.acknowledged)

    try:
        asyncio.run(story())
    finally:
        broker.stop()


def test_gotify(tmp_path):
    async def story():
        async with a_server() as (url, got):
            config = Config.load(recipe("gotify", tmp_path, url=url, secret=a_secret(tmp_path, "AbCdEf")))
            (sink,) = channels(config)
            await sink.send(a_notice())
            ((_, path, headers, body),) = got
            assert (path, headers["X-Gotify-Key"], json.loads(body)["priority"]) == ("/message", "AbCdEf", 10)

    asyncio.run(story())


def test_two_carers_have_a_topic_each(tmp_path):
    async def story():
        async with a_server() as (url, got):
            for sink in channels(Config.load(recipe("two-carers", tmp_path, url=url))):
                await sink.send(a_notice())
            assert [json.loads(body)["topic"] for _, _, _, body in got] == ["anna", "ben"]

    asyncio.run(story())


@pytest.mark.parametrize("name", ["two-carers", "quiet-hours"])
def test_the_night_of_the_recipe(tmp_path, capsys, name):
    (night,), (expected,) = blocks(name, "night"), blocks(name, "expect")
    (tmp_path / "night.txt").write_text(night, "utf-8")
    assert run(["simulate", str(tmp_path / "night.txt"), "--config", str(recipe(name, tmp_path))]) == 0
    rings = [line.split(maxsplit=1)[1] for line in capsys.readouterr().out.splitlines() if " RINGS" in line]
    rings = [re.sub(r"\s+", " ", ring) for ring in rings]
    for line in expected.splitlines():
        assert any(ring.startswith(line) for ring in rings), (line, rings)
    first = {line.split()[1] for line in expected.splitlines()}
    assert {ring.split()[1] for ring in rings} >= first
    if name == "two-carers":  # Ben is left in peace until it is his turn.
        assert min(ring for ring in rings if " ben " in ring).startswith("23:02:00")
    else:
        assert not any(ring.startswith("01:") for ring in rings)
