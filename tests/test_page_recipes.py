"""The recipes for screens: each configuration is one, each command is one, and what they quote is on the page."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from monitord.cli import _parser as parser
from monitord.config import Config, Language
from monitord.notify import texts

RECIPES = Path(__file__).parents[1] / "docs" / "recipes"
NAMES = ["first-alert-on-a-phone.md", "tablet-as-parent-unit.md", "care-room.md"]


def blocks(name, language):
    text = (RECIPES / name).read_text("utf-8")
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


@pytest.mark.parametrize("name", NAMES)
def test_each_configuration_is_read(tmp_path, name):
    (block,) = blocks(name, "toml")
    path = tmp_path / "config.toml"
    path.write_text(block, "utf-8")
    assert Config.load(path) != Config()
    assert tomllib.loads(block)


@pytest.mark.parametrize("name", NAMES)
def test_each_command_is_one(name):
    lines = [line for block in blocks(name, "sh") for line in block.splitlines()]
    assert lines
    for line in lines:
        words = shlex.split(line.removeprefix("sudo "))
        if words[0] == "monitord":
            parser().parse_args(words[1:])
        else:
            assert words[:2] == ["systemctl", "restart"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_quoted_in_bold_or_in_the_table_is_on_the_page(name):
    text = (RECIPES / name).read_text("utf-8")
    said = list(texts.catalogue(Language.EN).values())
    bold = set(re.findall(r"\*\*(.+?)\*\*", text)) - {"Add to home screen"}
    for each in bold:
        assert each in said, each
    for row in re.findall(r'^\| "(.+?)"', text, re.MULTILINE):
        begin = row.split(" ...")[0]
        assert any(
            sentence.startswith(begin.removesuffix("...").strip()) or begin[:22] in sentence for sentence in said
        ), row


def test_a_command_that_is_none_is_found():
    with pytest.raises(SystemExit):
        parser().parse_args(["pair", "--roll", "watch"])
