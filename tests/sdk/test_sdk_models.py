"""Models through the vendor's SDK 2.1.5 (SD-01…SD-04, rest-api §6.9)."""

from __future__ import annotations

import pytest

from easymaker_local.testing.appliance import Appliance
from easymaker_local.testing.sdk import Script
from tests.artifacts.models.made import HUGGING_FACE, estimator, meta_graph, saved_model, write

COMMIT = "c" * 40

TRAINED = "import os\nopen(os.environ['EM_MODEL_DIR'] + '/model.joblib', 'wb').write({content!r})\n"
TUNED = TRAINED + "print('loss =', os.environ['EM_HP_LR'])\n"

BEGIN = """
import easymaker

easymaker.init(appkey="local", region="local")
def shown(model):
    return dict(
        id=model.model_id, name=model.model_name, status=model.model_status_code, format=model.model_format_code,
        uri=model.model_upload_uri, training=model.training, tuning=model.hyperparameter_tuning, description=model.description,
    )
"""


@pytest.fixture(scope="module", autouse=True)
def _artifacts(appliance: Appliance) -> None:
    appliance.put("code", {"trained.py": TRAINED.format(content=estimator()), "tuned.py": TUNED.format(content=estimator())})
    appliance.put("artifacts", {"sklearn/model.joblib": estimator()})
    appliance.put("artifacts", {"saved/saved_model.pb": saved_model(meta_graph(variables=False))})


WHOLE_LIFE = """
uri = sys.argv[2]
model = easymaker.Model().create(
    model_name="whole life", model_format_code=easymaker.ModelFormatCode.SKLEARN, model_upload_uri=uri, description="words",
    parameter_list=[easymaker.Parameter(parameter_name="topK", parameter_value="3"),
                    {"parameterName": "api_key", "parameterValue": "very secret"}],
    wait=False,
)
answer(created=model.status)
model.wait(wait_interval_seconds=0.2)
answer(model=shown(model))
sender = easymaker.easymaker_config.api_sender
requests = []
sender.session.hooks["response"].append(lambda response, **_: requests.append(response.url))
listed = [m for m in easymaker.Model.get_list() if m.id == model.id]
answer(requests=len(requests), listed=[shown(one) for one in listed])
answer(got=shown(easymaker.Model(model.id)), by_id=shown(easymaker.Model.get_by_id(model.id)))
model.print_info()
model_id = model.id
model.delete()
answer(deleted=model.id, gone=refusal(easymaker.Model, model_id))
"""


def test_a_model_from_request_to_deletion(sdk: Script, appliance: Appliance) -> None:
    """SD-03, MD-01, MD-06, MD-07, MD-33, GN-12: all that was asked for comes back; the artifact outlives the model."""
    seen = sdk(BEGIN + WHOLE_LIFE, appliance.uri("artifacts", "sklearn"))
    assert seen["created"] in {"CREATE_REQUESTED", "CREATE_IN_PROGRESS", "ACTIVE"}
    model = seen["model"]
    assert (model["name"], model["status"], model["format"]) == ("whole life", "ACTIVE", "SKLEARN")
    assert (model["uri"], model["description"]) == (appliance.uri("artifacts", "sklearn"), "words")
    # One request for a list: no object in it sent the SDK back for a missing status (rest-api §2.2).
    assert seen["requests"] == 1
    assert seen["listed"] == [model]
    assert seen["got"] == seen["by_id"] == model
    assert "very secret" not in seen["printed"], "MD-L03"
    assert seen["deleted"] is None
    assert model["id"] in seen["gone"]
    assert (appliance.home / "storage/artifacts/sklearn/model.joblib").exists()


FORMATS = """
saved = easymaker.Model().create("saved", easymaker.ModelFormatCode.TENSORFLOW, sys.argv[2], wait=False)
saved.wait(wait_interval_seconds=0.2)
answer(formats={model.model_name: model.model_format_code for model in easymaker.Model.get_list()})
"""


def test_every_format_that_is_listed_can_be_read(sdk: Script, appliance: Appliance) -> None:
    """rest-api §2.1, §13.4: PYTHON, which the SDK does not know, costs nobody the list."""
    appliance.put("artifacts", {"python/predict.py": ""})
    python = appliance.model(modelName="python", modelUploadUri=appliance.uri("artifacts", "python"))
    seen = sdk(BEGIN + FORMATS, appliance.uri("artifacts", "saved"))
    assert python["modelStatusCode"] == "ACTIVE"
    assert (seen["formats"]["python"], seen["formats"]["saved"]) == (None, "TENSORFLOW")


