"""The channels that the configuration names. What a channel needs is imported only where there is one of its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitord.config import (
    AppriseConfig,
    DesktopConfig,
    GotifyConfig,
    MqttConfig,
    NtfyConfig,
    WardConfig,
    WebhookConfig,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitord.config import ChannelConfig, Config
    from monitord.notify.sinks import Sink


def channels(config: Config, url: str = "") -> Iterator[Sink]:
    """One sink for each ``[notify.NAME]``; `url` is where the house finds the page, "" nowhere."""
    for name, section in config.notify.items():
        yield _channel(name, section, config, url)


def page_for_others(config: Config) -> str:
    """The page's address as another machine finds it; "" where there is none that is known before it is served."""
    page = config.page
    if page.port == 0 or page.address.startswith("127.") or page.address == "::1":
        return ""
    shown = f"[{page.address}]" if ":" in page.address else page.address
    return f"{'https' if page.secure else 'http'}://{shown}:{page.port}/"


def _channel(name: str, section: ChannelConfig, config: Config, url: str) -> Sink:  # noqa: PLR0911 - one return a kind
    language = config.room.language
    match section:
        case MqttConfig():
            from monitord.notify.sinks.mqtt import MqttSink  # noqa: PLC0415

            return MqttSink(name, section, config.room.name, language, url=url)
        case WardConfig():
            from monitord.notify.sinks.ward import WardSink  # noqa: PLC0415

            return WardSink(name, section)
        case NtfyConfig():
            from monitord.notify.sinks.ntfy import NtfySink  # noqa: PLC0415

            return NtfySink(name, section, language, url)
        case GotifyConfig():
            from monitord.notify.sinks.gotify import GotifySink  # noqa: PLC0415

            return GotifySink(name, section, language, url)
        case WebhookConfig():
            from monitord.notify.sinks.webhook import WebhookSink  # noqa: PLC0415

            return WebhookSink(name, section, language)
        case DesktopConfig():
            from monitord.notify.sinks.desktop import DesktopSink  # noqa: PLC0415

            return DesktopSink(name, language)
        case AppriseConfig():
            from monitord.notify.sinks.apprise import AppriseSink  # noqa: PLC0415

            return AppriseSink(name, section, language)
