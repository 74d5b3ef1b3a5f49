"""Where things are: models, sockets, the journal. systemd says so by environment; else the user's own folders."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

EVENTS_SOCKET = "events.sock"
LOOK_SOCKET = "look.sock"
PAUSED = "paused"
JOURNAL = "journal.sqlite3"
ENROLLED = "enrolled"
EMPTY_ROOM = "empty-room.json"


def models_dir() -> Path:
    """Folder of the shipped models: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "_models"
    return installed if installed.is_dir() else package.parent / "models"


def runtime_dir() -> Path:
    """Folder of the sockets: RUNTIME_DIRECTORY (systemd, the supervisor), else the user's own runtime folder."""
    given = os.environ.get("RUNTIME_DIRECTORY")
    if given:
        return Path(given.split(":")[0])
    user = os.environ.get("XDG_RUNTIME_DIR")
    if user:
        return Path(user) / "monitord"
    return Path("/run/monitord") if os.getuid() == 0 else Path(tempfile.gettempdir()) / f"monitord-{os.getuid()}"


def state_dir() -> Path:
    """Folder of the journal: STATE_DIRECTORY (systemd), else the user's state folder."""
    given = os.environ.get("STATE_DIRECTORY")
    if given:
        return Path(given.split(":")[0])
    user = os.environ.get("XDG_STATE_HOME")
    return (Path(user) if user else Path.home() / ".local" / "state") / "monitord"


def ward_dirs() -> tuple[Path, Path]:
    """Folders of a station's state and of its page's address: not those of a room's monitor on the same machine."""
    state, runtime = state_dir(), runtime_dir()
    return (
        state if os.environ.get("STATE_DIRECTORY") else state / "ward",
        runtime if os.environ.get("RUNTIME_DIRECTORY") else runtime / "ward",
    )


def eye_state_dir() -> Path:
    """Folder of what is kept of the empty room: EYE_STATE_DIRECTORY, else that of the journal."""
    given = os.environ.get("EYE_STATE_DIRECTORY")
    return Path(given) if given else state_dir()
