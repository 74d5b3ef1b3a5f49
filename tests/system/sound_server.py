"""A real sound server with no sound card: PulseAudio with a null sink, whose monitor is a microphone for PortAudio.

What is played into the sink is what the ear hears, block by block in real time, through ALSA's pulse plug-in. All of it
lives in one folder and ends with the context manager.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAMS = ("pulseaudio", "pacat", "paplay", "pactl")
PLUGIN = "libasound_module_pcm_pulse.so"
MICROPHONE = "vmic"
SPEAKER = "vspeaker"
SINK = "vsink"
START_S = 15.0


def missing() -> str:
    """What this machine lacks for the sound server, one sentence; nothing, if all is there."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"needs {', '.join(absent)}: apt-get install pulseaudio pulseaudio-utils"
    if not any(Path("/usr/lib").glob(f"*/alsa-lib/{PLUGIN}")):
        return "needs ALSA's pulse plug-in: apt-get install libasound2-plugins"
    return ""


class SoundServer:
    """The sound server in `folder` (short: a socket's path has 107 bytes at most).

    Attributes:
        environment: what a program needs in its environment to use this server's microphone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "sound"  # PulseAudio makes a folder "pulse" of its own here.
        self._programs: list[subprocess.Popen[bytes]] = []
        alsa = folder / "asound.conf"
        alsa.write_text(
            "</usr/share/alsa/alsa.conf>\n"
            f'pcm.{MICROPHONE} {{\n    type pulse\n    device "{SINK}.monitor"\n'
            f'    hint {{ show on\n description "null sink" }}\n}}\n'
            f'pcm.{SPEAKER} {{\n    type pulse\n    device "{SINK}"\n'
            f'    hint {{ show on\n description "the same sink, to play into" }}\n}}\n',
            "ascii",
        )
        (folder / "pulse.pa").write_text(
            f"load-module module-native-protocol-unix socket={self._socket} auth-anonymous=1\n"
            f"load-module module-null-sink sink_name={SINK} rate=16000 channels=1\n",
            "ascii",
        )
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PULSE_")},
            "ALSA_CONFIG_PATH": str(alsa),
            "PULSE_SERVER": f"unix:{self._socket}",
            "PULSE_LATENCY_MSEC": "40",
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
        }

    def __enter__(self) -> Self:
        try:
            self._start("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
                        "--disable-shm=yes", "-F", str(self._folder / "pulse.pa"))  # fmt: skip
            self._wait_for_answer()
            # Without something playing, the null sink stands still and the first block comes seconds late.
            self._start("pacat", "--latency-msec=20", "--rate=16000", "--channels=1", f"--device={SINK}", "/dev/zero")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for program in reversed(self._programs):
            program.send_signal(signal.SIGCONT)
            program.terminate()
            try:
                program.wait(5)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()

    def play(self, path: Path) -> None:
        """Play a WAV or FLAC file into the sink, and return at its end."""
        done = self._run("paplay", "--latency-msec=40", f"--device={SINK}", str(path))
        if done.returncode:
            raise RuntimeError(f"paplay: {done.stderr.decode().strip()}")

    def player(self, path: Path) -> subprocess.Popen[bytes]:
        """Play in the background; the player ends with the file, or with this server."""
        return self._start("paplay", "--latency-msec=40", f"--device={SINK}", str(path))

    def mute(self, *, on: bool) -> None:
        """Switch the speaker off: what is played into the sink no longer reaches the microphone."""
        self._run("pactl", "set-sink-mute", SINK, "1" if on else "0")

    def _wait_for_answer(self) -> None:
        deadline = time.monotonic() + START_S
        while self._run("pactl", "info").returncode:
            if time.monotonic() > deadline:
                raise TimeoutError("pulseaudio does not answer")
            time.sleep(0.1)

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        started = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._programs.append(started)
        return started

    def _run(self, *command: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(command, env=self.environment, capture_output=True, check=False)


def speak(words: Sequence[str], path: Path) -> None:
    """Write `words`, spoken by espeak-ng, to the WAV file `path`."""
    subprocess.run(["espeak-ng", "-w", str(path), "-v", "en", " ".join(words)], check=True, capture_output=True)
