"""The channels beside the page and the log: ``[notify.NAME]``, each of a `kind` with keys of its own. Pure.

A secret stands here or, better, in a file of its own (``password_file``). Only the voice reads that file, when it needs
it, so the ear and the eye, which read this configuration too, never learn a secret that is in a file.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from monitord.config.section import Section
from monitord.lan import LanError, destination

PAGE, LOG = BUILT_IN = ("page", "log")
"""Channels that are always there; no other may have their names."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}(/[A-Za-z0-9_-]{1,64}){0,7}")
"""Of MQTT's topic names those that need no quoting anywhere: no wildcard, no empty level, no leading "$"."""


class MqttVersion(StrEnum):
    """The protocol's versions: MQTT 5 (OASIS, 2019) and 3.1.1 (OASIS, 2014)."""

    FIVE = "5"
    THREE = "3.1.1"


class Wrong(Exception):  # noqa: N818 - never leaves this module
    """What is wrong with one key."""

    def __init__(self, key: str, sentence: str) -> None:
        self.error = PydanticCustomError("at_key", "{sentence}", {"sentence": sentence, "key": key})


def _file(value: str) -> str:
    if value and not value.startswith("/"):
        raise ValueError('is no whole path; write it from the root on ("/etc/monitord/...")')
    return value


File = Annotated[str, AfterValidator(_file)]
"""A whole path, or "" for none."""


class _Channel(Section):
    """What every channel that reaches another machine has. `cgnat`: 100.64.0.0/10 counts as the house's own network."""

    cgnat: bool = False

    def _one_of(self, *keys: str, needed: bool = False) -> None:
        """At most one of `keys` is given; with `needed`, one is."""
        given = [key for key in keys if _plain(getattr(self, key))]
        if len(given) > 1:
            raise Wrong(given[1], f"stands beside {given[0]}; only one of them can be right").error
        if needed and not given:
            raise Wrong(keys[0], f"is missing; give {' or '.join(keys)}").error


