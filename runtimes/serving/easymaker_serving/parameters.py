"""A model's parameters as environment variables (MD-11)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, MutableMapping

_PROTECTED = frozenset({"HOME", "PATH", "USER", "LOGNAME", "SHELL", "PWD", "TMPDIR", "LANG", "HOSTNAME", "IFS"})
_PROTECTED_PREFIXES = ("LD_", "DYLD_", "PYTHON", "EASYMAKER_", "LC_")


def screaming_snake(name: str) -> str:
    """Return ``modelId``, ``model-id`` and ``model id`` as ``MODEL_ID``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^A-Za-z0-9]+", "_", words).strip("_").upper()


def parse(pairs: Iterable[str]) -> dict[str, str]:
    """Return ``NAME=VALUE`` pairs. Raises ValueError for one that is none."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name.strip():
            raise ValueError(f"{pair!r} is not NAME=VALUE")
        found[name] = value
    return found


def secret(names: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return parameters whose values are in their variables alone, by name. Raises ValueError for one without a variable."""
    found: dict[str, str] = {}
    for name in names:
        variable = screaming_snake(name)
        if variable not in environment:
            raise ValueError(f"there is no variable {variable!r} for {name!r}")
        found[name] = environment[variable]
    return found


def into_environment(parameters: Mapping[str, str], environment: MutableMapping[str, str]) -> None:
    """Set the variables, except those that processes themselves live by."""
    for name, value in parameters.items():
        variable = screaming_snake(name)
        is_protected = variable in _PROTECTED or variable.startswith(_PROTECTED_PREFIXES)
        if variable and not is_protected and "\0" not in value:
            environment[variable] = value
