"""The folder of a site on its broker: the registry, what Mosquitto reads, the site's authority and the certificate.

The registry is written first and everything else is made from it, so a crash in between loses nothing: the next command
makes what is missing, and `list` says that it is.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from monitord.notify.web import authority
from monitord.tools.ward import kept, mosquitto, registry
from monitord.tools.ward.registry import Site, WardError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BROKER = "mosquitto"
"""The group that Debian's broker runs as."""
_REGISTRY, _LOCK = "site.json", ".lock"
CONF, PASSWORDS, ACL = "monitord.conf", "passwords", "acl"


class Folder:
    """The folder at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else changes the folder meanwhile; it is made where it is missing.

        Raises:
            WardError: it cannot be used.
        """
        try:
            if not self.path.is_dir():
                self.path.mkdir(parents=True, mode=0o700)
                kept.give(self.path, 0o750, BROKER)
            lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as cause:
            raise WardError(
                f"{self.path}: cannot be used: {cause.strerror}; be root, or name another --folder"
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def load(self) -> Site:
        """Who is enrolled.

        Raises:
            WardError: there is no site yet, or its file cannot be read.
        """
        path = self.path / _REGISTRY
        try:
            return registry.decode(path.read_bytes())
        except FileNotFoundError:
            raise WardError(f"{self.path}: no site yet; begin with: monitord ward init SITE --broker HOST") from None
        except OSError as cause:
            raise WardError(f"{path}: cannot be read: {cause.strerror}") from None
        except WardError as cause:
            raise WardError(f"{path}: {cause}") from None
        except ValueError:
            raise WardError(f"{path}: is damaged; restore it from a backup: every credential is in it") from None

    def exists(self) -> bool:
        """Whether there is a site."""
        return (self.path / _REGISTRY).exists()

    def save(self, site: Site, now: datetime) -> list[str]:
        """Write the registry, and make all of the rest from it; returns what the owner has to know, a sentence each.

        Raises:
            WardError: something cannot be written.
        """
        kept.replace(self.path / _REGISTRY, registry.encode(site), 0o600)
        told = []
        for name, body in self.made_from(site).items():
            path = self.path / name
            aside = kept.put(path, body.encode(), 0o640, BROKER, now.strftime("%Y%m%dT%H%M%SZ"))
            if aside is not None:
                told.append(f"{path} was not as monitord ward wrote it: the old one is kept as {aside.name}")
        return told

    def made_from(self, site: Site) -> dict[str, str]:
        """Name -> content of each file that the broker reads. The passwords come last: whoever is let in has rights."""
        port = int(site.brokers[0].rpartition(":")[2])
        return {
            CONF: mosquitto.listener(self.path.absolute(), port),
            ACL: mosquitto.access_list(site),
            PASSWORDS: mosquitto.passwords(site),
        }

    def out_of_date(self, site: Site) -> list[str]:
        """Names of the files that are not as the registry makes them."""
        wrong = []
        for name, body in self.made_from(site).items():
            try:
                if (self.path / name).read_bytes() != body.encode():
                    wrong.append(name)
            except OSError:
                wrong.append(name)
        return wrong

    def certify(self, site: Site, now: datetime, *, anew: bool = False) -> datetime:
        """See that the broker has a certificate for all its names; returns when it ends.

        A missing or ending one is made. A missing authority is made once, with the site: another one later would be
        known to no room.

        Raises:
            WardError: there is none, and none can be made.
        """
        first, key = self.path / "ca.crt", self.path / "ca.key"
        if first.exists() and not key.exists():
            raise WardError(f"{key}: is missing; bring it back while the certificate is renewed, it signs it")
        if first.exists() and self.authority_ends() - timedelta(days=authority.RENEW_DAYS) <= now:
            raise WardError(f"{first}: ends soon; move ca.crt and ca.key away, renew, and enroll every room --again")
        hosts = {each.rpartition(":")[0].strip("[]") for each in site.brokers}
        if anew:
            (self.path / "server.crt").unlink(missing_ok=True)
        try:
            made = authority.ensure(self.path, hosts, now, member=True)
            named = authority.names_in(made.chain)
        except authority.AuthorityError as cause:
            raise WardError(str(cause)) from None
        for host in sorted(hosts - named):
            raise WardError(
                f"{host}: the site's authority may not sign for it: give the broker's private address, its host name "
                "as this machine calls itself, or a name that ends in .local, .internal or .home.arpa"
            )
        kept.give(made.key, 0o640, BROKER)
        kept.give(made.chain, 0o640, BROKER)
        return authority.ends(made.chain)

    def authority(self) -> str:
        """The certificate that rooms are to trust, PEM.

        Raises:
            WardError: there is none.
        """
        try:
            return (self.path / "ca.crt").read_text("ascii")
        except (OSError, ValueError):
            raise WardError(f"{self.path}: has no ca.crt; monitord ward renew makes it") from None

    def authority_ends(self) -> datetime:
        """When the authority does. Raises: WardError."""
        return self._ends("ca.crt")

    def certificate_ends(self) -> datetime:
        """When the broker's certificate does. Raises: WardError."""
        return self._ends("server.crt")

    def _ends(self, name: str) -> datetime:
        try:
            return authority.ends(self.path / name)
        except authority.AuthorityError as cause:
            raise WardError(str(cause)) from None


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)
