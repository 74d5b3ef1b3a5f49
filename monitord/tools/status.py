"""`monitord status`, `events`, `ack` and `mute`: ask the running voice, or read its journal."""

from __future__ import annotations

import contextlib
import json
import re
import ssl
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from monitord import paths
from monitord.events import Kind
from monitord.notify import texts, view
from monitord.notify.clock import Clock
from monitord.notify.database import JournalError
from monitord.notify.history import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from monitord.config import Config
    from monitord.notify.history import History

PAGE, PAGE_CA, TOKEN = "page", "page-ca.crt", "page-token"
TIMEOUT_S = 5.0
_DEFAULT_AGE = timedelta(days=1)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_BODY_MAX = 1 << 20
WRONG_USAGE = 2
_NO_LEVEL = (Kind.HELLO, Kind.LOOK, Kind.SIGHT)
"""Their level is no sound level, but what confines their sender, or how a look compares with the empty room."""


class AskError(Exception):
    """The voice did not answer as asked; the text says why in one sentence."""


class NotRunningError(AskError):
    """Nobody answers where the voice would."""


def status(config: Config, *, as_json: bool) -> int:
    """Print what the monitor hears, sees and tells; returns the exit code."""
    try:
        answer = ask(config, "GET", "api/v1/state")
    except AskError as cause:
        return _failed(cause)
    url = page_url(config)
    if as_json:
        print(json.dumps({**answer, "page": url}, ensure_ascii=False))
        return 0
    state = answer["state"]
    print(f"{state['room']}: {state['text']}")
    if state.get("paused_until"):
        at = datetime.fromisoformat(state["paused_until"]).astimezone()
        print(f"paused:     until {at:%H:%M:%S}; `monitord resume` ends it")
    print(f"page:       {url}")
    print(f"ear:        {state['gate_text'] or 'not heard yet'} (last word {_ago(state['since_ear_s'])})")
    print(f"level:      {'-' if state['level_dbfs'] is None else state['level_dbfs']} dBFS")
    print(f"last sound: {_ago(state['since_sound_s'])}")
    print(f"camera:     {' '.join(filter(None, (state['camera_text'], state.get('calibration_text')))) or 'closed'}")
    print(f"confined:   {state.get('confinement_text') or 'not told yet'}")
    for channel in state.get("channels", ()):
        if channel["trouble"]:
            print(f"channel {channel['name']}: {channel['trouble']}")
    for incident in answer["incidents"]:
        if incident["state"] != "cleared":
            print(f"incident {incident['id']}: {_told(incident)}")
    return 0


def ack(config: Config, incident: str) -> int:
    """Acknowledge the incident of that number; returns the exit code."""
    return _act(config, incident, "ack")


def mute(config: Config, incident: str) -> int:
    """Stop the tones of the incident of that number for a while; returns the exit code."""
    return _act(config, incident, "mute")


def _act(config: Config, incident: str, what: str) -> int:
    if not (incident.isascii() and incident.isdecimal()):
        print(f"INCIDENT: {incident!r} is no number; monitord status shows the numbers", file=sys.stderr)
        return WRONG_USAGE
    try:
        answer = ask(config, "POST", f"api/v1/incidents/{int(incident)}/{what}")
    except AskError as cause:
        return _failed(cause)
    print(f"incident {answer['id']}: {_told(answer)}")
    return 0


def events(config: Config, since: str | None, *, as_json: bool) -> int:
    """Print the incidents and frames in the journal, oldest first; works while the monitor is down."""
    del config  # The journal lies where the system's state lies, whatever the configuration says.
    try:
        begin = parse_since(since, datetime.now(UTC))
    except ValueError as cause:
        print(f"--since: {cause}", file=sys.stderr)
        return WRONG_USAGE
    try:
        history = read(paths.state_dir() / paths.JOURNAL)
    except JournalError as cause:
        return _failed(cause)
    try:
        for entry in _entries(history, begin.isoformat(timespec="milliseconds")):
            print(json.dumps(entry, ensure_ascii=False) if as_json else _line(entry))
    except JournalError as cause:
        return _failed(cause)
    finally:
        history.close()
    return 0


def parse_since(text: str | None, now: datetime) -> datetime:
    """The time that `--since` means, UTC: an ISO 8601 time (local where it names no zone), or an age ("30m", "2h").

    Raises:
        ValueError: it is neither.
    """
    if text is None:
        return now - _DEFAULT_AGE
    age = re.fullmatch(r"(\d{1,6})([smhdw])", text, re.ASCII)
    try:
        return now - timedelta(**{_UNITS[age[2]]: int(age[1])}) if age else datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is neither a time (2026-11-23T22:00) nor an age (30m, 2h, 7d)") from None


