"""A real voice in a process of its own, its socket held by the test as the supervisor holds it; and a real broker."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys

import pytest
from brokers import Mosquitto
from journals import Time
from ntfy_apps import ALWAYS, password_of, polled
from voice_house import House
from waiting import PATIENCE_S, until

from monitord.channel import Channel
from monitord.events import Kind, Message, Role, Sound
from monitord.service import SUPERVISOR_PID


class RealVoice:
    """`monitord notify` in `folder`; `start` and `stop` as often as wanted."""

    def __init__(self, folder):
        self.runtime, self.state = folder / "run", folder / "state"
        self.runtime.mkdir()
        self.config = folder / "config.toml"
        self.config.write_text('[page]\nport = 0\n[room]\nname = "Nursery"\n', "utf-8")
        self.environment = {
            **os.environ,
            "RUNTIME_DIRECTORY": str(self.runtime),
            "STATE_DIRECTORY": str(self.state),
        }
        self.socket = None
        self.process = None

    def hold_socket(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(str(self.runtime / "events.sock"))

    def start(self, *, program=("-m", "monitord"), **environment):
        """Start it; `program` stands for the command line's first part."""
        if "MONITORD_EMULATED" in os.environ:
            pytest.skip("the whole voice takes longer to start on an emulated processor than a test waits")
        command = [sys.executable, *program, "notify", "--config", str(self.config)]
        environment = {**self.environment, **environment}
        hand_over = None
        if self.socket is not None:
            held = self.socket.fileno()
            environment |= {"LISTEN_FDS": "1", SUPERVISOR_PID: str(os.getpid())}
            hand_over = lambda: os.dup2(held, 3)  # noqa: E731 - what preexec_fn is for
        self.process = subprocess.Popen(
            command,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=hand_over,  # noqa: PLW1509 - one call of dup2; the socket must be number 3, as systemd hands it
            close_fds=self.socket is None,
        )

    def url(self):
        page = self.runtime / "page"
        until(lambda: page.exists() and page.read_text().endswith("\n"))
        return page.read_text("ascii").strip()

    def stop(self):
        """SIGTERM; returns the exit code and what was logged."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self):
        _, logged = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, logged

    @contextlib.contextmanager
    def running(self):
        """It runs until the test is over, and then has to end well."""
        try:
            self.start()
            self.page = self.url()
            yield self
            code, logged = self.stop()
        finally:
            self.close()
        assert code == 0, logged
        assert "Traceback" not in logged

    def hears(self, sound):
        """What its ear would tell it."""
        with Channel(self.runtime / "events.sock", Role.EAR) as ear:
            ear.send(Message(Kind.SOUND, sound, 91, 33))

    def monitord(self, *arguments, code=0):
        """Run a command beside it; returns what it printed, or where it is to fail what it complained of."""
        done = subprocess.run(
            [sys.executable, "-m", "monitord", *arguments, "--config", str(self.config)],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    def close(self):
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            self.process.communicate()
        if self.socket is not None:
            self.socket.close()


@pytest.fixture
def real_voice(tmp_path):
    voice = RealVoice(tmp_path)
    yield voice
    voice.close()


@pytest.fixture(scope="module")
def running_voice(tmp_path_factory):
    """One for all tests of a file."""
    with RealVoice(tmp_path_factory.mktemp("voice")).running() as voice:
        yield voice


@pytest.fixture(scope="module")
def paired(tmp_path_factory):
    """One for all tests of a file, where this machine has to be paired, too; it has two alerts to tell."""
    voice = RealVoice(tmp_path_factory.mktemp("voice"))
    voice.config.write_text(ALWAYS, "utf-8")
    with voice.running():
        voice.password, voice.watcher = password_of(voice), password_of(voice, "watch", "tablet")
        voice.hears(Sound.CRY)
        voice.hears(Sound.SMOKE_ALARM)
        until(lambda: len(polled(voice)) == 2)
        yield voice


@pytest.fixture(scope="session")
def a_real_voice():
    """Makes one in a folder; whoever calls it starts and closes it."""
    return RealVoice


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    yield house
    house.close()


@pytest.fixture
def time():
    return Time()


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """One for all tests of a file: each has a topic of its own."""
    broker = Mosquitto(tmp_path_factory.mktemp("broker"), "allow_anonymous true").start()
    yield broker
    broker.stop()


@pytest.fixture
def topic(request):
    return f"home/{abs(hash(request.node.nodeid))}"
