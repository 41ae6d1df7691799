"""model: every command, on artifacts that a test makes and one that a training stores."""

from __future__ import annotations

from pathlib import Path

import pytest

from easymaker_local.cli import completion
from easymaker_local.testing.appliance import Appliance
from tests.artifacts.models import made
from tests.artifacts.models.made import HUGGING_FACE, PACKED, VARIABLES, write
from tests.cli.cli_runner import Cli, in_this_process

STORES = (
    "import os\nopen(os.environ['EM_MODEL_DIR'] + '/predict.py', 'w').write('class Model: ...')\n"
    "print('loss =', os.environ.get('EM_HP_LR'))\n"
)


@pytest.fixture(scope="module", autouse=True)
def _artifacts(daemon: Appliance) -> None:
    daemon.put("code", {"stores.py": STORES})
    artifacts = daemon.home / "storage/artifacts"
    write(artifacts / "python", {"predict.py": "class Model: ...\n"})
    write(artifacts / "saved", {"saved_model.pb": made.saved_model(), **VARIABLES})
    write(artifacts / "iris", {"iris.mar": made.zipped(PACKED)})
    write(artifacts / "many", {"predict.py": "", **{f"data/{n}": b"x" * n for n in range(20)}})
    (daemon.home / "storage/models").mkdir(exist_ok=True)


def create(cli: Cli, name: str, *options: str, **more: str) -> str:
    """Create a model that is ACTIVE, and return its id."""
    done = cli("model", "create", name, *options, **more)
    assert done.code == 0, done.err
    return done.out.strip()


def test_create_waits_for_the_examination_and_show_says_what_was_found(cli: Cli, daemon: Appliance) -> None:
    """MD-03, MD-04, MD-05, MD-08, MD-19, MD-21, MD-L01: short addresses, readable signatures and files."""
    model_id = create(
        cli, "saved", "--path", "artifacts/saved", "--framework", "tensorflow", "--framework-version", "2.21", "-p", "topK=3",
        "--tag", "team=vision", "--description", "words",
    )  # fmt: skip
    shown = cli("model", "show", "saved")
    for words in (
        model_id, "ACTIVE", "tensorflow 2.21", daemon.uri("artifacts", "saved"), "topK", "vision", "words", "serving_default",
        "?×4", "float32", "any", "saved_model.pb", "Files (3,", "CREATE_IN_PROGRESS",
    ):  # fmt: skip
        assert words in shown.out, words
    json = cli("model", "show", model_id[:8], "--json").json
    assert json["examination"]["savedModel"]["tensorflowVersion"] == "2.21.0"
    assert [event["statusCode"] for event in json["eventList"]][-1] == "ACTIVE"


def test_a_model_can_be_checked_before_it_is_made(cli: Cli) -> None:
    """What can be told at once: whether anything lies there is examined later (MD-14)."""
    checked = cli("model", "create", "checked", "--path", "artifacts/saved", "--framework", "tensorflow", "--check")
    assert (checked.code, checked.out) == (0, "")
    assert cli("model", "create", "checked", "--path", "artifacts/saved", "--check").code == 5
    assert cli("model", "show", "checked").code == 3


def test_a_creation_that_fails_is_exit_code_1_with_the_finding(cli: Cli) -> None:
    """MD-28, MD-L01, GN-21."""
    done = cli("model", "create", "bad", "--path", "artifacts/python", "--framework", "pytorch")
    assert done.code == 1
    assert "CREATE_FAILED: 'model.py' is missing. 'handler.py' is missing." in done.err
    shown = cli("model", "show", "bad")
    assert "ARTIFACT_UNUSABLE" in shown.out
    assert "create the model again" in shown.err
    assert "CREATE_FAILED" in cli("model", "list").out
    cli("model", "delete", "bad")