def _plain(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _local_host(value: str, info: ValidationInfo) -> str:
    try:
        return destination(value, cgnat=info.data.get("cgnat") is True)
    except LanError:
        raise ValueError("is no address and no name of a machine in the house") from None


def _local_url(value: str, info: ValidationInfo) -> str:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError('is no address as a browser takes it ("http://192.168.1.5:8080")') from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError('is no address as a browser takes it ("http://192.168.1.5:8080")')
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("has a name, a question or a fragment in it; secrets have keys of their own")
    _local_host(f"[{host}]" if ":" in host else host, info)
    return value.rstrip("/")


class _Mqtt(_Channel):
    """How a broker is spoken to.

    Attributes:
        version: of the protocol; NATS speaks 3.1.1 only.
        tls: whether the connection is encrypted; a CA or a certificate says so, too.
    """

    version: Annotated[MqttVersion, Field(strict=False)] = MqttVersion.FIVE
    tls: bool = False
    ca_file: File = ""
    certificate_file: File = ""
    key_file: File = ""
    username: str = Field(default="", max_length=200)
    password: SecretStr = SecretStr("")
    password_file: File = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self._one_of("password", "password_file")
        if (_plain(self.password) or self.password_file) and not self.username:
            raise Wrong("username", "is missing; a password needs one").error
        if bool(self.certificate_file) != bool(self.key_file):
            raise Wrong("key_file", "and certificate_file belong together; give both or neither").error
        return self


class MqttConfig(_Mqtt):
    """A broker.

    Attributes:
        port: 0 means the usual one, 8883 with TLS and 1883 without.
        topic: what everything of this monitor is published below; another one for each monitor.
        discovery: Home Assistant's prefix; "" publishes nothing for it.
    """

    kind: Literal["mqtt"]
    host: str
    port: int = Field(default=0, ge=0, le=65535)
    topic: str = "monitord"
    discovery: str = "homeassistant"

    _host = field_validator("host")(_local_host)

    @field_validator("topic", "discovery")
    @classmethod
    def _topic(cls, value: str, info: ValidationInfo) -> str:
        if not _TOPIC.fullmatch(value) and not (info.field_name == "discovery" and not value):
            raise ValueError('is no topic (letters, digits, "_" and "-", levels separated by "/")')
        return value

    @property
    def encrypted(self) -> bool:
        """Whether the connection is."""
        return self.tls or bool(self.ca_file or self.certificate_file)

    @property
    def real_port(self) -> int:
        """The port that is connected to."""
        return self.port or (8883 if self.encrypted else 1883)


class BrokersConfig(_Mqtt):
    """The brokers of a facility, and how this machine is known to them.

    Attributes:
        brokers: "host" or "host:port"; the first that answers is used, and returned to when it is back.
    """

    brokers: Annotated[tuple[str, ...], Field(strict=False, min_length=1, max_length=8)]

    @field_validator("brokers")
    @classmethod
    def _places(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for each in value:
            _local_host(_place(each)[0], info)
        if len(set(value)) < len(value):
            raise ValueError("names one twice")
        return value

    def each(self) -> tuple[MqttConfig, ...]:
        """One channel's section for each of the brokers, in their order."""
        shared = {name: getattr(self, name) for name in _Mqtt.model_fields}
        places = [_place(each) for each in self.brokers]
        return tuple(MqttConfig(kind="mqtt", host=host, port=port, **shared) for host, port in places)


WardName = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]
"""Of a site, a room, a ward, a station: it is part of a topic."""


def _place(text: str) -> tuple[str, int]:
    """Host and port (0: the usual one) of "host", "host:port", "[2001:db8::1]:port".

    Raises:
        ValueError: it is none of these.
    """
    if text.count(":") > 1 and "[" not in text:  # IPv6 without a port.
        return text, 0
    found = re.fullmatch(r"(\[[^\[\]]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?", text, re.ASCII)
    if found is None or not 0 < int(found[2] or 1) < 65536:  # noqa: PLR2004 - TCP's
        raise ValueError('has one in it that is neither "host" nor "host:port"')
    return found[1].strip("[]"), int(found[2] or 0)


class WardConfig(BrokersConfig):
    """The ward's stations, by the facility's brokers. `site` and `room` are what the topics call this one."""

    kind: Literal["ward"]
    site: WardName
    room: WardName


class _Web(_Channel):
    """What is reached by HTTP. `ca_file`: who signed the server's certificate, where that is a CA of the house."""

    url: str
    ca_file: File = ""

    _url = field_validator("url")(_local_url)


class NtfyConfig(_Web):
    """A topic of an ntfy server in the house."""

    kind: Literal["ntfy"]
    topic: str = Field(pattern=r"^[-_A-Za-z0-9]{1,64}$")
    token: SecretStr = SecretStr("")
    token_file: File = ""
    username: str = Field(default="", max_length=200)
    password: SecretStr = SecretStr("")
    password_file: File = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self._one_of("token", "token_file", "password", "password_file")
        if (_plain(self.password) or self.password_file) and not self.username:
            raise Wrong("username", "is missing; a password needs one").error
        return self


class GotifyConfig(_Web):
    """An application of a Gotify server in the house; the token is the application's."""

    kind: Literal["gotify"]
    token: SecretStr = SecretStr("")
    token_file: File = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self._one_of("token", "token_file", needed=True)
        return self


class WebhookConfig(_Web):
    """An address that a signed message is posted to. `secret` is written as Standard Webhooks has it."""

    kind: Literal["webhook"]
    secret: SecretStr = SecretStr("")
    secret_file: File = ""

    @field_validator("secret")
    @classmethod
    def _secret(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            webhook_key(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self._one_of("secret", "secret_file", needed=True)
        return self


class DesktopConfig(Section):
    """Notifications of the desktop that the voice runs on; a service has none (``monitord notify-desktop`` does)."""

    kind: Literal["desktop"]


class AppriseConfig(_Channel):
    """An address as Apprise writes them; which kinds are taken: ``monitord.notify.sinks.apprise``."""

    kind: Literal["apprise"]
    url: SecretStr = SecretStr("")
    url_file: File = ""

    @field_validator("url")
    @classmethod
    def _url(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if value.get_secret_value():
            apprise_host(value.get_secret_value(), cgnat=info.data.get("cgnat") is True)
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self._one_of("url", "url_file", needed=True)
        return self


_APPRISE = "form gotify hassio json kodi mmost nctalk ncloud ntfy rocket signal synology xml"
APPRISE_KINDS = frozenset(kind + s for kind in _APPRISE.split() for s in ("", "s"))
"""Apprise's kinds of address that name a machine of the owner's and send to it by HTTP and to nobody else."""


def apprise_host(url: str, *, cgnat: bool) -> str:
    """The machine that an address of Apprise leads to.

    Raises:
        ValueError: it is none, it is of a kind that is not taken, or it leads out of the house.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError('is no address of Apprise ("json://192.168.1.5/path")') from None
    if not parts.scheme or not host:
        raise ValueError('is no address of Apprise ("json://192.168.1.5/path")')
    if parts.scheme not in APPRISE_KINDS:
        raise ValueError(
            f'begins with "{parts.scheme}://", which is not taken: only kinds that go straight to a machine of yours '
            f"are, each also with an s for TLS: {', '.join(_APPRISE.split())}"
        )
    try:
        return destination(f"[{host}]" if ":" in host else host, cgnat=cgnat)
    except LanError:
        raise ValueError("leads to no machine in the house") from None


def webhook_key(secret: str) -> bytes:
    """The key that `secret` writes down: base64 of 24 to 64 bytes, "whsec_" in front (Standard Webhooks 1.0.0).

    Raises:
        ValueError: it is none; the text does not show it.
    """
    try:
        key = base64.b64decode(secret.strip().removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not 24 <= len(key) <= 64:  # noqa: PLR2004 - the standard's bounds
        raise ValueError("is no secret of a webhook: base64 of 24 to 64 random bytes (openssl rand -base64 32)")
    return key


ChannelConfig = Annotated[
    MqttConfig | WardConfig | NtfyConfig | GotifyConfig | WebhookConfig | DesktopConfig | AppriseConfig,
    Field(discriminator="kind"),
]


def _name(value: str) -> str:
    if value in BUILT_IN:
        raise ValueError("is always there and cannot be another channel; take another name")
    if not _NAME.fullmatch(value):
        raise ValueError('is no name of a channel (1 to 32 small letters, digits, "_" and "-")')
    return value


Channels = Annotated[Mapping[Annotated[str, AfterValidator(_name)], ChannelConfig], Field(max_length=20)]
