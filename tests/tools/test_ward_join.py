"""`monitord ward join`: a slip becomes configuration, and nothing of the owner's is lost on the way."""

from __future__ import annotations

import os
import stat
import tomllib

import pytest

from monitord.cli import run
from monitord.config import Config
from monitord.tools.ward import join, kept, slip

OWNERS = '# my room\n[room]\nname = "Nursery"\n\n[page]\n# the house\naddress = "127.0.0.1"\n'


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ward("init", "house", "--broker", "127.0.0.1:18883", "--broker", "broker.internal", folder="site")
    ward("enroll", "101", "--ward", "west", folder="site")
    ward("enroll-station", "desk", "--ward", "west", folder="site")
    config = tmp_path / "pi" / "config.toml"
    config.parent.mkdir()
    config.write_text(OWNERS)
    config.chmod(0o640)
    return config


def ward(*arguments, folder=None):
    return run(["ward", *map(str, arguments), *(["--folder", folder] if folder else [])])


def tree(folder):
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_a_room_joins(here, capsys):
    assert ward("join", "room-101.ward", "--config", here) == 0
    assert here.read_text().startswith(OWNERS)
    section = Config.load(here).notify["ward"]
    assert (section.kind, section.site, section.room, section.username) == ("ward", "house", "101", "house.101")
    assert tuple(section.brokers) == ("127.0.0.1:18883", "broker.internal:8883")
    with open("room-101.ward", encoding="ascii") as file:  # noqa: PTH123 - a name, as the owner types it
        carried = slip.decode(file.read())
    password, authority = here.parent / "ward" / "password", here.parent / "ward" / "ca.crt"
    assert section.password_file == str(password)
    assert password.read_text() == f"{carried.password}\n"
    assert authority.read_text() == carried.authority
    assert carried.password not in here.read_text()
    assert not stat.S_IMODE(password.stat().st_mode) & 0o027
    assert stat.S_IMODE(here.stat().st_mode) == 0o640
    assert not [name for name in tree(here.parent) if name.endswith((".new", ".checked"))]
    assert "shred -u room-101.ward" in capsys.readouterr().out


def test_joining_twice_changes_nothing(here, capsys):
    assert ward("join", "room-101.ward", "--config", here) == 0
    before = tree(here.parent)
    assert ward("join", "room-101.ward", "--config", here) == 0
    assert "nothing was changed" in capsys.readouterr().out
    assert tree(here.parent) == before


def test_another_slip_replaces_nothing_unless_it_is_said(here, capsys):
    ward("join", "room-101.ward", "--config", here)
    before = tree(here.parent)
    assert ward("enroll", "101", "--ward", "west", "--again", folder="site") == 0
    assert ward("join", "room-101.ward", "--config", here) == 1
    assert "--replace" in capsys.readouterr().err
    assert tree(here.parent) == before
    assert ward("join", "room-101.ward", "--config", here, "--replace") == 0
    (aside,) = (here.parent / "ward").glob("password.before-*")
    assert aside.read_bytes() == before["ward/password"]
    assert aside.name in capsys.readouterr().out
    assert (here.parent / "ward" / "password").read_bytes() != before["ward/password"]


def test_an_owners_section_is_kept_beside_and_only_that_is_replaced(here):
    """With what stands after it, and the comment that is about what stands after it."""
    after = '\n# what follows\n[quiet_hours]\nfrom = "22:00"\nto = "06:00"\n'
    mine = '[notify.ward]\nkind = "mqtt"\nhost = "192.168.1.5"\n'
    here.write_text(f"{OWNERS}\n{mine}{after}")
    before = tree(here.parent)
    assert ward("join", "room-101.ward", "--config", here) == 1
    assert tree(here.parent) == before
    assert ward("join", "room-101.ward", "--config", here, "--replace") == 0
    text = here.read_text()
    assert text.startswith(OWNERS)
    assert text.endswith(after)
    assert "192.168.1.5" not in text
    assert Config.load(here).notify["ward"].kind == "ward"
    (aside,) = here.parent.glob("config.toml.before-*")
    assert aside.read_bytes() == before["config.toml"]


