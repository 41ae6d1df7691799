"""Models from request to deletion: what is examined, what is refused, and that nothing is lost in between."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from easymaker_local.artifacts.models.copies import ModelCopies
from easymaker_local.controllers import models as controller
from easymaker_local.controllers.loop import Loop
from easymaker_local.controllers.models import ModelController
from easymaker_local.domain.model import Examination, ModelFormat, SavedModelDetails, TorchDetails
from easymaker_local.domain.model_record import TRANSITIONS, Model, ModelStatus
from easymaker_local.domain.model_spec import ModelChange
from easymaker_local.domain.page import EVERYTHING, PageRequest
from easymaker_local.domain.reason import Reason
from easymaker_local.domain.training import Training, TrainingStatus
from easymaker_local.domain.tuning import Tuning, TuningStatus
from easymaker_local.errors import (
    Conflict,
    DatabaseUnavailable,
    FieldError,
    InvalidRequest,
    NotFound,
    PermanentError,
    StorageError,
)
from easymaker_local.services.model_artifacts import local_copy
from easymaker_local.services.models import Models
from easymaker_local.store import events, models, trainings
from easymaker_local.store.models import Wanted
from easymaker_local.testing.context import Bench, open_bench
from easymaker_local.testing.factories import make_model_spec
from tests.artifacts.models import made
from tests.artifacts.models.made import HUGGING_FACE, LOOSE, PACKED, VARIABLES, write

pytestmark = pytest.mark.anyio
S = ModelStatus
SAVED = {"saved_model.pb": made.saved_model(), **VARIABLES}
COMMIT = "a" * 40


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    (tmp_path / "team").mkdir()
    nas = {"team": {"path": str(tmp_path / "team")}}
    settings = {"nas": nas, "hugging_face_cache": tmp_path / "hub", "hugging_face_models": tmp_path / "saved"}
    async with open_bench(tmp_path / "home", **settings) as opened:
        write(opened.stored("models/python"), {"predict.py": "class Model: ...\n"})
        yield opened


def uri(path: str) -> str:
    return f"obs://local/v1/AUTH_local/models/{path}"


async def history(bench: Bench, model: Model) -> list[str]:
    found = await bench.services.models.events(model.id, 0)
    return [event.status for event in found if event.type == events.EventType.STATUS and event.status]


async def completed(bench: Bench, **fields: object) -> Training:
    """A training that has stored a model of Python."""
    training = await bench.pass_(await bench.create(**fields))
    bench.node(training, "model/predict.py").write_text("class Model: ...\n")
    bench.driver.end(training.workload(0), 0)
    return await bench.pass_(training)


async def tuned(bench: Bench, *losses: float) -> Tuning:
    """A tuning that has ended, with a trial for each loss; none prints one: it has failed."""
    tuning = await bench.step(await bench.tune(maxTrialCount=max(1, len(losses)), maxFailedTrialCount=1))
    for number, loss in enumerate(losses or [None]):
        trial = (await bench.services.tunings.trials(tuning.id))[number]
        write(bench.context.work_directory(trial.id) / "node-0/model", {"predict.py": f"loss = {loss}\n"})
        if loss is not None:
            with (bench.context.log_directory(trial.id) / "node-0.log").open("a") as log:
                log.write(f"loss={loss}\n")
        bench.driver.end(f"training-{trial.id}-1-node-0", 0)
        tuning = await bench.step(tuning)
    return tuning


async def refusal(bench: Bench, **fields: object) -> FieldError:
    """The fault of a model that is refused; nothing is kept of it."""
    with pytest.raises(InvalidRequest) as refused:
        await bench.services.models.create(make_model_spec(**fields))
    assert (await bench.services.models.page(Wanted(), EVERYTHING)).rows == []
    (fault,) = refused.value.fields
    return fault


async def test_from_request_to_active(bench: Bench) -> None:
    """MD-01, MD-06, MD-18, MD-24, MD-25, MD-27, MD-30, MD-31, MD-32, MD-L01, GN-17: examined after it was asked for."""
    shown = await bench.services.models.create(make_model_spec(description="words", tagList=[{"tagKey": "a"}]))
    assert shown.model.status is S.CREATE_REQUESTED
    assert await bench.models.unfinished() == [shown.model.id]
    model = await bench.examine(shown.model)
    assert (model.status, model.cause, model.uri) == (S.ACTIVE, None, uri("python"))
    assert await history(bench, model) == ["CREATE_REQUESTED", "CREATE_IN_PROGRESS", "ACTIVE"]
    found = await bench.services.models.examination(model.id)
    assert found is not None
    assert [(file.name, file.bytes) for file in found.files] == [("predict.py", 17)]
    assert (model.bytes, model.file_count, model.checksum) == (17, 1, found.checksum)
    assert await bench.models.unfinished() == []


@pytest.mark.parametrize(
    ("model_format", "files"),
    [
        (ModelFormat.TENSORFLOW, SAVED), (ModelFormat.PYTORCH, LOOSE), (ModelFormat.PYTORCH, PACKED),
        (ModelFormat.SKLEARN, {"model.joblib": made.estimator()}), (ModelFormat.HUGGING_FACE, HUGGING_FACE),
    ],
)  # fmt: skip
async def test_every_format_is_examined_and_what_was_found_comes_back(
    bench: Bench, model_format: ModelFormat, files: dict[str, bytes | str]
) -> None:
    """MD-04, MD-21, MD-L01, SK-01, FS-16: details of each format survive the database."""
    write(bench.stored("models/artifact"), files)
    fields = {"modelName": "iris", "modelFormatCode": model_format, "modelUploadUri": uri("artifact"), "parameterList": []}
    model = await bench.model(**fields)
    assert (model.status, model.cause) == (S.ACTIVE, None)
    found = await bench.services.models.examination(model.id)
    expected = controller.examine(bench.stored("models/artifact"), model_format, name="iris")
    assert found == expected
    assert found.details is not None


@pytest.mark.parametrize(
    ("model_format", "files", "words"),
    [
        ("PYTORCH", {"model.pt": made.STATE}, "'model.py'"),
        ("PYTORCH", {"model.pt": made.STATE}, "'handler.py'"),
        ("PYTORCH", {**LOOSE, "other.pth": made.STATE}, "More than one weight file"),
        ("TENSORFLOW", {"weights.h5": "x"}, "'saved_model.pb'"),
        ("HUGGING_FACE", {**HUGGING_FACE, "pytorch_model.bin": "x", "model.safetensors": ""}, "safetensors"),
        ("SKLEARN", {"notes.txt": ""}, "joblib"),
        ("PYTHON", {"other.py": ""}, "'predict.py' is missing."),
    ],
)
async def test_an_artifact_that_cannot_be_served_ends_with_the_finding(
    bench: Bench, model_format: str, files: dict[str, bytes | str], words: str
) -> None:
    """MD-28, MD-32, MD-L01, FS-11, FS-L03, MD-13: CREATE_FAILED carries exactly what is wrong."""
    write(bench.stored("models/artifact"), files)
    model = await bench.model(modelFormatCode=model_format, modelUploadUri=uri("artifact"))
    assert model.status is S.CREATE_FAILED
    assert model.cause is not None
    assert model.cause.reason is Reason.ARTIFACT_UNUSABLE
    assert words in model.cause.message
    found = await bench.services.models.examination(model.id)
    assert found is not None
    assert model.cause.message == " ".join(found.problems)
    assert model.checksum is None


async def test_a_model_of_pytorch_bears_the_name_in_its_archive(bench: Bench) -> None:
    """MD-02, MD-17: at creation, and whenever it is changed; other formats are called as one likes."""
    write(bench.stored("models/iris"), {"iris.mar": made.zipped(PACKED)})
    body = {"modelFormatCode": "PYTORCH", "modelUploadUri": uri("iris"), "parameterList": []}
    other = await bench.model(modelName="rose", **body)
    assert other.status is S.CREATE_FAILED
    assert other.cause is not None
    assert "iris" in other.cause.message
    model = await bench.model(modelName="iris", **body)
    assert model.status is S.ACTIVE
    with pytest.raises(InvalidRequest, match="must be 'iris', the name in the model's archive"):
        await bench.services.models.change(model.id, ModelChange(model_name="rose"))
    await bench.services.models.change(model.id, ModelChange(model_name="iris", description="new"))
    python = await bench.model()
    shown = await bench.services.models.change(python.id, ModelChange(model_name="other"))
    assert shown.model.name == "other"


async def test_a_name_is_not_changed_while_it_is_compared(bench: Bench) -> None:
    """MD-17, GN-27."""
    shown = await bench.services.models.create(make_model_spec(modelFormatCode="PYTORCH"))
    with pytest.raises(Conflict, match="CREATE_REQUESTED; its name can be changed in ACTIVE"):
        await bench.services.models.change(shown.model.id, ModelChange(model_name="other"))
    assert (await bench.services.models.change(shown.model.id, ModelChange(description="d"))).model.description == "d"


@pytest.mark.parametrize("place", ["models/absent", "absent/model"])
async def test_a_place_without_anything(bench: Bench, place: str) -> None:
    """MD-14, MD-10: no refusal at once, but CREATE_FAILED with the reason."""
    model = await bench.model(modelUploadUri=f"obs://local/v1/AUTH_local/{place}")
    assert model.status is S.CREATE_FAILED
    assert model.cause is not None
    assert model.cause.reason is Reason.INPUT_MISSING
    assert "absent" in model.cause.message
    assert await bench.services.models.examination(model.id) is None


async def test_a_missing_permission(bench: Bench) -> None:
    """MD-14, GN-10: container and permission are named."""
    await bench.services.buckets.allow("models", read=False, write=None)
    model = await bench.model()
    assert model.status is S.CREATE_FAILED
    assert model.cause is not None
    assert model.cause.reason is Reason.ACCESS_DENIED
    assert "read permission on the container 'models'" in model.cause.message


async def test_from_a_nas(bench: Bench, tmp_path: Path) -> None:
    """MD-06, MD-09, GN-07, GN-08: only one that is listed."""
    write(tmp_path / "team/served", {"predict.py": ""})
    model = await bench.model(modelUploadUri="nas://team:/served")
    assert model.status is S.ACTIVE
    await bench.services.models.delete(model.id)
    fault = await refusal(bench, modelUploadUri="nas://other:/served")
    assert (fault.field, "There is no NAS 'other'" in fault.message) == ("modelUploadUri", True)


@pytest.mark.parametrize("address", ["http://x/y", "obs://h/v1/AUTH_a/{container}/m", "obs://h/v1/AUTH_a/c/../d"])
async def test_what_is_no_address_is_refused_at_once(bench: Bench, address: str) -> None:
    """GN-07, GN-09, GN-02."""
    assert (await refusal(bench, modelUploadUri=address)).field == "modelUploadUri"


async def test_a_framework_is_needed_where_nothing_tells_it(bench: Bench) -> None:
    """MD-04."""
    fault = await refusal(bench, modelFormatCode=None)
    assert (fault.field, "TENSORFLOW" in fault.message) == ("modelFormatCode", True)


HUB = {"modelFormatCode": "HUGGING_FACE", "modelUploadUri": None}


def hub_parameters(**more: str) -> list[dict[str, str]]:
    return [{"parameterName": name, "parameterValue": value} for name, value in {"model_id": "org/tiny", **more}.items()]


async def test_a_model_of_the_hub_is_taken_from_the_cache(bench: Bench, tmp_path: Path) -> None:
    """MD-12, MD-L04, FS-14, FS-16: by its id alone; its commit is kept, so that a branch that moves on changes nothing."""
    folder = tmp_path / "hub/models--org--tiny"
    write(folder / "snapshots" / COMMIT, HUGGING_FACE)
    write(folder, {"refs/main": COMMIT})
    model = await bench.model(**HUB, parameterList=hub_parameters())
    assert (model.status, model.cause, model.uri, model.revision) == (S.ACTIVE, None, None, COMMIT)
    write(folder, {"refs/main": "b" * 40})
    assert {path.name for path in (await local_copy(bench.context, model)).iterdir()} == set(HUGGING_FACE)


async def test_a_saved_model_is_taken_before_the_cache(bench: Bench, tmp_path: Path) -> None:
    """MD-L04."""
    write(tmp_path / "saved/org/tiny", HUGGING_FACE)
    model = await bench.model(**HUB, parameterList=hub_parameters())
    assert (model.status, model.revision) == (S.ACTIVE, None)


@pytest.mark.parametrize("name", ["org/tiny", "../../etc", "a/b/c"])
async def test_a_model_that_is_not_in_the_cache(bench: Bench, name: str) -> None:
    """MD-L04, FS-17: CREATE_FAILED with that reason; nothing is fetched."""
    model = await bench.model(**HUB, parameterList=hub_parameters(model_id=name))
    assert model.status is S.CREATE_FAILED
    assert model.cause is not None
    assert model.cause.reason is Reason.INPUT_MISSING
    words = "is not in the Hugging Face cache" if name == "org/tiny" else "is no Hugging Face model id"
    assert words in model.cause.message


@pytest.mark.parametrize("offline", ["", "1"])
async def test_a_model_is_fetched_only_where_that_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: str
) -> None:
    """MD-L04, FS-17, FS-L04: the setting allows it, HF_HUB_OFFLINE forbids it; the token is the parameter that was sealed."""
    asked: list[dict[str, object]] = []

    def download(model_id: str, cache: Path, endpoint: str, **more: object) -> None:
        asked.append({"id": model_id, "token": more["token"], "revision": more["revision"]})
        write(cache / f"models--org--tiny/snapshots/{COMMIT}", HUGGING_FACE)
        write(cache / "models--org--tiny", {"refs/main": COMMIT})

    monkeypatch.setattr("easymaker_local.artifacts.models.hub_download.download", download)
    monkeypatch.setenv("HF_HUB_OFFLINE", offline)
    async with open_bench(tmp_path / "home", hugging_face_cache=tmp_path / "hub", hugging_face_download=True) as bench:
        model = await bench.model(**HUB, parameterList=hub_parameters(hf_token="hf_abc"))
        reasons = [event.reason for event in await bench.services.models.events(model.id, 0)]
    assert model.status is (S.CREATE_FAILED if offline else S.ACTIVE)
    assert asked == ([] if offline else [{"id": "org/tiny", "token": "hf_abc", "revision": None}])
    assert (Reason.DOWNLOADING in reasons) is not bool(offline)


async def test_what_is_not_whole_in_the_cache_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MD-L01, MD-L04: if the hub cannot be asked, that is said after what was found."""
    folder = tmp_path / "hub/models--org--tiny"
    write(folder / f"snapshots/{COMMIT}", {"config.json": HUGGING_FACE["config.json"]})
    write(folder, {"refs/main": COMMIT})
    is_there = False

    def download(model_id: str, cache: Path, *_: object, **__: object) -> None:
        if not is_there:
            raise StorageError("The hub cannot be reached.")
        write(cache / f"models--org--tiny/snapshots/{COMMIT}", HUGGING_FACE)

    monkeypatch.setattr("easymaker_local.artifacts.models.hub_download.download", download)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    async with open_bench(tmp_path / "home", hugging_face_cache=tmp_path / "hub", hugging_face_download=True) as bench:
        failed = await bench.model(**HUB, parameterList=hub_parameters())
        assert (failed.status, failed.revision) == (S.CREATE_FAILED, COMMIT)
        assert failed.cause is not None
        assert failed.cause.reason is Reason.ARTIFACT_UNUSABLE
        assert failed.cause.message.startswith("The tokenizer is missing")
        assert failed.cause.message.endswith(" The hub cannot be reached.")
        is_there = True
        assert (await bench.model(**HUB, parameterList=hub_parameters())).status is S.ACTIVE


