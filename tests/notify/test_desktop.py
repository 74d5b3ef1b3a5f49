"""The desktop's notifications over a real bus (dbus-daemon), with a stand-in for the desktop that shows them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys

import pytest
from brokers import FakeHouse, a_notice, running, until
from jeepney import HeaderFields, MessageType, new_method_return, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.asyncio import DBusRouter, Proxy, open_dbus_connection
from jeepney.wrappers import DBusAddress

from monitord.config import Language
from monitord.notify import desktop
from monitord.notify.delivery import Reason
from monitord.notify.sinks import SinkError
from monitord.notify.sinks.desktop import DesktopSink

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon: apt-get install dbus")
NAME = "org.freedesktop.Notifications"


@pytest.fixture
def bus(tmp_path, monkeypatch):
    """A session's bus; its address is in the environment, as in a session."""
    daemon = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", f"--address=unix:path={tmp_path}/bus", "--print-address"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    monkeypatch.setenv(desktop.BUS, daemon.stdout.readline().strip())
    yield daemon
    daemon.kill()
    daemon.wait()
    daemon.stdout.close()


class Screen:
    """What a desktop does: takes Notify, gives a number, says when a button is pressed."""

    async def __aenter__(self):
        self.shown = []
        self._connection = await open_dbus_connection("SESSION")
        async with DBusRouter(self._connection) as router:
            await Proxy(message_bus, router).RequestName(NAME)
        self._task = asyncio.create_task(self._serve())
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(OSError):
            await self._connection.close()

    async def _serve(self):
        while True:
            message = await self._connection.receive()
            fields = message.header.fields
            if message.header.message_type is MessageType.method_call and fields[HeaderFields.member] == "Notify":
                self.shown.append(message.body)
                number = message.body[1] or len(self.shown)
                await self._connection.send(new_method_return(message, "u", (number,)))

    async def press(self, number, action="acknowledge"):
        path = DBusAddress("/org/freedesktop/Notifications", interface=NAME)
        await self._connection.send(new_signal(path, "ActionInvoked", "us", (number, action)))


def test_an_alert_is_shown_and_acknowledged_by_its_button(bus):
    async def story():
        house = FakeHouse({"id": 5}, {"id": 6})
        async with Screen() as screen, running(DesktopSink("desk", Language.EN), house) as sink:
            await sink.send(a_notice(5))
            await sink.send(a_notice(6))
            name, replaces, _, title, body, actions, hints, timeout = screen.shown[0]
            assert (name, replaces, title, body, timeout) == ("monitord", 0, "Nursery", "A child is crying.", -1)
            assert actions == ["acknowledge", "Acknowledge"]
            assert hints["urgency"] == ("y", desktop.CRITICAL)
            await screen.press(1, "something else")
            await screen.press(2)
            await until(lambda: house.acknowledged)
            assert house.acknowledged == [(6, "", "desk")]
            await sink.send(a_notice(6, reason=Reason.ACKNOWLEDGED))
            assert (screen.shown[2][1], screen.shown[2][5]) == (2, [])
            assert house.trouble == ""

    asyncio.run(story())


def test_a_session_without_a_desktop_and_none_at_all(bus, monkeypatch):
    async def story():
        house = FakeHouse()
        async with running(DesktopSink("desk", Language.EN), house) as sink:
            with pytest.raises(SinkError, match="this desktop shows no notifications"):
                await sink.send(a_notice())
        monkeypatch.delenv(desktop.BUS)
        async with running(DesktopSink("desk", Language.EN), house) as sink:
            with pytest.raises(SinkError, match="runs outside of it, as services do"):
                await sink.send(a_notice())
            assert "monitord notify-desktop" in house.trouble

    asyncio.run(story())


def test_a_bus_that_goes_away_is_told(bus):
    async def story():
        house = FakeHouse()
        async with Screen(), running(DesktopSink("desk", Language.EN), house) as sink:
            await sink.send(a_notice())
            bus.kill()
            await until(lambda: house.trouble)
            assert house.trouble == "the desktop has gone; has its session ended?"
            with pytest.raises(SinkError, match="has its session ended"):
                await sink.send(a_notice())

    asyncio.run(story())


def test_notify_desktop_shows_what_the_running_voice_tells(bus, real_voice):
    """The command of a session beside a voice that is a service."""
    real_voice.start()
    real_voice.url()

    async def story():
        async with Screen() as screen:
            command = [sys.executable, "-m", "monitord", "notify-desktop", "--config", real_voice.config]
            showing = subprocess.Popen(  # noqa: ASYNC220 - a test may wait for its start
                command, env={**real_voice.environment, **desktop_environment()}
            )
            try:
                await asyncio.sleep(1.5)  # Until it listens there is nothing to see of it.
                test = [sys.executable, "-m", "monitord", "test-alert", "page", "--config", real_voice.config]
                asking = subprocess.Popen(  # noqa: ASYNC220 - likewise
                    test, env=real_voice.environment, stdout=subprocess.DEVNULL
                )
                await until(lambda: screen.shown)
                assert screen.shown[0][3:5] == ("Test: Nursery", "This is a test: nothing was heard.")
                await asyncio.to_thread(asking.wait)
                real_voice.process.kill()
                await until(lambda: "has not been heard for 15 s" in json.dumps(screen.shown))
                over = next(each for each in screen.shown if each[1])  # In the place of the first.
                assert (over[1], over[4]) == (1, "This is a test: nothing was heard. Over.")
            finally:
                showing.kill()
                showing.wait()

    asyncio.run(story())


def desktop_environment():
    return {desktop.BUS: os.environ[desktop.BUS]}
