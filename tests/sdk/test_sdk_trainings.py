"""Trainings through the vendor's SDK 2.1.5 (SD-01…SD-04)."""

from __future__ import annotations

from easymaker_local.testing.appliance import Appliance
from easymaker_local.testing.sdk import Script

BEGIN = """
import easymaker
from easymaker.common.exceptions import EasyMakerError

code, models, data = sys.argv[2:]
easymaker.init(appkey="local", region="local")
experiment = easymaker.Experiment().create("trainings")
def run(name, entry_point, **more):
    settings = dict(
        training_name=name, image_name="Plain Python", instance_type_name="m2.c1m2", model_upload_uri=models,
        experiment_id=experiment.id, source_dir_uri=code, entry_point=entry_point, wait=False,
    )
    return easymaker.Training().run(**{**settings, **more})
"""


def places(appliance: Appliance, model: str) -> tuple[str, str, str]:
    return appliance.uri("code"), appliance.uri("models", model), appliance.uri("data", "train")


WHOLE_LIFE = """
training = run(
    "whole life", "quick.py", description="a description",
    hyperparameter_list=[
        easymaker.Parameter(parameter_name="epochs", parameter_value="10"),
        {"parameterName": "batch size", "parameterValue": 16},
    ],
    dataset_list=[easymaker.Dataset(dataset_name="train", data_uri=data)],
    check_point_upload_uri=models + "-checkpoints", data_storage_size=300, timeout_hours=2,
    use_torchrun=False, nproc_per_node=0, use_log=True,
)
answer(created=training.status)
training.wait(wait_interval_seconds=0.2)
sender = easymaker.easymaker_config.api_sender
requests = []
sender.session.hooks["response"].append(lambda response, **_: requests.append(response.url))
listed = [t for t in easymaker.Training.get_list() if t.id == training.id]
answer(requests=len(requests))
shown = easymaker.Training(training.id)
answer(
    id=shown.id, status=shown.status, listed=len(listed), name=listed[0].name, description=shown.description,
    experiment=shown.experiment.name, experiment_status=shown.experiment.status,
    parameters=[[p.parameter_name, p.parameter_value] for p in shown.hyperparameter_list],
    datasets=[[d.dataset_name, d.data_uri] for d in shown.dataset_list],
    flavor=[shown.instance_type.name, shown.instance_type.vcpus, shown.instance_type.ram],
    image=shown.image.image_name, instance_count=shown.instance_count, timeout=shown.timeout_minutes,
    entry_point=shown.entry_point, source=shown.source_dir_uri, model=shown.model_upload_uri,
    checkpoint=shown.check_point_upload_uri, storage=[s.storage_size for s in shown.data_storage_list],
    elapsed=shown.elapsed_time_seconds, models=shown.model_list,
)
shown.delete()
answer(deleted=shown.id, gone=refusal(easymaker.Training, training.id))
"""


def test_training_from_request_to_deletion(sdk: Script, appliance: Appliance) -> None:
    code, model, data = places(appliance, "whole-life")
    seen = sdk(BEGIN + WHOLE_LIFE, code, model, data)
    assert seen["created"] in {"CREATE_REQUESTED", "CREATE_IN_PROGRESS"}
    # SD-03: wait() came back because it saw COMPLETE, and by then the model is in place (TR-43, TR-49).
    assert seen["status"] == "COMPLETE"
    assert (appliance.home / "storage/models/whole-life/model.txt").read_text() == "trained"
    # One request for a list: no object in it sent the SDK back for a missing status (rest-api §2.2).
    assert seen["requests"] == 1
    assert seen["listed"] == 1
    # TR-03, TR-04, TR-12…TR-24: everything comes back as it was asked for.
    assert (seen["name"], seen["description"]) == ("whole life", "a description")
    assert (seen["experiment"], seen["experiment_status"]) == ("trainings", "ACTIVE")
    assert seen["parameters"] == [["epochs", "10"], ["batch size", "16"]]
    assert seen["datasets"] == [["train", data]]
    assert seen["flavor"] == ["m2.c1m2", 1, 2048]
    assert (seen["image"], seen["instance_count"], seen["timeout"]) == ("Plain Python", 1, 120)
    assert (seen["entry_point"], seen["source"], seen["model"]) == ("quick.py", code, model)
    assert (seen["checkpoint"], seen["storage"]) == (f"{model}-checkpoints", [300])
    assert isinstance(seen["elapsed"], int)
    assert seen["models"] == []
    # TR-53: deletion forgets the training, never its model (GN-12).
    assert seen["deleted"] is None
    assert seen["id"] in seen["gone"]
    assert (appliance.home / "storage/models/whole-life/model.txt").exists()


