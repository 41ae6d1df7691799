"""The one shape of every answer (rest-api §1.4), and the one place where errors become HTTP.

413, 429 and 503 are never used for it: the SDK would retry and hide the message (rest-api §1.5).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException

from easymaker_local.errors import (
    Conflict,
    EasyMakerError,
    FieldError,
    InvalidRequest,
    NotFound,
    StorageError,
    TransientError,
    Unauthorized,
)

log = logging.getLogger(__name__)

# Looked up along the error's class tree; the most specific entry wins.
HTTP_STATUS: Mapping[type[EasyMakerError], int] = {
    InvalidRequest: 422,
    NotFound: 404,
    Conflict: 409,
    Unauthorized: 401,
    StorageError: 422,
    TransientError: 500,
    EasyMakerError: 500,
}


class Wire(BaseModel):
    """What goes out: camelCase names."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class FieldFault(Wire):
    """A field of the request and what is wrong with it."""

    field: str
    message: str


class Header(Wire):
    """Says whether the call succeeded; ``resultCode`` is 0 or the HTTP status."""

    is_successful: bool = True
    result_code: int = 0
    result_message: str = "SUCCESS"


class Envelope(Wire):
    """Answers add their payload under one more key."""

    header: Header = Field(default_factory=Header)


class ListAnswer(Envelope):
    """Rows in the order that was asked for.

    ``nextCursor`` asks for the next page, null on the last one. ``totalCount`` is how many rows meet the conditions, null
    unless a limit was given.
    """

    next_cursor: str | None
    total_count: int | None


class Failure(Envelope):
    """An answer that carries no payload but the reason: a stable code, a hint, the fields at fault."""

    error_code: str
    hint: str | None = None
    field_errors: list[FieldFault] = []


def failure(
    status: int, code: str, message: str, *, hint: str | None = None, fields: Sequence[FieldError] = ()
) -> JSONResponse:
    """Build an answer that says why it failed."""
    text = message if hint is None else f"{message} {hint}"
    body = Failure(
        header=Header(is_successful=False, result_code=status, result_message=text),
        error_code=code, hint=hint, field_errors=[FieldFault(field=f.field, message=f.message) for f in fields],
    )  # fmt: skip
    return JSONResponse(body.model_dump(by_alias=True), status)


def http_status(error: EasyMakerError) -> int:
    """Return the HTTP status of an error, by the nearest class that has one."""
    return next(HTTP_STATUS[kind] for kind in type(error).__mro__ if kind in HTTP_STATUS)


def _known(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, EasyMakerError)
    fields = error.fields if isinstance(error, InvalidRequest) else ()
    return failure(http_status(error), error.code, error.message, hint=error.hint, fields=fields)


def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    places = [fault["loc"] for fault in found]
    inside = {place[:end] for place in places for end, part in enumerate(place) if isinstance(part, int)}
    # Items at fault are left out of what is counted: that a list with them is too short may not be so.
    faults = [_fault(fault) for fault in found if fault["type"] != "too_short" or fault["loc"] not in inside]
    invalid = InvalidRequest(faults)
    return failure(422, invalid.code, invalid.message, fields=faults)


def _fault(fault: Mapping[str, Any]) -> FieldError:
    if fault["type"] == "json_invalid":
        return FieldError("body", f"is not JSON: {fault['ctx']['error']}")
    place = [str(part) for part in fault["loc"][1:]]  # the first says where in the request it stands
    message = str(fault["msg"]).removeprefix("Value error, ")
    return FieldError(".".join(place) or "body", message[:1].lower() + message[1:])


def _framework(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    messages = {404: "There is no such path.", 405: "This path does not take that method."}
    code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}.get(error.status_code, "ERROR")
    return failure(error.status_code, code, messages.get(error.status_code, str(error.detail)))


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return failure(500, "INTERNAL_ERROR", "The daemon failed to answer this.", hint="Its log has the details.")


def install_error_handlers(app: FastAPI) -> None:
    """Replace the framework's own answers; the SDK cannot read them (rest-api §1.5)."""
    app.add_exception_handler(EasyMakerError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(Exception, _unexpected)
