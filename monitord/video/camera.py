"""Which camera a name means. Each kind has a file of its own behind one small protocol; all are of this machine.

A network address is refused: the raw picture would cross the network before monitord has it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from monitord.events import Fault
from monitord.video import v4l2
from monitord.video.clip import FileCamera
from monitord.video.folder import FolderCamera
from monitord.video.opencv import fit, read_picture
from monitord.video.usb import UsbCamera
from monitord.video.v4l2 import CameraError, csi_number

if TYPE_CHECKING:
    from collections.abc import Generator

    from monitord.video.picture import Picture
    from monitord.video.rpicam import Rpicam

__all__ = ["Camera", "CameraError", "FileCamera", "FolderCamera", "UsbCamera", "fit", "open_camera", "read_picture"]


class Camera(Protocol):
    """A source of pictures."""

    @property
    def pace_s(self) -> float | None:
        """Seconds of the scene between two frames; None: they come in real time, so a look takes as long as it takes.

        0 where the frames are of no time at all, as the pictures of a folder.
        """
        ...

    def frames(self) -> Generator[Picture]:
        """Fitted pictures, (`SHAPE`, 3) RGB. Each is zeroed when the next is asked for, and when iteration ends.

        Raises:
            CameraError: no frame can be had.
        """
        ...


def open_camera(device: str, start_s: float = 0.0, program: Rpicam | CameraError | None = None) -> Camera:
    """The camera that `device` names; nothing is opened before `frames` is iterated.

    Args:
        device: an index, a path below /dev, "csi" or "csi:N", or "file:" with the path of a video or of a folder of
            pictures.
        start_s: where to begin in a video file, seconds.
        program: the program of a CSI camera, where it was started before, or why it could not be.

    Raises:
        CameraError: a network address, or nothing of that name.
    """
    if device.startswith("file:"):
        path = Path(device.removeprefix("file:"))
        if path.is_dir():
            return FolderCamera(path)
        if not path.exists():
            raise CameraError(Fault.CAMERA_MISSING, f"{path}: there is no such video or folder; change video.device")
        return FileCamera(path, start_s)
    if re.match(r"[a-z][a-z0-9+.-]*://", device, re.IGNORECASE):
        raise CameraError(
            Fault.CAMERA_MISSING,
            f"{device}: a network camera is refused: the raw picture would cross the network before monitord has it; "
            "use a camera of this machine",
        )
    number = csi_number(device)
    if number is not None:
        if isinstance(program, CameraError):
            raise program
        from monitord.video.csi import CsiCamera  # noqa: PLC0415 - no other camera needs a program started

        return CsiCamera(number, program)
    return UsbCamera(v4l2.device_path(device))
