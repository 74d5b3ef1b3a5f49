"""`monitord ward` on the broker's machine: what it writes, what it refuses, and what a crash in between leaves."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
import segno

from monitord.cli import run
from monitord.tools.qr import show_qr
from monitord.tools.ward import enroll, folder, kept, mosquitto, registry, slip
from monitord.tools.ward.registry import Member, Site, WardError


@pytest.fixture
def house(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert ward("init", "house", "--broker", "127.0.0.1") == 0
    return tmp_path / "site"


def ward(*arguments):
    return run(["ward", *arguments, "--folder", "site"])


def carried(name="room-101.ward"):
    return slip.decode(Path(name).read_text("ascii"))


def contents(path):
    return {each.name: each.read_bytes() for each in path.iterdir() if not each.name.startswith(".")}


def test_a_room_gets_credentials_of_its_own(house, capsys):
    assert ward("enroll", "101", "--ward", "west") == 0
    made = carried()
    assert (made.kind, made.site, made.ward, made.name) == ("room", "house", "west", "101")
    assert (made.username, made.brokers, made.rooms) == ("house.101", ("127.0.0.1:8883",), ())
    assert made.authority == (house / "ca.crt").read_text()
    (line,) = (house / "passwords").read_text().splitlines()
    user, _, _ = line.partition(":")
    assert user == "house.101"
    assert made.password not in line
    assert f"{RELOAD}" in capsys.readouterr().out


RELOAD = "systemctl reload mosquitto"


def test_a_password_is_hashed_as_mosquitto_does_it():
    """A line that mosquitto_passwd 2.0.11 wrote for the password "geheim"."""
    line = WRITTEN_BY_MOSQUITTO.split("$")
    salt = mosquitto.base64.b64decode(line[3])
    assert mosquitto.hashed("geheim", salt) == WRITTEN_BY_MOSQUITTO
    assert mosquitto.hashed("geheim2", salt) != WRITTEN_BY_MOSQUITTO


WRITTEN_BY_MOSQUITTO = (
    "$7$101$cH3oW3Zy3RZJwOU0$1xm3uVEhntCFz/C3FIW5lqvby394cwpb6FgM+rVclHD6Nizd1Mow48t1okVmV1aQWT1o/gKEYvpOylGy6fWsJA=="
)


def test_secrets_are_their_owners_alone(house):
    assert ward("enroll", "101") == 0
    for name in ("room-101.ward", "site/site.json", "site/ca.key"):
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600, name
    for name in ("passwords", "acl", "server.key", "monitord.conf"):
        assert not stat.S_IMODE((house / name).stat().st_mode) & 0o027, name


def test_a_station_reads_the_rooms_of_its_ward_also_those_that_come_later(house):
    assert ward("enroll", "101", "--ward", "west") == 0
    assert ward("enroll-station", "desk", "--ward", "west") == 0
    assert ward("enroll", "102", "--ward", "west") == 0
    assert ward("enroll", "201", "--ward", "east") == 0
    rights = (house / "acl").read_text().partition("user house.ward.desk\n")[2]
    for room in ("101", "102"):
        for part in ("state", "health", "incident/+"):
            assert f"topic read monitord/v1/house/{room}/{part}\n" in rights
    assert "201" not in rights
    assert carried("station-desk.ward").rooms == ("101",)


@pytest.mark.parametrize(
    "name", ["", "1O1", "a b", "a/b", "+", "#", "..", "x" * 33, "zimmer-ä", "a\nuser root", "_ward"]
)
def test_a_name_that_is_none_changes_nothing(house, capsys, name):
    before = contents(house)
    assert ward("enroll", name) == 1
    assert ward("enroll", "101", "--ward", name) == 1
    assert ward("enroll-station", name) == 1
    said = capsys.readouterr().err
    assert said.count("small letters, digits and hyphens") == 3
    assert contents(house) == before


def test_nobody_is_enrolled_twice_by_mistake(house, capsys):
    assert ward("enroll", "101") == 0
    before, first = contents(house), carried()
    Path("room-101.ward").unlink()
    assert ward("enroll", "101") == 1
    assert "--again" in capsys.readouterr().err
    assert ward("enroll-station", "101") == 1
    assert contents(house) == before
    assert ward("enroll", "101", "--again") == 0
    assert carried().password != first.password
    assert ward("enroll", "102", "--again") == 1


def test_a_slip_that_is_there_is_not_overwritten(house, capsys):
    Path("room-101.ward").write_text("mine", "ascii")
    before = contents(house)
    assert ward("enroll", "101") == 1
    assert "is there already" in capsys.readouterr().err
    assert contents(house) == before


def test_revoking_takes_password_and_rights(house, capsys):
    for room in ("101", "102"):
        assert ward("enroll", room) == 0
    assert ward("enroll-station", "desk") == 0
    assert ward("revoke", "101") == 0
    told = capsys.readouterr().out
    assert RELOAD in told
    assert "ward.toml of desk" in told
    for name in ("passwords", "acl", "site.json"):
        assert "101/" not in (house / name).read_text()
        assert "house.101" not in (house / name).read_text()
        assert "102" in (house / name).read_text()
    assert ward("revoke", "101") == 1


def test_what_the_owner_has_changed_is_kept_and_told(house, capsys):
    acl = house / "acl"
    mine = acl.read_text() + "user homeassistant\ntopic readwrite home/#\n"
    acl.write_text(mine)
    assert ward("list") == 1
    assert "acl: not as monitord ward writes them" in capsys.readouterr().out
    assert ward("enroll", "101") == 0
    (aside,) = house.glob("acl.before-*")
    assert aside.read_text() == mine
    assert aside.name in capsys.readouterr().err
    assert ward("enroll", "102") == 0  # What is ours is not set aside.
    assert len(list(house.glob("*.before-*"))) == 1
    assert ward("list") == 0


@pytest.mark.parametrize("step", range(6))
def test_a_crash_at_any_write_loses_nothing(house, monkeypatch, capsys, step):
    """The write of that number does not happen, and nothing after it; the next command makes it good."""
    assert ward("enroll", "101") == 0
    real, left = kept.replace, step

    def crash(path, *arguments):
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        real(path, *arguments)

    monkeypatch.setattr(kept, "replace", crash)
    assert ward("enroll", "102") == 1
    monkeypatch.undo()
    os.chdir(house.parent)
    assert "house.101:" in (house / "passwords").read_text()
    assert not list(house.glob("*.before-*"))
    enrolled = {each["name"] for each in _listed(capsys)["enrolled"]}
    assert enrolled == ({"101"} if step < 2 else {"101", "102"})
    assert ward("renew") == 0
    assert _listed(capsys)["due"] == []
    for each in enrolled:
        assert f"house.{each}:" in (house / "passwords").read_text()
    assert not list(house.glob("*.before-*"))
    if step >= 2:  # The slip is good: it was written before anything that needs it.
        assert carried("room-102.ward").username == "house.102"


def _listed(capsys):
    capsys.readouterr()
    ward("list", "--json")
    return json.loads(capsys.readouterr().out)


def test_a_slip_is_one_line_and_survives_a_terminal(house):
    assert ward("enroll", "101") == 0
    (line,) = [each for each in Path("room-101.ward").read_text("ascii").splitlines() if not each.startswith("#")]
    made = slip.decode(line)
    broken = "\n".join(line[at : at + 80] for at in range(0, len(line), 80))
    assert slip.decode(f"# a note\n  {broken}\n") == made
    for spoilt in (
        "",
        "hello",
        line[:-20],
        line[:200],
        line.replace("1:", "2:", 1),
        line[:300] + ("A" if line[300] != "A" else "C") + line[301:] + "B",
    ):
        with pytest.raises(WardError):
            slip.decode(spoilt)


def test_the_qr_code_holds_the_slip_and_no_file_is_written(house, monkeypatch):
    shown = []
    monkeypatch.setattr(enroll, "show_qr", shown.append)
    assert ward("enroll", "101", "--qr") == 0
    (text,) = shown
    assert slip.decode(text).username == "house.101"
    assert not list(house.parent.glob("*.ward"))


def test_a_real_qr_code_says_the_slip(house, capsys, monkeypatch):
    """With the longest names that there are."""
    room, lines = "a" * 32, []
    monkeypatch.setattr(enroll, "show_qr", lambda text: (lines.append(text), show_qr(text)))
    assert ward("enroll", room, "--ward", "b" * 32, "--qr") == 0
    (line,) = lines
    halves = {"\u2588": (1, 1), "\u2580": (1, 0), "\u2584": (0, 1), " ": (0, 0)}
    rows = [text for text in capsys.readouterr().out.splitlines() if "\u2588\u2588" in text or set(text) == {"\u2580"}]
    width = max(map(len, rows))
    cells = np.array([[halves[each][half] for each in row.ljust(width)] for row in rows for half in (0, 1)], np.uint8)
    cells = cells[:width]  # Below an odd number of rows is half a line of the terminal's background.
    expected = 1 - np.array(segno.make(line, error="l", micro=False).matrix, np.uint8)
    np.testing.assert_array_equal(cells, np.pad(expected, 2, constant_values=1))
    assert slip.decode(line).username == f"house.{room}"
    # OpenCV misses a third of the codes of this size (zbar one of sixty, of the same pictures), but misreads none.
    large = np.pad(np.kron(cells * 255, np.ones((8, 8), np.uint8)), 32, constant_values=255)
    assert cv2.QRCodeDetectorAruco().detectAndDecode(large)[0] in {"", line}


def test_a_station_without_rooms_is_told_so(house, capsys):
    assert ward("enroll-station", "desk", "--ward", "west") == 0
    assert "has no room yet" in capsys.readouterr().out
    assert run(["ward", "join", "station-desk.ward", "--config", "ward.toml"]) == 1
    assert "names no room" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("broker", "says"),
    [
        ("8.8.8.8", "no machine in the house"),
        ("example.com", "may not sign for it"),
        ("127.0.0.1:99999", "is no broker"),
        ("127.0.0.1:", "is no broker"),
        ("", "is no broker"),
        ("100.64.0.1", "no machine in the house"),
    ],
)
def test_a_broker_that_cannot_be_is_refused(tmp_path, monkeypatch, capsys, broker, says):
    monkeypatch.chdir(tmp_path)
    assert ward("init", "house", "--broker", broker) == 1
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert not (tmp_path / "site" / "site.json").exists()


def test_beginning_twice_changes_nothing(house, capsys):
    before = contents(house)
    assert ward("init", "house", "--broker", "127.0.0.1") == 0
    assert ward("init", "other", "--broker", "127.0.0.1") == 1
    assert "the folder of site house" in capsys.readouterr().err
    assert contents(house) == before


def test_other_brokers_get_another_certificate_of_the_same_authority(house):
    before = contents(house)
    assert ward("renew", "--broker", "192.168.1.5", "--broker", "broker.internal:8884") == 0
    after = contents(house)
    assert after["ca.crt"] == before["ca.crt"]
    assert after["server.crt"] != before["server.crt"]
    assert folder.authority.names_in(house / "server.crt") == {"192.168.1.5", "broker.internal"}


def test_what_ends_within_30_days_is_told_and_renewed(house, capsys, monkeypatch):
    assert ward("list") == 0
    ends = folder.Folder(house).certificate_ends()
    monkeypatch.setattr(enroll, "utc_now", lambda: ends - timedelta(days=31))
    assert ward("list") == 0
    assert ward("renew") == 0
    assert "Nothing is due" in capsys.readouterr().out
    monkeypatch.setattr(enroll, "utc_now", lambda: ends - timedelta(days=29))
    assert ward("list") == 1
    assert "the broker's certificate ends on" in capsys.readouterr().out
    assert ward("renew") == 0
    assert ward("list") == 0
    assert folder.Folder(house).certificate_ends() > ends


def test_the_authority_is_never_replaced_by_itself(house, capsys, monkeypatch):
    """Every room would have to join anew, and until then no alert would arrive."""
    before = (house / "ca.crt").read_bytes()
    (house / "ca.key").rename(house.parent / "ca.key")
    assert ward("renew", "--now") == 1
    assert "ca.key: is missing" in capsys.readouterr().err
    assert ward("enroll", "101") == 0  # Needs no signature.
    (house.parent / "ca.key").rename(house / "ca.key")
    soon = folder.Folder(house).authority_ends() - timedelta(days=10)
    monkeypatch.setattr(enroll, "utc_now", lambda: soon)
    assert ward("renew") == 1
    assert "enroll every room --again" in capsys.readouterr().err
    assert ward("list") == 1
    assert "the site's authority ends on" in capsys.readouterr().out
    assert (house / "ca.crt").read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\xff", b'{"site": "house", "brokers": [], "version": 9}', b"[" * 9999]
)
def test_a_damaged_registry_is_refused_and_not_touched(house, capsys, content):
    (house / "site.json").write_bytes(content)
    for asked in (("list",), ("enroll", "101"), ("revoke", "101"), ("renew",)):
        assert ward(*asked) == 1
        said = capsys.readouterr().err
        assert "site.json" in said
        assert said.count("\n") == 1
    assert (house / "site.json").read_bytes() == content


def test_without_a_site_it_says_how_to_begin(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert ward("list") == 1
    assert "monitord ward init" in capsys.readouterr().err


def test_the_registry_comes_back_as_it_went():
    member = Member("101", "west", mosquitto.hashed("x", b"0" * 12), datetime.now(UTC).timestamp())
    site = registry.add(Site("house", ("127.0.0.1:8883",)), "room", member, again=False)
    assert registry.decode(registry.encode(site)) == site
