"""One TOML file; every mistake in it is one line that says where, what was found and what is allowed."""

from __future__ import annotations

import re
import tomllib
from datetime import datetime
from pathlib import Path
from types import NoneType

import pytest
from config_files import load, mistakes
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from monitord.config import HOP_S, Config, ConfigError, Profile, RulesConfig
from monitord.events import Sound

FREE = {"groups", "notify"}
"""Sections whose keys the owner chooses."""
EXAMPLE = Path(__file__).parent.parent / "config.example.toml"


def explanation(path):
    """What the user is told of the file at `path`; nothing, if it is right."""
    try:
        assert isinstance(Config.load(path), Config)
    except ConfigError as mistake:
        return str(mistake)
    return ""


def keys_of(section, prefix=""):
    """Every key of the model: dotted names."""
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from keys_of(kind, f"{prefix}{name}.")
        elif prefix + name not in FREE:
            yield prefix + (field.alias or name)


def flat(table, prefix=""):
    for name, value in table.items():
        if prefix + name in FREE:
            continue
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def shown():
    """The example with its commented-out keys brought back."""
    return re.sub(r"^#(?=[a-z_]+ = )", "", EXAMPLE.read_text("utf-8"), flags=re.MULTILINE)


def test_the_example_is_the_defaults():
    assert Config.load(EXAMPLE) == Config()
    assert Config.load(None) == Config()


def as_of_a_cry(key):
    """The rules of all sounds have the keys of the first; the example explains them there."""
    return re.sub(r"^rules\.(?!fault)\w+\.", "rules.cry.", key)


def test_the_example_has_every_key_and_no_other():
    told = {key for key, _ in flat(tomllib.loads(shown()))}
    assert told <= set(keys_of(Config))
    assert {as_of_a_cry(key) for key in keys_of(Config)} <= told
    assert {key.split(".")[1] for key in told if key.startswith("rules.")} == set(RulesConfig.model_fields)


def test_what_the_example_comments_out_is_what_has_no_default_of_its_own(tmp_path):
    left_out = {as_of_a_cry(key) for key in keys_of(Config)} - {
        key for key, _ in flat(tomllib.loads(EXAMPLE.read_text("utf-8")))
    }
    assert left_out == {"audio.block_s"}
    assert Config().audio.block_s is None
    assert load(tmp_path, shown()).audio.period_s == Config().audio.period_s


EXPLAINED = {("[quiet_hours]", "to"), ("[groups]", "#parents")}
"""By the line above the key before it, or above the section."""


def test_the_example_explains_every_key():
    above = section = ""
    for line in EXAMPLE.read_text("utf-8").splitlines():
        section = line if line.startswith("[") else section
        if re.match(r"#?[a-z_]+ = ", line) and (not section.startswith("[rules.") or section == "[rules.cry]"):
            assert above.startswith("# ") or (section, line.split(" ")[0]) in EXPLAINED, line
        above = line


def test_the_ranges_in_the_example_are_the_real_ones(tmp_path):
    # "0.1 to 1.0" above a key stands for its bounds: the nearest value outside each is refused, the bound is not.
    number, comment = r"(\d+(?:\.\d+)?)", r"(?:# .*\n)*"
    pattern = rf"^# .*?{number} to {number}.*\n{comment}#?([a-z_]+) = \d"
    said = re.findall(pattern, EXAMPLE.read_text("utf-8"), re.MULTILINE)
    assert {key for _, _, key in said} == {
        *("block_s", "look_s", "looks_per_hour", "cooldown_s", "port", "keep_days"),
        *("repeat_s", "escalate_s", "remind_s"),
        "session_days",
    }
    where = {key.rpartition(".")[2]: key for key in keys_of(Config)}
    for low, high, key in said:
        for bound, step in ((low, -1), (high, 1)):
            value = float(bound) if key.endswith("_s") else int(bound)
            load(tmp_path, f"{where[key]} = {value}")
            (line,) = mistakes(tmp_path, f"{where[key]} = {value + step}")
            assert line.startswith(f"my.toml:1: {where[key]}: {value + step} is too ")


def test_every_sound_has_a_rule():
    assert list(RulesConfig.model_fields) == [*(sound.name.lower() for sound in Sound), "fault"]