def test_a_name_that_is_not_that_of_the_archive(cli: Cli) -> None:
    """MD-02, MD-17."""
    assert cli("model", "create", "rose", "--path", "artifacts/iris", "--framework", "pytorch").code == 1
    create(cli, "iris", "--path", "artifacts/iris/iris.mar", "--framework", "pytorch")
    assert "Name in it" in cli("model", "show", "iris").out
    refused = cli("model", "change", "iris", "--name", "rose")
    assert refused.code == 5
    assert "must be 'iris'" in refused.err
    changed = cli("model", "change", "iris", "--description", "new", "--tag", "a=1", "--json").json
    assert (changed["description"], changed["tagList"]) == ("new", [{"tagKey": "a", "tagValue": "1"}])
    assert cli("model", "delete", "iris", "rose").code == 0


@pytest.fixture(scope="module")
def origins(daemon: Appliance) -> tuple[str, str]:
    """A training and a tuning that have stored models."""
    place = daemon.uri("models", "cli")
    training = daemon.training(trainingName="stores", entryPoint="stores.py", modelUploadUri=place)["trainingId"]
    tuning = daemon.tuning(hyperparameterTuningName="searches", entryPoint="stores.py", maxTrialCount=2)
    daemon.await_status(training, "COMPLETE")
    return training, daemon.await_tuning(tuning["hyperparameterTuningId"], "COMPLETE")["hyperparameterTuningId"]


def test_from_a_training_and_from_a_tuning(cli: Cli, daemon: Appliance, origins: tuple[str, str]) -> None:
    """TR-52, TR-53, HP-80, HP-81, MD-15, MD-20, DP-19, GN-15: by name; neither goes before its models."""
    training, tuning = origins
    of_training = create(cli, "of training", "--from-training", "stores", "--framework", "python")
    of_tuning = create(cli, "of tuning", "--from-tuning", "searches", "--framework", "python")
    assert f"stores ({training})" in cli("model", "show", of_training).out
    shown = cli("model", "show", of_tuning).out
    assert f"searches ({tuning})" in shown
    assert daemon.shown_tuning(tuning)["optimalTrialId"] in shown
    assert f"of training ({of_training})" in cli("training", "show", "stores").out
    assert f"of tuning ({of_tuning})" in cli("tuning", "show", "searches").out
    listed = cli("model", "list").out
    assert "training stores" in listed
    assert "tuning searches" in listed
    for kind, name, model_id in (("training", "stores", of_training), ("tuning", "searches", of_tuning)):
        refused = cli(kind, "delete", name)
        assert refused.code == 4
        assert model_id in refused.err
        assert "easymaker-local model delete" in refused.err
        assert cli("model", "delete", model_id).code == 0
    assert cli("training", "delete", "stores").code == 0


def test_without_a_framework_it_is_that_of_the_image(cli: Cli, daemon: Appliance) -> None:
    """TR-52: a training on a PyTorch image has stored a model of PyTorch."""
    daemon.put("code", {"nothing.py": ""})
    training = daemon.training(trainingName="torch", entryPoint="nothing.py", modelUploadUri=daemon.uri("models", "torch"))
    daemon.await_status(training["trainingId"], "COMPLETE")
    done = cli("model", "create", "empty", "--from-training", "torch")
    assert done.code == 1
    assert "PyTorch model" in done.err
    assert cli("model", "list", "--json").json[0]["formatCode"] == "PYTORCH"


def test_a_model_of_the_hub(cli: Cli, daemon: Appliance) -> None:
    """MD-12, MD-L04, FS-14."""
    folder = daemon.home / "hub/models--org--tiny"
    write(folder / "snapshots" / ("d" * 40), HUGGING_FACE)
    write(folder, {"refs/main": "d" * 40})
    create(cli, "tiny", "--hugging-face", "org/tiny")
    shown = cli("model", "show", "tiny").out
    assert "hugging-face" in shown
    assert "d" * 40 in shown
    assert "Task" in shown
    assert "org/tiny" in cli("model", "list").out
    absent = cli("model", "create", "absent", "--hugging-face", "org/absent")
    assert absent.code == 1
    assert "is not in the Hugging Face cache" in absent.err


