"""Lines of the gateway's access log as entries of the log store: one for each request to a stage with logs (LG-L04). Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any

from easymaker_local.domain.log_entry import Category, Entry, Level, Source

ACTION = "Endpoint.Model"
"""LG-16."""

# Of gRPC's statuses those that say that the request was wrong; the others but OK say that the server failed.
_GRPC_OF_CLIENTS = frozenset({1, 3, 5, 6, 7, 9, 11, 16})


@dataclass(frozen=True)
class AccessLine:
    """A request as the gateway logged it. ``status`` 0: no answer; ``flags``: what the gateway found, "" if nothing."""

    time: float
    inference_id: str | None
    stage_id: str
    model_name: str | None
    method: str
    path: str
    status: int
    grpc_status: int | None
    duration_ms: int
    received_bytes: int
    sent_bytes: int
    flags: str

    @property
    def level(self) -> Level:
        """LG-08: by the status, WARNING for what the client did wrong, ERROR for what failed here."""
        if self.grpc_status:
            return Level.WARNING if self.grpc_status in _GRPC_OF_CLIENTS else Level.ERROR
        if self.status < 100 or self.status >= 500:
            return Level.ERROR
        return Level.WARNING if self.status >= 400 else Level.INFO

    @property
    def body(self) -> str:
        """LG-09: the request in words. Nothing of its body or the answer's (LG-L04)."""
        answer = str(self.status) if self.status else "no answer"
        if self.grpc_status is not None:
            answer += f", gRPC status {self.grpc_status}"
        sizes = f"{self.received_bytes} bytes in, {self.sent_bytes} bytes out"
        flags = f" ({self.flags})" if self.flags else ""
        return f"{self.method} {self.path}: {answer} in {self.duration_ms} ms, {sizes}{flags}"


def parse(line: bytes) -> AccessLine:
    """Return a line of the gateway's; raises ValueError for anything else.

    What a gateway that was killed has left of a line may stand before the first one of the next.
    """
    text = line.decode("utf-8", errors="replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        begin = text.rfind('{"', 1)
        if begin < 0:
            raise ValueError("no JSON") from None
        found = json.loads(text[begin:])
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004 it is the text that is wrong
    stage, time = _text(found, "stage"), _number(found, "time", float)
    if not stage or not isfinite(time):
        raise ValueError("no stage or no time")
    return AccessLine(
        time=time, inference_id=_text(found, "id") or None, stage_id=stage, model_name=_text(found, "model") or None,
        method=_text(found, "method"), path=_text(found, "path"), status=_number(found, "status", int),
        grpc_status=None if _is_absent(found, "grpc_status") else _number(found, "grpc_status", int),
        duration_ms=_number(found, "ms", int), received_bytes=_number(found, "received", int),
        sent_bytes=_number(found, "sent", int), flags=_text(found, "flags"),
    )  # fmt: skip


def entry_of(line: AccessLine, appkey: str, endpoint_id: str | None) -> Entry:
    """Return the entry of a request (LG-06…LG-17)."""
    source = Source(
        easymaker_app_key=appkey, category=Category.INFERENCE, log_level=line.level, endpoint_id=endpoint_id,
        endpoint_stage_id=line.stage_id, action=ACTION, model_name=line.model_name,
    )  # fmt: skip
    return Entry(source, line.time, line.body, inference_id=line.inference_id)


def _is_absent(found: dict[str, Any], name: str) -> bool:
    # The gateway writes null, or "-" where it writes text.
    return found.get(name) in (None, "", "-")


def _text(found: dict[str, Any], name: str) -> str:
    # A lone surrogate of JSON is no UTF-8, and could not be stored.
    return "" if _is_absent(found, name) else str(found[name]).encode(errors="replace").decode()


def _number(found: dict[str, Any], name: str, of: Callable[[Any], Any]) -> Any:
    try:
        return of(0 if _is_absent(found, name) else found[name])
    except (TypeError, OverflowError) as error:
        raise ValueError(f"{name} is no number") from error
