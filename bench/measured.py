"""The figures that `monitord bench` takes too, of the checkout that this script is in, whatever is installed."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from monitord.tools.measured import (
    cpu_s,
    cpu_with_children_s,
    machine,
    memory_mib,
    private_mib,
    wakeups,
    written_bytes,
)

__all__ = ["cpu_s", "cpu_with_children_s", "machine", "memory_mib", "private_mib", "wakeups", "written_bytes"]
