"""By which names the gateway may be asked: a page that has rebound its own name to this machine sends another one."""

from __future__ import annotations

from collections.abc import Sequence

from easymaker_local.settings import Settings

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ANY = {"", "0.0.0.0", "::"}  # noqa: S104


def certified_hosts(settings: Settings) -> Sequence[str]:
    """Return the names and addresses that the certificate is for."""
    return LOOPBACK if settings.host in {*LOOPBACK, *_ANY} else [*LOOPBACK, settings.host]


def served_hosts(settings: Settings) -> Sequence[str]:
    """Return what ``Host`` may say beside a port: loopback, the address listened on, and ``allowed_hosts``."""
    named = [f"[{host}]" if ":" in host else host for host in certified_hosts(settings)]
    return sorted({host.lower() for host in [*named, "*.localhost", *settings.allowed_hosts]})
