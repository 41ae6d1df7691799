"""Bodies of the OpenAI routes: what is understood, what is refused because the answer would not be what was asked (OI-14).

Fields that are named nowhere here are ignored, as ``user``, ``store`` and ``metadata`` are: they do not change the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from easymaker_serving.generation import Generator, Sampling
from easymaker_serving.model import InvalidInput

MAX_ANSWERS = 128
_MAX_DIGITS = 10
_DEFAULT_COMPLETION_TOKENS = 16
_DEVELOPER = "developer"  # OpenAI's newer word, which templates do not know
_ROLES = ("system", _DEVELOPER, "user", "assistant")


class StreamOptions(msgspec.Struct, frozen=True):
    """How a stream ends."""

    include_usage: bool = False


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """What both routes take. The names after ``logit_bias`` are additions that other servers have too."""

    model: str
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    logit_bias: dict[str, float] | None = None
    top_k: int | None = None
    repetition_penalty: float | None = None


class CompletionRequest(Common, frozen=True, kw_only=True):
    """The body of a completion."""

    prompt: str | list[str | int | list[int]]
    echo: bool | None = None
    suffix: str | None = None
    best_of: int | None = None
    logprobs: int | None = None


class ContentPart(msgspec.Struct, frozen=True):
    """A part of a message; only text is understood."""

    type: str
    text: str | None = None


class Message(msgspec.Struct, frozen=True):
    """A turn of a conversation."""

    role: str
    content: str | list[ContentPart] | None = None
    tool_calls: Any = None


class ResponseFormat(msgspec.Struct, frozen=True):
    """The form of the answer."""

    type: str


class ChatRequest(Common, frozen=True, kw_only=True):
    """The body of a chat completion."""

    messages: list[Message]
    max_completion_tokens: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    response_format: ResponseFormat | None = None
    tools: Any = None
    tool_choice: Any = None
    functions: Any = None
    function_call: Any = None
    modalities: list[str] | None = None
    audio: Any = None


Body = TypeVar("Body", CompletionRequest, ChatRequest)


def decode(body: bytes, kind: type[Body]) -> Body:
    """Return a request's body. Raises InvalidInput that says where it is wrong."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise InvalidInput(f"The body is not understood: {exc}.") from exc


def check_completion(request: CompletionRequest) -> None:
    """Refuse what completions here do not do."""
    if request.suffix:
        raise InvalidInput("'suffix' is not supported: the model only continues a text.")
    if request.best_of is not None and request.best_of != (request.n or 1):
        raise InvalidInput("'best_of' is not supported beyond 'n'.")
    if request.echo and request.logprobs is not None:
        raise InvalidInput("'logprobs' is not supported together with 'echo'.")
    prompt = request.prompt
    is_several = isinstance(prompt, list) and bool(prompt) and not isinstance(prompt[0], int)
    wanted = _count(request) * (len(prompt) if is_several else 1)
    if wanted > MAX_ANSWERS:
        raise InvalidInput(f"{wanted} answers are wanted; a request can have {MAX_ANSWERS}.")


def check_chat(request: ChatRequest) -> None:
    """Refuse what chat completions here do not do."""
    if request.tools or request.functions:
        raise InvalidInput("'tools' and 'functions' are not supported.")
    if request.tool_choice not in (None, "none", "auto") or request.function_call not in (None, "none", "auto"):
        raise InvalidInput("'tool_choice' and 'function_call' are not supported.")
    if request.response_format is not None and request.response_format.type != "text":
        raise InvalidInput(f"'response_format' {request.response_format.type[:40]!r} is not supported, only 'text'.")
    if request.audio is not None or request.modalities not in (None, ["text"]):
        raise InvalidInput("'modalities' other than text are not supported.")
    if request.top_logprobs is not None and not request.logprobs:
        raise InvalidInput("'top_logprobs' needs 'logprobs'.")


def prompts(request: CompletionRequest, generator: Generator) -> list[list[int]]:
    """Return the tokens of each prompt: one text, a list of texts, tokens, or lists of them."""
    prompt = request.prompt
    if isinstance(prompt, str):
        return [generator.encode(prompt)]
    if prompt and all(isinstance(element, int) for element in prompt):
        found: list[Any] = [prompt]
    elif prompt and len({type(element) for element in prompt}) == 1:
        found = [generator.encode(element) if isinstance(element, str) else element for element in prompt]
    else:
        raise InvalidInput("'prompt' is a text, a list of texts, tokens, or lists of tokens, and is not empty.")
    for tokens in found:
        if not all(0 <= token < generator.vocabulary for token in tokens):
            raise InvalidInput(f"'prompt' has tokens that the model does not know: it has 0 to {generator.vocabulary - 1}.")
    return found


