"""One machine with a voice, its clock set by hand, its journal a real one."""

from __future__ import annotations

from monitord.config import Config
from monitord.events import Frame, Message, Role
from monitord.notify.clock import Clock
from monitord.notify.inbox import Received
from monitord.notify.journal import Journal
from monitord.notify.voice import Voice
from monitord.wire import encode

TWO_GROUPS = Config.model_validate(
    {
        "groups": {"parents": ["page"], "neighbours": ["log", "page"]},
        "rules": {"help": {"notify": ["parents", "neighbours"], "escalate_s": 100, "repeat_s": 40}},
    }
)


class House:
    """One machine: its clock, its disk, and what the voice sends; `restart` as after a crash."""

    def __init__(self, folder, config=None, sinks=("page", "log"), followers=()):
        self.config, self.sinks, self.followers = config or Config(), sinks, followers
        self.path = folder / "journal.sqlite3"
        self.now = 1000.0
        self.clock = Clock(lambda: self.now, lambda: 1_700_000_000.0 + self.now)
        self.sent, self.notices, self.published = [], [], []
        self.sequence = 0
        self.journal = None
        self.restart()

    def restart(self):
        self.close()
        self.journal = Journal(self.path, self.clock)
        self.voice = Voice(
            self.config,
            self.journal,
            self.sinks,
            self.clock,
            transmit=self.transmit,
            publish=lambda name, content: self.published.append((name, content)),
            jitter=lambda: 1.0,
            followers=self.followers,
        )

    def transmit(self, sink, notice):
        self.notices.append((sink, notice))
        self.sent.append((sink, notice.delivery, notice.incident.subject))

    def close(self):
        if self.journal is not None:
            self.journal.close()

    def tell(self, kind, label, role=Role.EAR, *, score=80, level=40):
        frame = Frame(Message(kind, label, score, level), role, 1, self.sequence)
        self.sequence += 1
        self.voice.receive(Received(encode(frame), frame))
        self.voice.tick()

    def wait(self, seconds):
        """Let time pass, from one due thing to the next."""
        end = self.now + seconds
        while (due := self.voice.next_due()) is not None and due <= end:
            self.now = max(self.now, due)
            self.voice.tick()
        self.now = end
