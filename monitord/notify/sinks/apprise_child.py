"""The process in which Apprise sends one alert: it reaches machines in the house, and no other.

An audit hook (PEP 578) sees every connection before it is made, with the address that it really goes to, so neither a
name that resolves to a stranger nor a redirect leads out; redirects are not followed at all. Nothing can take the hook
off again. What the process may do besides it has inherited from the voice.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from monitord.lan import LanError, local_address

ORDER_MAX = 1 << 16
_TIMEOUT_S = 6.0
_FORBIDDEN = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork")


class StrangerError(OSError):
    """A connection that would have left the house; an OSError, because that is what libraries expect of a network."""


def guard(*, cgnat: bool) -> list[str]:
    """From now on no connection leaves the house; returns the list to which every refusal is added."""
    refused: list[str] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _FORBIDDEN:
            raise PermissionError(event)
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg") and isinstance(arguments[1], tuple):
            try:
                local_address(str(arguments[1][0]), cgnat=cgnat)
            except LanError as cause:
                refused.append(f"it leads out of the house: {cause}")
                raise StrangerError(str(cause)) from None

    sys.addaudithook(hook)
    return refused


def main() -> int:
    """Read the order from stdin, send it; says in one sentence on stdout what went wrong."""
    order = json.loads(sys.stdin.buffer.read(ORDER_MAX))
    logging.disable()
    try:
        import apprise  # noqa: PLC0415 - optional, and heavy
        import requests  # noqa: PLC0415
    except ImportError:
        return _failed("Apprise is not installed; pip install 'monitord[apprise]'")
    _follow_no_redirect(requests.Session)
    refused = guard(cgnat=bool(order["cgnat"]))
    sender = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False, secure_logging=True, storage_mode="memory"))
    if not sender.add(order["url"]):
        return _failed("this is no address that Apprise can use")
    for server in sender:
        server.socket_connect_timeout = server.socket_read_timeout = _TIMEOUT_S
    kind = apprise.NotifyType.WARNING if order["urgent"] else apprise.NotifyType.INFO
    if sender.notify(title=order["title"], body=order["body"], notify_type=kind):
        return 0
    return _failed(refused[0] if refused else "the server did not take it, or cannot be reached")


def _follow_no_redirect(session: Any) -> None:
    begin, plain = session.__init__, session.send

    def init(self: Any) -> None:
        begin(self)
        self.trust_env = False  # Nor a proxy or a password that the environment or a file in the home folder names.

    def send(self: Any, request: Any, **options: Any) -> Any:
        return plain(self, request, **{**options, "allow_redirects": False})

    session.__init__, session.send = init, send


def _failed(sentence: str) -> int:
    print(sentence)  # noqa: T201 - that is how it answers
    return 1


if __name__ == "__main__":
    sys.exit(main())
