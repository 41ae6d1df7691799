"""A request by which somebody tries out a stage from the page, and what came back. The page itself reaches no other origin."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated
from urllib.parse import unquote

from pydantic import AfterValidator, Field, StringConstraints

from easymaker_local.domain.wire import Body

MAXIMUM_BYTES = 4 << 20
"""Of a request's body, and of what is shown of an answer's."""

HEADERS = frozenset({"accept", "accept-language", "content-type", "inference-header-content-length", "x-request-id"})
"""What may be said beside the body; the key of the endpoint is put there by the daemon."""


class Method(StrEnum):
    """What the APIs of a model, and paths of users' own, are asked by."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


def _below_the_stage(path: str) -> str:
    if not re.fullmatch(r"(/[^\s#\\\x00-\x1f\x7f]*)?", path):
        raise ValueError("must be empty or begin with '/', without blanks and '#'")
    if any(part in {".", ".."} for part in re.split(r"[/\\]", unquote(path.partition("?")[0]))):
        raise ValueError("must stay below the stage's URL: '.' and '..' are not for paths")
    return path


def _header_name(name: str) -> str:
    if name.lower() not in HEADERS:
        raise ValueError(f"must be one of {', '.join(sorted(HEADERS))}")
    return name.lower()


class TryOutHeader(Body):
    """One header of a request."""

    header_name: Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_header_name)]
    # What goes on the wire as it is must be what HTTP takes there.
    header_value: Annotated[str, StringConstraints(max_length=1024, pattern=r"^[\x20-\x7e]*$")]


class TryOut(Body):
    """What is to be sent.

    ``resource_path`` begins below the stage's URL, as ``/iris/v1/models/iris/predict``; "" is the URL itself.
    """

    method: Method = Method.POST
    resource_path: Annotated[str, StringConstraints(max_length=1024), AfterValidator(_below_the_stage)] = ""
    header_list: Annotated[tuple[TryOutHeader, ...], Field(max_length=10)] = ()
    body: Annotated[str, StringConstraints(max_length=MAXIMUM_BYTES)] | None = None


@dataclass(frozen=True)
class TriedHead:
    """How an answer begins."""

    status: int
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class TriedEnd:
    """How an answer ends: ``failure`` says why it broke off. ``is_cut``: there was more than ``MAXIMUM_BYTES``."""

    is_cut: bool
    milliseconds: float
    failure: str | None = None


@dataclass(frozen=True)
class Tried:
    """A whole answer. ``end.milliseconds``: until all of it was there."""

    head: TriedHead
    content: bytes
    end: TriedEnd
