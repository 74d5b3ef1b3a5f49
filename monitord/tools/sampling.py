"""Asks the camera for a person: a confined process looks (``monitord.video.sample``), and is killed when it hangs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from monitord.events import Fault

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_S = 12.0
"""Beyond the look itself, for starting, loading and the camera's own limits."""
Said = dict[str, Any]


def sample(device: str, look_s: float, *, features: bool, config: Path | None = None) -> Said:
    """What the process said: see `monitord.video.sample`; or {"fault": NAME, "text": sentence}.

    Args:
        device: as in `video.device`.
        look_s: seconds.
        features: judge the frames too.
        config: the configuration's file.
    """
    command = [sys.executable, "-m", "monitord", "sample", "--device", device, "--look", str(look_s)]
    command += ["--features"] if features else []
    command += ["--config", str(config)] if config is not None else []
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(  # noqa: S603 - our own program
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            told, complaints = process.communicate(timeout=look_s + LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()  # A process stuck in a driver goes when the driver lets it; nobody waits for that here.
            return {"fault": Fault.CAMERA_TIMEOUT.name, "text": f"{device}: the camera hangs; plug it in again"}
    try:
        said = json.loads(told)
    except ValueError:
        last = complaints.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
        return {"fault": Fault.CAMERA_BROKEN.name, "text": f"{device}: the look ended without an answer: {last[0]}"}
    return said if isinstance(said, dict) else {"fault": Fault.CAMERA_BROKEN.name, "text": f"{device}: no answer"}
