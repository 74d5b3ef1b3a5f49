"""A configuration in a file, loaded, and what is said of its mistakes."""

from __future__ import annotations

import pytest

from monitord.config import Config, ConfigError


def load(tmp_path, text):
    path = tmp_path / "my.toml"
    path.write_text(text, "utf-8")
    return Config.load(path)


def mistakes(tmp_path, text):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    return str(caught.value).replace(str(tmp_path / "my.toml"), "my.toml").splitlines()