@pytest.mark.parametrize("is_saved", [True, False])
async def test_what_the_hub_cannot_mend_is_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_saved: bool) -> None:
    """MD-L01, MD-L04: a model that is whole, but for no known task; a directory of the user's that is not whole."""
    spoilt = {"config.json": '{"architectures": ["TinyForNothing"]}'} if not is_saved else {"model.safetensors": b""}
    kept = {name: data for name, data in {**HUGGING_FACE, **spoilt}.items() if not is_saved or name == "config.json"}
    folder = tmp_path / "hub/models--org--tiny"
    write(tmp_path / "saved/org/tiny" if is_saved else folder / f"snapshots/{COMMIT}", kept)
    write(folder, {"refs/main": COMMIT})

    def download(*_: object, **__: object) -> None:
        raise AssertionError("asked for")

    monkeypatch.setattr("easymaker_local.artifacts.models.hub_download.download", download)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    settings = {"hugging_face_cache": tmp_path / "hub", "hugging_face_models": tmp_path / "saved"}
    async with open_bench(tmp_path / "home", hugging_face_download=True, **settings) as bench:
        failed = await bench.model(**HUB, parameterList=hub_parameters())
    assert failed.cause is not None
    assert ("tokenizer is missing" if is_saved else "for none of the tasks") in failed.cause.message
    assert failed.revision == (None if is_saved else COMMIT)


