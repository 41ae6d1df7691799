"""Whatever the OpenAPI document declares is asked, well and badly: no failure of ours, no answer but the declared ones.

Walks the document that a running server gives, so a new route is covered on the day it is added. Requests come from
schemathesis; what it cannot know (ids and locations that exist) is mixed in from the answers. Without chance: the same requests
on every run, as far as ids are not new.
"""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from easymaker_local.api import create_app
from easymaker_local.domain.endpoint import EndpointStatus, Pod, PodState, StageStatus
from easymaker_local.domain.training_template import TrainingTemplateSpec
from easymaker_local.store import endpoints, stages
from easymaker_local.testing.context import Bench, open_bench
from easymaker_local.testing.factories import (
    ENDPOINT,
    MODEL,
    SPEC,
    STAGE,
    TEMPLATE,
    TUNING,
    make_endpoint_spec,
    make_stage_spec,
)
from tests.api.envelope_check import assert_envelope

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip
# Requests in all, so that the test stays short however many routes there are.
REQUESTS, FEWEST, MOST = 4000, 8, 100

JSON, STREAM = "application/json", "text/event-stream"
# Nobody has the minute that a request may wait for more.
WAITS = ["0", "0.05", "61", "-1", "nan"]
URIS = [
    "obs://local/v1/AUTH_local/code", "obs://local/v1/AUTH_local/code/train.py", "obs://local/v1/AUTH_local/models",
    "obs://local/v1/AUTH_local/models/new/file", "nas://none:/", "obs://h/v1/AUTH_a/none",
]  # fmt: skip


# Bodies that would be taken. Requests start from one and spoil or change some of it, for what chance would never find.
VALID = {
    "POST /trainings": SPEC,
    "POST /training-templates": TEMPLATE,
    "POST /models": MODEL,
    "PATCH /models/{model_id}": {"description": "changed"},
    "POST /hyperparameter-tunings": TUNING,
    "PATCH /hyperparameter-tunings/{tuning_id}": {"hyperparameterTuningName": "changed"},
    "POST /hyperparameter-tunings/check-metrics": {"log": "accuracy = 0.5"},
    "POST /endpoints": ENDPOINT,
    "PATCH /endpoints/{endpoint_id}": {"description": "changed"},
    "PUT /endpoints/{endpoint_id}/default-stage": {"endpointStageId": "none"},
    "PUT /endpoints/{endpoint_id}/api-key": {"apiKeyEnable": True},
    "POST /endpoint-stages": STAGE,
    "POST /endpoint-stages/preview": STAGE,
    "POST /trainings/check": SPEC,
    "POST /training-templates/check": TEMPLATE,
    "POST /hyperparameter-tunings/check": TUNING,
    "POST /experiments/check": {"experimentName": "checked"},
    "POST /models/check": MODEL,
    "POST /endpoints/check": ENDPOINT,
    "POST /endpoint-stages/check": STAGE,
    "PATCH /endpoint-stages/{endpoint_stage_id}": {"tagList": []},
    "POST /endpoint-stages/{endpoint_stage_id}/gateway-resources": {"resourceName": "mine", "resourcePath": "/mine"},
    "POST /endpoint-stages/{endpoint_stage_id}/try": {"resourcePath": "/none/v2", "method": "GET"},
    "POST /endpoint-stages/{endpoint_stage_id}/try/stream": {"resourcePath": "/none/v2", "method": "GET"},
    "POST /endpoint-models": {"endpointStageId": "none", "modelId": "none"},
    "PATCH /training-templates/{training_template_id}": {"trainingTemplateName": "changed"},
}

