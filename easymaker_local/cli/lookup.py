"""From what people type (an id, the beginning of one, a name) to the one resource that is meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from easymaker_local.cli import output
from easymaker_local.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from easymaker_local.client import Client
    from easymaker_local.client.endpoint_shapes import Endpoint, Stage, StageResource
    from easymaker_local.client.shapes import Experiment, Flavor, Image, Model, Training, TrainingTemplate, Trial, Tuning

T = TypeVar("T")

WHICH = "Id, beginning of an id, or name."
"""How arguments that mean a resource are explained."""
SHORT_ID = 8
"""Characters of an id that lists show; enough to be unique among thousands."""
_FULL_ID = 16
_LONGEST_ID = 36
# As many as messages tell apart.
_CANDIDATES = 100


def find_training(client: Client, text: str, *, newest: bool = False) -> Training:
    """Return a training by id, name or the beginning of an id; raises NotFound, InvalidRequest if it fits several.

    ``newest`` takes the newest of a name that was used again, and says so: right for looking at it, wrong for ending it.
    """
    return _find(
        "training", text, client.training, client.trainings, lambda t: t["trainingId"], lambda t: t["trainingName"], newest
    )


def find_tuning(client: Client, text: str, *, newest: bool = False) -> Tuning:
    """Return a hyperparameter tuning, found as a training is."""
    return _find(
        "tuning", text, client.tuning, client.tunings, lambda t: t["hyperparameterTuningId"],
        lambda t: t["hyperparameterTuningName"], newest,
    )  # fmt: skip


def find_trial(client: Client, tuning: Tuning, text: str) -> Trial:
    """Return a trial of a tuning by number, id, name or the beginning of an id; raises NotFound.

    A few digits are a number, never the beginning of an id.
    """
    trials = client.trials(tuning["hyperparameterTuningId"])
    look = f"tuning trials {tuning['hyperparameterTuningId']}"
    number = text.removeprefix("#")
    if number.isdecimal() and len(number) < SHORT_ID:
        found = [trial for trial in trials if trial["number"] == int(number)]
        if not found:
            raise NotFound(f"The tuning has no trial {number}, but {len(trials)} of them.", hint=f"See: easymaker-local {look}")
        return found[0]
    return _choose("trial", text, trials, lambda t: t["trialId"], lambda t: t["trialName"], look)


def find_template(client: Client, text: str, *, newest: bool = False) -> TrainingTemplate:
    """Return a training template, found as a training is."""
    return _find(
        "template", text, client.training_template, client.training_templates, lambda t: t["trainingTemplateId"],
        lambda t: t["trainingTemplateName"], newest,
    )  # fmt: skip


def find_model(client: Client, text: str, *, newest: bool = False) -> Model:
    """Return a model, found as a training is."""
    return _find("model", text, client.model, client.models, lambda m: m["modelId"], lambda m: m["modelName"], newest)


def find_endpoint(client: Client, text: str, *, newest: bool = False) -> Endpoint:
    """Return an endpoint, found as a training is; names are unique."""
    return _find(
        "endpoint", text, client.endpoint, client.endpoints, lambda e: e["endpointId"], lambda e: e["endpointName"], newest
    )


def find_stage(client: Client, text: str, *, newest: bool = False) -> Stage:
    """Return a stage by ``ENDPOINT/STAGE``, its id, the beginning of that, or a name that no other endpoint's stage has."""
    endpoint_text, separator, name = text.rpartition("/")
    if separator:
        endpoint = find_endpoint(client, endpoint_text)
        found = client.stages(endpoint["endpointId"])
        return _choose("stage", name, found, lambda s: s["endpointStageId"], lambda s: s["endpointStageName"])
    return _find(
        "stage", text, client.stage, client.stages, lambda s: s["endpointStageId"], lambda s: s["endpointStageName"], newest
    )


def find_stage_resource(client: Client, stage: Stage, text: str) -> StageResource:
    """Return a resource of a stage by its id, the beginning of that, or the name of its model."""
    return _choose(
        "stage resource", text, stage["endpointModelList"], lambda r: r["endpointModelId"], lambda r: r["model"]["modelName"],
        f"stage show {stage['endpointStageId']}",
    )  # fmt: skip


def find_experiment(client: Client, text: str) -> Experiment:
    """Return an experiment, found as a training is."""
    found = client.experiments(name=text) or _begin(text, client.experiments)
    return _choose("experiment", text, found, lambda e: e["experimentId"], lambda e: e["experimentName"])


def _find(
    kind: str, text: str, get: Callable[[str], T], search: Callable[..., list[T]], id_of: Callable[[T], str],
    name_of: Callable[[T], str], newest: bool,
) -> T:  # fmt: skip
    """Find among resources of which several may have the same name."""
    if len(text) == _FULL_ID:
        with suppress(NotFound):  # then it may be a name of this length
            return get(text)
    named = search(name=text, limit=_CANDIDATES)
    if newest and len(named) > 1:
        count = f"{len(named)} {kind}s" if len(named) < _CANDIDATES else f"Many {kind}s"
        output.note(f"{count} are named {text!r}; this is the newest, {id_of(named[0])}.")
        return named[0]
    return _choose(kind, text, named or _begin(text, search), id_of, name_of)


def _begin(text: str, read: Callable[..., list[T]]) -> list[T]:
    """Return the first whose id begins so; no id begins with nothing, or with more than an id has."""
    return read(id_prefix=text, limit=_CANDIDATES) if 0 < len(text) <= _LONGEST_ID else []


def find_image(client: Client, text: str) -> Image:
    """Return an image, found as a training is."""
    return _choose("image", text, client.images(), lambda i: i["imageId"], lambda i: i["imageName"])


def find_flavor(client: Client, text: str) -> Flavor:
    """Return a flavor by id or name."""
    return _choose("flavor", text, client.flavors(), lambda f: f["id"], lambda f: f["name"])


def _choose(
    kind: str, text: str, among: Sequence[T], id_of: Callable[[T], str], name_of: Callable[[T], str], look: str | None = None
) -> T:
    for key in (id_of, name_of):
        found = [item for item in among if key(item) == text]
        if len(found) == 1:
            return found[0]
        if found:
            break
    else:
        found = [item for item in among if text and id_of(item).startswith(text)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFound(f"There is no {kind} {text!r}.", hint=f"See: easymaker-local {look or f'{kind} list'}")
    ids = ", ".join(id_of(item) for item in found[:5]) + (", …" if len(found) > 5 else "")
    raise InvalidRequest(f"{text!r} fits {len(found)} {kind}s: {ids}.", hint="Give an id.")
