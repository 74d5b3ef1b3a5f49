"""The configuration, checked by a child of this process: the library that checks it is needed for that alone.

Why, and what is kept: `monitord.settings`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitord.errand import Errand
from monitord.settings import ConfigError, Settings

if TYPE_CHECKING:
    from pathlib import Path

_GOOD, _BAD = b"+", b"-"


class Checked:
    """The check begins when this is made, and goes on while its maker does something else.

    Args:
        path: the file; None: the defaults.
    """

    def __init__(self, path: Path | None) -> None:
        self._errand = None if path is None else Errand(lambda: _check(path))

    def settings(self) -> Settings:
        """Wait for what the file says of the senses.

        Raises:
            ConfigError: as `monitord.config.Config.load`.
        """
        if self._errand is None:
            return Settings()
        said = self._errand.result()
        if said.startswith(_BAD):
            raise ConfigError(said[1:].decode())
        return Settings.from_json(said[1:].decode())


def _check(path: Path) -> bytes:
    from monitord.config import Config  # noqa: PLC0415 - in the child alone

    try:
        return _GOOD + Settings.of(Config.load(path)).to_json().encode()
    except ConfigError as mistakes:
        return _BAD + str(mistakes).encode()