# Text that breaks parsers, paths, encodings and databases.
NASTY = [
    "", " ", "\0", "\x7f", "\n", "..", "../..", "%2e%2e%2f", "a/b", "\\", "'", '"; DROP TABLE trainings; --', "%s%n", "{}",
    "null", "NaN", "-1", "9" * 400, "1e309", "가", "\u202e", "\ufeff", "\U0001f600", "e\u0301" * 50, "a" * 5000, "\ud800",
    "true", "[]", "*", "?", "#", ";",
]  # fmt: skip
BROKEN = [
    b"", b"{", b"null", b"[]", b"0", b"NaN", b'"text"', b"\xff\xfe", b"\xef\xbb\xbf{}", b'{"a": 1e999}', b'{"a": NaN}', b"{}{}",
    b"[" * 50_000, b'{"a":' * 20_000, b"9" * 5000, b'{"\\ud800": "\\ud800"}', b'{"a": "\\u0000"}', b"a=1&b=2", b"\0" * 100,
]  # fmt: skip
TYPES = [
    JSON,
    None,
    "",
    "text/plain",
    "application/json; charset=utf-16",
    "multipart/form-data",
    "application/x-www-form-urlencoded",
]


@dataclass
class Served:
    """A server with the fake driver, and what its answers have told so far."""

    url: str
    token_file: Path
    known: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def headers(self) -> dict[str, str]:
        """One of the routes replaces the token."""
        return {"X-EasyMaker-Token": self.token_file.read_text().strip()}

    def learn(self, value: Any) -> None:
        """Remember every id in an answer by its name."""
        if isinstance(value, dict):
            for key, item in value.items():
                name = _snake(key)
                if name.endswith("_id") and isinstance(item, str) and item not in self.known[name]:
                    self.known[name].append(item)
                self.learn(item)
        elif isinstance(value, list):
            for item in value:
                self.learn(item)

    def ask(self, session: requests.Session, method: str, path: str, **arguments: Any) -> requests.Response:
        """Ask and check what holds for every answer: an envelope, or a declared file; never a failure of ours."""
        headers = {**self.headers, **arguments.pop("headers", {})}
        answer = session.request(
            method, self.url + path, headers=headers, timeout=30, allow_redirects=False, stream=True, **arguments
        )  # fmt: skip
        if answer.headers["content-type"].startswith(STREAM):
            # Has no end: that it begins is enough, and what it sends has tests of its own.
            answer.close()
            return answer
        place = f"{method} {path[:200]} {arguments}"[:600]
        assert answer.status_code < 500, f"{place}: {answer.text}"
        if answer.headers.get("content-type", "").startswith(JSON):
            assert_envelope(_Answer(answer))
        else:
            assert answer.ok, place
        return answer

    def filled(self, value: Any) -> Any:
        """Return a body with ids that exist."""
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if not isinstance(value, dict):
            return value
        known = {key: self.candidates(key)[:1] for key in value if key.endswith("Id")}
        return {key: known[key][0] if known.get(key) else self.filled(item) for key, item in value.items()}

    def candidates(self, name: str) -> list[str]:
        """Return what exists under a parameter's or field's name."""
        plain = _snake(name)
        return URIS if plain.endswith("uri") else self.known.get(plain, [])


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


async def _furnish(bench: Bench) -> None:
    """Trainings in several states, a template and a tuning with trials, so that there is something to ask for."""
    await bench.services.training_templates.create(TrainingTemplateSpec.model_validate(TEMPLATE))
    for place in ("code", "nothing"):
        await bench.model(modelUploadUri=f"obs://local/v1/AUTH_local/{place}")
    await _furnish_endpoint(bench)
    await bench.create(trainingName="waits")
    running, complete, failed = [await bench.pass_(await bench.create(trainingName=name)) for name in ("runs", "ends", "fails")]
    bench.driver.end(complete.workload(0), 0)
    bench.driver.end(failed.workload(0), 1)
    for training in (running, complete, failed):
        await bench.pass_(training)
        log = bench.context.log_directory(training.id) / "node-0.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("epoch 1\n가나다\n")
    tuning = await bench.step(await bench.tune(maxTrialCount=2))
    for number, loss in enumerate(("0.5", "0.25")):
        trial = (await bench.services.tunings.trials(tuning.id))[number]
        (bench.context.log_directory(trial.id) / "node-0.log").write_text(f"loss={loss}\n")
        if number == 0:
            bench.driver.end(f"training-{trial.id}-1-node-0", 0)
        await bench.step(tuning)


