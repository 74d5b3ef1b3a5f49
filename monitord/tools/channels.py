"""The part of `monitord check` that looks at the channels: where they lead, and whether what they need is there.

Names are resolved; nothing is connected to and no secret is sent (`monitord test-alert` does that).
"""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from monitord.config import (
    AppriseConfig,
    DesktopConfig,
    GotifyConfig,
    MqttConfig,
    NtfyConfig,
    WardConfig,
    WebhookConfig,
)
from monitord.config.channels import apprise_host, webhook_key
from monitord.lan import LanError, destination, local_address
from monitord.notify import desktop
from monitord.notify.secret import SecretError, reveal
from monitord.notify.tls import TlsError, context

if TYPE_CHECKING:
    from monitord.config import ChannelConfig, Config


class Fault(Exception):  # noqa: N818 - never leaves this module
    """What is wrong with a channel, one sentence."""


def check_channels(config: Config) -> bool:
    """Print one line for each channel; returns whether all of them could work."""
    good = True
    for name, section in config.notify.items():
        try:
            print(f"ok    channel {name:7s} {_look_at(section)}")
        except (Fault, SecretError, TlsError) as cause:
            print(f"FAULT channel {name:7s} {cause}", file=sys.stderr)
            good = False
    return good


def _look_at(section: ChannelConfig) -> str:  # noqa: C901, PLR0911, PLR0912 - one branch a kind
    match section:
        case MqttConfig():
            reveal(section.password, section.password_file)
            if section.encrypted:
                context(section.ca_file, section.certificate_file, section.key_file)
            leads = _leads(section.host, cgnat=section.cgnat)
            open_ = section.username and not section.encrypted and not _is_here(section.host)
            return f"mqtt at {leads}" + (", whose password crosses the network unencrypted; see tls" if open_ else "")
        case WardConfig():
            reveal(section.password, section.password_file)
            each = section.each()
            if each[0].encrypted:
                context(section.ca_file, section.certificate_file, section.key_file)
            open_ = section.username and not each[0].encrypted and not all(_is_here(one.host) for one in each)
            leads = ", ".join(_leads(one.host, cgnat=section.cgnat) for one in each)
            return f"ward at {leads}" + (", whose password crosses the network unencrypted; see tls" if open_ else "")
        case NtfyConfig():
            reveal(section.token, section.token_file)
            reveal(section.password, section.password_file)
            return f"ntfy at {_web(section.url, section.ca_file, cgnat=section.cgnat)}"
        case GotifyConfig():
            reveal(section.token, section.token_file)
            return f"gotify at {_web(section.url, section.ca_file, cgnat=section.cgnat)}"
        case WebhookConfig():
            try:
                webhook_key(reveal(section.secret, section.secret_file))
            except ValueError as cause:
                raise Fault(f"{section.secret_file}: {cause}") from None
            return f"webhook at {_web(section.url, section.ca_file, cgnat=section.cgnat)}"
        case DesktopConfig():
            if not os.environ.get(desktop.BUS):
                raise Fault(desktop.NO_SESSION)
            return "desktop of this session"
        case AppriseConfig():
            if importlib.util.find_spec("apprise") is None:
                raise Fault("Apprise is not installed; pip install 'monitord[apprise]'")
            try:
                host = apprise_host(reveal(section.url, section.url_file), cgnat=section.cgnat)
            except ValueError as cause:
                raise Fault(f"{section.url_file}: {cause}") from None
            return f"apprise at {_leads(host, cgnat=section.cgnat)}"


def _web(url: str, ca_file: str, *, cgnat: bool) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https":
        context(ca_file)
    host = parts.hostname or ""
    return _leads(f"[{host}]" if ":" in host else host, cgnat=cgnat)


def _leads(host: str, *, cgnat: bool) -> str:
    """The machine and its address."""
    try:
        name = destination(host, cgnat=cgnat)
        addresses = {str(answer[4][0]) for answer in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
    except LanError as cause:
        raise Fault(str(cause)) from None
    except OSError:
        raise Fault(f"{host}: no machine has that name; is the network up?") from None
    for address in addresses:
        try:
            local_address(address, cgnat=cgnat)
        except LanError:
            raise Fault(f"{host} leads out of the house, to {address}; monitord sends nothing there") from None
    return name if addresses == {name} else f"{name} ({', '.join(sorted(addresses))})"


def _is_here(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"