async def test_a_long_download_keeps_no_examination_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MD-L04, MD-31."""
    entered, leave = threading.Semaphore(0), threading.Event()

    def download(*_: object, **__: object) -> None:
        entered.release()
        assert leave.wait(30)
        raise StorageError("The hub cannot be reached.")

    monkeypatch.setattr("easymaker_local.artifacts.models.hub_download.download", download)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    async with open_bench(tmp_path / "home", hugging_face_cache=tmp_path / "hub", hugging_face_download=True) as bench:
        write(bench.stored("models/python"), {"predict.py": "class Model: ...\n"})
        for _ in range(2):
            shown = await bench.services.models.create(make_model_spec(**HUB, parameterList=hub_parameters()))
            for _ in range(2):
                await bench.models.reconcile(shown.model.id)
            await asyncio.to_thread(entered.acquire)
        woken = asyncio.Event()
        hinter = SimpleNamespace(hint=lambda *_: woken.set())
        monkeypatch.setattr(bench.models, "_context", replace(bench.context, hinter=hinter))
        local = (await bench.services.models.create(make_model_spec())).model
        for _ in range(2):
            await bench.models.reconcile(local.id)
        try:
            async with asyncio.timeout(30):
                await woken.wait()
        finally:
            leave.set()
        await bench.models.reconcile(local.id)
        assert (await bench.services.models.get(local.id)).status is S.ACTIVE


async def test_from_a_training(bench: Bench) -> None:
    """MD-15, MD-20, TR-52, DP-17: framework and address are the training's."""
    training = await completed(bench)
    shown = await bench.services.models.create(
        make_model_spec(modelUploadUri=None, modelFormatCode=None, trainingId=training.id)
    )
    assert (shown.model.format, shown.model.uri) == (ModelFormat.PYTORCH, training.spec.model_upload_uri)
    assert shown.origin.training is not None
    assert (shown.origin.training.id, shown.origin.training.status) == (training.id, "COMPLETE")
    other = await bench.model(modelUploadUri=None, trainingId=training.id)
    assert (other.format, other.status) == (ModelFormat.PYTHON, S.ACTIVE)
    made_from = (await bench.services.models.of_trainings([training.id]))[training.id]
    assert {model.id for model in made_from} == {shown.model.id, other.id}


