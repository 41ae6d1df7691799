"""Data locations as people type them: in full, or short as ``CONTAINER/PATH``."""

from __future__ import annotations

from easymaker_local.errors import InvalidRequest

FORMS = "obs://{host}/v1/AUTH_{tenant}/{container}/{path}, nas://{id}:/{path}, or short: CONTAINER/PATH."


def expand(address: str, tenant: str) -> str:
    """Return the full form; one that is full stays as it is, for the daemon to judge."""
    if "://" in address:
        return address
    if not address.strip("/") or address.startswith(("/", "./", "../")) or address in {".", ".."}:
        raise InvalidRequest(f"{address!r} is no data location.", hint=f"Write {FORMS}")
    return f"obs://local/v1/AUTH_{tenant}/{address}"


def join(uri: str, name: str) -> str:
    """Return the address of ``name`` below ``uri``."""
    return f"{uri.rstrip('/')}/{name}"


def container_of(uri: str) -> str | None:
    """Return the container of an ``obs://`` address, None for any other."""
    pieces = uri.split("/")
    return pieces[5] if uri.startswith("obs://") and len(pieces) > 5 and pieces[5] else None


def is_container(uri: str) -> bool:
    """True if the address names a container or NAS itself, nothing below it."""
    path = uri.rstrip("/")
    return path.endswith(":") if uri.startswith("nas://") else path.count("/") <= 5


def base_name(uri: str) -> str:
    """Return the last name of an address."""
    return uri.rstrip("/").rpartition("/")[2]
