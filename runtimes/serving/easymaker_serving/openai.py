"""The OpenAI routes: completions and chat completions, whole and streamed (OI-11, OI-12, OI-14, OI-19).

Errors have the form that OpenAI's clients expect, ``{"error": {"message", "type", "param", "code"}}``: ``error`` is an object
here, where the product's other routes have a text.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from easymaker_serving import openai_requests as requests
from easymaker_serving.generation import Generator, Overloaded, Piece, Ticket, TokenLogprob, joined
from easymaker_serving.model import Handler, InvalidInput, Request, Response, Stream, Unsupported

_RETRY_SECONDS = 1
_LONG = 4096  # bytes of a body from which on its tokens are made in another thread, not on the event loop
_encode = msgspec.json.encode


class _UnknownModel(Exception):
    pass


class _Failed(Exception):
    """Computing failed; the message is for whoever asked."""


@dataclass
class _Job:
    """A request's answers on their way, and what is the same in all that is said about them."""

    head: dict[str, Any]
    prompts: Sequence[Sequence[int]]
    answers: int
    """Per prompt."""
    pieces: asyncio.Queue[tuple[int, Piece]]
    ticket: Ticket
    echo: Sequence[str] = ()
    completion_tokens: int = 0
    left: int = field(init=False)

    def __post_init__(self) -> None:
        self.left = len(self.prompts) * self.answers

    async def next(self) -> tuple[int, Piece]:
        index, piece = await self.pieces.get()
        if piece.error is not None:
            raise _Failed(piece.error)
        self.completion_tokens += piece.tokens
        self.left -= piece.finish_reason is not None
        return index, piece

    def usage(self) -> dict[str, int]:
        prompt = sum(map(len, self.prompts))
        generated = self.completion_tokens
        return {"prompt_tokens": prompt, "completion_tokens": generated, "total_tokens": prompt + generated}


