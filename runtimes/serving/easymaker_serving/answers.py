"""Answers as JSON, errors included, and what is an error for whom."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import orjson

from easymaker_serving.model import InvalidInput, Response, Unsupported

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


class Refused(Exception):
    """A request that is answered with an error of the protocol."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-").title(): value for name, value in headers.items()}


class Unavailable(Refused):
    """Not now; ask again soon."""

    def __init__(self, message: str) -> None:
        super().__init__(503, message, retry_after="1")


class QueueFull(Unavailable):
    """More wait for the model than may."""


def to_json(value: Any) -> bytes:
    """Return JSON, arrays of numpy included. NaN and infinities, for which JSON has no word, become null.

    Raises TypeError for what has no form in JSON.
    """
    try:
        return orjson.dumps(value, _other, _OPTIONS)
    except orjson.JSONEncodeError:  # among others, numbers beyond 64 bits and lists hundreds deep, which a client may send
        return msgspec.json.encode(value, enc_hook=_other)


def _other(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return text_or_base64(bytes(value))
    if isinstance(value, (set, frozenset)):
        return list(value)
    if hasattr(value, "tolist"):  # what orjson does not take of numpy: other types, strides, zero dimensions
        return value.tolist()
    raise TypeError(f"A {type(value).__name__} has no form in JSON")


def text_or_base64(value: bytes) -> str | dict[str, str]:
    """Return bytes as text, or, where they are none, as TensorFlow Serving's ``{"b64": …}``."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode()}


def error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """Return an error in the protocol's form."""
    # A lone surrogate of a client's JSON is no UTF-8 and would make the answer fail.
    text = message.encode("utf-8", "replace").decode()
    return Response(status, orjson.dumps({"error": text}), headers=headers or {})


def status_of(exc: BaseException, request_id: str) -> tuple[int, str]:
    """Return the status and the message of an exception's answer.

    What a model's own code raises is named by its class only: messages carry paths and data. Message and traceback are
    in the log, beside the request's id.
    """
    match exc:
        case Refused():
            return exc.status, str(exc)
        case InvalidInput():
            return 400, str(exc)
        case Unsupported():
            return 501, str(exc)
    return 500, f"the model failed with {type(exc).__name__}; the server's log has the details of request {request_id}"


def error_of(exc: BaseException, request_id: str) -> Response:
    """Return the answer to an exception."""
    return error(*status_of(exc, request_id), exc.headers if isinstance(exc, Refused) else None)
