"""Values that look secret are not shown (HY-L01, architecture 12)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

MASK = "********"

_SECRET_NAME = re.compile(r"token|secret|passw|credential|private|(^|[^a-z])key$|api_?key", re.IGNORECASE)
# The application key names the appliance, it opens nothing.
_HARMLESS = {"EM_APPKEY"}


def looks_secret(name: str) -> bool:
    """True for a name whose value nobody should read over a shoulder."""
    return name not in _HARMLESS and _SECRET_NAME.search(name) is not None


def secret_values(named: Mapping[str, str]) -> set[str]:
    """Return the values that look secret by their names."""
    return {value for name, value in named.items() if value and looks_secret(name)}


def mask(text: str, secrets: Iterable[str]) -> str:
    """Return ``text`` with every secret in it replaced."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def mask_all(texts: Sequence[str], secrets: Iterable[str]) -> list[str]:
    """Mask each."""
    known = list(secrets)
    return [mask(text, known) for text in texts]
