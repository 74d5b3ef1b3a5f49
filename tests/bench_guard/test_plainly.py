"""A look's own fast path: what is taken as plainly right is what the whole check says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.checked import Checked
from monitord.config import Config, ConfigError
from monitord.settings import Settings, plainly

VALUES = st.one_of(
    st.text(max_size=12),
    st.integers(-5, 700),
    st.floats(allow_nan=True, allow_infinity=True),
    st.booleans(),
    st.sampled_from(["off", "csi:0", "file:/x", "http://x/", "rtsp://a", "0", "", 4.0, 1, 30.0, 30.1, 120, 121]),
)
KEYS = st.sampled_from(["device", "look_s", "looks_per_hour", "cooldown_s", "off", "width"])


def toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(letter):08x}" if ord(letter) < 0xD800 else "x" for letter in value) + '"'
    return repr(value)


@given(section=st.dictionaries(KEYS, VALUES, max_size=4))
def test_what_is_plainly_right_is_what_the_whole_check_says(section, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "look.toml"
    path.write_text("[video]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in section.items()), "utf-8")
    quick = plainly(path)
    try:
        whole = Settings.of(Config.load(path)).video
    except ConfigError:
        whole = None
    assert quick is None or quick.video == whole


def test_most_files_are_plainly_right(pytestconfig):
    path = pytestconfig.rootpath / "config.example.toml"
    assert plainly(path).video == Settings.of(Config.load(path)).video


def test_the_defaults_are_the_same_on_both_ways():
    assert plainly(None) == Settings() == Settings.of(Config()) == Checked(None).settings()


def test_the_child_says_the_same_and_its_mistakes_are_ours(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text('[audio]\nwords = ["help"]\nprofile = "balanced"\n[video]\nlook_s = 2.5\n', "utf-8")
    assert Checked(path).settings() == Settings.of(Config.load(path))
    path.write_text("[journal]\nkeep_days = 0\n", "utf-8")
    with pytest.raises(ConfigError, match=r"journal\.keep_days"):
        Checked(path).settings()
