"""Clients that no one here wrote, unmodified, on every kind of model: tritonclient, the protocol's own, KServe's."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from easymaker_local.domain.model import ModelFormat
from easymaker_local.testing.serving_suite import Sample
from tests.serving.conftest import MakeSamples
from tests.serving.environments import client_python
from tests.serving.served import Server, Servers

pytestmark = [pytest.mark.environment, pytest.mark.xdist_group("clients")]

CLIENTS = Path(__file__).parent / "clients" / "protocol"
TOGETHER = (
    ("triton_http", "triton_http_json", "triton_grpc"),
    ("grpc_stub", "openapi"),
    ("kserve_v1", "kserve_v2", "kserve_v2_binary"),
)
"""Functions of ``ask.py`` that go together in one process."""
KINDS = {
    "sklearn": ("sklearn", ModelFormat.SKLEARN),
    "tensorflow": ("tensorflow", ModelFormat.TENSORFLOW),
    "archive": ("pytorch", ModelFormat.PYTORCH),
    "export": ("pytorch", ModelFormat.PYTORCH),
    "python": ("python", ModelFormat.PYTHON),
    "classifier": ("transformers", ModelFormat.HUGGING_FACE),
    "generator": ("transformers", ModelFormat.HUGGING_FACE),
}


@pytest.fixture(scope="module")
def driver() -> str:
    """Clients do not see which driver runs the server."""
    return "process"


@pytest.fixture(scope="module", params=KINDS)
def asked(
    request: pytest.FixtureRequest, servers: Servers, samples_of: MakeSamples
) -> Iterator[tuple[Server, Sample, dict[str, Any]]]:
    """A server, its sample, and what every client got."""
    name: str = request.param
    kind, model_format = KINDS[name]
    samples = samples_of(kind, model_format)
    workload, server = servers.ready(samples.model(name, model_format))
    sample = samples.sample(name)
    question = {
        "http": server.http,
        "grpc": server.grpc,
        "model": name,
        "instances": sample.instances,
        "tensors": sample.tensors,
    }
    answers: dict[str, Any] = {}
    for names in TOGETHER:
        command = [client_python(CLIENTS), CLIENTS / "ask.py", *names]
        ran = subprocess.run(command, input=json.dumps(question), check=False, capture_output=True, text=True, timeout=300)
        assert ran.returncode == 0, ran.stderr[-4000:]
        answers |= json.loads(ran.stdout)
    yield server, sample, answers
    servers.stop(workload)


def test_every_client_gets_the_same(asked: tuple[Server, Sample, dict[str, Any]]) -> None:
    """OI-03, OI-05…OI-10, OI-13, OI-17: what each client's own calls return is what the server answers by plain HTTP."""
    server, sample, answers = asked
    with server.client() as http:
        path = f"/v2/models/{sample.name}/infer"
        wanted = http.post(path, json={"inputs": sample.tensors}).json()["outputs"]
        predictions = http.post(f"/v1/models/{sample.name}:predict", json={"instances": sample.instances}).json()["predictions"]
    tensors = {tensor["name"]: tensor["data"] for tensor in wanted}
    assert set(answers) == set(chain(*TOGETHER))
    assert is_close(answers.pop("kserve_v1"), predictions)
    for client, outputs in answers.items():
        assert outputs, client
        for name, found in outputs.items():
            assert is_close(found, tensors[name]), (client, name, found)


def is_close(found: Any, wanted: Any) -> bool:
    """Compare what lists and dicts hold: numbers by value, anything else for equality."""
    pairs = list(zip(flat(found), flat(wanted), strict=True))
    return bool(pairs) and all(
        one == other if isinstance(other, str) else math.isclose(one, other, rel_tol=1e-5) for one, other in pairs
    )


def flat(value: Any) -> list[Any]:
    """Return what is in lists and dicts, in order."""
    if isinstance(value, dict):
        return [one for key in sorted(value) for one in flat(value[key])]
    if isinstance(value, list):
        return [one for item in value for one in flat(item)]
    return [value]
