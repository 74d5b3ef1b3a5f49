import logging
import os
import socket

import pytest

from monitord import service


@pytest.fixture
def clean(monkeypatch):
    for name in ("LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", service.SUPERVISOR_PID):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_sockets_are_ours_when_systemd_names_this_process(clean):
    clean.setenv("LISTEN_FDS", "2")
    clean.setenv("LISTEN_PID", str(os.getpid()))
    assert service.listen_fds() == [3, 4]


def test_sockets_are_ours_when_the_supervisor_is_the_parent(clean):
    clean.setenv("LISTEN_FDS", "1")
    clean.setenv(service.SUPERVISOR_PID, str(os.getppid()))
    assert service.listen_fds() == [3]


@pytest.mark.parametrize("pid", [None, "1", "x"])
def test_sockets_meant_for_another_process_are_not_taken(clean, pid):
    clean.setenv("LISTEN_FDS", "1")
    if pid:
        clean.setenv("LISTEN_PID", pid)
    assert service.listen_fds() == []


@pytest.mark.parametrize("count", ["", "-1", "one", "1.5"])
def test_nonsense_counts_give_no_sockets(clean, count):
    clean.setenv("LISTEN_FDS", count)
    clean.setenv("LISTEN_PID", str(os.getpid()))
    assert service.listen_fds() == []


def test_notify_reaches_the_manager(clean, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        clean.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        assert service.notify("READY=1")
        assert manager.recv(100) == b"READY=1"


def test_notify_without_or_with_a_dead_manager_is_no_error(clean, tmp_path):
    assert not service.notify("READY=1")
    clean.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    assert not service.notify("READY=1")


def test_watchdog_is_fed_twice_per_limit_and_only_by_the_process_it_watches(clean):
    assert service.watchdog_s() is None
    clean.setenv("WATCHDOG_USEC", "10000000")
    assert service.watchdog_s() == 5.0
    clean.setenv("WATCHDOG_PID", "1")
    assert service.watchdog_s() is None


def test_the_journal_gets_one_line_with_a_priority_and_no_traceback():
    record = logging.LogRecord("x", logging.ERROR, "", 1, "broken: %s", ("disk",), None)
    assert service._Journal().format(record) == "<3>broken: disk"
