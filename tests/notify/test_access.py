"""Codes, sessions and buttons without a disk or a clock."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.notify.web import access, limits
from monitord.notify.web.access import Access, AccessError, Role, Session, Use
from monitord.notify.web.accessfile import AccessFile
from monitord.notify.web.doorkeeper import Doorkeeper, GuessError, LockedError

NOW = 1_800_000_000.0
KEY = "ab" * 32


def opened(digits="123456", now=NOW, role=Role.ACKNOWLEDGE):
    return access.open_code(Access(KEY), now, digits=digits, long="long" * 8, role=role, name="Papa")


def paired(number="aa", token="secret", role=Role.ACKNOWLEDGE, parent=""):  # noqa: S107 - a made-up one
    return Session(number, f"name of {number}", role, Use.PAGE, access.hashed(token), NOW, NOW, parent)


@pytest.mark.parametrize("spelled", ["123456", " 123 456 ", "123-456", "long" * 8])
def test_a_code_is_good_once_in_either_spelling(spelled):
    after, right = access.redeem(opened(), spelled, NOW + 1)
    assert right is not None
    assert (right.role, right.name) == (Role.ACKNOWLEDGE, "Papa")
    assert access.redeem(after, spelled, NOW + 2)[1] is None


@pytest.mark.parametrize("at", [NOW + access.CODE_S + 1, NOW - 60])
def test_a_code_is_void_after_its_time_and_before_it(at):
    assert access.redeem(opened(), "123456", at)[1] is None


def test_the_digits_are_void_after_ten_wrong_guesses_and_the_qr_code_is_not():
    held = opened()
    for guess in range(access.GUESSES_MAX):
        held, right = access.redeem(held, f"{guess:06}", NOW)
        assert right is None
    assert access.redeem(held, "123456", NOW)[1] is None
    assert access.redeem(held, "long" * 8, NOW)[1] is not None


def test_control_one_guess_less_leaves_the_digits_good():
    held = opened()
    for guess in range(access.GUESSES_MAX - 1):
        held, _ = access.redeem(held, f"{guess:06}", NOW)
    assert access.redeem(held, "123456", NOW)[1] is not None


def test_an_empty_code_opens_nothing_when_the_digits_are_void():
    held = opened()
    for guess in range(access.GUESSES_MAX):
        held, _ = access.redeem(held, f"{guess:06}", NOW)
    assert access.redeem(held, "", NOW)[1] is None


def test_a_new_code_replaces_the_old_one():
    held = access.open_code(opened(), NOW, digits="999999", long="x" * 43, role=Role.WATCH, name="")
    assert access.redeem(held, "123456", NOW)[1] is None
    assert access.redeem(held, "999999", NOW)[1] is not None


@given(st.text(max_size=80))
def test_no_other_text_is_the_code(text):
    bare = "".join(text.split()).replace("-", "")
    if bare != "123456" and text.strip() != "long" * 8:
        assert access.redeem(opened(), text, NOW)[1] is None


def test_nothing_secret_is_kept():
    held = access.admit(opened(), paired(token="tk_0123456789"))
    kept = repr(held)
    assert "123456" not in kept.replace(hashlib.sha256(b"123456").hexdigest(), "")
    assert "tk_0123456789" not in kept
    assert "longlong" not in kept


def test_a_session_ends_days_after_it_was_used_last():
    held = access.admit(Access(KEY), paired())
    assert access.find(held, "secret", NOW + 9 * access.DAY_S, 10) == held.sessions[0]
    assert access.find(held, "secret", NOW + 10 * access.DAY_S, 10) is None
    used = access.renew(held, held.sessions[0], NOW + 9 * access.DAY_S)
    assert access.find(used, "secret", NOW + 10 * access.DAY_S, 10) is not None
    assert access.tidy(held, NOW + 10 * access.DAY_S, 10).sessions == ()


def test_who_is_put_out_takes_what_it_asked_for_along():
    held = Access(KEY, sessions=(paired("aa"), paired("bb", "b", parent="aa"), paired("cc", "c")))
    after, gone = access.remove(held, "name of aa")
    assert [each.id for each in gone] == ["aa", "bb"]
    assert [each.id for each in after.sessions] == ["cc"]


def test_so_many_and_no_more():
    held = Access(KEY, sessions=tuple(paired(f"{number:x}") for number in range(access.SESSIONS_MAX)))
    with pytest.raises(AccessError, match="monitord pair --revoke"):
        access.admit(held, paired("one more"))


def test_a_button_is_for_one_incident_of_one_session_that_may_acknowledge():
    held = Access(KEY, sessions=(paired("aa"), paired("bb", "b", Role.WATCH)))
    one, watcher = held.sessions
    token = access.sign(held, one, 7)
    assert access.signed(held, token, 7, NOW, 90) == one
    assert access.signed(held, token, 8, NOW, 90) is None
    assert access.signed(replace(held, key="cd" * 32), token, 7, NOW, 90) is None
    assert access.signed(replace(held, sessions=(watcher,)), token, 7, NOW, 90) is None
    assert access.signed(held, token, 7, NOW + 91 * access.DAY_S, 90) is None
    assert access.signed(held, access.sign(held, watcher, 7), 7, NOW, 90) is None


@pytest.mark.parametrize("name", ["", "  ", "x" * 41, "a\nb", "\u202eevil", None, 7])
def test_a_name_is_printable_and_short(name):
    with pytest.raises(AccessError, match="1 to 40 printable"):
        access.clean_name(name)


# The file


@pytest.fixture
def file(tmp_path):
    return AccessFile(tmp_path / "state" / "access.json")


def test_the_file_is_its_owners_and_comes_back_as_it_was(file, tmp_path):
    kept = file.change(lambda held: access.admit(held, paired()))
    path = tmp_path / "state" / "access.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert AccessFile(path).read() == kept
    assert len(kept.key) == 64
    assert sorted(each.name for each in path.parent.iterdir()) == ["access.json", "access.lock"]


def test_a_change_of_another_process_is_seen(file, tmp_path):
    assert file.read().sessions == ()
    AccessFile(tmp_path / "state" / "access.json").change(lambda held: access.admit(held, paired()))
    assert len(file.read().sessions) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": 1}',
        b"\xff",
        b'{"version": 1, "access": {"key": "zz", "codes": [], "sessions": []}}',
        b'{"version": 1, "access": {"key": "ab", "codes": [], "sessions": [{"id": 1}]}}',
        b'{"version": 2, "access": {"key": "ab", "codes": [], "sessions": []}}',
    ],
)
def test_a_damaged_file_lets_nobody_in_and_says_what_to_do(file, tmp_path, content):
    path = tmp_path / "state" / "access.json"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(AccessError, match="remove the file"):
        file.read()
    with pytest.raises(AccessError):
        Doorkeeper(file, 90).session("secret")
    assert path.read_bytes() == content


# The doorkeeper


class Times:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def keeper(file):
    times = Times()
    made = Doorkeeper(file, 90, wall=times, monotonic=times)
    made.times, made.file = times, file
    return made


def code(keeper, digits="123456"):
    keeper.file.change(
        lambda held: access.open_code(held, keeper.times.now, digits=digits, long="L" * 43, role=Role.WATCH, name="")
    )


def test_a_phone_pairs_and_is_known_again(keeper):
    code(keeper)
    admitted = keeper.pair("123 456", "Kitchen", "10.0.0.5")
    assert (admitted.session.name, admitted.session.role) == ("Kitchen", Role.WATCH)
    assert len(admitted.token) >= 43
    assert keeper.session(admitted.token) == admitted.session
    assert keeper.session(admitted.token + "x") is None
    keeper.logout(admitted.session)
    assert keeper.session(admitted.token) is None
    assert not keeper.holds(admitted.session)


def test_five_wrong_guesses_lock_one_address_out_and_no_other(keeper):
    code(keeper)
    for _ in range(limits.GUESSES_PER_PEER):
        with pytest.raises(GuessError):
            keeper.pair("000000", "", "10.0.0.66")
    with pytest.raises(LockedError, match="wait 10 minutes"):
        keeper.pair("123456", "", "10.0.0.66")
    assert keeper.pair("123456", "", "10.0.0.5")
    keeper.times.now += limits.LOCKED_S + 1
    code(keeper)
    assert keeper.pair("123456", "", "10.0.0.66")


def test_who_is_locked_out_still_has_the_qr_code(keeper):
    code(keeper)
    for _ in range(limits.GUESSES_PER_PEER):
        with pytest.raises(GuessError):
            keeper.pair("000000", "", "10.0.0.66")
    assert keeper.pair("L" * 43, "", "10.0.0.66")


def test_many_addresses_have_ten_guesses_together(keeper):
    code(keeper)
    for number in range(access.GUESSES_MAX):
        with pytest.raises(GuessError):
            keeper.pair(f"{number:06}", "", f"10.0.0.{number}")
    with pytest.raises(GuessError):
        keeper.pair("123456", "", "10.0.0.99")


def test_a_session_in_use_is_written_once_a_day(keeper):
    code(keeper)
    admitted = keeper.pair("123456", "", "10.0.0.5")
    keeper.times.now += access.DAY_S / 2
    keeper.session(admitted.token)
    assert keeper.file.read().sessions[0].used_at == NOW
    keeper.times.now += access.DAY_S
    keeper.session(admitted.token)
    assert keeper.file.read().sessions[0].used_at == keeper.times.now


# Limits


def test_a_burst_and_then_so_many_a_second():
    rate = limits.Rate(per_s=2.0, burst=3.0)
    assert [rate.take("a", 0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert rate.take("b", 0.0) == 0.0
    assert rate.take("a", 0.5) == 0.0
    assert rate.take("a", 0.5) == 0.5


def test_the_tables_do_not_grow_for_ever():
    rate, guesses = limits.Rate(), limits.Guesses()
    for number in range(limits.PEERS_MAX + 50):
        rate.take(str(number), 0.0)
        guesses.wrong(str(number), 0.0)
    assert len(rate._left) == len(guesses._wrong) == limits.PEERS_MAX


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.168.1.5", "::ffff:192.168.1.5", True),
        ("fd00::1", "fd00::2", True),
        ("fd00::1", "fd00:0:0:1::1", False),
        ("192.168.1.5", "192.168.1.6", False),
    ],
)
def test_what_counts_as_one_peer(one, other, same):
    assert (limits.peer_key(one) == limits.peer_key(other)) == same