class Routes:
    """Handlers of the OpenAI routes for one model."""

    def __init__(self, name: str, generator: Generator) -> None:
        self._name = name
        self._generator = generator
        self._fingerprint = f"fp_{secrets.token_hex(5)}"  # of this start of the server
        self.completions: Handler = _answering_errors(self._completions)
        self.chat_completions: Handler = _answering_errors(self._chat_completions)

    async def _completions(self, http: Request) -> Response | Stream:
        request = requests.decode(http.body, requests.CompletionRequest)
        self._check_model(request)
        requests.check_completion(request)
        prompts = await _in_time(http, requests.prompts, request, self._generator)
        echo = [self._generator.decode(prompt) for prompt in prompts] if request.echo else []
        job = self._start("text_completion", "cmpl", request, prompts)
        job.echo = echo
        if request.stream:
            return Stream(_Chunks(job, _stream(job, _CompletionForm(job), request)))
        return await _whole(job, _CompletionForm(job))

    async def _chat_completions(self, http: Request) -> Response | Stream:
        request = requests.decode(http.body, requests.ChatRequest)
        self._check_model(request)
        requests.check_chat(request)
        messages = requests.messages(request)
        prompt = await _in_time(http, self._generator.encode_chat, messages)
        kind = "chat.completion.chunk" if request.stream else "chat.completion"
        job = self._start(kind, "chatcmpl", request, [prompt])
        if request.stream:
            return Stream(_Chunks(job, _stream(job, _ChatForm(), request)))
        return await _whole(job, _ChatForm())

    def _check_model(self, request: requests.Common) -> None:
        if request.model != self._name:
            raise _UnknownModel(f"The model {request.model[:100]!r} does not exist here; this server has {self._name!r}.")

    def _start(
        self, kind: str, prefix: str, request: requests.CompletionRequest | requests.ChatRequest, prompts: list[list[int]]
    ) -> _Job:
        answers = requests.answers(request, self._generator, prompts)
        loop, pieces = asyncio.get_running_loop(), asyncio.Queue[tuple[int, Piece]]()

        def listen(index: int, piece: Piece) -> None:
            loop.call_soon_threadsafe(pieces.put_nowait, (index, piece))

        head = {
            "id": f"{prefix}-{secrets.token_hex(12)}", "object": kind, "created": int(time.time()), "model": self._name,
            "system_fingerprint": self._fingerprint,
        }  # fmt: skip
        return _Job(head, prompts, len(answers) // len(prompts), pieces, self._generator.submit(answers, listen))


class _CompletionForm:
    """How completions tell what was generated."""

    def __init__(self, job: _Job) -> None:
        self._echo = [job.echo[index // job.answers] if job.echo else "" for index in range(job.left)]
        self._offsets = [0] * job.left

    def opening(self, index: int) -> dict[str, Any] | None:
        return self.chunk(index, Piece(self._echo[index])) if self._echo[index] else None

    def chunk(self, index: int, piece: Piece) -> dict[str, Any]:
        return {
            "index": index, "text": piece.text, "logprobs": self._logprobs(index, piece.logprobs),
            "finish_reason": piece.finish_reason,
        }  # fmt: skip

    def choice(self, index: int, whole: Piece) -> dict[str, Any]:
        choice = self.chunk(index, whole)
        return {**choice, "text": self._echo[index] + whole.text}

    def _logprobs(self, index: int, told: Sequence[TokenLogprob]) -> dict[str, Any] | None:
        if not told:
            return None
        offsets = []
        for token in told:
            offsets.append(self._offsets[index])
            self._offsets[index] += len(token.token)
        return {
            "tokens": [token.token for token in told], "token_logprobs": [token.logprob for token in told],
            "top_logprobs": [dict(reversed(token.top)) for token in told],  # of tokens with the same text, the likeliest
            "text_offset": offsets,
        }  # fmt: skip


class _ChatForm:
    """How chat completions tell what was generated."""

    def opening(self, index: int) -> dict[str, Any] | None:
        return {"index": index, "delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}

    def chunk(self, index: int, piece: Piece) -> dict[str, Any]:
        return {
            "index": index, "delta": {"content": piece.text} if piece.text else {}, "logprobs": _chat_logprobs(piece.logprobs),
            "finish_reason": piece.finish_reason,
        }  # fmt: skip

    def choice(self, index: int, whole: Piece) -> dict[str, Any]:
        return {
            "index": index, "message": {"role": "assistant", "content": whole.text, "refusal": None},
            "logprobs": _chat_logprobs(whole.logprobs), "finish_reason": whole.finish_reason,
        }  # fmt: skip


def _chat_logprobs(told: Sequence[TokenLogprob]) -> dict[str, Any] | None:
    def entry(token: str, logprob: float) -> dict[str, Any]:
        whole = "\N{REPLACEMENT CHARACTER}" not in token  # else it has a part of a character
        return {"token": token, "logprob": logprob, "bytes": list(token.encode()) if whole else None}

    if not told:
        return None
    content = [
        {**entry(token.token, token.logprob), "top_logprobs": [entry(*alternative) for alternative in token.top]}
        for token in told
    ]
    return {"content": content, "refusal": None}


_Form = _CompletionForm | _ChatForm


async def _whole(job: _Job, form: _Form) -> Response:
    found: list[list[Piece]] = [[] for _ in range(job.left)]
    try:
        while job.left:
            index, piece = await job.next()
            found[index].append(piece)
    finally:
        job.ticket.cancel()
    choices = [form.choice(index, joined(pieces)) for index, pieces in enumerate(found)]
    return Response(200, _encode({**job.head, "choices": choices, "usage": job.usage()}))


async def _stream(job: _Job, form: _Form, request: requests.Common) -> AsyncGenerator[bytes, None]:
    """Tell each piece as a server-sent event as soon as it is there."""
    tells_usage = request.stream_options is not None and request.stream_options.include_usage
    usage: dict[str, Any] = {"usage": None} if tells_usage else {}
    try:
        for index in range(job.left):
            if (opening := form.opening(index)) is not None:
                yield _event({**job.head, "choices": [opening], **usage})
        while job.left:
            index, piece = await job.next()
            if piece.text or piece.logprobs or piece.finish_reason:
                yield _event({**job.head, "choices": [form.chunk(index, piece)], **usage})
        if tells_usage:
            yield _event({**job.head, "choices": [], "usage": job.usage()})
    except _Failed as exc:
        yield _event(_error_body(str(exc), "server_error", None))
    yield b"data: [DONE]\n\n"


class _Chunks(AsyncIterator[bytes]):
    """A stream that stops computing when it is closed, even where nothing was read of it: a generator would not notice."""

    def __init__(self, job: _Job, events: AsyncGenerator[bytes, None]) -> None:
        self._job = job
        self._events = events

    async def __anext__(self) -> bytes:
        return await anext(self._events)

    async def aclose(self) -> None:
        self._job.ticket.cancel()
        await self._events.aclose()


def _event(body: dict[str, Any]) -> bytes:
    return b"data: " + _encode(body) + b"\n\n"


async def _in_time(http: Request, function: Callable[..., Any], *arguments: Any) -> Any:
    """Make tokens without holding up the other requests."""
    if len(http.body) < _LONG:
        return function(*arguments)
    return await asyncio.to_thread(function, *arguments)


def _answering_errors(handler: Handler) -> Handler:
    async def answer(http: Request) -> Response | Stream:
        try:
            return await handler(http)
        except InvalidInput as exc:
            return _error(400, str(exc), "invalid_request_error", None)
        except _UnknownModel as exc:
            return _error(404, str(exc), "invalid_request_error", "model_not_found", param="model")
        except Unsupported as exc:
            return _error(501, str(exc), "invalid_request_error", "unsupported")
        except Overloaded as exc:
            retry = {"Retry-After": str(_RETRY_SECONDS)}
            return _error(503, str(exc), "server_error", "overloaded", headers=retry)
        except _Failed as exc:
            return _error(500, str(exc), "server_error", None)

    return answer


def _error(
    status: int, message: str, kind: str, code: str | None, *, param: str | None = None, headers: dict[str, str] | None = None
) -> Response:
    return Response(status, _encode(_error_body(message, kind, code, param)), headers=headers or {})


def _error_body(message: str, kind: str, code: str | None, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