def test_wait_raises_when_the_training_fails(sdk: Script, appliance: Appliance) -> None:
    script = """
training = run("fails", "failing.py")
try:
    training.wait(wait_interval_seconds=0.2)
except EasyMakerError as error:
    answer(raised=str(error), id=training.id)
"""
    seen = sdk(BEGIN + script, *places(appliance, "fails"))
    # SD-03: FAIL_TRAIN and its way there are failures for the SDK.
    assert "failed with status: FAIL_TRAIN" in seen["raised"]
    ended = appliance.await_status(seen["id"])
    assert ended["trainingStatusCode"] == "FAIL_TRAIN"
    assert ended["statusReason"]["code"] == "EXIT_CODE"


def test_running_training_is_stopped_before_it_is_deleted(sdk: Script, appliance: Appliance) -> None:
    started = sdk(BEGIN + 'answer(id=run("endless", "endless.py").id)', *places(appliance, "endless"))
    appliance.await_status(started["id"], "RUNNING")
    script = """
training = easymaker.Training.get_by_id(code)
answer(running=training.status, refused=refusal(training.delete))
training.stop()
try:
    training.wait(wait_interval_seconds=1)
except EasyMakerError as error:
    answer(raised=str(error))
"""
    seen = sdk(BEGIN + script, started["id"], "", "")
    assert seen["running"] == "RUNNING"
    # TR-53: one in progress must be stopped first.
    assert "RUNNING" in seen["refused"]
    # TR-50, SD-03: both statuses of stopping end the wait.
    assert "failed with status: STOP" in seen["raised"]
    appliance.await_status(started["id"], "STOPPED")
    again = "training = easymaker.Training(code)\nanswer(refused=refusal(training.stop))\ntraining.delete()"
    assert "STOPPED" in sdk(BEGIN + again, started["id"], "", "")["refused"]


def test_catalogue_as_the_sdk_sees_it(sdk: Script, appliance: Appliance) -> None:
    script = """
flavors = easymaker.Training.get_instance_type_list()
images = easymaker.Training.get_image_list()
answer(
    flavors=[[f.name, f.vcpus, f.ram, f.gpu, f.gpu_count] for f in flavors],
    images=[[i.image_name, i.core_type_code, i.framework_code, i.framework_version] for i in images],
    algorithms=easymaker.Training.get_algorithm_list(),
)
"""
    seen = sdk(BEGIN + script, "", "", "")
    names = [flavor[0] for flavor in seen["flavors"]]
    # The names that guides and samples use (rest-api §6.1, §6.2), each once: the SDK takes the first that matches.
    assert {"m2.c2m4", "m2.c4m8", "m2.c8m16", "r2.c8m32", "c2.c16m16"} <= set(names)
    assert len(names) == len(set(names))
    assert ["m2.c2m4", 2, 4096, False, 0] in seen["flavors"]
    images = [image[0] for image in seen["images"]]
    assert {"Ubuntu 22.04 CPU PyTorch Training", "Ubuntu 22.04 CPU TensorFlow Training"} <= set(images)
    assert len(images) == len(set(images))
    assert not [name for name in images if "Notebook" in name]
    assert seen["algorithms"] == []


def test_what_is_not_there_is_refused(sdk: Script, appliance: Appliance) -> None:
    script = """
answer(
    flavor=refusal(run, "t", "quick.py", instance_type_name="m2.c0m0"),
    image=refusal(run, "t", "quick.py", image_name="Ubuntu 3.1"),
    algorithm=refusal(run, "t", "quick.py", algorithm_name="Alchemy"),
    entry_point=refusal(run, "t", "missing.py"),
    no_experiment=refusal(run, "t", "quick.py", experiment_id=None),
    no_such_experiment=refusal(run, "t", "quick.py", experiment_id="nowhere"),
    long_name=refusal(run, "t" * 51, "quick.py"),
    nodes=refusal(run, "t", "quick.py", distributed_node_count=11),
    torchrun=refusal(run, "t", "quick.py", use_torchrun=True, nproc_per_node=2),
    names=[t.name for t in easymaker.Training.get_list()],
)
"""
    seen = sdk(BEGIN + script, *places(appliance, "none"))
    assert "m2.c0m0" in seen["flavor"]
    assert "Ubuntu 3.1" in seen["image"]
    assert "Alchemy" in seen["algorithm"]
    # The field at fault is named (GN-02, TR-04, TR-10, TR-15, TR-17).
    assert "entryPoint" in seen["entry_point"]
    assert "missing.py" in seen["entry_point"]
    assert "experimentId" in seen["no_experiment"]
    assert "nowhere" in seen["no_such_experiment"]
    assert "trainingName" in seen["long_name"]
    assert "instanceCount" in seen["nodes"]
    assert "nprocPerNode" in seen["torchrun"]
    assert "t" not in seen["names"]


def test_default_experiment_of_the_sdk(sdk: Script, appliance: Appliance) -> None:
    experiment = appliance.experiment("the default")
    script = 'answer(experiment=run("in the default", "quick.py", experiment_id=None).experiment.name)'
    seen = sdk(BEGIN + script, *places(appliance, "default"), EM_EXPERIMENT_ID=experiment)
    # SD-08: EM_EXPERIMENT_ID supplies the experiment.
    assert seen["experiment"] == "the default"
