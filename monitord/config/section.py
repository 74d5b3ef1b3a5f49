"""What every section of the configuration is: frozen, typed strictly, and without unknown keys."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """One section of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
