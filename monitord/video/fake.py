"""A camera that shows what it is told: for tests, and to try the rest of the house without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitord.video.picture import Picture, wipe

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from monitord.video.v4l2 import CameraError


class FakeCamera:
    """Behaves like the real ones: lends each picture once and zeroes it afterwards.

    Args:
        pictures: fitted, (`SHAPE`, 3) RGB; they are zeroed in place, as a camera's buffers are.
        error: raised once the pictures are used up.
        live: whether frames come in real time, so that a look paces itself.
    """

    def __init__(self, pictures: Sequence[Picture], error: CameraError | None = None, *, live: bool = False) -> None:
        self.pace_s = None if live else 0.0
        self._pictures = pictures
        self._error = error

    def frames(self) -> Generator[Picture]:
        """See `monitord.video.camera.Camera.frames`."""
        for picture in self._pictures:
            try:
                yield picture
            finally:
                wipe(picture)
        if self._error is not None:
            raise self._error
