"""Where the page and the API are served."""

from __future__ import annotations

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


class PageConfig(Section):
    """Where the page and the API are served. `cgnat`: 100.64.0.0/10 counts as the house's own network."""

    cgnat: bool = False
    address: str = "127.0.0.1"
    port: int = Field(default=8740, ge=0, le=65535)

    @field_validator("address")
    @classmethod
    def _is_local(cls, value: str, info: ValidationInfo) -> str:
        return _local_address(value, cgnat=info.data.get("cgnat") is True)
