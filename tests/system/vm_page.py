"""The page that the suite of the virtual machine leaves behind: docs/vm-results.md."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

HEAD = """# Last run in a virtual machine

Written by the suite itself, whatever became of it (root; Debian: `qemu-system-x86 qemu-utils mmdebstrap
systemd-container`; no KVM):

```sh
MONITORD_VM_RESULTS=docs/vm-results.md ./monitord.sh test -m vm tests/system
```

The microphone is an ALSA card (snd-aloop), the cameras are V4L2 devices (v4l2loopback, vivid), all of the machine's own
kernel. The processor is emulated, so no time here would say anything about a Pi.
"""


@dataclass
class Page:
    """What is said.

    Attributes:
        system: the machine's kernel and service manager.
        protections: what was tried, how it went as installed, how without the protection.
        lines: further sentences.
        outcomes: "passed" or "failed" of each test.
    """

    system: str = "unknown"
    protections: list[tuple[str, str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    outcomes: dict[str, str] = field(default_factory=dict)

    def outcome(self, test: str, outcome: str) -> None:
        """Note what became of a test; a failure stays one."""
        if self.outcomes.get(test) != "failed":
            self.outcomes[test] = outcome

    def text(self) -> str:
        """The page."""
        passed = sum(outcome == "passed" for outcome in self.outcomes.values())
        parts = [HEAD, f"{dt.datetime.now(dt.UTC):%Y-%m-%d}: {self.system}. {passed} of {len(self.outcomes)} passed.\n"]
        if self.protections:
            parts.append("Each protection is tried in a copy of its unit, once as installed and once without it:\n")
            parts.append(_table(("tried", "as installed", "control: without the protection"), self.protections))
        if self.lines:
            parts.append("\n".join(f"- {line}" for line in self.lines) + "\n")
        parts.append(_table(("test", "outcome"), [(_words(test), outcome) for test, outcome in self.outcomes.items()]))
        return "\n".join(parts)


def _words(test: str) -> str:
    file, _, name = test.partition("::")
    sentence, bracket, parameter = name.removeprefix("test_").replace("_", " ").partition("[")
    return f"`{file.rpartition('/')[2]}` {sentence}" + (f": {parameter.rstrip(']')}" if bracket else "")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ("---",) * len(head), *rows]) + "\n"
