"""Preconditions and ranges of RFC 9110 (§13, §14). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

_RANGE = re.compile(r"bytes=\s*(?:(\d+)\s*-\s*(\d*)|-\s*(\d+))\s*")


class Unsatisfiable(Exception):
    """The range lies outside the object."""


def refusal(headers: Mapping[str, str], etag: str, modified: int) -> int | None:
    """Return 412 or 304 if a condition of a GET or HEAD does not hold; ``modified`` in whole epoch seconds."""
    if "if-match" in headers:
        if not _names(headers["if-match"], etag):
            return 412
    elif (limit := _seconds(headers.get("if-unmodified-since"))) is not None and modified > limit:
        return 412
    if "if-none-match" in headers:
        if _names(headers["if-none-match"], etag):
            return 304
    elif (limit := _seconds(headers.get("if-modified-since"))) is not None and modified <= limit:
        return 304
    return None


def wanted_range(headers: Mapping[str, str], size: int, etag: str, modified: int) -> tuple[int, int] | None:
    """Return first byte and the one after the last; None: the whole object is wanted. Raises Unsatisfiable.

    Several ranges at once are answered with the whole object, as RFC 9110 permits: no client of ours asks for them.
    """
    text = headers.get("range")
    if text is None or not _holds(headers.get("if-range"), etag, modified):
        return None
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        start, end = max(0, size - int(suffix)), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < int(first):
            return None
    if start >= end:
        raise Unsatisfiable
    return start, end


def _holds(condition: str | None, etag: str, modified: int) -> bool:
    if condition is None:
        return True
    limit = _seconds(condition)
    return limit == modified if limit is not None else _names(condition, etag)


def _names(text: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in text.split(",")]
    return "*" in tags or etag in tags


def _seconds(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (ValueError, OverflowError):
        return None