@pytest.mark.parametrize(
    ("mine", "says"),
    [
        ("[room]\nnam = 1\n", "mend it first"),
        ('[notify]\nward = { kind = "mqtt", host = "192.168.1.5" }\n', "write this into it by hand"),
        ('notify.ward.kind = "mqtt"\nnotify.ward.host = "192.168.1.5"\n', "write this into it by hand"),
        ("\xff", "is not UTF-8"),
    ],
)
def test_a_configuration_that_cannot_take_it_is_left_alone(here, capsys, mine, says):
    here.write_bytes(mine.encode("latin-1"))
    before = tree(here.parent)
    assert ward("join", "room-101.ward", "--config", here, "--replace") == 1
    assert says in capsys.readouterr().err
    assert tree(here.parent) == before


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"hello", b"MONITORD-WARD:1:AAAA", b"x" * 100_000])
def test_what_is_no_slip_changes_nothing(here, capsys, content):
    before = tree(here.parent)
    bad = here.parent.parent / "bad.ward"
    bad.write_bytes(content)
    assert ward("join", bad, "--config", here) == 1
    said = capsys.readouterr().err
    assert "bad.ward: " in said
    assert "Traceback" not in said
    assert tree(here.parent) == before


@pytest.mark.parametrize(
    "change",
    [
        {"brokers": ("8.8.8.8:8883",)},
        {"brokers": ('x"\n[audio]\ndevice = "file:/x":1',)},
        {"brokers": ()},
        {"password": 'x"\n[room]'},
        {"username": "a b"},
        {"name": "../101"},
        {"site": 'x"'},
        {"kind": "owner"},
        {"authority": "no certificate"},
    ],
)
def test_a_slip_of_a_stranger_writes_nothing_that_it_should_not(here, change):
    """Whoever can hand over a slip must not reach the rest of the configuration, or a broker outside the house."""
    with open("room-101.ward", encoding="ascii") as file:  # noqa: PTH123 - as above
        carried = slip.decode(file.read())
    made = slip.encode(slip.Slip(**{**{each: getattr(carried, each) for each in carried.__slots__}, **change}))
    bad = here.parent.parent / "bad.ward"
    bad.write_text(made)
    before = tree(here.parent)
    assert ward("join", bad, "--config", here) == 1
    assert tree(here.parent) == before


def test_a_station_gets_a_file_of_its_own(here):
    target = here.parent / "ward.toml"
    assert ward("join", "station-desk.ward", "--config", target) == 0
    told = tomllib.loads(target.read_text())
    assert told["ward"] == {"site": "house", "name": "west", "station": "desk", "rooms": ["101"]}
    assert told["broker"]["username"] == "house.ward.desk"
    assert not stat.S_IMODE(target.stat().st_mode) & 0o027
    target.write_text(f"{target.read_text()}\n[page]\nport = 8741\n")
    mine = target.read_text()
    assert ward("join", "station-desk.ward", "--config", target) == 1
    assert target.read_text() == mine
    assert ward("join", "station-desk.ward", "--config", target, "--replace") == 0
    (aside,) = here.parent.glob("ward.toml.before-*")
    assert aside.read_text() == mine


@pytest.mark.parametrize("step", range(5))
def test_a_crash_at_any_write_leaves_a_configuration_that_works(here, monkeypatch, step):
    real, left = kept.replace, step

    def crash(path, *arguments):
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        real(path, *arguments)

    monkeypatch.setattr(kept, "replace", crash)
    assert ward("join", "room-101.ward", "--config", here) == 1
    monkeypatch.setattr(kept, "replace", real)
    assert here.read_text() == OWNERS  # Every write before the last one is of a file that nothing reads yet.
    assert ward("join", "room-101.ward", "--config", here) == 0
    assert Config.load(here).notify["ward"].room == "101"


def test_the_text_of_a_qr_code_is_pasted(here, monkeypatch):
    with open("room-101.ward", "rb") as file:  # noqa: PTH123 - as above
        read, write = os.pipe()
        os.write(write, file.read())
        os.close(write)
    with os.fdopen(read) as pasted:
        monkeypatch.setattr(join.sys, "stdin", pasted)
        assert ward("join", "-", "--config", here) == 0
    assert Config.load(here).notify["ward"].room == "101"


def test_without_a_configuration_it_says_where_to_look(here, capsys):
    assert ward("join", "room-101.ward", "--config", here.parent / "none.toml") == 1
    assert "--config" in capsys.readouterr().err
    assert ward("join", "none.ward", "--config", here) == 1
    assert "none.ward: cannot be read" in capsys.readouterr().err
