"""``[notify.NAME]``: what is taken, and every mistake as one line that says where and what to do, without a secret."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from config_files import load, mistakes
from hypothesis import given
from hypothesis import strategies as st

from monitord.config import Config, ConfigError
from monitord.config.channels import ChannelConfig

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"
KINDS = {get_args(each.model_fields["kind"].annotation)[0]: each for each in get_args(get_args(ChannelConfig)[0])}
NEEDED = {
    "mqtt": 'host = "10.0.0.1"',
    "ward": 'brokers = ["10.0.0.1"]\nsite = "home"\nroom = "101"',
    "ntfy": 'url = "http://10.0.0.1"\ntopic = "t"',
    "gotify": 'url = "http://10.0.0.1"\ntoken = "t"',
    "webhook": 'url = "http://10.0.0.1"\nsecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"',
    "desktop": "",
    "apprise": 'url = "json://10.0.0.1"',
}


def shown():
    """The channels of the example, as they are without the sign in front."""
    there = EXAMPLE.read_text("utf-8").partition("# Channels beside the page")[2].partition("[journal]")[0]
    return "\n".join(re.findall(r"^#   (.*)$", there, re.MULTILINE))


def test_the_channels_of_the_example_are_right(tmp_path):
    loaded = load(tmp_path, shown())
    assert {section.kind for section in loaded.notify.values()} == set(KINDS)
    assert loaded.channels == ("page", "log", *loaded.notify)


def test_the_example_shows_every_key_of_every_kind():
    for section in tomllib.loads(shown().replace("#url_file", "url_file")).values():
        for table in section.values():
            # Of a url and a url_file there can be only one: the other one is shown without counting.
            known = set(KINDS[table["kind"]].model_fields)
            inline = {"password", "token", "secret"}  # Each has the file beside it.
            assert known - inline - set(table) <= {"cgnat"}, table["kind"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_needed_is_enough(tmp_path, kind):
    assert load(tmp_path, f'[notify.a]\nkind = "{kind}"\n{NEEDED[kind]}').notify["a"].kind == kind


def test_the_port_is_the_usual_one(tmp_path):
    broker = '[notify.a]\nkind = "mqtt"\nhost = "b"\n'
    assert load(tmp_path, broker).notify["a"].real_port == 1883
    assert load(tmp_path, f"{broker}tls = true").notify["a"].real_port == 8883
    assert load(tmp_path, f'{broker}ca_file = "/etc/ca.pem"').notify["a"].real_port == 8883
    assert load(tmp_path, f"{broker}port = 1884").notify["a"].real_port == 1884


MQTT = '[notify.a]\nkind = "mqtt"\nhost = "b"\n'
KINDS_TEXT = "'mqtt', 'ward', 'ntfy', 'gotify', 'webhook', 'desktop', 'apprise'"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[notify.a]\nhost = "b"', f"my.toml:1: notify.a: has no kind; write kind = and one of {KINDS_TEXT}"),
        ('[notify.a]\nkind = "mqqt"', f"my.toml:1: notify.a: kind 'mqqt' is none of {KINDS_TEXT}"),
        ("[notify.a]\nkind = 3", f"my.toml:1: notify.a: kind '3' is none of {KINDS_TEXT}"),
        ('[notify.a]\nkind = "mqtt"', "my.toml:1: notify.a.host: is missing"),
        (
            '[notify.a]\nkind = "mqtt"\nhost = "8.8.8.8"',
            "my.toml:3: notify.a.host: '8.8.8.8' is no address and no name of a machine in the house",
        ),
        (f"{MQTT}port = 70000", "my.toml:4: notify.a.port: 70000 is too large, 0 to 65535"),
        (f"{MQTT}qos = 1", "my.toml:4: notify.a.qos: is no key of monitord; config.example.toml shows all of them"),
        (f'{MQTT}version = "3"', "my.toml:4: notify.a.version: '3' is none of '5' or '3.1.1'"),
        (
            f'{MQTT}topic = "a/#"',
            (
                "my.toml:4: notify.a.topic: 'a/#' is no topic "
                '(letters, digits, "_" and "-", levels separated by "/")'
            ),
        ),
        (f'{MQTT}password = "x"', "my.toml:1: notify.a.username: is missing; a password needs one"),
        (
            f'{MQTT}username = "u"\npassword = "x"\npassword_file = "/y"',
            "my.toml:6: notify.a.password_file: stands beside password; only one of them can be right",
        ),
        (
            f'{MQTT}certificate_file = "/c"',
            "my.toml:1: notify.a.key_file: and certificate_file belong together; give both or neither",
        ),
        (
            f'{MQTT}ca_file = "ca.pem"',
            "my.toml:4: notify.a.ca_file: 'ca.pem' is no whole path; write it from the root on (\"/etc/monitord/...\")",
        ),
        (
            '[notify.a]\nkind = "gotify"\nurl = "http://g"',
            "my.toml:1: notify.a.token: is missing; give token or token_file",
        ),
        (
            '[notify.A]\nkind = "desktop"',
            "my.toml:1: notify.A: 'A' is no name of a channel (1 to 32 small letters, digits, \"_\" and \"-\")",
        ),
        (
            '[notify.page]\nkind = "desktop"',
            "my.toml:1: notify.page: 'page' is always there and cannot be another channel; take another name",
        ),
        ("notify.a = 3", "my.toml:1: notify.a: 3 is of the wrong kind, it should be a section"),
        ("notify = 3", "my.toml:1: notify: 3 is of the wrong kind, it should be a section"),
    ],
)  # fmt: skip
def test_each_mistake_is_one_line(tmp_path, text, line):
    assert mistakes(tmp_path, text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        f"{MQTT}username = 'u'\npassword = 12345678",
        '[notify.a]\nkind = "webhook"\nurl = "http://b/"\nsecret = "12345678"',
        '[notify.a]\nkind = "webhook"\nurl = "http://anna:12345678@b/"\nsecret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"',
        '[notify.a]\nkind = "apprise"\nurl = "slack://12345678/b/c"',
        '[notify.a]\nkind = "gotify"\nurl = "http://b"\ntoken = ["12345678"]',
    ],
)
def test_no_mistake_repeats_a_secret(tmp_path, text):
    (line,) = mistakes(tmp_path, text)
    assert "12345678" not in line
    assert line.startswith("my.toml:")


def test_no_secret_is_in_what_is_printed_of_the_configuration(tmp_path):
    loaded = load(tmp_path, f'{MQTT}username = "u"\npassword = "12345678"')
    assert "12345678" not in repr(loaded)
    assert loaded.notify["a"].password.get_secret_value() == "12345678"


@pytest.mark.parametrize(
    "url",
    ["https://1.1.1.1", "http://[2001:db8::1]/", "ftp://10.0.0.1", "10.0.0.1", "http://", "http://0x7f.1", "http://a b",
     "http://h:99999", "http://u@h", "http://h/?a=b", "http://h/#f", "http://-", "http://[::1", "http://2130706433"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["ntfy", "gotify", "webhook"])
def test_urls_that_are_refused(tmp_path, kind, url):
    text = re.sub(r'url = "[^"]*"', f'url = "{url}"', NEEDED[kind])
    (line,) = mistakes(tmp_path, f'[notify.a]\nkind = "{kind}"\n{text}')
    assert line.startswith("my.toml:3: notify.a.url: what stands there ")


def test_addresses_of_carrier_grade_nat_by_explicit_choice(tmp_path):
    text = '[notify.a]\nkind = "mqtt"\nhost = "100.64.0.9"'
    assert "no name of a machine in the house" in mistakes(tmp_path, text)[0]
    assert load(tmp_path, f"{text}\ncgnat = true").notify["a"].host == "100.64.0.9"


def explained(path):
    try:
        Config.load(path)
    except ConfigError as mistake:
        return str(mistake).splitlines()
    return []


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
keys = [(kind, key) for kind, model in KINDS.items() for key in model.model_fields if key != "kind"]


@given(st.sampled_from(keys), scalars)
def test_any_value_of_any_key_is_taken_or_explained_in_one_line(tmp_path_factory, where, value):
    kind, key = where
    match value:
        case None:
            said = "[]"
        case bool():
            said = str(value).lower()
        case str():
            said = '"' + "".join(f"\\U{ord(letter):08x}" for letter in value) + '"'
        case _:
            said = repr(value)
    needed = "\n".join(line for line in NEEDED[kind].splitlines() if not line.startswith(f"{key} ="))
    path = tmp_path_factory.getbasetemp() / "channel.toml"
    path.write_text(f'[notify.a]\nkind = "{kind}"\n{key} = {said}\n{needed}\n', "utf-8")
    for line in explained(path):
        assert line.startswith(str(path))
        assert "notify.a" in line
