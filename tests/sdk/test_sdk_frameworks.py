"""Models of every framework behind one endpoint, asked by the vendor's SDK 2.1.5 over https (SD-03, rest-api §6.10, §8)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from easymaker_local.domain.model import ModelFormat
from easymaker_local.testing.appliance import Appliance
from easymaker_local.testing.sdk import run_sdk
from easymaker_local.testing.serving_suite import Sample, assert_close
from easymaker_local.testing.shared import running_appliance
from tests.serving.served import make_samples

PREPARATION_SECONDS = 1500
pytestmark = [pytest.mark.environment, pytest.mark.timeout(2 * PREPARATION_SECONDS)]

MODELS = {
    "sklearn": ("sklearn", ModelFormat.SKLEARN),
    "tensorflow": ("tensorflow", ModelFormat.TENSORFLOW),
    "archive": ("pytorch", ModelFormat.PYTORCH),
    "python": ("python", ModelFormat.PYTHON),
    "classifier": ("transformers", ModelFormat.HUGGING_FACE),
    "generator": ("transformers", ModelFormat.HUGGING_FACE),
}
# The tiny generator was trained on nothing and talks like it; that it is asked as its template says is what counts.
TEMPLATE = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"

CREATE = """
import easymaker

easymaker.init(appkey="local", region="local")
small = {"cpu": "0.5", "memory": "2Gi"}
endpoint = easymaker.Endpoint().create(
    endpoint_name="frameworks", instance_type_name="r2.c4m16", instance_count=1, wait=False,
    endpoint_model_resource_list=[dict(modelId=m, resourceOptionDetail=small) for m in sys.argv[2:]])
answer(id=endpoint.id)
"""
ASK = """
import easymaker
from easymaker.endpoint import ApiSpec

easymaker.init(appkey="local", region="local")
endpoint = easymaker.Endpoint(sys.argv[2])
for name, asked in json.loads(open(sys.argv[3]).read()).items():
    ask = lambda body, **more: endpoint.predict(asked["id"], json=body, **more)
    found = {
        "instances": ask({"instances": asked["instances"], **asked["parameters"]}),
        "inputs": ask({"inputs": asked["tensors"], **asked["parameters"]}),
    }
    if asked["generates"]:
        found["prompt"] = ask({"model": name, "prompt": asked["instances"][0], "max_tokens": 4, "temperature": 0})
        found["messages"] = ask(
            {"model": name, "messages": [{"role": "user", "content": "the fox"}], "max_tokens": 4, "temperature": 0},
            api_spec=ApiSpec.openai_chat_completion_v1)
    answer(**{name: found})
"""


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Sample]]:
    """Each model's files, and questions to it with what it answers."""
    made = {
        kind: make_samples(kind, model_format, tmp_path_factory.mktemp(kind) / "made")
        for kind, model_format in dict(MODELS.values()).items()
    }
    (made["transformers"].folder / "generator" / "chat_template.jinja").write_text(TEMPLATE)
    return {name: (made[kind].folder / name, made[kind].sample(name)) for name, (kind, _) in MODELS.items()}


@pytest.fixture
def appliance(driver: str, tmp_path: Path) -> Iterator[Appliance]:
    with running_appliance(tmp_path / "home", driver) as made:
        yield made


def test_models_of_every_framework_are_asked_in_every_style(
    appliance: Appliance, samples: dict[str, tuple[Path, Sample]], tmp_path: Path
) -> None:
    """Nothing is set but what ``easymaker-local env`` prints; instances, version 2's inputs, prompt and messages."""
    ids = {}
    for name, (folder, _) in samples.items():
        files = {f"{name}/{path.relative_to(folder)}": path for path in folder.rglob("*") if path.is_file()}
        appliance.put("models", files)
        made = appliance.model(
            modelName=name, modelFormatCode=MODELS[name][1].name, modelUploadUri=appliance.uri("models", name)
        )
        assert made["modelStatusCode"] == "ACTIVE", made["statusReason"]
        ids[name] = made["modelId"]
    environment = appliance.sdk_environment
    created = run_sdk(CREATE, environment, tmp_path, *ids.values())
    # The first time its environments are made, which takes longer than a script has.
    appliance.await_endpoint(created["id"], "ACTIVE", seconds=PREPARATION_SECONDS)
    questions = tmp_path / "questions.json"
    questions.write_text(json.dumps({
        name: {
            "id": ids[name], "instances": sample.instances, "tensors": sample.tensors, "parameters": dict(sample.parameters),
            "generates": sample.generates,
        }
        for name, (_, sample) in samples.items()
    }))  # fmt: skip
    answers = run_sdk(ASK, environment, tmp_path, created["id"], str(questions))
    for name, (_, sample) in samples.items():
        found = answers[name]
        assert_close(found["instances"]["predictions"], sample.predictions)
        assert found["inputs"]["outputs"][0]["shape"][0] == len(sample.instances), found["inputs"]
    generated = answers["generator"]
    assert generated["prompt"]["choices"][0]["text"] == generated["instances"]["predictions"][0]
    assert generated["messages"]["choices"][0]["message"]["role"] == "assistant"
    assert generated["messages"]["usage"]["completion_tokens"] > 0
