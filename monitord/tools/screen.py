"""A screen without a browser: follows the page's stream and confirms alerts, as the page's own script does."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT_S = 20.0
"""The ear's heartbeat comes through every 5 s; a stream that is silent for this long is dead."""

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""No proxy: the page is on this machine or in this house, whatever the environment says."""


def follow(address: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and content of each server-sent event of the page at `address`, until it ends.

    Raises:
        OSError: the page is not there, or went silent.
    """
    with _opener.open(f"{address}api/v1/stream", timeout=TIMEOUT_S) as stream:
        name = ""
        for raw in stream:
            field, _, value = raw.decode("utf-8").rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                yield name, json.loads(value)


def confirm(address: str, delivery: int) -> None:
    """Tell the page at `address` that the alert of `delivery` was shown.

    Raises:
        OSError: the page is not there, or refused.
    """
    request = urllib.request.Request(f"{address}api/v1/deliveries/{delivery}/seen", method="POST")  # noqa: S310 - http only
    _opener.open(request, timeout=TIMEOUT_S).close()
