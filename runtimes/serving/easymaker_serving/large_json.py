"""Large bodies of JSON, read by simdjson: numbers go from its document into arrays without becoming Python's first."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import simdjson

LARGE = 4096
"""Bytes from which it is quicker than msgspec."""
_KEPT = 8 * 1024 * 1024
"""Bytes up to which one parser, and the memory that it has taken, is used again."""
UNREADABLE = (ValueError, RuntimeError, KeyError)
"""What simdjson raises where the other parser knows more (larger numbers, NUL in keys) or has to say what is wrong."""

_PARSER = simdjson.Parser()


def parse(text: bytes | memoryview) -> Any:
    """Return the document; its arrays and objects are views that have to be gone when the next one is read.

    Raises ValueError and RuntimeError, also for numbers beyond 64 bits, which other parsers know.
    """
    data = bytes(text)
    if len(data) <= _KEPT:
        with suppress(RuntimeError):  # a view is still there, in some traceback
            return _PARSER.parse(data)
    return simdjson.Parser().parse(data)


def arrays_in(text: bytes | memoryview) -> int:
    """Return how many arrays the text has at most: a bracket in a string counts too."""
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord("[")))


def plain(value: Any) -> Any:
    """Return a value without views."""
    if isinstance(value, simdjson.Object):
        return value.as_dict()
    return value.as_list() if isinstance(value, simdjson.Array) else value
