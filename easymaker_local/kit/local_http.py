"""HTTP to servers on this machine: no proxies, no certificates, no line in the log for every request."""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx


def open_client(read_seconds: float, connect_seconds: float | None = None) -> httpx.AsyncClient:
    """Return a client for the event loop that uses it first; connecting may take as long as reading unless it is said."""
    # Imported late: many a daemon never asks a server of its own anything.
    import httpx

    logging.getLogger("httpx").setLevel(logging.WARNING)
    timeout = httpx.Timeout(read_seconds, connect=read_seconds if connect_seconds is None else connect_seconds)
    return httpx.AsyncClient(trust_env=False, timeout=timeout, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
