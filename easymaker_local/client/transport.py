"""One call: request, answer, and the error that the answer stands for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx

from easymaker_local.errors import (
    Conflict,
    DaemonUnreachable,
    EasyMakerError,
    FieldError,
    InvalidRequest,
    NotFound,
    Unauthorized,
)

# For codes that this version does not know: what the status says at least.
_BY_STATUS: dict[int, type[EasyMakerError]] = {
    400: InvalidRequest,
    401: Unauthorized,
    403: Unauthorized,
    404: NotFound,
    409: Conflict,
    422: InvalidRequest,
}

_TOKEN_HINT = "The daemon on this port may belong to another home: easymaker-local doctor"  # noqa: S105 (a text)


class Transport:
    """Calls below one base path; turns refusals into the errors that the daemon raised."""

    def __init__(self, http: httpx.Client, base: str) -> None:
        self._http = http
        self._base = base

    def call(
        self, method: str, *path: str, query: dict[str, Any] | None = None, body: Any = None,
        content: Iterable[bytes] | None = None, timeout: float | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Send and return the envelope's other keys; ``path`` pieces are quoted."""
        arguments: dict[str, Any] = {"params": _set(query or {})}
        if body is not None:
            arguments["json"] = body
        if content is not None:
            arguments["content"] = content
        if timeout is not None:
            arguments["timeout"] = timeout
        with self._translated():
            answer = self._http.request(method, self._url(path), **arguments)
        return _payload(answer)

    @contextmanager
    def download(self, *path: str, query: dict[str, Any]) -> Iterator[tuple[int | None, Iterator[bytes]]]:
        """Open a stream; yields its length, if told, and its blocks."""
        with self._translated(), self._http.stream("GET", self._url(path), params=_set(query)) as answer:
            if answer.status_code != httpx.codes.OK:
                answer.read()
                raise _failure(answer)
            length = answer.headers.get("content-length")
            yield (int(length) if length is not None else None), answer.iter_bytes(1 << 20)

    def is_alive(self, timeout: float = 2.0) -> bool:
        """True if something answers ``/health`` as the daemon does; needs no token."""
        try:
            answer = self._http.get("/health", timeout=timeout)
            return answer.status_code == httpx.codes.OK and "header" in answer.json()
        except (httpx.TransportError, ValueError):
            return False

    def close(self) -> None:
        """Close connections."""
        self._http.close()

    def _url(self, path: tuple[str, ...]) -> str:
        return "/".join([self._base, *(quote(piece, safe="") for piece in path)])

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except httpx.ConnectError as error:
            raise DaemonUnreachable("The daemon does not run.", hint="Start it with: easymaker-local up") from error
        except httpx.TimeoutException as error:
            raise DaemonUnreachable(
                f"The daemon at {self._http.base_url} does not answer in time.", hint="See: easymaker-local doctor"
            ) from error
        except httpx.TransportError as error:
            raise DaemonUnreachable(
                f"The connection to the daemon broke: {error or type(error).__name__}.", hint="See: easymaker-local status"
            ) from error


def _set(query: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in query.items() if value is not None}


def _payload(answer: httpx.Response) -> dict[str, Any]:
    body = _envelope(answer)
    if not body["header"].get("isSuccessful"):
        raise _failure(answer)
    return {key: value for key, value in body.items() if key != "header"}


def _envelope(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("header"), dict):
        url = answer.request.url
        raise DaemonUnreachable(
            f"What answers on {url.host}:{url.port} is not easymaker-local (HTTP {answer.status_code}).",
            hint="Choose another port: EASYMAKER_LOCAL_PORT.",
        )
    return body


def _failure(answer: httpx.Response) -> EasyMakerError:
    """Rebuild the error that the daemon raised, by its code, otherwise by the HTTP status."""
    body = _envelope(answer)
    code = str(body.get("errorCode") or "")
    hint = body.get("hint")
    message = str(body["header"].get("resultMessage") or f"HTTP {answer.status_code}")
    if hint:
        message = message.removesuffix(f" {hint}")
    kind = _by_code(EasyMakerError).get(code) or _BY_STATUS.get(answer.status_code, EasyMakerError)
    if issubclass(kind, InvalidRequest):
        faults = [FieldError(str(fault["field"]), str(fault["message"])) for fault in body.get("fieldErrors") or ()]
        return InvalidRequest(faults or message, hint=hint)
    if issubclass(kind, Unauthorized) and answer.status_code == httpx.codes.UNAUTHORIZED:
        hint = _TOKEN_HINT
    error = kind(message, hint=hint)
    error.code = code or error.code
    return error


def _by_code(kind: type[EasyMakerError]) -> dict[str, type[EasyMakerError]]:
    found = {kind.code: kind}
    for child in kind.__subclasses__():
        found |= _by_code(child)
    return found
