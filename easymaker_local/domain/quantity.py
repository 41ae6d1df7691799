"""Amounts as the wire writes them: Kubernetes' quantities, "500m", "1.0", "2048Mi", "15Gi" (rest-api §6.10, SR-03…SR-05)."""

from __future__ import annotations

import re
from decimal import Decimal

_QUANTITY = re.compile(r"(?P<number>\d{1,15}(\.\d{0,9})?|\.\d{1,9})(?P<unit>m|[kMGTP]|[KMGTP]i)?")
_DECIMAL = {unit: Decimal(1000) ** power for power, unit in enumerate(("", "k", "M", "G", "T", "P"))}
_BINARY = {unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi"), 1)}
_UNITS = {"m": Decimal(1) / 1000, **_DECIMAL, **_BINARY}


def parse_quantity(text: str) -> Decimal:
    """Return the amount in the base unit (cores, bytes, devices); raises ValueError with a message for people."""
    found = _QUANTITY.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no amount such as 0.5, 500m, 2048Mi or 15Gi")
    return Decimal(found["number"]) * _UNITS[found["unit"] or ""]


def cpu_milli(text: str) -> int:
    """Return thousandths of a vCPU, rounded down; raises ValueError."""
    return int(parse_quantity(text) * 1000)


def memory_mib(text: str) -> int:
    """Return MiB, rounded down; a number without a unit is bytes. Raises ValueError."""
    return int(parse_quantity(text) / (1 << 20))


def devices(text: str) -> Decimal:
    """Return a number of devices, which may be a fraction (SR-L02); raises ValueError."""
    return parse_quantity(text)


def cpu_text(milli: int) -> str:
    """Return "1", "0.5" for thousandths of a vCPU."""
    return f"{milli / 1000:g}"


def memory_text(mib: int) -> str:
    """Return "2048Mi" for MiB."""
    return f"{mib}Mi"