async def _furnish_endpoint(bench: Bench) -> None:
    """An endpoint in service with two stages, and a pod."""
    (bench.stored("models/served")).mkdir()
    (bench.stored("models/served") / "predict.py").write_text("class Model: ...\n")
    model = await bench.model(modelName="served", modelUploadUri="obs://local/v1/AUTH_local/models/served")
    small = [{"modelId": model.id, "resourceOptionDetail": {"percentage": 5}}]
    made = await bench.services.endpoints.create(make_endpoint_spec(endpointName="live", endpointModelResourceList=small))
    endpoint, stage = made.shown.endpoint, made.shown.stages[0].stage

    def write(db: Any) -> None:
        for status in (EndpointStatus.CREATE_IN_PROGRESS, EndpointStatus.ACTIVE):
            endpoints.transition(db, endpoints.get(db, endpoint.id), status, None, bench.clock.now())
        for to in (StageStatus.CREATE_IN_PROGRESS, StageStatus.DEPLOY_IN_PROGRESS, StageStatus.ACTIVE):
            stages.transition(db, stages.get(db, stage.id), to, None, bench.clock.now())
        resource = made.shown.stages[0].resources[0].resource
        stages.add_pod(db, Pod("p1", stage.id, resource.id, 0, PodState.PENDING, bench.clock.now()))

    await bench.context.store.write(write)
    await bench.services.stages.create(make_stage_spec(endpoint.id, model.id, apigwStageName="other"))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    # The protocol is named for the reason that daemon.py gives: otherwise every answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    home = tmp_path / "home"
    ready = threading.Event()
    server: uvicorn.Server

    async def serve() -> None:
        nonlocal server
        async with open_bench(home, minimum_timeout_minutes=1) as bench:
            await _furnish(bench)
            (home / "token").write_text("token")
            app = create_app(bench.services, bench.preparation, "token", started_at=bench.clock.now(), stop=lambda: None)
            server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
            ready.set()
            await server.serve(sockets=[listener])

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(30)
    made = Served(f"http://127.0.0.1:{listener.getsockname()[1]}", home / "token")
    made.known["flavor_id"].append("m2.c1m2")
    yield made
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.trust_env = False
        yield made


@pytest.fixture
def document(served: Served, session: requests.Session) -> dict[str, Any]:
    """What the server says of itself; on the way, ids to ask for."""
    for path in (
        "experiments",
        "trainings",
        "training-templates",
        "images",
        "flavors",
        "hyperparameter-tunings",
        "models",
        "endpoints",
    ):
        served.learn(session.get(f"{served.url}/v1.0/appkeys/a/{path}", headers=served.headers).json())
    tunings = served.known["tuning_id"] = served.known["hyperparameter_tuning_id"]
    trials = session.get(f"{served.url}/v1.0/appkeys/a/hyperparameter-tunings/{tunings[0]}/trials", headers=served.headers)
    served.learn(trials.json())
    assert len(served.known["trial_id"]) == 2
    found: dict[str, Any] = session.get(f"{served.url}/openapi.json", headers=served.headers).json()
    return found