async def test_only_from_a_training_that_is_complete(bench: Bench) -> None:
    """TR-52, DP-17, GN-27: the status is named, and the one that permits it."""
    training = await bench.pass_(await bench.create())
    with pytest.raises(Conflict, match="is RUNNING; a model can be made from it in COMPLETE"):
        await bench.services.models.create(make_model_spec(modelUploadUri=None, trainingId=training.id))
    fault = await refusal(bench, modelUploadUri=None, trainingId="none")
    assert (fault.field, fault.message) == ("trainingId", "there is no training 'none'")


async def test_from_the_best_trial_of_a_tuning(bench: Bench) -> None:
    """MD-15, MD-20, HP-80: the one with the best value, wherever that trial stored its model."""
    tuning = await tuned(bench, 3, 1, 2)
    second = (await bench.services.tunings.trials(tuning.id))[1]
    model = await bench.model(modelUploadUri=None, hyperparameterTuningId=tuning.id)
    assert model.status is S.ACTIVE
    assert (model.training_id, model.tuning_id) == (second.id, tuning.id)
    assert model.uri == tuning.spec.place_of_model(second.id)
    shown = await bench.services.models.find(model.id)
    assert not isinstance(shown, type(None))
    origin = await bench.context.store.read(lambda db: models.origin(db, model.id))
    assert origin.training is None
    assert origin.tuning is not None
    assert origin.trial is not None
    assert (origin.tuning.id, origin.tuning.status) == (tuning.id, "COMPLETE")
    assert (origin.trial.id, origin.trial.name, origin.trial.status) == (second.id, second.name, "SUCCEEDED")