def test_every_profile_has_its_hop():
    assert set(HOP_S) == set(Profile)


def test_the_configuration_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        Config().audio.device = "other"  # type: ignore[misc] # that it cannot be done is the point


def test_the_block_is_as_long_as_the_hop_unless_said_otherwise(tmp_path):
    assert load(tmp_path, 'audio.profile = "balanced"').audio.period_s == 0.25
    assert load(tmp_path, "audio.block_s = 0.1").audio.period_s == 0.1
    assert load(tmp_path, "audio.block_s = 0.1").audio.hop_s == 0.5


PUBLIC = (
    "is no loopback, private, link-local or unique-local address; "
    '"127.0.0.1" serves this machine only, the Pi\'s own LAN address serves the house'
)
EVERYWHERE = "would listen on every network of this machine; name one address of the house's network"
NO_KEY = "is no key of monitord; config.example.toml shows all of them"
REFUSED = (
    "is a network address and refused: the raw picture or sound would cross the network before monitord has it; "
    "use a device of this machine"
)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[audio]\nblock_s = 5.0", "my.toml:2: audio.block_s: 5.0 is too long, 0.1 to 1.0"),
        ("[audio]\n\nblock_s = 0.05 # s", "my.toml:3: audio.block_s: 0.05 is too short, 0.1 to 1.0"),
        ("audio.block_s = inf", "my.toml:1: audio.block_s: inf is too long, 0.1 to 1.0"),
        ("[video]\nlook_s = 31", "my.toml:2: video.look_s: 31 is too long, 1.0 to 30.0"),
        ("[video]\ncooldown_s = -1.0", "my.toml:2: video.cooldown_s: -1.0 is too short, 0.0 to 600.0"),
        ("[video]\nlooks_per_hour = 121", "my.toml:2: video.looks_per_hour: 121 is too large, 0 to 120"),
        ("[video]\nlooks_per_hour = -1", "my.toml:2: video.looks_per_hour: -1 is too small, 0 to 120"),
        ("[page]\nport = 70000", "my.toml:2: page.port: 70000 is too large, 0 to 65535"),
        ("[journal]\nkeep_days = 0", "my.toml:2: journal.keep_days: 0 is too small, 1 to 3650"),
        ('[room]\nname = ""', "my.toml:2: room.name: '' is too short, at least 1 character"),
        ('[audio]\nprofile = "fast"', "my.toml:2: audio.profile: 'fast' is none of 'eco' or 'balanced'"),
        (
            '[rules.cry]\npriority = "urgent"',
            "my.toml:2: rules.cry.priority: 'urgent' is none of 'high', 'medium' or 'low'",
        ),
        ('[rules.cry]\nalert = "never"', "my.toml:2: rules.cry.alert: 'never' is none of 'at_once' or 'after_look'"),
        ("[audio]\nblok_s = 0.5", f"my.toml:2: audio.blok_s: {NO_KEY}"),
        ("loud = 1", f"my.toml:1: loud: {NO_KEY}"),
        ("[rules.dog]", f"my.toml:1: rules.dog: {NO_KEY}"),
        ("[camera]\ndevice = '0'", f"my.toml:1: camera: {NO_KEY}"),
        ('[video]\ndevice = "rtsp://10.0.0.9/s"', f"my.toml:2: video.device: 'rtsp://10.0.0.9/s' {REFUSED}"),
        ('[audio]\ndevice = "http://10.0.0.9/"', f"my.toml:2: audio.device: 'http://10.0.0.9/' {REFUSED}"),
        ('[page]\naddress = "8.8.8.8"', f"my.toml:2: page.address: '8.8.8.8' {PUBLIC}"),
        (
            '[quiet_hours]\nfrom = "10 pm"',
            'my.toml:2: quiet_hours.from: \'10 pm\' is no time of day, "00:00" to "23:59"',
        ),
        (
            '[quiet_hours]\nfrom = "22:00"',
            "my.toml:1: quiet_hours: {'from': '22:00'} needs both a \"from\" and another \"to\", or neither",
        ),
        (
            '[rules.cry]\nrepeat_s = 60\nnotify = ["parents"]',
            "my.toml:3: rules.cry.notify: 'parents' is no group; there are everyone",
        ),
        (
            '[rules.cry]\nnotify = ["parents", "night"]\n[groups]\nparents = ["page"]',
            "my.toml:2: rules.cry.notify: 'night' is no group; there are everyone, parents",
        ),
        (
            '[groups]\nparents = ["page", "phone"]',
            "my.toml:2: groups.parents: 'phone' is no channel; there are page, log",
        ),
        (
            '[groups]\nnobody = ["log"]',
            "my.toml:2: groups.nobody: would reach nobody: nobody is woken by a line in the log",
        ),
        ('[page]\naddress = "0.0.0.0"', f"my.toml:2: page.address: '0.0.0.0' {EVERYWHERE}"),
    ],
)
def test_each_mistake_is_one_line(tmp_path, text, line):
    assert mistakes(tmp_path, text) == [line]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('[audio]\nblock_s = "5 s"', "my.toml:2: audio.block_s: '5 s' is of the wrong kind"),
        ('[audio]\nwords = "help"', "my.toml:2: audio.words: 'help' is of the wrong kind"),
        ("[audio]\nwords = [3]", "my.toml:2: audio.words.0: 3 is of the wrong kind"),
        ('[audio]\nwords = ["help", "Help me!"]', "my.toml:2: audio.words.1: 'Help me!' is no name of a word"),
        ("[groups]\nparents = []", "my.toml:2: groups.parents: "),
        ('[groups]\nparents = "page"', "my.toml:2: groups.parents: 'page' is of the wrong kind"),
        ('[groups]\nparents = ["page", "page"]', "my.toml:2: groups.parents: ['page', 'page'] names one twice"),
        ('[quiet_hours]\nlet_through = ["loud"]', "my.toml:2: quiet_hours.let_through.0: 'loud' is none of"),
        ('[audio]\nwords = ["help", "help"]', "my.toml:2: audio.words: ['help', 'help'] names a word twice"),
        ("[video]\ndevice = 0", "my.toml:2: video.device: 0 is of the wrong kind"),
        ("[video]\nlooks_per_hour = 1.5", "my.toml:2: video.looks_per_hour: 1.5 is of the wrong kind"),
        ("[video]\nlooks_per_hour = true", "my.toml:2: video.looks_per_hour: True is of the wrong kind"),
        ("[video]\nlook_s = true", "my.toml:2: video.look_s: True is of the wrong kind"),
        ("[journal]\nkeep_days = 2026-01-01", "my.toml:2: journal.keep_days: "),
        ("audio = 3", "my.toml:1: audio: 3 is of the wrong kind"),
        ("[rules]\ncry = 'x'", "my.toml:2: rules.cry: 'x' is of the wrong kind"),
        ('[page]\naddress = "kitchen"', "my.toml:2: page.address: 'kitchen' is no loopback"),
        ('[page]\naddress = "100.64.0.9"', "my.toml:2: page.address: '100.64.0.9' is an address of carrier-grade NAT"),
        ('[page]\naddress = "::"', "my.toml:2: page.address: '::' would listen on every network"),
        ('[page]\naddress = "224.0.0.1"', "my.toml:2: page.address: '224.0.0.1' is no loopback"),
        ('[page]\naddress = "2001:4860:4860::8888"', "my.toml:2: page.address: "),
        ('[page]\naddress = "::ffff:8.8.8.8"', "my.toml:2: page.address: "),
    ],
)
def test_wrong_kinds_and_addresses_are_one_line_too(tmp_path, text, where):
    (line,) = mistakes(tmp_path, text)
    assert line.startswith(where)


