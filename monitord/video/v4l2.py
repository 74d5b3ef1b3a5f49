"""Asks the kernel about a camera before it is opened for good: OpenCV says only "it did not work".

Numbers and structures: ``linux/videodev2.h``.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from monitord.events import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    Ioctl = Callable[[int, int, bytes], bytes]

_QUERYCAP, _QUERYCAP_BYTES, _DEVICE_CAPS_AT = 0x80685600, 104, 88
_REQBUFS = 0xC0145608
_REQUEST_NONE = struct.pack("5I", 0, 1, 1, 0, 0)
"""No buffers, of type video capture, memory mapped: frees nothing of ours, and is refused while another streams."""
_CAN_CAPTURE = 0x1


class CameraError(Exception):
    """A camera that cannot be looked through. `fault` is what the voice is told, the text is for the journal."""

    def __init__(self, fault: Fault, text: str) -> None:
        super().__init__(text)
        self.fault = fault


class NoCameraError(CameraError):
    """A device that is in order and delivers no pictures, as the second one of most cameras."""


def device_path(device: str) -> Path:
    """The device node that `device` names: an index, or a path below /dev such as a name in /dev/v4l/by-id."""
    return Path(f"/dev/video{int(device)}") if device.isdecimal() else Path(device)


def csi_number(device: str) -> int | None:
    """The camera's number in "csi" or "csi:N"; None where `device` is another kind of camera."""
    found = re.fullmatch(r"csi(?::(\d{1,2}))?", device)
    return int(found[1] or 0) if found else None


def check(path: Path, ioctl: Ioctl = fcntl.ioctl) -> None:
    """Raise what is wrong with the camera at `path`, if anything is.

    Raises:
        CameraError: CAMERA_MISSING (no such device, or it is no camera), CAMERA_BUSY, CAMERA_BROKEN.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as cause:
        raise _opened(path, cause) from None
    try:
        answer = ioctl(handle, _QUERYCAP, bytes(_QUERYCAP_BYTES))
        (able,) = struct.unpack_from("I", answer, _DEVICE_CAPS_AT)
        if not able & _CAN_CAPTURE:
            raise NoCameraError(
                Fault.CAMERA_MISSING, f"{path} delivers no pictures; a camera often has two devices, try its other one"
            )
        ioctl(handle, _REQBUFS, _REQUEST_NONE)
    except OSError as cause:
        raise _asked(path, cause) from None
    finally:
        os.close(handle)


def _opened(path: Path, cause: OSError) -> CameraError:
    match cause.errno:
        case errno.ENOENT | errno.ENODEV | errno.ENXIO | errno.ENOTDIR:
            return CameraError(Fault.CAMERA_MISSING, f"{path}: no such camera; plug it in, or change video.device")
        case errno.EACCES | errno.EPERM:
            return CameraError(
                Fault.CAMERA_MISSING, f"{path}: this user may not use it: sudo usermod -aG video USER, and log in again"
            )
        case errno.EBUSY:
            return _busy(path)
        case _:
            return CameraError(Fault.CAMERA_BROKEN, f"{path}: the camera cannot be opened: {cause.strerror}")


def _asked(path: Path, cause: OSError) -> CameraError:
    match cause.errno:
        case errno.EBUSY:
            return _busy(path)
        case errno.ENOTTY:
            return NoCameraError(Fault.CAMERA_MISSING, f"{path} is no camera; change video.device")
        case errno.ENODEV:
            return CameraError(Fault.CAMERA_MISSING, f"{path}: the camera was unplugged; plug it in again")
        case _:
            return CameraError(Fault.CAMERA_BROKEN, f"{path}: the camera does not answer: {cause.strerror}")


def _busy(path: Path) -> CameraError:
    return CameraError(Fault.CAMERA_BUSY, f"{path}: another program uses the camera; close it")
