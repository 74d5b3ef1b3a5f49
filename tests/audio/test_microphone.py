"""The microphone against a PortAudio that plays a part; the real one is tried in tests/e2e."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest

sounddevice = pytest.importorskip("sounddevice", exc_type=OSError, reason="PortAudio is not on this machine")

from monitord.audio import microphone  # noqa: E402 - after the check that it can be imported
from monitord.audio.microphone import Microphone  # noqa: E402
from monitord.audio.source import FakeSource, MicrophoneError  # noqa: E402
from monitord.events import Fault  # noqa: E402


class PortAudio:
    """The part of sounddevice that is used: what a card does is in `refuses` and in `blocks`."""

    PortAudioError = sounddevice.PortAudioError

    def __init__(self):
        self.refuses = {}
        self.rates = {16000}
        self.blocks = []
        self.opened = []
        self.restarts = 0
        self.hung = threading.Event()

    def _terminate(self):
        self.restarts += 1

    def _initialize(self):
        pass

    def query_devices(self, device, kind):
        assert kind == "input"
        if device is None and "default" in self.refuses:
            raise self.PortAudioError("Error querying device -1")
        if device not in (None, 3, "usb"):
            raise ValueError(f"No input device matching {device!r}")
        return {"index": 3, "default_samplerate": 48000.0}

    def check_input_settings(self, device, *, channels, dtype, samplerate):
        if samplerate not in self.rates:
            raise self.PortAudioError("Invalid sample rate [PaErrorCode -9997]")

    def RawInputStream(self, **settings):  # noqa: N802 - sounddevice's name
        if "open" in self.refuses:
            raise self.PortAudioError(self.refuses["open"])
        self.opened.append(settings)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def read(self, frames):
        if not self.blocks:
            self.hung.wait()
            raise self.PortAudioError("stopped")
        block = self.blocks.pop(0)
        if isinstance(block, Exception):
            raise block
        assert len(block[0]) == frames
        return block[0].tobytes(), block[1]


@pytest.fixture
def portaudio(monkeypatch):
    double = PortAudio()
    monkeypatch.setattr(microphone, "sounddevice", double)
    yield double
    double.hung.set()


def block(size=8000, value=7, *, lost=False):
    return np.full(size, value, np.int16), lost


def test_blocks_come_as_they_are_and_the_period_is_the_block(portaudio):
    portaudio.blocks = [block(value=1), block(value=2)]
    source = Microphone("usb", 0.5)
    assert [source.read(5.0).tolist() for _ in range(2)] == [[1] * 8000, [2] * 8000]
    assert portaudio.opened[0]["blocksize"] == 8000
    assert portaudio.opened[0]["samplerate"] == 16000
    assert portaudio.opened[0]["device"] == 3
    assert portaudio.restarts == 1


def test_a_card_without_16_khz_is_read_at_its_own_rate(portaudio):
    portaudio.rates = {48000}
    portaudio.blocks = [block(24000) for _ in range(8)]
    source = Microphone("default", 0.5)
    heard = np.concatenate([source.read(5.0) for _ in range(8)])
    assert portaudio.opened[0]["samplerate"] == 48000
    assert len(heard) == pytest.approx(8 * 8000, abs=2000)
    assert set(heard[8000:50000].tolist()) == {7}


@pytest.mark.parametrize(
    ("device", "refuses", "fault"),
    [
        ("nothing like it", {}, Fault.MICROPHONE_MISSING),
        ("default", {"default": True}, Fault.MICROPHONE_MISSING),
        ("usb", {"open": "Device unavailable [PaErrorCode -9985]"}, Fault.MICROPHONE_BUSY),
        ("usb", {"open": "Unanticipated host error [PaErrorCode -9999]"}, Fault.MICROPHONE_MISSING),
    ],
)
def test_a_microphone_that_cannot_be_had_is_its_fault(portaudio, device, refuses, fault):
    portaudio.refuses = refuses
    with pytest.raises(MicrophoneError) as lost:
        Microphone(device, 0.5).read(5.0)
    assert lost.value.fault is fault
    assert "\n" not in str(lost.value)


def test_a_card_that_is_pulled_out_is_missing(portaudio):
    portaudio.blocks = [block(), PortAudio.PortAudioError("Unanticipated host error\nmore")]
    source = Microphone("usb", 0.5)
    source.read(5.0)
    with pytest.raises(MicrophoneError) as lost:
        source.read(5.0)
    assert lost.value.fault is Fault.MICROPHONE_MISSING
    assert source.close()


def test_a_stream_that_stands_still_has_stalled(portaudio, monkeypatch):
    now = SimpleNamespace(now=50.0)
    monkeypatch.setattr(microphone, "time", SimpleNamespace(monotonic=lambda: now.now))
    portaudio.blocks = [block()]
    source = Microphone("usb", 0.5)
    source.read(5.0)
    now.now += 3 * 0.5 + 2.0 - 0.01
    assert source.read(0.0) is None
    now.now += 0.02
    with pytest.raises(MicrophoneError) as lost:
        source.read(0.0)
    assert lost.value.fault is Fault.MICROPHONE_STALLED
    monkeypatch.setattr(microphone, "CLOSE_S", -0.45)
    assert not source.close()


def test_lost_sound_is_counted(portaudio):
    portaudio.blocks = [block(), block(lost=True), block()]
    source = Microphone("usb", 0.5)
    for _ in range(3):
        source.read(5.0)
    assert source.overruns == 1


def test_blocks_that_nobody_fetches_are_counted_not_hoarded(portaudio, monkeypatch):
    monkeypatch.setattr(microphone, "WAITING_MAX", 3)
    portaudio.blocks = [block() for _ in range(10)] + [PortAudio.PortAudioError("end")]
    source = Microphone("usb", 0.5)
    source._thread.join()
    assert source.overruns == 7
    assert [len(source.read(1.0)) for _ in range(3)] == [8000] * 3


def test_a_waiting_read_can_be_woken(portaudio):
    source = Microphone("usb", 0.5)
    source.wake()
    assert source.read(60.0) is None


def test_the_scripted_source_behaves_like_one():
    source = FakeSource([np.ones(5, np.int16), None, MicrophoneError(Fault.MICROPHONE_BUSY, "busy")])
    assert source.read(1.0).tolist() == [1] * 5
    assert source.read(1.0) is None
    with pytest.raises(MicrophoneError, match="busy"):
        source.read(1.0)
    assert source.read(1.0) is None
    source.wake()
    assert source.close()
    assert source.closed