def test_words_are_names_or_paths(tmp_path):
    loaded = load(tmp_path, '[audio]\nwords = ["help", "/home/you/my words/tee.toml"]')
    assert loaded.audio.words == ("help", "/home/you/my words/tee.toml")


@pytest.mark.parametrize("address", ["127.0.0.1", "192.168.1.20", "10.1.2.3", "172.16.0.9", "fd00::1", "::1"])
def test_addresses_of_the_house_are_taken(tmp_path, address):
    assert load(tmp_path, f'page.address = "{address}"').page.address == address


def test_several_mistakes_are_several_lines(tmp_path):
    text = '[audio]\nblock_s = 5.0\nprofile = "fast"\n[page]\nport = -1\n'
    assert {line.split(": ")[0] for line in mistakes(tmp_path, text)} == {"my.toml:2", "my.toml:3", "my.toml:5"}


@pytest.mark.parametrize(
    "text",
    [
        "[audio",
        "audio]",
        "[audio]\nblock_s",
        "[audio]\nblock_s =",
        "[audio]\nblock_s = 0,5",
        "[audio]\ndevice = default",
        '[audio]\ndevice = "default',
        "[audio]\n[audio]",
        "[audio]\nblock_s = 0.5\nblock_s = 0.5",
        "audio = {block_s = 0.5",
        "= 1",
        "\x00",
        '[audio]\ndevice = "\\q"',
        "[room]\nname = '''",
        "block_s = 0.5s",
        "{}",
    ],
)
def test_broken_toml_is_one_sentence(tmp_path, text):
    (line,) = mistakes(tmp_path, text)
    assert line.startswith("my.toml: is not valid TOML: ")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read: No such file or directory"):
        Config.load(tmp_path / "none.toml")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        Config.load(tmp_path)