def test_wait_raises_when_the_creation_fails(sdk: Script, appliance: Appliance) -> None:
    """SD-03, MD-14, MD-28."""
    script = """
model = easymaker.Model().create("absent", easymaker.ModelFormatCode.PYTORCH, sys.argv[2], wait=False)
answer(refusal=refusal(model.wait, wait_interval_seconds=0.2) or "none", status=model.status)
"""
    seen = sdk(BEGIN + script, appliance.uri("artifacts", "absent"))
    assert seen["status"] == "CREATE_FAILED"
    assert "CREATE_FAILED" in seen["refusal"] or "absent" in seen["refusal"], seen["refusal"]


ORIGINS = """
training_id, tuning_id, deleted = sys.argv[2], sys.argv[3], easymaker.Training.delete_by_id
of_training = easymaker.Model().create(
    model_name="of training", model_format_code=easymaker.ModelFormatCode.SKLEARN, training_id=training_id, wait=False)
of_tuning = easymaker.Model().create(
    model_name="of tuning", model_format_code=easymaker.ModelFormatCode.SKLEARN, hyperparameter_tuning_id=tuning_id, wait=False)
for model in (of_training, of_tuning):
    model.wait(wait_interval_seconds=0.2)
answer(of_training=shown(of_training), of_tuning=shown(of_tuning))
answer(
    training_models=[m.model_id for m in easymaker.Training(training_id).model_list],
    tuning_models=[m.model_id for m in easymaker.HyperparameterTuning(tuning_id).model_list],
)
answer(kept=refusal(deleted, training_id), kept_tuning=refusal(easymaker.HyperparameterTuning.delete_by_id, tuning_id))
of_training.delete()
of_tuning.delete()
answer(gone=[refusal(deleted, training_id), refusal(easymaker.HyperparameterTuning.delete_by_id, tuning_id)])
answer(fine=refusal(easymaker.Model().create, model_name="fine", fine_tuning_id="f"))
"""


def test_from_a_training_and_from_the_best_trial(sdk: Script, appliance: Appliance) -> None:
    """SD-03, MD-15, MD-20, TR-52, TR-53, HP-80, HP-81: the order of deletion is kept; nested models need no second request."""
    training = appliance.training(entryPoint="trained.py", modelUploadUri=appliance.uri("models", "origin"))["trainingId"]
    tuning = appliance.tuning(entryPoint="tuned.py", maxTrialCount=2)["hyperparameterTuningId"]
    appliance.await_status(training, "COMPLETE")
    best = appliance.await_tuning(tuning, "COMPLETE")["optimalTrial"]
    seen = sdk(BEGIN + ORIGINS, training, tuning)
    of_training, of_tuning = seen["of_training"], seen["of_tuning"]
    assert (of_training["status"], of_training["uri"]) == ("ACTIVE", appliance.uri("models", "origin"))
    assert of_training["training"]["trainingId"] == training
    assert (of_tuning["status"], of_tuning["uri"]) == ("ACTIVE", best["modelUploadUri"])
    assert of_tuning["tuning"]["hyperparameterTuningId"] == tuning
    assert (seen["training_models"], seen["tuning_models"]) == ([of_training["id"]], [of_tuning["id"]])
    assert of_training["id"] in seen["kept"]
    assert of_tuning["id"] in seen["kept_tuning"]
    assert seen["gone"] == [None, None]
    assert "fineTuningId" in seen["fine"]


HUB = """
def create(name, model_id):
    model = easymaker.Model().create_hugging_face_model(
        name, parameter_list=[easymaker.Parameter(parameter_name="model_id", parameter_value=model_id)], wait=False)
    said = refusal(model.wait, wait_interval_seconds=0.2)
    return {**shown(model), "said": said}
answer(cached=create("cached", "org/tiny"), absent=create("absent", "org/absent"))
"""


def test_a_model_of_the_hub(sdk: Script, appliance: Appliance) -> None:
    """MD-12, MD-L04, FS-14: by its id alone, from the local cache; what is not there fails with that reason."""
    folder = appliance.home / "hub/models--org--tiny"
    write(folder / "snapshots" / COMMIT, HUGGING_FACE)
    write(folder, {"refs/main": COMMIT})
    seen = sdk(BEGIN + HUB)
    assert (seen["cached"]["status"], seen["cached"]["format"], seen["cached"]["uri"]) == ("ACTIVE", "HUGGING_FACE", None)
    assert seen["absent"]["status"] == "CREATE_FAILED"
    shown = appliance.call("GET", f"/models/{seen['absent']['id']}")["model"]
    assert "is not in the Hugging Face cache" in shown["statusReason"]["message"]
