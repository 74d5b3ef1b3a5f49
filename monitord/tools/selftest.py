"""`monitord selftest`: a cry is played, and followed from the speaker to a phone. Each link is named good or broken.

This process has neither sound card nor microphone. A child of its own plays (`monitord.audio.speak`, which has no
network), the ear that runs hears it, and the voice that runs marks what it hears as a test: see
`monitord.notify.expected` for what that may do to a real cry, and what not. When this process dies in between, the
child plays no more, and the voice's window ends by itself.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from monitord import model
from monitord.audio.masking import Masking
from monitord.audio.models import EarModels
from monitord.audio.speak import CRY_S, test_cry
from monitord.config import LOOK_GRACE_S
from monitord.confine import Process, confine
from monitord.tools.links import LISTENS, RISE_DB, Link, Observed, deaf, first_broken, judge
from monitord.tools.player import Player, PlayerError
from monitord.tools.status import WRONG_USAGE, AskError, NotRunningError, ask

if TYPE_CHECKING:
    from monitord.config import Config

EXTRA_S = 2
"""The sound is expected for so much longer than it is: a speaker needs a moment to begin."""
HEARD_S = 8.0
"""It is heard by so long after it has ended, or not at all: the ear, its channel, a slow machine."""
BY_HAND_S = 30
CLAP_S = 20.0
PROVE_S = 15.0
"""So long a channel has to prove that the alert arrived."""
POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class How:
    """Options of the command.

    Attributes:
        as_json: print one JSON object.
        nightly: ring nobody, wait for nobody, and let the voice raise an alarm when a link is broken.
        wait_s: seconds that somebody has to acknowledge the test.
    """

    as_json: bool = False
    nightly: bool = False
    wait_s: int = 60


def selftest(config: Config, how: How) -> int:
    """Run it; returns 0 when no link is broken, 1 when one is or there is no test now, 2 for a wrong configuration."""
    if how.nightly and not config.selftest.speaker:
        print("selftest.speaker: names no speaker, and at night nobody claps", file=sys.stderr)
        return WRONG_USAGE
    seen = Observed(quiet=how.nightly, camera_off=config.video.off, by_hand=not config.selftest.speaker)
    seen.waited_s = 0.0 if how.nightly else float(how.wait_s)
    _Run(config, how, seen).run()
    links = judge(seen)
    broken = first_broken(links)
    if seen.before is not None:
        result = {"broken": broken, "nightly": how.nightly, "refused": bool(seen.refused)}
        with contextlib.suppress(AskError):
            ask(config, "POST", "api/v1/selftest/result", result)
    good = not (broken or seen.refused)
    if how.as_json:
        told = {"good": good, "broken": broken, "refused": seen.refused, "links": [asdict(each) for each in links]}
        print(json.dumps(told, ensure_ascii=False))
    else:
        _print(links, seen.refused)
    return 0 if good else 1


def speakers() -> int:
    """Print the speakers that `selftest.speaker` may name; returns the exit code."""
    try:
        from monitord.audio.microphone import outputs  # noqa: PLC0415 - PortAudio may be missing
    except OSError as cause:
        print(f"PortAudio cannot be loaded ({cause}); install Debian's libportaudio2", file=sys.stderr)
        return 1
    found = outputs()
    print("\n".join(found) if found else "there is no speaker on this machine")
    return 0 if found else 1


def _print(links: list[Link], refused: str) -> None:
    width = max(len(each.name) for each in links)
    for each in links:
        mark = {True: "ok    ", False: "BROKEN", None: "      "}[each.good]
        print(f"{mark} {each.name:{width}}  {each.says}")
        if each.mend:
            print(f"       {'':{width}}  -> {each.mend}")
    broken = [each.name for each in links if each.good is False]
    if broken:
        print(f"Broken: {', '.join(broken)}.")
    else:
        print(f"No test: {refused}." if refused else "Every link that was tried is good.")


class _Run:
    """One self-test, as it goes on."""

    def __init__(self, config: Config, how: How, seen: Observed) -> None:
        self._config, self._how, self._seen = config, how, seen

    def run(self) -> None:
        """Fill in what is seen."""
        seen = self._seen
        try:
            seen.before = self._state()
            if deaf(seen.before) is not None:
                return
            if seen.by_hand:
                self._by_hand()
            else:
                self._by_speaker()
            if seen.incident is not None:
                self._wait_for_the_house()
            seen.after = self._state()
        except NotRunningError as cause:
            seen.before, seen.refused = None, str(cause)
        except AskError as cause:
            seen.refused = str(cause)

    def _by_speaker(self) -> None:
        seen, section = self._seen, self._config.selftest
        try:
            audio = self._config.audio.model_copy(update={"words": ()})  # What somebody enrolled is the ear's.
            seen.knows = Masking(test_cry, EarModels.load(audio).detector).able
        except model.ModelError:
            seen.knows = None  # The ear has the same models, and tells of them by itself.
        if seen.knows is False:
            return
        try:
            with Player(section.speaker, section.level_dbfs) as player:
                confine(Process.VOICE)  # What talks with the voice opens no device from here on.
                seen.speaker = player.open()
                self._expect(round(CRY_S) + EXTRA_S)
                self._say("The cry is played now.")
                player.play()
                self._listen(CRY_S + EXTRA_S + HEARD_S)
                player.played()
        except PlayerError as cause:
            seen.speaker_trouble = str(cause)

    def _by_hand(self) -> None:
        self._say("Clap your hands near the microphone, again and again, until told to stop.", always=True)
        deadline = time.monotonic() + CLAP_S
        while time.monotonic() < deadline and not self._clapped():
            self._note(self._state())
            time.sleep(POLL_S)
        self._say("Stop. Wait a moment.", always=True)
        time.sleep(2.0)
        self._expect(BY_HAND_S)
        self._say(
            f"Now cry as a baby does, or play one crying, near the microphone: {BY_HAND_S} s at most.", always=True
        )
        self._listen(BY_HAND_S + HEARD_S)
        heard = self._seen.incident is not None
        self._say("It was heard. Stop now: what goes on is an alarm." if heard else "Nothing was heard.", always=True)

    def _clapped(self) -> bool:
        before = self._seen.before or {}
        rose = any(level >= float(before.get("level_dbfs") or 0.0) + RISE_DB for level in self._seen.levels)
        return rose or (before.get("gate") == LISTENS and any(gate != LISTENS for gate in self._seen.gates))

    def _expect(self, seconds: int) -> None:
        ask(self._config, "POST", "api/v1/selftest", {"seconds": seconds, "quiet": self._how.nightly})

    def _listen(self, seconds: float) -> None:
        """Until the voice has an incident, or `seconds` are over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._note(self._state())
            self._ask()
            if self._seen.incident is not None:
                return
            time.sleep(POLL_S)

    def _wait_for_the_house(self) -> None:
        """Until the camera, the channels and a person have answered, or had their time."""
        began, look_s = time.monotonic(), self._config.video.look_s + LOOK_GRACE_S
        if self._seen.waited_s:
            self._say(f"Heard. Acknowledge the test on a phone or any page: {self._seen.waited_s:g} s.")
        while True:
            waited = time.monotonic() - began
            links = judge(self._seen)
            waits = {
                "camera": look_s,
                "channels": 0.0 if self._how.nightly else PROVE_S,
                "device": self._seen.waited_s,
                "voice": PROVE_S,
            }
            if not any(each.good is False and waited < waits.get(each.kind, 0.0) for each in links):
                return
            time.sleep(POLL_S)
            self._seen.after = self._state()
            self._ask()

    def _ask(self) -> None:
        self._seen.test = ask(self._config, "GET", "api/v1/selftest")

    def _state(self) -> dict[str, Any]:
        answer: dict[str, Any] = ask(self._config, "GET", "api/v1/state")["state"]
        return answer

    def _note(self, state: dict[str, Any]) -> None:
        if isinstance(state.get("level_dbfs"), int | float):
            self._seen.levels.append(state["level_dbfs"])
        if state.get("gate"):
            self._seen.gates.append(state["gate"])

    def _say(self, sentence: str, *, always: bool = False) -> None:
        if always or sys.stderr.isatty():
            print(sentence, file=sys.stderr)
