"""Where the page and the API are served."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from monitord.config.section import Section
from monitord.lan import LanError, is_local, local_address


def _local_address(value: str, *, cgnat: bool) -> str:
    if value in ("0.0.0.0", "::"):  # noqa: S104 - refused, not bound
        raise ValueError("would listen on every network of this machine; name one address of the house's network")
    try:
        local_address(value, cgnat=cgnat)
    except LanError:
        if not cgnat and is_local(value, cgnat=True):
            raise ValueError(
                "is an address of carrier-grade NAT (RFC 6598), where a provider's other customers may be; if it is "
                "your own VPN's, set page.cgnat = true"
            ) from None
        raise ValueError(
            "is no loopback, private, link-local or unique-local address; "
            '"127.0.0.1" serves this machine only, the Pi\'s own LAN address serves the house'
        ) from None
    return value


class Tls(StrEnum):
    """Whether the page is served by TLS. AUTO: to the house it is, to this machine alone it is not."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class Pairing(StrEnum):
    """Who has to be paired. LAN: everybody but this machine itself. ALWAYS: it too."""

    LAN = "lan"
    ALWAYS = "always"


class PageConfig(Section):
    """Where the page and the API are served. `cgnat`: 100.64.0.0/10 counts as the house's own network.

    `ntfy_topic`: the topic that ntfy apps subscribe to at the page's address; "" serves none.
    `session_days`: how long a paired phone stays paired that is not used.
    `metrics`: whether Prometheus may ask at /metrics; `metrics_token_file`: what it shows that it is Prometheus.
    """

    cgnat: bool = False
    address: str = "127.0.0.1"
    port: int = Field(default=8740, ge=0, le=65535)
    tls: Annotated[Tls, Field(strict=False)] = Tls.AUTO
    pairing: Annotated[Pairing, Field(strict=False)] = Pairing.LAN
    session_days: int = Field(default=90, ge=1, le=3650)
    ntfy_topic: str = "monitord"
    metrics: bool = False
    metrics_token_file: str = ""

    @field_validator("address")
    @classmethod
    def _is_local(cls, value: str, info: ValidationInfo) -> str:
        return _local_address(value, cgnat=info.data.get("cgnat") is True)

    @field_validator("ntfy_topic")
    @classmethod
    def _is_topic(cls, value: str) -> str:
        if not re.fullmatch(r"[-_A-Za-z0-9]{0,64}", value):
            raise ValueError("is no topic: up to 64 letters, digits, - and _")
        if value in ("api", "v1", "metrics"):
            raise ValueError("is a path of the page itself; choose another name")
        return value

    @field_validator("metrics_token_file")
    @classmethod
    def _is_path(cls, value: str, info: ValidationInfo) -> str:
        if value and not value.startswith("/"):
            raise ValueError('is no whole path; write it from the root on ("/etc/monitord/...")')
        if value and not info.data.get("metrics"):
            raise ValueError("is of no use without page.metrics = true")
        return value

    @property
    def secure(self) -> bool:
        """Whether the page is served by TLS."""
        if self.tls is Tls.AUTO:
            return not local_address(self.address, cgnat=self.cgnat).is_loopback
        return self.tls is Tls.ON
