"""The OpenAI routes over a scripted model: bodies, answers, streams and refusals (OI-11, OI-12, OI-14, OI-19)."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from easymaker_serving.generation_engine import Answer
from easymaker_serving.model import Request, Response, Stream
from easymaker_serving.openai import Routes
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.serving.generation_fakes import ScriptedGenerator

pytestmark = pytest.mark.anyio

COMPLETION: dict[str, Any] = {"model": "m", "prompt": "한 word", "max_tokens": 40}
CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def shout(answer: Answer) -> bytes:
    return bytes(answer.prompt).decode(errors="replace").upper().encode() + str(answer.sampling.seed or "").encode()


@pytest.fixture
async def generator() -> AsyncIterator[ScriptedGenerator]:
    made = ScriptedGenerator(shout, max_running=8, max_waiting=8)
    yield made
    if made.runner.gate is not None:
        made.runner.gate.release(1000)
    made.engine.close()


@pytest.fixture
def routes(generator: ScriptedGenerator) -> Routes:
    return Routes("m", generator)


async def send(routes: Routes, body: object) -> Response | Stream:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    is_chat = isinstance(body, dict) and "messages" in body
    handler = routes.chat_completions if is_chat else routes.completions
    return await handler(Request("POST", "/", {}, data))


async def ask(routes: Routes, body: object, status: int = 200) -> Any:
    response = await send(routes, body)
    assert isinstance(response, Response)
    answer = json.loads(response.body)
    assert response.status == status, answer
    return answer


async def stream(routes: Routes, body: dict[str, Any]) -> list[Any]:
    """Return the events of a streamed answer but for the last, [DONE]."""
    found = await send(routes, {**body, "stream": True})
    assert isinstance(found, Stream), found
    assert found.content_type == "text/event-stream"
    events = [chunk async for chunk in found.chunks]
    assert all(event.startswith(b"data: ") and event.endswith(b"\n\n") and event.count(b"\n") == 2 for event in events)
    assert events[-1] == b"data: [DONE]\n\n"
    return [json.loads(event[6:]) for event in events[:-1]]


async def test_a_completion(routes: Routes) -> None:
    answer = await ask(routes, COMPLETION)
    assert answer.pop("id").startswith("cmpl-")
    assert answer.pop("created") > 1_700_000_000
    assert answer.pop("system_fingerprint").startswith("fp_")
    assert answer == {
        "object": "text_completion", "model": "m",
        "choices": [{"index": 0, "text": "한 WORD", "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 8, "completion_tokens": 9, "total_tokens": 17},
    }  # fmt: skip


@pytest.mark.parametrize("prompt", ["ab", ["ab", "cd"], [97, 98], [[97, 98], [99, 100]]])
async def test_prompts_are_texts_or_tokens(routes: Routes, prompt: object) -> None:
    answer = await ask(routes, {"model": "m", "prompt": prompt, "n": 2, "echo": True, "seed": 1})
    several = isinstance(prompt, list) and not isinstance(prompt[0], int)
    texts = ["abAB1", "abAB2", "cdCD1", "cdCD2"] if several else ["abAB1", "abAB2"]
    assert [(choice["index"], choice["text"]) for choice in answer["choices"]] == list(enumerate(texts))
    assert answer["usage"]["prompt_tokens"] == len(texts), "each prompt counts once, however many answers it has"


async def test_a_chat_completion(routes: Routes) -> None:
    messages = [
        {"role": "developer", "content": "be"},
        {"role": "user", "content": [{"type": "text", "text": "a "}, {"type": "text", "text": "b"}]},
    ]
    answer = await ask(routes, {"model": "m", "messages": messages, "max_completion_tokens": 6, "max_tokens": 1})
    assert answer["object"] == "chat.completion"
    assert answer["id"].startswith("chatcmpl-")
    message = {"role": "assistant", "content": "S:BE|U", "refusal": None}
    assert answer["choices"] == [{"index": 0, "message": message, "logprobs": None, "finish_reason": "length"}]


@pytest.mark.parametrize("usage", [False, True])
async def test_streams_join_to_the_whole_answer(routes: Routes, usage: bool) -> None:
    options = {"stream_options": {"include_usage": True}} if usage else {}
    whole = await ask(routes, {**COMPLETION, "n": 2, "seed": 5, "stop": "RD"})
    events = await stream(routes, {**COMPLETION, "n": 2, "seed": 5, "stop": "RD", **options})
    if usage:
        last = events.pop()
        assert last["choices"] == []
        assert last["usage"] == whole["usage"]
        assert all(event["usage"] is None for event in events)
    assert len({event["id"] for event in events}) == 1
    for choice in whole["choices"]:
        mine = [found for event in events for found in event["choices"] if found["index"] == choice["index"]]
        assert "".join(found["text"] for found in mine) == choice["text"] == "한 WO"
        assert [found["finish_reason"] for found in mine if found["finish_reason"]] == ["stop"]
        assert mine[-1]["finish_reason"]


async def test_a_stream_of_a_chat_begins_with_the_role(routes: Routes) -> None:
    events = await stream(routes, CHAT)
    assert {event["object"] for event in events} == {"chat.completion.chunk"}
    deltas = [event["choices"][0]["delta"] for event in events]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert "".join(delta.get("content", "") for delta in deltas) == "U:HI"
    assert events[-1]["choices"][0]["finish_reason"] == "stop"


async def test_log_probabilities(routes: Routes) -> None:
    completion = await ask(routes, {**COMPLETION, "prompt": "ab", "logprobs": 1, "max_tokens": 2})
    assert completion["choices"][0]["logprobs"] == {
        "tokens": ["A", "B"], "token_logprobs": [-0.5, -0.5], "top_logprobs": [{"x": -1.0}] * 2, "text_offset": [0, 1],
    }  # fmt: skip
    chat = await ask(routes, {**CHAT, "logprobs": True, "top_logprobs": 1, "max_tokens": 1})
    top = [{"token": "x", "logprob": -1.0, "bytes": [120]}]
    content = [{"token": "U", "logprob": -0.5, "bytes": [85], "top_logprobs": top}]
    assert chat["choices"][0]["logprobs"] == {"content": content, "refusal": None}
    events = await stream(routes, {**COMPLETION, "prompt": "ab", "logprobs": 1})
    found = [event["choices"][0]["logprobs"] for event in events]
    assert [told["text_offset"] for told in found if told] == [[0], [1], [2]], "the third is the one that ends the answer"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "not understood"),
        (b'{"model": "\xff"}', "not understood"),
        (b"[" * 100_000, "not understood"),
        ({"model": "m"}, "prompt"),
        ({**COMPLETION, "prompt": []}, "prompt"),
        ({**COMPLETION, "prompt": ""}, "empty"),
        ({**COMPLETION, "prompt": ["a", 1]}, "prompt"),
        ({**COMPLETION, "prompt": [[97], []]}, "empty"),
        ({**COMPLETION, "prompt": [257]}, "0 to 256"),
        ({**COMPLETION, "prompt": [-1]}, "0 to 256"),
        ({**COMPLETION, "prompt": "long" * 20}, "context has 64 tokens. The prompt has 80"),
        ({**COMPLETION, "max_tokens": 60}, "context has 64 tokens. The prompt has 8, and 60"),
        ({**COMPLETION, "max_tokens": 0}, "max_tokens"),
        ({**COMPLETION, "max_tokens": "9"}, "max_tokens"),
        ({**COMPLETION, "temperature": 3}, "temperature"),
        ({**COMPLETION, "n": 0}, "'n'"),
        ({**COMPLETION, "n": 10**9}, "'n'"),
        ({**COMPLETION, "prompt": ["a"] * 100, "n": 2}, "200 answers"),
        ({**COMPLETION, "stop": [""]}, "stop"),
        ({**COMPLETION, "suffix": "end"}, "suffix"),
        ({**COMPLETION, "best_of": 3}, "best_of"),
        ({**COMPLETION, "echo": True, "logprobs": 1}, "echo"),
        ({**COMPLETION, "logit_bias": {"257": 1}}, "logit_bias"),
        ({**COMPLETION, "logit_bias": {"1": 101}}, "logit_bias"),
        ({**COMPLETION, "logit_bias": {"1" * 5000: 1}}, "logit_bias"),
        ({**COMPLETION, "logit_bias": {"²": 1}}, "logit_bias"),
        ({**COMPLETION, "prompt": [10**30]}, "0 to 256"),
        (b'{"model": "m", "prompt": "\\ud800"}', "not understood"),
        ({**CHAT, "messages": []}, "messages"),
        ({**CHAT, "messages": [{"role": "user"}]}, "no 'content'"),
        ({**CHAT, "messages": [{"role": "tool", "content": "4"}]}, "tool"),
        ({**CHAT, "messages": [{"role": "assistant", "content": "hi"}]}, "begins with the user"),
        ({**CHAT, "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "image_url"),
        ({**CHAT, "tools": [{"type": "function"}]}, "tools"),
        ({**CHAT, "tool_choice": "required"}, "tool_choice"),
        ({**CHAT, "response_format": {"type": "json_object"}}, "json_object"),
        ({**CHAT, "modalities": ["text", "audio"]}, "modalities"),
        ({**CHAT, "top_logprobs": 2}, "top_logprobs"),
    ],
)
async def test_what_cannot_be_answered_is_refused(
    routes: Routes, generator: ScriptedGenerator, body: dict[str, Any] | bytes, says: str
) -> None:
    for streams in (False, True):
        wanted = {**body, "stream": streams} if isinstance(body, dict) else body
        error = (await ask(routes, wanted, 400))["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        assert error["type"] == "invalid_request_error"
        assert says in error["message"]
    assert generator.engine.tokens["prompt"] == 0


@pytest.mark.parametrize("prompts", [["a"] * 20_000, [[97]] * 129])
async def test_too_many_answers_are_refused_before_anything_is_done_for_them(
    routes: Routes, generator: ScriptedGenerator, monkeypatch: pytest.MonkeyPatch, prompts: list[Any]
) -> None:
    """OI-20: a small body cannot ask for minutes of work."""
    monkeypatch.setattr(generator, "encode", None)
    monkeypatch.setattr("easymaker_serving.openai_requests.Sampling", None)
    error = (await ask(routes, {"model": "m", "prompt": prompts, "n": 128}, 400))["error"]
    assert f"{len(prompts) * 128} answers" in error["message"]


async def test_another_model_is_not_found(routes: Routes) -> None:
    error = (await ask(routes, {**COMPLETION, "model": "other"}, 404))["error"]
    assert (error["param"], error["code"]) == ("model", "model_not_found")


async def test_too_many_requests_are_told_to_come_again(routes: Routes) -> None:
    response = await send(routes, {**COMPLETION, "n": 17})
    assert isinstance(response, Response)
    assert response.status == 503
    assert int(response.headers["Retry-After"]) > 0
    assert json.loads(response.body)["error"]["code"] == "overloaded"


async def test_a_failure_is_an_error_without_its_cause(routes: Routes, capfd: pytest.CaptureFixture[str]) -> None:
    answer = await ask(routes, {**COMPLETION, "prompt": "fail"}, 500)
    assert answer["error"]["type"] == "server_error"
    assert "scripted" not in answer["error"]["message"]
    events = await stream(routes, {**COMPLETION, "prompt": "fail"})
    assert [event.keys() for event in events] == [{"error"}]
    assert "as scripted" in capfd.readouterr().err


@pytest.mark.parametrize("read", [0, 2])
async def test_a_client_that_goes_away_ends_the_computing(routes: Routes, generator: ScriptedGenerator, read: int) -> None:
    gate = generator.runner.gate = threading.Semaphore(0)
    found = await send(routes, {**CHAT, "messages": [{"role": "user", "content": "a rather long text"}], "stream": True})
    assert isinstance(found, Stream)
    for _ in range(read):
        await anext(found.chunks)
    await found.chunks.aclose()  # type: ignore[attr-defined]
    gate.release(1000)
    other = await ask(routes, {**COMPLETION, "prompt": "b", "max_tokens": 1})
    assert other["choices"][0]["text"] == "B"
    assert generator.engine.tokens["generated"] <= 3, "one token by prefill, one step that ran, and the other's"


@settings(max_examples=300, deadline=None)
@given(
    st.fixed_dictionaries(
        {"model": st.just("m")},
        optional={
            name: st.none()
            | st.booleans()
            | st.integers(-3, 300)
            | st.floats()
            | st.text(max_size=5)
            | st.lists(st.integers(0, 255))
            for name in (
                "prompt",
                "messages",
                "n",
                "max_tokens",
                "temperature",
                "stop",
                "seed",
                "logprobs",
                "logit_bias",
                "echo",
                "top_k",
            )
        },
    )
)
async def test_no_body_makes_the_server_fail(body: dict[str, Any]) -> None:
    generator = ScriptedGenerator(shout, max_running=8, max_waiting=512)
    try:
        response = await send(Routes("m", generator), json.dumps(body).encode())
    finally:
        generator.engine.close()
    assert isinstance(response, Response)
    assert response.status in (200, 400)
