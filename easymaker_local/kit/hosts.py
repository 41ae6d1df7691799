"""Taking ``Host`` and ``Origin`` apart as strictly as browsers write them: what is odd is nobody's address.

Strict on purpose: a name that this module and a browser read differently is how a foreign page gets in. Addresses count only
in their usual form (not ``127.1``, ``0x7f000001`` or ``2130706433``, which browsers never send), user names, paths, zones and
trailing dots never.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

Host = str | IPv4Address | IPv6Address

_AUTHORITY = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9_.-]+))(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
# As browsers decide that a name can only be an IPv4 address.
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_MAX_NAME = 253
_MAX_PORT = 65535


def parse_host(text: str) -> Host | None:
    """Return the host of ``name``, ``name:port``, ``[v6]`` or ``[v6]:port``; None if it is anything else.

    Names come in lower case, an IPv4 address that is written as an IPv6 one as what it is.
    """
    found = _AUTHORITY.fullmatch(text)
    if found is None or int(found["port"] or 0) > _MAX_PORT:
        return None
    try:
        if found["v6"] is not None:
            address = IPv6Address(found["v6"])
            return address.ipv4_mapped or address
        return _parse_name(found["name"])
    except AddressValueError:
        return None


def parse_origin(text: str) -> Host | None:
    """Return the host of ``http(s)://host[:port]``; None for ``null`` and everything else."""
    scheme, separator, authority = text.partition("://")
    return parse_host(authority) if separator and scheme in {"http", "https"} else None


def is_loopback(host: Host) -> bool:
    """True for a loopback address or ``localhost``: a page that rebinds its own name to 127.0.0.1 sends another one."""
    if isinstance(host, str):
        return host == "localhost" or host.endswith(".localhost")
    return host.is_loopback


def _parse_name(name: str) -> Host | None:
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return IPv4Address(name)
    if len(name) > _MAX_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    return name.lower()
