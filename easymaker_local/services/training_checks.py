"""What a training's spec alone cannot tell: catalogue, machine and storage. All faults are collected, none is booked yet."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path, PurePosixPath

from easymaker_local.artifacts.storage import Storage, check_directory
from easymaker_local.domain.access_list import Permission
from easymaker_local.domain.experiment import ExperimentStatus
from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.image import CoreType, Framework, Image
from easymaker_local.domain.ledger import Waiting, amount_of, never_fits
from easymaker_local.domain.training_spec import JobForm
from easymaker_local.errors import FieldError, NotFound, StorageError
from easymaker_local.services.buckets import Use, access_faults
from easymaker_local.services.context import Context
from easymaker_local.store import experiments

TRAINING_GROUP = "TRAINING"


def algorithm_faults(form: JobForm) -> list[FieldError]:
    """Return what is missing of an own algorithm (TR-10, HP-12)."""
    if form.algorithm_id is not None:
        return []
    required = {"sourceDirUri": form.source_dir_uri, "entryPoint": form.entry_point}
    return [FieldError(field, "required for an own algorithm") for field, value in required.items() if value is None]


async def find_faults(context: Context, form: JobForm) -> list[FieldError]:
    """Return what is wrong with what ``form`` names, but for its experiment; what it leaves out is no fault."""
    faults: list[FieldError] = []
    image, flavor = _references(context, form, faults)
    if flavor is not None:
        _fit(context, form, flavor, faults)
    if image is not None and flavor is not None:
        _match(form, image, flavor, faults)
    minimum = context.settings.minimum_data_storage_gb
    if form.data_storage_size is not None and form.data_storage_size < minimum:
        faults.append(FieldError("dataStorageSize", f"at least {minimum} GB"))
    shortest = context.settings.minimum_timeout_minutes
    if form.timeout_minutes < shortest:
        faults.append(FieldError("timeoutMinutes", f"at least {shortest} minutes"))
    faults += await access_faults(context, training_uses(form))
    # Looking at files may block on a slow NAS: never on the event loop.
    faults += await asyncio.to_thread(_locations, context, form)
    return faults


def unresolved(context: Context, db: sqlite3.Connection, form: JobForm) -> list[FieldError]:
    """Return the references of ``form`` that lead nowhere: image, flavor, algorithm, experiment."""
    faults: list[FieldError] = []
    _references(context, form, faults)
    if form.experiment_id is not None:
        faults += experiment_faults(db, form.experiment_id)
    return faults


def experiment_faults(db: sqlite3.Connection, experiment_id: str) -> list[FieldError]:
    """Return why nothing can be created in an experiment; nothing if it can."""
    experiment = experiments.find(db, experiment_id)
    if experiment is None or experiment.deleted_at is not None:
        return [FieldError("experimentId", f"there is no experiment {experiment_id!r}")]
    if experiment.status is not ExperimentStatus.ACTIVE:
        return [FieldError("experimentId", f"experiment {experiment.name!r} is {experiment.status}, not ACTIVE")]
    return []


def required_experiment_faults(db: sqlite3.Connection, experiment_id: str | None) -> list[FieldError]:
    """Return the same for what is always created in one."""
    return [FieldError("experimentId", "required")] if experiment_id is None else experiment_faults(db, experiment_id)


def training_uses(spec: JobForm) -> list[Use]:
    """Return what a training reads and writes (OS-04, OS-05)."""
    read, write = Permission.READ, Permission.WRITE
    return [
        Use("sourceDirUri", spec.source_dir_uri, read),
        *(Use(f"datasetList.{i}.dataUri", dataset.data_uri, read) for i, dataset in enumerate(spec.dataset_list)),
        Use("checkPointInputUri", spec.check_point_input_uri, read),
        Use("modelUploadUri", spec.model_upload_uri, write),
        Use("checkPointUploadUri", spec.check_point_upload_uri, write),
    ]


def _references(context: Context, form: JobForm, faults: list[FieldError]) -> tuple[Image | None, Flavor | None]:
    if form.algorithm_id is not None:
        faults.append(FieldError("algorithmId", f"there is no algorithm {form.algorithm_id!r}"))
    return _image(context, form, faults), _flavor(context, form, faults)


def _image(context: Context, form: JobForm, faults: list[FieldError]) -> Image | None:
    if form.image_id is None:
        return None
    image = context.catalogue.by_id(form.image_id)
    if image is None:
        faults.append(FieldError("imageId", f"there is no image {form.image_id!r}"))
    elif image.group != TRAINING_GROUP:
        faults.append(FieldError("imageId", f"{image.name!r} is not a training image"))
        return None
    return image


def _flavor(context: Context, form: JobForm, faults: list[FieldError]) -> Flavor | None:
    if form.flavor_id is None:
        return None
    try:
        return context.flavor(form.flavor_id)
    except NotFound as error:
        faults.append(FieldError("flavorId", error.message))
        return None


def _fit(context: Context, form: JobForm, flavor: Flavor, faults: list[FieldError]) -> None:
    request = Waiting("training", "", (amount_of(flavor),) * form.instance_count, gpu_model=flavor.gpu_model)
    never = never_fits(request, context.machine)
    if never is None:
        return
    nodes = f" times {form.instance_count} nodes" if form.instance_count > 1 else ""
    advice = "choose a smaller flavor or fewer nodes" if nodes else "choose a smaller flavor"
    if nodes and flavor.gpu_count:
        # DT-04, DT-L02
        advice = (
            "Each node needs GPUs of its own, since NCCL refuses two ranks on one device: choose fewer nodes, or a CPU "
            "flavor and the backend gloo"
        )
    faults.append(FieldError("flavorId", f"{flavor.name}{nodes} can never run here: {never.message} {advice}"))


def _match(spec: JobForm, image: Image, flavor: Flavor, faults: list[FieldError]) -> None:
    if image.core_type is CoreType.GPU and flavor.core_type is CoreType.CPU:
        faults.append(FieldError("imageId", f"{image.name!r} is a GPU image, {flavor.name!r} is a CPU flavor"))
    if image.core_type is CoreType.CPU and flavor.core_type is CoreType.GPU:
        faults.append(FieldError("imageId", f"{image.name!r} is a CPU image, {flavor.name!r} is a GPU flavor"))
    if not spec.use_torchrun:
        return
    if image.framework is not Framework.PYTORCH:
        faults.append(FieldError("useTorchrun", "torchrun is offered for PyTorch images only"))
    most = flavor.gpu_count or flavor.vcpus
    if not 1 <= spec.nproc_per_node <= most:
        unit = "GPUs" if flavor.gpu_count else "vCPUs"
        faults.append(FieldError("nprocPerNode", f"1 to {most}, the {unit} of {flavor.name}"))


def _locations(context: Context, spec: JobForm) -> list[FieldError]:
    faults: list[FieldError] = []
    inputs = {"checkPointInputUri": spec.check_point_input_uri}
    inputs |= {f"datasetList.{i}.dataUri": dataset.data_uri for i, dataset in enumerate(spec.dataset_list)}
    for field, uri in inputs.items():
        if uri is not None:
            _check_input(context, field, uri, faults)
    for field, uri in {"modelUploadUri": spec.model_upload_uri, "checkPointUploadUri": spec.check_point_upload_uri}.items():
        try:
            if uri is not None:
                context.storage.resolve_output(uri)
        except StorageError as error:
            faults.append(FieldError(field, str(error)))
    if spec.source_dir_uri is not None:
        try:
            source = input_directory(context.storage, spec.source_dir_uri)
        except StorageError as error:
            faults.append(FieldError("sourceDirUri", str(error)))
        else:
            entry = spec.entry_point
            if entry is not None and not (source / PurePosixPath(entry)).is_file():
                faults.append(FieldError("entryPoint", f"there is no file {entry!r} in {spec.source_dir_uri}"))
    return faults


def _check_input(context: Context, field: str, uri: str, faults: list[FieldError]) -> None:
    try:
        input_directory(context.storage, uri)
    except StorageError as error:
        faults.append(FieldError(field, str(error)))


def input_directory(storage: Storage, uri: str) -> Path:
    """Return the host path of an input; raises StorageError if it is not a directory."""
    location = storage.resolve(uri)
    check_directory(location)
    return location.path