def test_a_secret_is_on_no_command_line_and_in_no_output(cli: Cli, daemon: Appliance) -> None:
    """MD-L03, FS-L04: from the variable that it becomes, or from stdin; shown masked, stored encrypted."""
    place = ("--path", "artifacts/python", "--framework", "python")
    create(cli, "with variable", *place, "--secret", "hf_token", HF_TOKEN="hf_very_secret")
    create(cli, "with stdin", *place, "--secret", "api-key", stdin="hf_very_secret\n")
    for name in ("with variable", "with stdin"):
        shown = cli("model", "show", name)
        assert "********" in shown.out
        assert "hf_very_secret" not in shown.out + cli("model", "show", name, "--json").out
    for file in daemon.home.glob("*"):
        if file.is_file():
            assert b"hf_very_secret" not in file.read_bytes(), file
    refused = cli("model", "create", "x", *place, "--parameter", "hf_token=hf_very_secret")
    assert (refused.code, "--secret hf_token" in refused.err, "hf_very" in refused.err) == (5, True, False)
    refused = cli("model", "create", "x", *place, "--secret", "task", TASK="fill_mask")
    assert refused.code == 2
    assert "would be stored as it is" in refused.err
    assert cli("model", "create", "x", *place, "--secret", "api_key", stdin="").code == 2


def test_refusals(cli: Cli) -> None:
    """MD-06, MD-07, MD-11, DP-17: fields are named; nothing is created."""
    none = cli("model", "create", "x", "--framework", "python")
    assert none.code == 5
    assert "the origin is missing" in none.err
    several = cli("model", "create", "x", "--path", "a/b", "--hugging-face", "org/tiny")
    assert several.code == 5
    collision = cli("model", "create", "x", "--path", "a/b", "--framework", "python", "-p", "modelId=1", "-p", "model-id=2")
    assert "would both become the variable MODEL_ID" in collision.err
    assert "TENSORFLOW" in cli("model", "create", "x", "--path", "a/b", "--framework", "jax").err
    assert cli("model", "create", "x", "--from-training", "no such training").code == 3
    assert cli("model", "create", "x", "--path", "/a/b", "--framework", "python").code == 5
    assert cli("model", "show", "no such model").code == 3


def test_detached_then_waited_for(cli: Cli) -> None:
    """GN-17."""
    made_now = cli("model", "create", "detached", "--path", "artifacts/many", "--framework", "python", "--detach")
    assert made_now.code == 0
    assert "model wait" in made_now.err
    waited = cli("model", "wait", "detached", "--json")
    assert waited.code == 0, waited.err
    assert waited.json[0]["modelStatusCode"] == "ACTIVE"
    shown = cli("model", "show", "detached")
    assert "These are the largest 10" in shown.err
    assert "data/19" in shown.out
    assert "data/5 " not in shown.out
    assert "data/5 " in cli("model", "show", "detached", "--files").out


def test_lists_and_completion(cli: Cli, daemon: Appliance, monkeypatch: pytest.MonkeyPatch) -> None:
    """GN-13."""
    model_id = create(cli, "listed", "--path", "artifacts/python", "--framework", "python")
    assert "listed" in cli("model", "list", "--limit", "1").out
    assert cli("model", "list", "--status", "delete failed", "--json").json == []
    assert model_id in [m["modelId"] for m in cli("model", "list", "--status", "active", "--all", "--json").json]
    assert cli("model", "list", "--status", "RUNNING").code == 2
    for name, value in daemon.environment.items():
        if name.startswith("EASYMAKER_LOCAL_"):
            monkeypatch.setenv(name, value)
    assert (model_id, "listed ACTIVE") in completion.models(model_id[:4])


def test_without_any_there_is_advice(fresh: Appliance) -> None:
    fresh.start()
    assert "model create" in in_this_process(fresh.environment)("model", "list").err


def test_deletion_leaves_the_artifact(cli: Cli, daemon: Appliance) -> None:
    """MD-33, GN-12."""
    create(cli, "short life", "--path", "artifacts/python", "--framework", "python")
    assert cli("model", "delete", "short life", "no such model").code == 3
    assert cli("model", "show", "short life").code == 3
    assert Path(daemon.home / "storage/artifacts/python/predict.py").exists()
