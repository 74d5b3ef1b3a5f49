"""What is kept of the empty room: a small JSON file of numbers, never a picture.

`monitord calibrate camera` writes it, at the wish of a person at the device; the eye only reads it. The numbers belong
to one network: after a new model the room has to be calibrated again.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from monitord import model, paths
from monitord.video.empty_room import Empty, Light, Worth
from monitord.video.verdict import Known

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 16
"""Calibrations that are kept; the oldest gives way."""
REMEDY = 'run "monitord calibrate camera --forget" and calibrate again'
_DIGITS = 4


class Network(Protocol):
    """What is needed of `monitord.video.classifier.Classifier`."""

    @property
    def fingerprint(self) -> str:
        """Which network it is."""
        ...

    @property
    def feature_count(self) -> int:
        """Length of its features; 0: it has none."""
        ...


class CalibrationError(Exception):
    """What is kept of the empty room cannot be used or changed; the text is one sentence with the remedy."""


def worth(network: Network, models_dir: Path) -> Worth | None:
    """What a comparison with the empty room is worth; None: the network or its card knows no calibration.

    Raises:
        ModelError: the card cannot be read, or its section [calibration] cannot be used.
    """
    card = model.Card.read(models_dir / "person.toml")
    read = Worth.read(card)
    if read is None or not network.feature_count:
        return None
    if network.feature_count % read.cells:
        raise model.ModelError(f"{card.path}: {network.feature_count} features are no {read.cells} cells")
    return read


def known(network: Network, models_dir: Path, folder: Path) -> tuple[Known, str]:
    """What a look may use, and what is wrong with what is kept (or nothing).

    Raises:
        ModelError: see `worth`.
    """
    value = worth(network, models_dir)
    if value is None:
        return Known(), ""
    try:
        return Known(tuple(load(folder, network)), value), ""
    except CalibrationError as cause:
        return Known((), value), str(cause)


def load(folder: Path, network: Network) -> list[Empty]:
    """The calibrations in `folder`, oldest first; none where nobody has calibrated.

    Raises:
        CalibrationError: the file is damaged, may not be read, or is of another network.
    """
    path = folder / paths.EMPTY_ROOM
    try:
        kept = json.loads(path.read_text("ascii"))
        if kept["network"] != network.fingerprint:
            raise CalibrationError(f"{path}: is of another model of the eye; {REMEDY}")
        return [_empty(each, network.feature_count) for each in kept["rooms"]]
    except FileNotFoundError:
        return []
    except OSError as cause:
        raise CalibrationError(f"{path}: cannot be read: {cause.strerror}; only root and the eye may") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CalibrationError(f"{path}: is damaged; {REMEDY}") from None


def _empty(kept: Any, count: int) -> Empty:
    features = np.asarray(kept["features"], np.float32).reshape(count)
    bright = float(kept["bright"])
    if not (np.isfinite(features).all() and np.isfinite(bright) and isinstance(kept["grey"], bool)):
        raise ValueError("no numbers")
    return Empty(str(kept["at"]), Light(bright, kept["grey"]), features)


def keep(folder: Path, network: Network, rooms: Sequence[Empty]) -> int:
    """Keep `rooms` in the place of what was kept, the newest `MOST` of them; returns how many those are.

    Raises:
        CalibrationError: nothing can be written there.
    """
    kept = list(rooms)[-MOST:]
    content = {
        "network": network.fingerprint,
        "rooms": [
            {
                "at": room.at,
                "bright": round(room.light.bright, 1),
                "grey": room.light.grey,
                "features": [round(float(each), _DIGITS) for each in room.features],
            }
            for room in kept
        ],
    }
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The temporary file has mode 0600 from its first byte on.
        import tempfile  # noqa: PLC0415 - only who writes needs it

        with tempfile.NamedTemporaryFile("w", encoding="ascii", dir=folder, prefix=".empty-", delete=False) as file:
            try:
                json.dump(content, file)
                file.flush()
                os.fsync(file.fileno())
                if os.geteuid() == 0:  # Calibrated by root, read by the eye's own user: whose folder it is.
                    owner = folder.stat()
                    os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
                Path(file.name).replace(folder / paths.EMPTY_ROOM)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as cause:
        raise CalibrationError(f"{folder}: the calibration cannot be kept there: {cause.strerror}") from None
    return len(kept)


def forget(folder: Path) -> bool:
    """Delete what is kept; False where nothing was.

    Raises:
        CalibrationError: it cannot be deleted.
    """
    path = folder / paths.EMPTY_ROOM
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as cause:
        raise CalibrationError(f"{path}: cannot be deleted: {cause.strerror}") from None
    return True
