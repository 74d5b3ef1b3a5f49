"""Alerts by Apprise, an optional library (``pip install monitord[apprise]``), for what has no channel of its own.

Apprise sends by a library that follows redirects and asks for each name itself, and it would send to anybody. So it
runs in a process of its own, for one alert, in which every connection is checked by the kernel's own word for it
(`monitord.notify.sinks.apprise_child`), and only kinds of address are taken that go straight to a machine of the
owner's (`monitord.config.channels.APPRISE_KINDS`). It has arrived when Apprise says that the server took it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING

from monitord.config.channels import apprise_host
from monitord.notify.secret import SecretError, reveal
from monitord.notify.sinks import SinkError, wording

if TYPE_CHECKING:
    from monitord.config import AppriseConfig, Language
    from monitord.notify.sinks import Notice

SEND_S = 9.0
"""Seconds for the process, its start included; then it is killed."""
AT_ONCE = 2
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONSAFEPATH", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Of the environment; nothing that names a proxy."""


class AppriseSink:
    """One address."""

    confirms = True
    proof = "Apprise says that the server took it"

    def __init__(self, name: str, config: AppriseConfig, language: Language) -> None:
        self.name, self._config, self._language = name, config, language
        self._free = asyncio.Semaphore(AT_ONCE)

    async def send(self, notice: Notice) -> None:
        """Let Apprise send it.

        Raises:
            SinkError: it is not sent.
        """
        try:
            url = reveal(self._config.url, self._config.url_file)
            apprise_host(url, cgnat=self._config.cgnat)
        except SecretError as cause:
            raise SinkError(str(cause)) from None
        except ValueError as cause:
            raise SinkError(f"{self._config.url_file}: {cause}") from None
        order = {
            "url": url,
            "title": wording.title(notice),
            "body": wording.body(notice, self._language),
            "urgent": notice.urgency is not None,
            "cgnat": self._config.cgnat,
        }
        async with self._free:
            said = await _let(json.dumps(order).encode())
        if said:
            raise SinkError(said)


async def _let(order: bytes) -> str:
    """Run the process; returns what went wrong, "" for nothing."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "monitord.notify.sinks.apprise_child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
    )
    try:
        async with asyncio.timeout(SEND_S):
            said, _ = await process.communicate(order)
    except TimeoutError:
        return f"Apprise was not done in {SEND_S:g} s"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    sentence = said.decode("utf-8", "replace").strip().partition("\n")[0]
    return "" if process.returncode == 0 else sentence or f"Apprise ended with {process.returncode}"
