"""The access file: who is paired, and the codes that wait for a phone. The voice and `monitord pair` share it.

JSON, readable by its owner only (0600), replaced as a whole, under a lock that both take. The ear and the eye cannot
write files, and as packaged cannot read this one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from monitord.notify.web.access import Access, AccessError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

VERSION = 1
NAME = "access.json"


@dataclass(frozen=True, slots=True)
class _Stored:
    version: int
    access: Access


_STORED = TypeAdapter(_Stored)


class AccessFile:
    """The access file at `path`; the folder must exist by the first change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._access = Access(key="")

    def read(self) -> Access:
        """What it holds; asks the disk only when the file has changed. A missing one holds nothing.

        Raises:
            AccessError: it cannot be read, or is damaged.
        """
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._seen, self._access = None, Access(key="")
            return self._access
        except OSError as cause:
            raise AccessError(f"{self._path}: cannot be read: {cause.strerror}") from None
        seen = (status.st_ino, status.st_mtime_ns, status.st_size)
        if seen != self._seen:
            self._access, self._seen = _load(self._path), seen
        return self._access

    def change(self, how: Callable[[Access], Access]) -> Access:
        """Replace what it holds by `how` of it; returns that. Nobody else changes it meanwhile.

        Raises:
            AccessError: it cannot be read or written; or whatever `how` raises. Nothing was changed then.
        """
        with self._locked():
            before = self.read()
            after = how(before if before.key else dataclasses.replace(before, key=secrets.token_hex(32)))
            if after != before:
                self._write(after)
        return after

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as cause:
            raise AccessError(f"{self._path}: cannot be written: {cause.strerror}") from None
        try:
            _give_to_owner_of(self._path.parent, lock)
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, access: Access) -> None:
        content = _STORED.dump_json(_Stored(VERSION, access), indent=1)
        beside = self._path.with_suffix(".new")
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, opened with its mode
                _give_to_owner_of(self._path.parent, descriptor)
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            beside.replace(self._path)
        except OSError as cause:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
            raise AccessError(f"{self._path}: cannot be written: {cause.strerror}") from None


def _give_to_owner_of(folder: Path, descriptor: int) -> None:
    """What root writes for the service must be the service's."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _load(path: Path) -> Access:
    try:
        stored = _STORED.validate_json(path.read_bytes(), strict=True)
        bytes.fromhex(stored.access.key)
    except OSError as cause:
        raise AccessError(f"{path}: cannot be read: {cause.strerror}") from None
    except ValueError:
        raise AccessError(f"{path}: is damaged; remove the file and pair the phones anew") from None
    if stored.version != VERSION:
        raise AccessError(f"{path}: another version of monitord wrote it; remove the file and pair the phones anew")
    return stored.access