async def test_not_from_a_tuning_without_a_best_trial(bench: Bench) -> None:
    """HP-80, HP-82, DP-17."""
    tuning = await bench.step(await bench.tune())
    wanted = make_model_spec(modelUploadUri=None, hyperparameterTuningId=tuning.id)
    with pytest.raises(Conflict, match="is RUNNING; a model can be made from it in COMPLETE"):
        await bench.services.models.create(wanted)
    failed = await tuned(bench)
    assert failed.status is TuningStatus.FAIL
    # A search that came to its end although nothing was ever printed.
    await bench.context.store.write(lambda db: db.execute("UPDATE tunings SET status = 'COMPLETE' WHERE id = ?", (failed.id,)))
    with pytest.raises(Conflict, match="has no best trial: none has a value of 'loss'"):
        await bench.services.models.create(make_model_spec(modelUploadUri=None, hyperparameterTuningId=failed.id))
    fault = await refusal(bench, modelUploadUri=None, hyperparameterTuningId="none")
    assert fault.field == "hyperparameterTuningId"


async def test_a_training_stays_while_a_model_of_it_does(bench: Bench) -> None:
    """TR-53, DP-02, DP-19, DP-20: the refusal names the models."""
    training = await completed(bench)
    model = await bench.model(modelUploadUri=None, trainingId=training.id)
    with pytest.raises(Conflict, match=rf"model 'model' \({model.id}, ACTIVE\)"):
        await bench.services.trainings.delete(training.id)
    await bench.services.models.delete(model.id)
    await bench.services.trainings.delete(training.id)
    with pytest.raises(NotFound):
        await bench.services.trainings.get(training.id)


@pytest.mark.parametrize("from_trial", [False, True])
async def test_a_tuning_stays_while_a_model_of_a_trial_does(bench: Bench, from_trial: bool) -> None:
    """HP-81, DP-03, DP-19: also one made from another trial than the best; the trial is named."""
    tuning = await tuned(bench, 1, 2)
    second = (await bench.services.tunings.trials(tuning.id))[1]
    origin = {"trainingId": second.id} if from_trial else {"hyperparameterTuningId": tuning.id}
    model = await bench.model(modelUploadUri=None, **origin)
    name = f"tuning-{2 if from_trial else 1}"
    with pytest.raises(Conflict, match=rf"model 'model' \({model.id}, ACTIVE, of trial '{name}'\)"):
        await bench.services.tunings.delete(tuning.id)
    await bench.services.models.delete(model.id)
    await bench.services.tunings.delete(tuning.id)


async def test_of_two_requests_at_once_one_passes(bench: Bench) -> None:
    """DP-20: a training is deleted and a model made from it; never both."""
    for _ in range(5):
        training = await completed(bench)
        wanted = make_model_spec(modelUploadUri=None, trainingId=training.id)
        outcomes = await asyncio.gather(
            bench.services.models.create(wanted), bench.services.trainings.delete(training.id), return_exceptions=True
        )
        refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert len(refused) == 1, outcomes
        assert isinstance(refused[0], Conflict | InvalidRequest)


async def test_deletion_leaves_the_artifact_and_nothing_else(bench: Bench) -> None:
    """MD-33, MD-34, MD-26, MD-10, GN-12: row, history, examination and copy go."""
    model = await bench.model()
    copy = await local_copy(bench.context, model)
    await bench.services.models.delete(model.id)
    assert not copy.exists()
    assert bench.stored("models/python/predict.py").exists()
    with pytest.raises(NotFound):
        await bench.services.models.get(model.id)

    def left(db: object) -> int:
        return sum(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("models", "model_examinations"))  # type: ignore[attr-defined]

    assert await bench.context.store.read(left) == 0
    assert await bench.context.store.read(lambda db: events.of_resource(db, models.KIND, model.id)) == []


async def test_a_copy_stays_for_another_model_of_the_same_content(bench: Bench) -> None:
    """MD-L02."""
    first, second = await bench.model(), await bench.model(modelName="twin")
    copy = await local_copy(bench.context, first)
    assert await local_copy(bench.context, second) == copy
    await bench.services.models.delete(first.id)
    assert copy.exists()
    await bench.services.models.delete(second.id)
    assert not copy.exists()


