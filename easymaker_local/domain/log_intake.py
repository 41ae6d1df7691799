"""What users send (LG-21): any JSON that the SDK's logger or a plain HTTP client posts becomes entries (rest-api §9)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from easymaker_local.domain.log_entry import (
    BODY_FIELD,
    INFERENCE_FIELD,
    LOG_TYPE,
    MAXIMUM_ENTRY_BYTES,
    SOURCE_FIELDS,
    Category,
    Entry,
    Level,
    Source,
    cut_lines,
)
from easymaker_local.errors import FieldError, InvalidRequest
from easymaker_local.kit.clock import to_utc

# More than the largest body of the SDK's logger can hold.
MAXIMUM_ENTRIES = 200_000
MAXIMUM_VALUE = 255
_SEND_TIME = "sendTime"
# Log & Crash itself takes milliseconds, the SDK sends seconds: as seconds this would be the year 5138.
_MILLISECONDS_FROM = 1e11


def entries_of(body: Any, appkey: str, now: float) -> list[Entry]:
    """Return the entries in a request's body, an object or an array of them; raises InvalidRequest, then nothing is kept."""
    rows = body if isinstance(body, list) else [body]
    if len(rows) > MAXIMUM_ENTRIES:
        raise InvalidRequest([FieldError("body", f"has {len(rows)} entries; at most {MAXIMUM_ENTRIES} are taken at once")])
    entries: list[Entry] = []
    faults: list[FieldError] = []
    for number, row in enumerate(rows):
        prefix = f"{number}." if isinstance(body, list) else ""
        if not isinstance(row, Mapping):
            faults.append(FieldError(prefix.rstrip(".") or "body", "is not an object"))
            continue
        try:
            entries += _entries(row, appkey, now, faults, prefix)
        except RecursionError:
            faults.append(FieldError(prefix.rstrip(".") or "body", "is nested too deep"))
    if faults:
        raise InvalidRequest(faults[:20])
    return entries


def _entries(row: Mapping[str, Any], appkey: str, now: float, faults: list[FieldError], prefix: str) -> list[Entry]:
    values = {str(name): value for name, value in row.items() if value is not None}
    texts = {name: _text(values.pop(name)) for name in (*SOURCE_FIELDS, INFERENCE_FIELD) if name in values}
    faults += [
        FieldError(prefix + name, f"is longer than {MAXIMUM_VALUE} characters")
        for name, text in texts.items() if len(text) > MAXIMUM_VALUE
    ]  # fmt: skip
    body = values.pop(BODY_FIELD, None)
    if body is None:
        faults.append(FieldError(prefix + BODY_FIELD, "required"))
    moment = _moment(values.get(_SEND_TIME), now)
    if moment is None:
        faults.append(FieldError(prefix + _SEND_TIME, "is no time in seconds since 1970"))
        moment = now
    inference = texts.pop(INFERENCE_FIELD, None)
    preset = {"easymakerAppKey": appkey, "category": Category.SDK, "logLevel": Level.INFO, "logType": LOG_TYPE}
    source = Source(**{SOURCE_FIELDS[name]: str(value) for name, value in {**preset, **texts}.items()})
    fields = _json(values) if values else None
    if fields is not None and len(fields.encode()) > MAXIMUM_ENTRY_BYTES:
        faults.append(
            FieldError(prefix.rstrip(".") or "body", f"has more than {MAXIMUM_ENTRY_BYTES >> 10} KiB of further fields")
        )
    # One message is one entry, whatever lines it has; only beyond the bound it becomes several.
    text = _text(body)
    pieces = [text] if len(text.encode()) <= MAXIMUM_ENTRY_BYTES else cut_lines(text.encode(), final=True)[0]
    return [Entry(source, moment, piece, inference, fields) for piece in pieces]


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else _json(value)
    # Halves of surrogate pairs are valid in JSON and nowhere else.
    return text.encode("utf-8", errors="replace").decode()


def _json(value: Any) -> str:
    return json.dumps(_finite(value), ensure_ascii=False).encode("utf-8", errors="replace").decode()


def _finite(value: Any) -> Any:
    """Return ``value`` with NaN and infinities as text: SQLite and most readers refuse them in JSON."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): _finite(inner) for name, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list) else value


def _moment(value: Any, now: float) -> float | None:
    if value is None:
        return now
    try:
        moment = float(value)
        seconds = moment / 1000 if abs(moment) > _MILLISECONDS_FROM else moment
        to_utc(seconds)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return seconds