def page_url(config: Config) -> str:
    """Address of the page: as the running voice has written it, else as configured."""
    try:
        url = (paths.runtime_dir() / PAGE).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        url = ""
    if url.startswith(("http://", "https://")):
        return url
    address = config.page.address
    scheme = "https" if config.page.secure else "http"
    return f"{scheme}://{f'[{address}]' if ':' in address else address}:{config.page.port}/"


def open_voice(
    config: Config, method: str, path: str, content: Mapping[str, object] | None = None, timeout_s: float = TIMEOUT_S
) -> Any:
    """The running voice's answer, to be read; parameters as those of `ask`.

    Raises:
        urllib.error.HTTPError: it refuses.
        OSError: nobody answers.
        AskError: the file that says whom to trust is damaged.
    """
    data = b"" if method == "POST" else None
    headers = {}
    if content is not None:
        data, headers = json.dumps(content).encode(), {"Content-Type": "application/json"}
    url = page_url(config) + path
    request = urllib.request.Request(url, method=method, data=data, headers=headers)  # noqa: S310 - http, see page_url
    with contextlib.suppress(OSError, UnicodeDecodeError):  # Where this machine has to be paired, too.
        request.add_header("Authorization", f"Bearer {(paths.runtime_dir() / TOKEN).read_text('ascii')}")
    # No proxy of the environment: the voice is in this house.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *_trust())
    return opener.open(request, timeout=timeout_s)


def ask(
    config: Config, method: str, path: str, content: Mapping[str, object] | None = None, timeout_s: float = TIMEOUT_S
) -> dict[str, Any]:
    """What the running voice answers.

    Args:
        config: for the page's address.
        method: "GET" or "POST".
        path: below the page's address.
        content: sent as JSON with POST.
        timeout_s: seconds to wait.

    Raises:
        AskError: it refuses, or something else answers.
        NotRunningError: nobody answers.
    """
    url = page_url(config) + path
    try:
        with open_voice(config, method, path, content, timeout_s) as answer:
            result = json.loads(answer.read(_BODY_MAX))
    except urllib.error.HTTPError as refused:
        with refused:
            raise AskError(_reason(refused)) from None
    except (OSError, ValueError):
        raise NotRunningError(
            f"monitord does not answer at {url}; is it running? Start it with: monitord run"
        ) from None
    if not isinstance(result, dict):
        raise AskError(f"{url}: something that is not monitord answers here")
    return result


def _trust() -> list[urllib.request.BaseHandler]:
    """The page's own authority, and no other: a certificate of the world's would be a stranger's here."""
    authority = paths.runtime_dir() / PAGE_CA
    if not authority.exists():
        return []
    try:
        return [urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=authority))]
    except (OSError, ssl.SSLError):
        raise AskError(f"{authority}: is no certificate; start monitord again, which writes it anew") from None


def _reason(refused: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(refused.read(_BODY_MAX))["error"])
    except (ValueError, KeyError, TypeError):
        return f"{refused.url} answers {refused.code}; is another program using monitord's port?"


def _entries(history: History, since: str) -> Iterator[dict[str, Any]]:
    """Incidents and frames as JSON, by time."""
    incidents = history.incidents_since(since)
    clock = Clock()
    entries = []
    for each in incidents:
        told = view.incident_json(each, history.deliveries([each.id]), clock)
        entries.append({"at": told["opened_at"], "type": "incident", **told})
    for stored in history.frames_since(since):
        message = stored.frame.message
        entries.append(
            {
                "at": stored.received_at,
                "type": "frame",
                "role": stored.frame.role.name,
                "kind": message.kind.name,
                "label": message.label.name,
                "text": texts.text(message.label),
                "score": message.score,
                "level_dbfs": -message.level if message.level and message.kind not in _NO_LEVEL else None,
                "age_s": stored.frame.age_s,
            }
        )
    yield from sorted(entries, key=lambda entry: entry["at"])


def _line(entry: dict[str, Any]) -> str:
    at = datetime.fromisoformat(entry["at"]).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if entry["type"] == "incident":
        return f"{at}  incident {entry['id']}: {_told(entry)}"
    score = f" {entry['score']} %" if entry["score"] else ""
    return f"{at}  {entry['role'].lower()}: {entry['kind']} {entry['label']}{score} - {entry['text']}"


def _told(incident: dict[str, Any]) -> str:
    undelivered = [each["text"] for each in incident["deliveries"] if each["state"] == "failed"]
    parts = [f"{incident['room']}:", incident["text"], incident["camera_text"], incident["state_text"], *undelivered]
    return " ".join(part for part in parts if part)


def _ago(seconds: float | None) -> str:
    return "never" if seconds is None else f"{timedelta(seconds=int(seconds))} ago"


def _failed(cause: Exception) -> int:
    print(cause, file=sys.stderr)
    return 1