def test_a_file_that_is_no_utf8(tmp_path):
    (tmp_path / "my.toml").write_bytes(b'[room]\nname = "K\xfcche"')
    with pytest.raises(ConfigError, match="is not UTF-8 text at byte 16; save it as UTF-8"):
        Config.load(tmp_path / "my.toml")


def test_an_empty_file_is_the_defaults(tmp_path):
    assert load(tmp_path, "") == Config()


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_any_file_gives_a_configuration_or_a_configuration_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    said = explanation(path)
    assert not said or said.startswith(str(path))


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)


@given(st.sampled_from(sorted(keys_of(Config))), scalars)
def test_any_value_of_any_key_is_taken_or_explained_in_one_line(tmp_path_factory, key, value):
    match value:
        case NoneType():
            said = "[]"
        case bool():
            said = str(value).lower()
        case str():
            said = '"' + "".join(f"\\U{ord(letter):08x}" for letter in value) + '"'
        case _:
            said = repr(value)
    path = tmp_path_factory.getbasetemp() / "value.toml"
    path.write_text(f"{key} = {said}\n", "utf-8")
    said = explanation(path)
    assert not said or (said.startswith(f"{path}:1: {key}: ") and len(said.splitlines()) == 1)


def test_an_address_of_carrier_grade_nat_by_explicit_choice(tmp_path):
    assert load(tmp_path, '[page]\naddress = "100.64.0.9"\ncgnat = true').page.address == "100.64.0.9"
    assert load(tmp_path, '[page]\ncgnat = true\naddress = "100.64.0.9"').page.cgnat


@pytest.mark.parametrize(
    ("shows", "is_quiet"),
    [("21:59", False), ("22:00", True), ("23:59", True), ("00:00", True), ("06:59", True), ("07:00", False)],
)
def test_quiet_hours_over_midnight(tmp_path, shows, is_quiet):
    quiet = load(tmp_path, '[quiet_hours]\nfrom = "22:00"\nto = 07:00:00').quiet_hours
    local = datetime.fromisoformat(f"2026-11-25T{shows}:30")
    assert quiet.holds_back("low", local) is is_quiet
    assert not quiet.holds_back("high", local)
    assert not quiet.holds_back("fault", local)


def test_quiet_hours_belong_to_the_day_on_which_they_begin(tmp_path):
    quiet = load(tmp_path, '[quiet_hours]\nfrom = "22:00"\nto = "07:00"\ndays = ["fri"]').quiet_hours
    assert quiet.holds_back("low", datetime.fromisoformat("2026-11-27T23:00"))  # A Friday.
    assert quiet.holds_back("low", datetime.fromisoformat("2026-11-28T06:00"))
    assert not quiet.holds_back("low", datetime.fromisoformat("2026-11-27T06:00"))
    assert not quiet.holds_back("low", datetime.fromisoformat("2026-11-28T23:00"))


def test_without_quiet_hours_nothing_is_held_back():
    assert not Config().quiet_hours.holds_back("low", datetime.fromisoformat("2026-11-27T03:00"))
