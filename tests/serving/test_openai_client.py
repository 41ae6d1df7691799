"""The ``openai`` package, unmodified, and plain HTTP against a server of a tiny model (OI-01 to OI-12, OI-18, OI-19, OI-20)."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving.environments import client_python
from tests.serving.transformers_process import serving

pytestmark = [pytest.mark.environment, pytest.mark.timeout(1800), pytest.mark.xdist_group("transformers")]

CLIENT = Path(__file__).with_name("clients") / "openai"
NAME = "chatty-1"


@pytest.fixture(scope="module")
def server(models: Path) -> Iterator[httpx.Client]:
    with serving(models / "long", NAME) as address, httpx.Client(base_url=f"{address}/{NAME}", timeout=60) as http:
        yield http


def completion(**fields: Any) -> dict[str, Any]:
    return {"model": NAME, "prompt": "the quick", "temperature": 0, "max_tokens": 20, **fields}


def generated(server: httpx.Client) -> int:
    lines = server.get("/metrics").text.splitlines()
    return next(int(line.rpartition(" ")[2]) for line in lines if "tokens_total{" in line and 'kind="generated"' in line)


def test_the_openai_package(server: httpx.Client) -> None:
    command = [client_python(CLIENT), "-W", "error", str(CLIENT / "ask.py"), f"{server.base_url}openai/v1", NAME]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["models"] == [NAME]
    text, reason, tokens, kind = found["completion"]
    assert (reason, tokens, kind) == ("length", 20, "text_completion")
    assert found["completion_stream"] == text
    assert found["many"] == [text] * 16
    assert [index for index, *_ in found["several"]] == [0, 1, 2, 3]
    assert [one for _, one, _ in found["several"][:2]] == [text, text]
    assert found["several"][2][1] != text
    assert all(length == 20 for *_, length in found["several"])
    role, content, reason, logprobs = found["chat"]
    assert (role, reason, logprobs) == ("assistant", "length", 20)
    assert found["chat_stream"] == content
    assert found["chat_events"] == content[: content.index(content[3:5])]
    assert found["chat_stream_usage"] == 20
    name, status, message, *kinds = found["not_found"]
    assert (name, status, kinds) == ("NotFoundError", 404, ["invalid_request_error", "model_not_found"])
    assert NAME in message
    assert found["bad"][:2] == found["long"][:2] == ["BadRequestError", 400]
    assert "4096 tokens" in found["long"][2]


def test_rows_of_version_1_and_tensors_of_version_2_are_the_same_text(server: httpx.Client) -> None:
    text = server.post("/openai/v1/completions", json=completion()).json()["choices"][0]["text"]
    parameters = {"max_new_tokens": 20}
    rows = {"instances": ["the quick", {"text": "the quick"}], "parameters": parameters}
    for path in (f"/v1/models/{NAME}:predict", f"/v1/models/{NAME}/predict"):
        assert server.post(path, json=rows).json() == {"predictions": [text, text]}
    tensor = {"name": "text", "datatype": "BYTES", "shape": [2], "data": ["the quick", "a"]}
    answer = server.post(f"/v2/models/{NAME}/infer", json={"inputs": [tensor], "parameters": parameters}).json()
    output = answer["outputs"][0]
    assert (output["name"], output["datatype"], output["shape"]) == ("generated_text", "BYTES", [2])
    assert output["data"][0] == text
    metadata = server.get(f"/v2/models/{NAME}").json()
    assert metadata["platform"] == "transformers_text_generation"
    assert metadata["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": [-1]}]
    bad = server.post(f"/v1/models/{NAME}/predict", json={"instances": ["a"], "parameters": {"temprature": 1}})
    assert bad.status_code == 400
    assert "temprature" in bad.json()["error"]


def test_events_come_as_they_are_made_until_the_client_goes_away(server: httpx.Client) -> None:
    """The first piece is there long before the last is computed; the rest never is, once nobody waits for it."""
    start = generated(server)
    body = completion(max_tokens=4000, logit_bias={"1": -100}, n=8, stream=True)
    with server.stream("POST", "/openai/v1/completions", json=body) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert next(response.iter_lines()).startswith("data: {")
        assert generated(server) - start < 8 * 4000
    deadline = time.monotonic() + 60
    only_this = False
    while not only_this:
        assert time.monotonic() < deadline
        before = generated(server)
        assert server.post("/openai/v1/completions", json=completion()).status_code == 200
        only_this = generated(server) - before == 20
    assert generated(server) - start < 8 * 4000


def test_no_answer_is_wrong_among_many_that_come_and_go(server: httpx.Client) -> None:
    """Different prompts, lengths and samplings at once, whole and streamed; every third client goes away early."""
    bodies = [
        completion(prompt=prompt, max_tokens=length, logprobs=1, **sampling)
        for prompt in ("the quick", "a", "서울의 봄은", "a model is trained and served", "tokens, words")
        for length in (2, 17, 60)
        for sampling in (
            {}, {"temperature": 1, "seed": 3}, {"temperature": 0.8, "top_p": 0.9, "seed": 4}, {"frequency_penalty": 1.5},
            {"repetition_penalty": 1.3, "stop": ["e", "의"]},
        )
    ]  # fmt: skip
    alone = [server.post("/openai/v1/completions", json=body).json()["choices"][0]["text"] for body in bodies]

    def ask(place: int) -> str | None:
        body = bodies[place % len(bodies)]
        if place % 3 == 0:
            with server.stream("POST", "/openai/v1/completions", json={**body, "stream": True}) as response:
                next(response.iter_lines())
            return None
        if place % 3 == 1:
            return str(server.post("/openai/v1/completions", json=body).json()["choices"][0]["text"])
        lines = server.post("/openai/v1/completions", json={**body, "stream": True}).text.split("\n\n")
        assert lines[-2:] == ["data: [DONE]", ""]
        return "".join(json.loads(line[6:])["choices"][0]["text"] for line in lines[:-2])

    places = range(4 * len(bodies))
    with ThreadPoolExecutor(24) as threads:
        answers = list(threads.map(ask, places))
    wrong = [place for place in places if answers[place] not in (None, alone[place % len(bodies)])]
    assert wrong == []
    assert len(set(alone)) > len(alone) // 2, "the texts are different ones"


def test_what_a_model_does_not_offer(models: Path) -> None:
    """A model without a chat template completes; one that does not generate does neither (OI-14, OI-18)."""
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    with serving(models / "gpt2", "m", "--parameter", "maxNewTokens=3") as address:
        assert httpx.post(f"{address}/openai/v1/chat/completions", json=body).status_code == 501
        assert httpx.post(f"{address}/openai/v1/completions", json={"model": "m", "prompt": "a"}).status_code == 200
        assert len(httpx.post(f"{address}/v1/models/m:predict", json={"instances": ["a"]}).json()["predictions"]) == 1
    with serving(models / "classifier", "m") as address:
        answer = httpx.post(f"{address}/openai/v1/completions", json={"model": "m", "prompt": "a"})
        assert answer.status_code == 501
        assert isinstance(answer.json()["error"], str)
        tensor = {"name": "text", "datatype": "BYTES", "shape": [2], "data": ["the fox", "a dog"]}
        outputs = httpx.post(f"{address}/v2/models/m/infer", json={"inputs": [tensor]}).json()["outputs"]
        assert [(output["name"], output["datatype"], output["shape"]) for output in outputs] == [
            ("label", "BYTES", [2]), ("score", "FP64", [2]),
        ]  # fmt: skip
