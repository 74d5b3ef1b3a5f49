"""Secrets of the channels: as the configuration has them, or from a file of their own, read when they are needed."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import SecretStr

SIZE_MAX = 4096
"""Bytes of a file with a secret."""


class SecretError(Exception):
    """A secret cannot be read, or is not kept; the text says why in one sentence, without the secret."""


def reveal(inline: SecretStr, file: str) -> str:
    """The secret: `inline`, or the first line of `file`; "" where neither is given.

    A changed file counts from the next time on, so a new password needs no restart.

    Raises:
        SecretError: the file cannot be read, others may read it, or it holds no line of text.
    """
    if not file:
        return inline.get_secret_value()
    try:
        descriptor = os.open(Path(file), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            mode = os.fstat(descriptor).st_mode
            content = os.read(descriptor, SIZE_MAX) if stat.S_ISREG(mode) else b""
        finally:
            os.close(descriptor)
    except OSError as cause:
        raise SecretError(
            f"{file}: cannot be read: {cause.strerror}; the user that monitord runs as must be able to"
        ) from None
    if not stat.S_ISREG(mode):
        raise SecretError(f"{file}: is no file")
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise SecretError(f"{file}: others may read or change it; chmod 640 {file}")
    try:
        line = content.decode("utf-8").partition("\n")[0].rstrip("\r")
    except UnicodeDecodeError:
        line = ""
    if not line:
        raise SecretError(f"{file}: its first line must be the secret, as text")
    return line
