from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.lan import LanError, destination, is_local, is_our_host, is_our_origin, local_address

NAMES = frozenset({"localhost", "raspberrypi", "raspberrypi.local"})


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "127.255.0.9",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.20",
        "169.254.3.4",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fe80::1%br-lan.5",
        "fd12:3456::1",
        "::ffff:192.168.1.2",
        "::FFFF:7f00:1",
    ],
)
def test_addresses_of_the_house(text):
    assert is_local(text)


@pytest.mark.parametrize(
    "text",
    [
        "8.8.8.8",
        "172.32.0.1",
        "172.15.255.255",
        "192.169.0.1",
        "11.0.0.1",
        "100.64.0.1",  # Carrier-grade NAT: the provider's, not the house's.
        "192.0.2.1",
        "0.0.0.0",  # noqa: S104 - it must be refused
        "255.255.255.255",
        "224.0.0.251",
        "::",
        "::ffff:8.8.8.8",
        "::8.8.8.8",
        "2001:db8::1",
        "64:ff9b::c0a8:101",  # NAT64 around a private address.
        "2002:c0a8:101::1",  # 6to4 around a private address.
        "2001:0:c0a8:101::",  # Teredo.
        "ff02::1",
        "fec0::1",  # Site-local, deprecated.
        "::1%eth0",
        "fd00::1%eth0",
        "fe80::1%",
        "fe80::1%../etc",
    ],
)
def test_addresses_that_are_not(text):
    assert not is_local(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "010.0.0.1",
        "127.0.0.1 ",
        "127.0.0.1/8",
        "127.0.0.1:80",
        "\uff11\uff12\uff17.0.0.1",
        "localhost",
        "[::1]",
        "192.168.1",
        "1.2.3.4.5",
        "::ffff:192.168.1",
    ],
)
def test_odd_spellings_are_no_addresses(text):
    with pytest.raises(LanError):
        local_address(text)


@given(st.ip_addresses(v=4))
def test_mapped_addresses_count_as_what_they_map(address):
    assert is_local(str(address)) == is_local(f"::ffff:{address}")


@given(st.ip_addresses())
def test_nothing_global_is_local(address):
    # ipaddress knows the IANA registries; our list must lie inside what it calls not global.
    if is_local(str(address)):
        assert not address.is_global
        assert not address.is_multicast
        assert not address.is_unspecified


@given(st.text())
def test_any_text_gives_an_address_or_a_sentence(text):
    if is_local(text):
        assert isinstance(local_address(text), ipaddress.IPv4Address | ipaddress.IPv6Address)
    else:
        with pytest.raises(LanError, match=r"\w"):
            local_address(text)


@pytest.mark.parametrize(
    "header", ["127.0.0.1:8740", "[::1]:8740", "localhost:8740", "RaspberryPi.local:8740", "192.168.1.7:8740"]
)
def test_our_own_names(header):
    assert is_our_host(header, NAMES, 8740)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "evil.example:8740",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1:8740@evil.example",
        "evil.example@127.0.0.1:8740",
        "127.0.0.1.evil.example:8740",
        "8.8.8.8:8740",
        "localhost:8740/path",
        "[::1:8740",
        "localhost:99999",
        "localhost:",
        "127.1:8740",
    ],
)
def test_names_of_others(header):
    assert not is_our_host(header, NAMES, 8740)


def test_port_80_needs_no_number():
    assert is_our_host("localhost", NAMES, 80)


@pytest.mark.parametrize(
    ("origin", "fine"),
    [
        ("http://127.0.0.1:8740", True),
        ("https://127.0.0.1:8740", False),
        ("http://127.0.0.1:8741", False),
        ("http://evil.example", False),
        ("null", False),
    ],
)
def test_origin(origin, fine):
    assert is_our_origin(origin, "127.0.0.1:8740") is fine


@pytest.mark.parametrize(
    "host",
    [
        "8.8.8.8",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "017700000001",
        "1.2.3.4.5",
        "evil.example.0x",
        "evil.1",
        "[::ffff:8.8.8.8]",
        "",
        ".",
        "a..b",
        "-a.b",
        "a b",
        "a/b",
        "user@host",
        "\u2488.2.3.4",
        "\uff11\uff12\uff17.0.0.1",
        "x" * 300,
    ],
)
def test_no_destinations(host):
    with pytest.raises(LanError):
        destination(host)


@pytest.mark.parametrize(
    ("host", "meant"),
    [
        ("printer.lan", "printer.lan"),
        ("Kitchen.local.", "kitchen.local."),
        ("192.168.1.4", "192.168.1.4"),
        ("[::1]", "::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("pi4", "pi4"),
        ("4pi", "4pi"),
    ],
)
def test_destinations(host, meant):
    assert destination(host) == meant


@given(st.ip_addresses(v=4), st.sampled_from(["{0}", "{0:#x}", "0{0:o}"]), st.integers(1, 3))
def test_no_other_spelling_of_an_address_is_a_destination(address, spelling, parts):
    """As inet_aton reads them: one to three numbers, decimal, hexadecimal or octal, the last one long."""
    number = int(address)
    cuts = [(number >> 8 * (3 - place)) & 0xFF for place in range(parts - 1)]
    rest = number & ((1 << 8 * (4 - len(cuts))) - 1)
    text = ".".join(spelling.format(part) for part in [*cuts, rest])
    with pytest.raises(LanError):
        destination(text)


@given(st.text() | st.from_regex(r"[0-9a-fxA-F.:%\[\]]{1,30}", fullmatch=True))
def test_any_text_is_a_local_address_a_name_or_refused(text):
    try:
        meant = destination(text)
    except LanError:
        return
    assert is_local(meant) or not meant.rstrip(".").rpartition(".")[2].isdecimal()
    if not is_local(meant):
        with pytest.raises(OSError, match="illegal IP"):
            socket.inet_aton(meant)  # What the system would take for an address without asking anybody.


@pytest.mark.parametrize("text", ["100.64.0.0", "100.127.255.255", "::ffff:100.100.1.1"])
def test_carrier_grade_nat_by_explicit_choice(text):
    assert not is_local(text)
    assert is_local(text, cgnat=True)
    assert is_our_host(f"[{text}]:1" if ":" in text else f"{text}:1", NAMES, 1, cgnat=True)


@given(st.ip_addresses())
def test_the_choice_adds_nothing_else(address):
    if is_local(str(address), cgnat=True) and not is_local(str(address)):
        assert address in ipaddress.ip_network("100.64.0.0/10")