async def test_of_two_deletions_at_once_one_takes_the_copy_along(bench: Bench) -> None:
    """MD-L02, MD-34: neither waits for the other to need it."""
    twins = [await bench.model(), await bench.model(modelName="twin")]
    await local_copy(bench.context, twins[0])
    for model in twins:
        await bench.context.store.write(partial(models.transition, model=model, to=S.DELETE_IN_PROGRESS, cause=None, now=0.0))
    await bench.services.models.finish_deletion(twins[0].id)
    assert bench.context.model_copies.list() == []
    await bench.services.models.finish_deletion(twins[1].id)


@pytest.mark.parametrize("way", ["deletion", "reclaiming"])
async def test_a_copy_that_is_wanted_while_it_is_removed_is_there_afterwards(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """DP-20, MD-L02: whoever asks for the copy meanwhile waits, and makes it anew."""
    first = await bench.model()
    copy = await local_copy(bench.context, first)
    if way == "reclaiming":
        await bench.context.store.write(lambda db: db.execute("UPDATE models SET checksum = NULL"))
    entered, leave = threading.Event(), threading.Event()
    remove = ModelCopies.remove

    def slow(copies: ModelCopies, checksum: str) -> None:
        entered.set()
        assert leave.wait(30)
        remove(copies, checksum)

    monkeypatch.setattr(ModelCopies, "remove", slow)
    services = bench.services
    removal = asyncio.create_task(
        services.models.delete(first.id) if way == "deletion" else services.disk.reclaim([str(copy)])  # type: ignore[arg-type]
    )
    await asyncio.to_thread(entered.wait)
    second = await bench.model(modelName="twin")
    wanted = asyncio.create_task(local_copy(bench.context, second))
    # As far as it comes without the lock: it would answer after some reads of the database.
    await asyncio.wait([wanted], timeout=0.2)
    leave.set()
    await removal
    assert (await wanted / "predict.py").exists()


async def test_no_copy_of_a_model_that_goes(bench: Bench) -> None:
    """MD-L02, MD-33: it would stay when the model has gone."""
    model = await bench.model()
    await bench.context.store.write(lambda db: models.transition(db, model, S.DELETE_IN_PROGRESS, None, 0.0))
    with pytest.raises(StorageError, match="is DELETE_IN_PROGRESS"):
        await local_copy(bench.context, model)
    await bench.services.models.finish_deletion(model.id)
    with pytest.raises(NotFound):
        await local_copy(bench.context, model)
    assert bench.context.model_copies.list() == []


async def test_what_is_served_survives_and_a_new_deployment_fails(bench: Bench) -> None:
    """MD-L02, MD-10: the copy outlives the original; without a copy, what changed or went is named."""
    served, later = await bench.model(), await bench.model(modelName="later")
    await local_copy(bench.context, served)
    artifact = bench.stored("models/python/predict.py")
    artifact.write_text("class Model: changed\n")
    assert (await local_copy(bench.context, served) / "predict.py").read_text() == "class Model: ...\n"
    bench.context.model_copies.remove(served.checksum or "")
    with pytest.raises(StorageError, match=r"'predict\.py' is no longer what was examined"):
        await local_copy(bench.context, later)
    artifact.unlink()
    with pytest.raises(StorageError, match=r"'predict\.py' does not exist"):
        await local_copy(bench.context, later)
    artifact.parent.rmdir()
    with pytest.raises(StorageError, match="There is nothing at"):
        await local_copy(bench.context, later)


@pytest.mark.parametrize("status", [s for s in ModelStatus if not s.is_finished])
async def test_deletion_is_refused_while_something_happens(bench: Bench, status: ModelStatus) -> None:
    """MD-33, GN-27."""
    shown = await bench.services.models.create(make_model_spec())
    await bench.context.store.write(lambda db: db.execute("UPDATE models SET status = ?", (status,)))
    with pytest.raises(Conflict, match=f"is {status}; deletion is possible in ACTIVE, CREATE_FAILED, DELETE_FAILED"):
        await bench.services.models.delete(shown.model.id)


@pytest.mark.parametrize("fails", ["models.copies.ModelCopies.remove", "trees.shutil.rmtree"])
async def test_a_deletion_that_fails_is_repeated(bench: Bench, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    """MD-29, MD-33, MD-34: at its beginning or in the middle, and then nothing is left."""
    model = await bench.model()
    copy = await local_copy(bench.context, model)

    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(f"easymaker_local.artifacts.{fails}", fail)
        with pytest.raises(PermanentError, match="cannot be removed"):
            await bench.services.models.delete(model.id)
    failed = await bench.services.models.get(model.id)
    assert (failed.status, failed.cause and failed.cause.reason) == (S.DELETE_FAILED, Reason.NOT_REMOVED)
    await bench.services.models.delete(model.id)
    with pytest.raises(NotFound):
        await bench.services.models.get(model.id)
    assert not [*copy.parent.iterdir()]


async def test_a_deletion_that_was_cut_short_is_finished(bench: Bench) -> None:
    """MD-34, GN-L02: the next daemon finds it."""
    model = await bench.model()
    await bench.context.store.write(lambda db: models.transition(db, model, S.DELETE_IN_PROGRESS, None, 0.0))
    assert await bench.models.unfinished() == [model.id]
    await bench.models.reconcile(model.id)
    with pytest.raises(NotFound):
        await bench.services.models.get(model.id)
    await bench.models.reconcile(model.id)


async def test_an_examination_that_was_cut_short_begins_anew(bench: Bench, held: Held) -> None:
    """MD-32, GN-L02: a daemon that ends breaks it off at once, and the next one examines the artifact again."""
    shown = await bench.services.models.create(make_model_spec())
    await bench.models.reconcile(shown.model.id)
    await bench.models.reconcile(shown.model.id)
    await asyncio.to_thread(held.entered.wait)
    ends = asyncio.create_task(bench.models.close())
    await asyncio.sleep(0)
    held.leave.set()
    await ends
    await bench.models.reconcile(shown.model.id)
    assert (await bench.services.models.get(shown.model.id)).status is S.CREATE_IN_PROGRESS
    bench.models = ModelController(bench.context, bench.services.models)
    assert (await bench.examine(shown.model)).status is S.ACTIVE


async def test_an_examination_holds_nobody_up(bench: Bench, held: Held) -> None:
    """A pass returns while an artifact is read, and asks for none twice."""
    large = (await bench.services.models.create(make_model_spec())).model
    for _ in range(3):
        await bench.models.reconcile(large.id)
    await asyncio.to_thread(held.entered.wait)
    assert held.count == 1
    assert (await bench.services.models.get(large.id)).status is S.CREATE_IN_PROGRESS
    held.leave.set()
    assert (await bench.examine(large)).status is S.ACTIVE
    assert held.count == 1


class Held:
    """Examinations that wait until they may go on."""

    def __init__(self, examine: Callable[..., Examination]) -> None:
        self._examine = examine
        self.entered, self.leave = threading.Event(), threading.Event()
        self.count = 0

    def __call__(self, *arguments: object, **keywords: object) -> Examination:
        self.count += 1
        self.entered.set()
        assert self.leave.wait(30)
        return self._examine(*arguments, **keywords)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    made = Held(controller.examine)
    monkeypatch.setattr(controller, "examine", made)
    return made


async def test_a_failure_of_ours_ends_the_creation(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """MD-28, MD-33: repeated it would fail again, for ever; the log has the details, the model can be deleted."""

    def fail(*_: object, **__: object) -> Examination:
        raise RuntimeError("a bug at hf_abc")

    monkeypatch.setattr(controller, "examine", fail)
    model = await bench.model()
    assert model.status is S.CREATE_FAILED
    assert model.cause is not None
    assert "a fault of the daemon" in model.cause.message
    assert "hf_abc" not in model.cause.message
    assert "RuntimeError: a bug" in caplog.text
    await bench.services.models.delete(model.id)


async def test_what_passes_is_tried_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """GN-L02: the loop repeats the pass."""
    model = (await bench.services.models.create(make_model_spec())).model

    def fail(*_: object, **__: object) -> Examination:
        raise DatabaseUnavailable("The database is busy.")

    with monkeypatch.context() as patch:
        patch.setattr(controller, "examine", fail)
        with pytest.raises(DatabaseUnavailable):
            await bench.examine(model)
    assert (await bench.services.models.get(model.id)).status is S.CREATE_IN_PROGRESS
    assert (await bench.examine(model)).status is S.ACTIVE


async def test_a_broken_record_is_shown_left_alone_and_may_be_deleted(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    model = await bench.model()
    copy = await local_copy(bench.context, model)
    await bench.context.store.write(lambda db: db.execute("UPDATE models SET spec = '{}', is_finished = 0"))
    with caplog.at_level(logging.WARNING):
        await bench.models.reconcile(model.id)
        await bench.models.reconcile(model.id)
    assert caplog.text.count(f"The record of model {model.id} is broken") == 1
    assert await bench.context.store.read(models.quarantined)
    assert copy.exists()
    await bench.services.models.delete(model.id)
    assert (await bench.services.models.page(Wanted(), EVERYTHING)).rows == []
    assert not copy.exists()


async def test_secret_parameters_open_for_whoever_serves_the_model_and_nobody_else(bench: Bench) -> None:
    """MD-07, MD-11, MD-L03, FS-L04, FS-17, MD-22: encrypted in the database, masked wherever else."""
    parameters = [{"parameterName": n, "parameterValue": v} for n, v in {"hf_token": "hf_abc", "task": "fill_mask"}.items()]
    model = await bench.model(parameterList=parameters)
    assert "hf_abc" not in repr(model)
    assert bench.services.models.parameters(model) == {"hf_token": "hf_abc", "task": "fill_mask"}
    dump = await bench.context.store.read(lambda db: "\n".join(db.iterdump()))
    assert "fill_mask" in dump
    assert "hf_abc" not in dump
    # Moved to another model, it opens nothing.
    other = await bench.model(modelName="other", parameterList=parameters)
    await bench.context.store.write(
        lambda db: db.execute("UPDATE models SET sealed = ? WHERE id = ?", (model.sealed, other.id))
    )
    stolen = await bench.services.models.get(other.id)
    with pytest.raises(PermanentError, match="cannot be opened"):
        bench.services.models.parameters(stolen)


async def test_lists(bench: Bench) -> None:
    """GN-13: newest first; by name, status, origin and beginning of an id, in pages."""
    training = await completed(bench)
    first = await bench.model(modelName="first")
    bench.clock.advance(1)
    second = await bench.model(modelName="second", modelUploadUri=None, trainingId=training.id)
    bench.clock.advance(1)
    failed = await bench.model(modelName="failed", modelUploadUri=uri("absent"))

    async def ids(wanted: Wanted) -> list[str]:
        page = await bench.services.models.page(wanted, EVERYTHING)
        return [shown.model.id for shown in page.rows if not hasattr(shown, "problem")]

    assert await ids(Wanted()) == [failed.id, second.id, first.id]
    assert await ids(Wanted(name="first")) == [first.id]
    assert await ids(Wanted(statuses=[S.CREATE_FAILED])) == [failed.id]
    assert await ids(Wanted(statuses=[S.CREATE_FAILED, S.ACTIVE])) == [failed.id, second.id, first.id]
    assert await ids(Wanted(training_id=training.id)) == [second.id]
    assert await ids(Wanted(id_prefix=first.id[:10])) == [first.id]
    page = await bench.services.models.page(Wanted(), PageRequest(count=2))
    assert page.after is not None
    assert len((await bench.services.models.page(Wanted(), PageRequest(after=page.after, count=2))).rows) == 1
    counts = await bench.context.store.read(models.count_by_status)
    assert (counts["ACTIVE"], counts["CREATE_FAILED"], counts["DELETE_FAILED"]) == (2, 1, 0)


def test_every_transition_leads_to_a_status_that_can_be_left_or_kept() -> None:
    """MD-24…MD-34: from every status there is a way to the deletion."""
    assert set(TRANSITIONS) == set(ModelStatus)
    for status in ModelStatus:
        reached, todo = {status}, [status]
        while todo:
            for following in TRANSITIONS[todo.pop()] - reached:
                reached.add(following)
                todo.append(following)
        assert S.DELETE_IN_PROGRESS in reached
    assert {s for s in ModelStatus if s.is_finished} == {S.ACTIVE, S.CREATE_FAILED, S.DELETE_FAILED}


async def test_deleted_and_unknown_models_are_not_found(bench: Bench) -> None:
    for call in (bench.services.models.get, bench.services.models.find, bench.services.models.examination):
        with pytest.raises(NotFound, match="There is no model 'none'"):
            await call("none")
    with pytest.raises(NotFound):
        await bench.services.models.delete("none")
    with pytest.raises(NotFound):
        await bench.services.models.events("none", 0)
    with pytest.raises(InvalidRequest, match="give a name"):
        await bench.services.models.change("none", ModelChange())
    await bench.models.reconcile("none")


async def test_details_of_formats_are_told_apart_in_the_database(bench: Bench) -> None:
    """MD-L01."""
    write(bench.stored("models/a"), SAVED)
    write(bench.stored("models/b"), LOOSE)
    saved = await bench.model(modelFormatCode="TENSORFLOW", modelUploadUri=uri("a"))
    torch = await bench.model(modelFormatCode="PYTORCH", modelUploadUri=uri("b"))
    found = [await bench.services.models.examination(model.id) for model in (saved, torch)]
    assert [type(one.details) for one in found if one is not None] == [SavedModelDetails, TorchDetails]


async def test_trainings_are_there_for_their_models(bench: Bench) -> None:
    """MD-20: a training whose record is broken is still named."""
    training = await completed(bench)
    model = await bench.model(modelUploadUri=None, trainingId=training.id)
    await bench.context.store.write(lambda db: db.execute("UPDATE trainings SET spec = '{}'"))
    origin = await bench.context.store.read(lambda db: models.origin(db, model.id))
    assert origin.training is not None
    assert origin.training.status == TrainingStatus.COMPLETE
    assert await bench.context.store.read(lambda db: trainings.exists(db, training.id))


@pytest.mark.parametrize("is_quick", [True, False])
async def test_what_takes_a_moment_is_answered_when_it_is_done(
    bench: Bench, held: Held, monkeypatch: pytest.MonkeyPatch, is_quick: bool
) -> None:
    """Rest-api §2.4: the SDK would come back after ten seconds only; nobody waits for a large artifact."""
    monkeypatch.setattr("easymaker_local.services.models._PATIENCE_SECONDS", 30.0 if is_quick else 0.0)
    loop = Loop(60.0)
    loop.register(models.KIND, bench.models.reconcile, bench.models.unfinished)
    services = Models(replace(bench.context, hinter=loop))
    monkeypatch.setattr(bench.models, "_context", replace(bench.context, hinter=loop))
    monkeypatch.setattr(bench.models, "_service", services)
    if is_quick:
        held.leave.set()
    runs = asyncio.create_task(loop.run())
    await asyncio.sleep(0)
    shown = await services.create(make_model_spec())
    assert shown.model.status is (S.ACTIVE if is_quick else S.CREATE_REQUESTED)
    held.leave.set()
    await bench.models.idle()
    runs.cancel()
    await asyncio.gather(runs, return_exceptions=True)