def test_the_whole_api_answers_as_it_declares(
    served: Served, session: requests.Session, document: dict[str, Any], subtests: pytest.Subtests
) -> None:
    """rest-api §1.4, §1.5, §15.2: what is declared is what comes, as an envelope, and 500 never does."""
    schema = schemathesis.openapi.from_dict(document)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == sum(len(methods) for methods in document["paths"].values())
    # What deletes comes last, or there would soon be nothing to ask for.
    operations.sort(key=lambda operation: operation.method.upper() == "DELETE")
    # They have no end, and these checks read answers to their ends.
    operations = [operation for operation in operations if not _is_stream(operation.definition.raw)]
    examples = min(MOST, max(FEWEST, REQUESTS // len(operations)))
    for operation in operations:
        with subtests.test(operation.label):
            _ask_with_examples(served, session, operation, examples)
    assert served.statuses[200] > len(operations), "most requests met nothing"
    assert {404, 409, 422} <= set(served.statuses)


def _ask_with_examples(served: Served, session: requests.Session, operation: Any, examples: int) -> None:
    good = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    bad = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    has_input = bool(operation.body or operation.query or operation.path_parameters)
    label = re.sub(r"/v1.0/appkeys/[^/]+", "", operation.label)

    @settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=(good | good | bad) if has_input else good, choices=st.lists(st.integers(0, 7), min_size=32, max_size=32))
    def ask(case: Any, choices: list[int]) -> None:
        numbers = iter(choices)
        for part in (case.path_parameters, case.query, case.body):
            _mix_in(served, part, numbers)
        if label in VALID and isinstance(case.body, dict):
            # Chance likes to draw the same number again and again: a number in the middle is drawn now and then.
            changed = {name: value for name, value in case.body.items() if next(numbers, 0) == 5}
            case.body = {**served.filled(VALID[label]), "experimentId": served.known["experiment_id"][0], **changed}
        answer = case.call(base_url=served.url, session=session, headers=served.headers, timeout=90, allow_redirects=False)
        served.statuses[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)
        if answer.headers["content-type"][0].startswith(JSON):
            assert_envelope(_Answer(answer))
            served.learn(answer.json())

    ask()


def _mix_in(served: Served, part: Any, numbers: Iterator[int]) -> None:
    """Replace three in four ids and locations by ones that exist."""
    if not isinstance(part, dict):
        return
    for name in part:
        number = next(numbers, 7)
        if name == "waitSeconds":
            part[name] = WAITS[number % len(WAITS)]
        candidates = served.candidates(name)
        if candidates and number >= 2:
            part[name] = candidates[number % len(candidates)]


def test_nasty_text_in_every_path_and_query(
    served: Served, session: requests.Session, document: dict[str, Any], subtests: pytest.Subtests
) -> None:
    for path, method, operation in _operations(document):
        with subtests.test(f"{method} {path}"):
            for text in NASTY:
                quoted = quote(text, safe="", errors="surrogatepass")
                filled = re.sub(r"\{[^}]+\}", quoted, path)
                names = [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"]
                served.ask(session, method, f"{filled}?{'&'.join(f'{name}={quoted}' for name in names)}")
                # The same behind a path that exists.
                known = re.sub(r"\{([^}]+)\}", lambda match: (served.candidates(match[1]) or ["a"])[0], path)
                if names:
                    served.ask(session, method, f"{known}?{'&'.join(f'{name}={quoted}' for name in names)}")


def test_broken_bodies_on_every_route(
    served: Served, session: requests.Session, document: dict[str, Any], subtests: pytest.Subtests
) -> None:
    """SD-02: the SDK reads every refusal; nothing that cannot be parsed is taken for something that can."""
    taken = 0
    for path, method, operation in _operations(document):
        if JSON not in operation.get("requestBody", {}).get("content", {}):
            continue
        taken += 1
        known = re.sub(r"\{([^}]+)\}", lambda match: (served.candidates(match[1]) or ["a"])[0], path)
        with subtests.test(f"{method} {path}"):
            for content in BROKEN:
                for kind in TYPES if len(content) < 10 else TYPES[:1]:
                    headers = {} if kind is None else {"Content-Type": kind}
                    answer = served.ask(session, method, known, data=content, headers=headers)
                    # A list of no log entries is one.
                    is_list = (content, path) == (b"[]", "/v2/log")
                    assert answer.status_code in {400, 404, 409, 422} | ({200} if is_list else set()), (content[:40], kind)
    assert taken >= 4


def _is_stream(operation: dict[str, Any]) -> bool:
    return STREAM in operation["responses"]["200"].get("content", {})


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    found = [(path, method.upper(), item) for path, methods in document["paths"].items() for method, item in methods.items()]
    return sorted(found, key=lambda operation: operation[1] == "DELETE")


class _Answer:
    """An answer as the checks of the other tests read it."""

    def __init__(self, answer: Any) -> None:
        self.status_code = answer.status_code
        self.is_success = answer.status_code < 400
        self.json = answer.json