def messages(request: ChatRequest) -> list[Mapping[str, str]]:
    """Return the conversation as a chat template takes it."""
    if not request.messages:
        raise InvalidInput("'messages' is empty.")
    return [_message(message, f"messages[{index}]") for index, message in enumerate(request.messages)]


def _message(message: Message, place: str) -> Mapping[str, str]:
    if message.role not in _ROLES or message.tool_calls:
        raise InvalidInput(f"{place}: roles are {', '.join(_ROLES)}, and there are no 'tool_calls'; not {message.role[:40]!r}.")
    content = message.content
    if isinstance(content, list):
        others = [part.type for part in content if part.type != "text" or part.text is None]
        if others:
            raise InvalidInput(f"{place}: content of the type {others[0][:40]!r} is not supported, only 'text'.")
        content = "".join(part.text or "" for part in content)
    if content is None:
        raise InvalidInput(f"{place} has no 'content'.")
    return {"role": "system" if message.role == _DEVELOPER else message.role, "content": content}


def _count(request: Common) -> int:
    """Return how many answers to a prompt are wanted."""
    count = 1 if request.n is None else request.n
    if not 1 <= count <= MAX_ANSWERS:
        raise InvalidInput(f"'n' is {count}; it has to be from 1 to {MAX_ANSWERS}.")
    return count


def answers(
    request: CompletionRequest | ChatRequest, generator: Generator, prompts: Sequence[Sequence[int]]
) -> list[tuple[Sequence[int], Sampling]]:
    """Return the prompt of each answer and how it is sampled, ``n`` answers for every prompt. Raises InvalidInput."""
    count = _count(request)
    if not all(prompts):
        raise InvalidInput("The prompt is empty.")
    usual, wanted = _sampling(request, generator)
    found: list[tuple[Sequence[int], Sampling]] = []
    for prompt in prompts:
        room = generator.context.room(len(prompt), wanted)
        for index in range(count):
            seed = None if usual.seed is None else usual.seed + index
            found.append((prompt, replace(usual, max_tokens=room, seed=seed)))
    return found


def _sampling(request: CompletionRequest | ChatRequest, generator: Generator) -> tuple[Sampling, int | None]:
    """Return how all answers are sampled, and how many tokens are wanted.

    What is not set is as the model's authors recommend.
    """
    if isinstance(request, ChatRequest):
        wanted = request.max_tokens if request.max_completion_tokens is None else request.max_completion_tokens
        logprobs = (request.top_logprobs or 0) if request.logprobs else None
    else:
        wanted = _DEFAULT_COMPLETION_TOKENS if request.max_tokens is None else request.max_tokens
        logprobs = request.logprobs
    if wanted is not None and wanted < 1:
        raise InvalidInput(f"'max_tokens' is {wanted}; it has to be at least 1.")
    stop = [request.stop] if isinstance(request.stop, str) else request.stop or []

    def given(name: str, otherwise: float) -> float:
        value = getattr(request, name)
        return float(generator.defaults.get(name, otherwise)) if value is None else float(value)

    made = Sampling(
        max_tokens=generator.context.length if wanted is None else wanted,
        temperature=given("temperature", 1.0),
        top_p=given("top_p", 1.0),
        top_k=max(0, int(given("top_k", 0))),
        presence_penalty=request.presence_penalty or 0.0,
        frequency_penalty=request.frequency_penalty or 0.0,
        repetition_penalty=given("repetition_penalty", 1.0),
        logit_bias=_logit_bias(request.logit_bias or {}, generator.vocabulary),
        seed=request.seed,
        stop=tuple(stop),
        logprobs=logprobs,
    )
    made.check()
    return made, wanted


def _logit_bias(given: Mapping[str, float], vocabulary: int) -> dict[int, float]:
    biases = {}
    for token, bias in given.items():
        is_number = token.isascii() and token.isdecimal() and len(token) < _MAX_DIGITS
        if not (is_number and int(token) < vocabulary and -100 <= bias <= 100):
            raise InvalidInput(f"'logit_bias' takes tokens from 0 to {vocabulary - 1} and values from -100 to 100.")
        biases[int(token)] = bias
    return biases
