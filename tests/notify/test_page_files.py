"""What the page is made of: small, of this host alone, and nothing that an old phone's browser cannot read."""

from __future__ import annotations

import json
import re

import pytest

from monitord.notify.web.files import files

FILES = files()
CODE = {path: content.decode() for path, (content, _) in FILES.items() if path.endswith(".js")}
STYLE = {path: content.decode() for path, (content, _) in FILES.items() if path.endswith(".css")}

NEWER = {
    "optional chaining (2020)": r"\?\.(?!\d)",
    "?? (2020)": r"\?\?",
    "a catch without a name (2019)": r"catch\s*\{",
    "fields and private names (2022)": r"#\w+\s*[=(;]|^\s*static\s",
    "||= and its kin (2021)": r"(\|\||&&|\?\?)=",
    "flat, flatMap, fromEntries (2019)": r"\.(flat|flatMap|fromEntries)\(",
    "replaceAll, at, replaceChildren, structuredClone": r"\.(replaceAll|replaceChildren)\(|\w\.at\(|structuredClone",
    "await outside a function (2022)": r"^await ",
}
"""What ES2018 does not have, as far as a pattern can tell."""
NEWER_STYLE = {
    "gap of a flex box": r"display:\s*flex[^}]*[^-]gap:",
    "inset": r"(?<!-)\binset(-\w+)*:",
    "color-mix": r"color-mix\(",
    ":has, :is, :where": r":(has|is|where)\(",
    "nesting": r"&\s*[.:\[]",
}


def newer(text, patterns):
    return [name for name, pattern in patterns.items() if re.search(pattern, text, re.MULTILINE)]


WARD = {"/board.js", "/rows.js", "/walk.js", "/ward.css", "/report.css"}
"""What only the screen of a ward loads, once its station has sent it a board, and its report."""


def size(paths):
    """Code and style, all icons, and the longer of the languages."""
    words = [len(content) for path, (content, _) in FILES.items() if path.startswith("/texts/")]
    return sum(len(FILES[path][0]) for path in paths if not path.startswith("/texts/")) + max(words)


def test_all_that_a_screen_loads_is_under_100_kb():
    assert size(set(FILES) - WARD) < 100_000


def test_the_screen_of_a_ward_loads_little_more():
    assert size(set(FILES)) < 125_000


def test_a_room_loads_nothing_of_a_ward():
    """The way in is one script that main.js adds when there is a board; what that imports comes with it."""
    rooms = "".join(text for path, text in CODE.items() if path not in WARD) + FILES["/"][0].decode()
    for path in WARD:
        assert f'".{path}"' not in rooms
        assert f'="{path}"' not in rooms
    assert rooms.count('"/board.js"') == 1


@pytest.mark.parametrize("path", [*CODE, *STYLE, "/", "/manifest.webmanifest", "/icon.svg"])
def test_a_file_names_no_other_host_and_styles_nothing_inline(path):
    text = FILES[path][0].decode()
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"""[\s"']//\w""", re.sub(r"^\s*//.*$|\s// .*$", "", text, flags=re.MULTILINE))
    assert " style=" not in text


@pytest.mark.parametrize("path", CODE)
def test_a_script_is_of_2018(path):
    assert newer(CODE[path], NEWER) == []


@pytest.mark.parametrize("path", STYLE)
def test_a_style_sheet_is_of_2018(path):
    assert newer(STYLE[path], NEWER_STYLE) == []


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        ("a?.b", NEWER),
        ("a ?? b", NEWER),
        ("try {} catch {", NEWER),
        ("a ||= 1", NEWER),
        ("list.flat()", NEWER),
        ("node.replaceChildren()", NEWER),
        ("await start();", NEWER),
        (".a { display: flex; gap: 1px }", NEWER_STYLE),
        (".a { inset: 0 }", NEWER_STYLE),
    ],
)
def test_what_is_newer_is_found(text, patterns):
    assert len(newer(text, patterns)) >= 1


def test_every_import_and_every_file_in_the_page_is_served():
    wanted = {path for text in CODE.values() for path in re.findall(r'from "\.(/[\w.-]+)"', text)}
    wanted |= set(re.findall(r'(?:src|href)="(/[^"]+)"', FILES["/"][0].decode()))
    wanted |= {icon["src"] for icon in json.loads(FILES["/manifest.webmanifest"][0])["icons"]}
    assert wanted - set(FILES) == set()
    unused = {path for path in CODE if path not in wanted} - {"/ticker.js", "/board.js"}
    assert unused == set()


def test_no_markup_is_made_of_text():
    """Names come from other devices: they go in as text, never as markup."""
    for text in CODE.values():
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
