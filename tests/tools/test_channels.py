"""What `check` says of the channels: where they lead, and whether what they need is there."""

from __future__ import annotations

import socket

import pytest

from monitord.config import Config
from monitord.notify import desktop
from monitord.tools.channels import check_channels

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def names(monkeypatch):
    """The names that this house knows."""
    known = {"broker.lan": ["192.168.1.7"], "ntfy.sh": ["159.203.148.75"], "both.lan": ["192.168.1.7", "198.51.100.7"]}

    def resolve(name, *_, **__):
        if name in known or name[0].isdigit():
            return [(2, 1, 6, "", (address, 0)) for address in known.get(name, [name])]
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def check(tmp_path, capsys, section):
    path = tmp_path / "my.toml"
    path.write_text(f"[notify.home]\n{section}\n")
    good = check_channels(Config.load(path))
    said = capsys.readouterr()
    assert good == (said.err == "")
    (line,) = (said.out + said.err).splitlines()
    return line


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ('kind="mqtt"\nhost="broker.lan"', "ok    channel home    mqtt at broker.lan (192.168.1.7)"),
        ('kind="mqtt"\nhost="192.168.1.7"', "ok    channel home    mqtt at 192.168.1.7"),
        ('kind="gotify"\nurl="http://192.168.1.7:80"\ntoken="a"', "ok    channel home    gotify at 192.168.1.7"),
        (
            f'kind="webhook"\nurl="http://broker.lan/x"\nsecret="{SECRET}"',
            "ok    channel home    webhook at broker.lan (192.168.1.7)",
        ),
        (
            'kind="mqtt"\nhost="broker.lan"\nusername="m"\npassword="p"',
            (
                "ok    channel home    mqtt at broker.lan (192.168.1.7), "
                "whose password crosses the network unencrypted; see tls"
            ),
        ),
        (
            'kind="ntfy"\nurl="https://ntfy.sh"\ntopic="baby"',
            "FAULT channel home    ntfy.sh leads out of the house, to 159.203.148.75; monitord sends nothing there",
        ),
        (
            'kind="mqtt"\nhost="both.lan"',
            "FAULT channel home    both.lan leads out of the house, to 198.51.100.7; monitord sends nothing there",
        ),
        (
            'kind="mqtt"\nhost="typo.lan"',
            "FAULT channel home    typo.lan: no machine has that name; is the network up?",
        ),
        (
            'kind="gotify"\nurl="http://192.168.1.7"\ntoken_file="/nowhere/token"',
            (
                "FAULT channel home    /nowhere/token: cannot be read: No such file or directory; "
                "the user that monitord runs as must be able to"
            ),
        ),
        (
            'kind="mqtt"\nhost="192.168.1.7"\nca_file="/nowhere/ca.pem"',
            "FAULT channel home    /nowhere/ca.pem: cannot be read: No such file or directory",
        ),
        (
            'kind="mqtt"\nhost="192.168.1.7"\nca_file="/dev/null"',
            "FAULT channel home    /dev/null: is no certificate in PEM form",
        ),
    ],
)
def test_one_line_for_each_channel(tmp_path, capsys, names, section, line):
    assert check(tmp_path, capsys, section) == line


def test_the_desktop_where_there_is_a_session_and_where_there_is_none(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv(desktop.BUS, "unix:path=/run/bus")
    assert check(tmp_path, capsys, 'kind="desktop"') == "ok    channel home    desktop of this session"
    monkeypatch.delenv(desktop.BUS)
    assert "runs outside of it, as services do" in check(tmp_path, capsys, 'kind="desktop"')
