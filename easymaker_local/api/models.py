"""What answers carry: the shapes of rest-api §4 and §6, and our additions. Every id comes with its status (§2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from easymaker_local.api.envelope import Envelope, ListAnswer, Wire
from easymaker_local.domain.experiment import Experiment
from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.image import Image
from easymaker_local.domain.model import ModelFormat
from easymaker_local.domain.model_record import Model
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.reason import Cause
from easymaker_local.domain.tensorboard import Board, Scope
from easymaker_local.domain.training import Training
from easymaker_local.domain.training_spec import JobForm
from easymaker_local.domain.tuning import Tuning
from easymaker_local.kit.clock import to_iso
from easymaker_local.services.context import Context
from easymaker_local.store.events import Event

BOOT_STORAGE_GB = 50
ENFORCED, WATCHED = "ENFORCED", "WATCHED"
BROKEN = "BROKEN"
"""Shown in place of the status of a resource whose record cannot be read."""


class FlavorView(Wire):
    """Flavor (§4): ``ram`` in MB, ``disk`` in GB, ``gpuMemory`` of one GPU in MB; ``gpuModel`` null takes any (ours)."""

    id: str
    name: str
    vcpus: int
    ram: int
    disk: int = 0
    gpu_flavor: bool
    gpu_count: int
    gpu_memory: int = 0
    gpu_model: str | None = None
    core_type_code: str

    @classmethod
    def of(cls, flavor: Flavor) -> FlavorView:
        """Show a flavor."""
        return cls(
            id=flavor.id, name=flavor.name, vcpus=flavor.vcpus, ram=flavor.memory_mib, gpu_flavor=flavor.gpu_count > 0,
            gpu_count=flavor.gpu_count, gpu_memory=flavor.gpu_memory_mib, gpu_model=flavor.gpu_model,
            core_type_code=flavor.core_type,
        )  # fmt: skip


class ImageView(Wire):
    """Image (§4); ``groupTypeCode`` for older SDKs (§13)."""

    image_id: str
    image_name: str
    description: str
    image_type_code: str
    group_type_code: str
    core_type_code: str
    framework_code: str
    framework_version: str
    python_version: str
    address: str | None = None

    @classmethod
    def of(cls, image: Image) -> ImageView:
        """Show a catalogue row."""
        return cls(
            image_id=image.id, image_name=image.name, description=image.description, image_type_code=image.group,
            group_type_code=image.group, core_type_code=image.core_type, framework_code=image.framework,
            framework_version=image.framework_version, python_version=image.python_version, address=image.vendor_address,
        )  # fmt: skip


class ExperimentView(Wire):
    """Experiment (§6.4)."""

    experiment_id: str
    experiment_name: str
    experiment_status_code: str
    description: str | None = None
    app_key: str
    created_datetime: str
    tensorboard_access_uri: str | None = None
    status_message: str | None = None

    @classmethod
    def of(cls, experiment: Experiment, appkey: str, gateway: str | None) -> ExperimentView:
        """Show an experiment; of a deleted one its last name, marked as such (EX-21). ``gateway`` is its address if any."""
        deleted = experiment.deleted_at is not None
        board = Board(Scope.EXPERIMENT, experiment.id)
        return cls(
            experiment_id=experiment.id,
            experiment_name=f"{experiment.name} (deleted)" if deleted else experiment.name,
            experiment_status_code="DELETED" if deleted else experiment.status,
            description=experiment.description, app_key=appkey, created_datetime=to_iso(experiment.created_at),
            status_message=experiment.message,
            tensorboard_access_uri=None if deleted or gateway is None else gateway + board.path,
        )  # fmt: skip


class StatusReason(Wire):
    """Why it waits, or why it ended (GN-26): a stable code and words for people."""

    code: str
    message: str

    @classmethod
    def of(cls, cause: Cause | None) -> StatusReason | None:
        """Show a cause."""
        return None if cause is None else cls(code=cause.reason, message=cause.message)


class StorageSize(Wire):
    """Size in GB."""

    storage_size: int


class ParameterView(Wire):
    """A hyperparameter."""

    parameter_name: str
    parameter_value: str


class DatasetView(Wire):
    """A data set."""

    dataset_name: str
    data_uri: str


class TagView(Wire):
    """A tag."""

    tag_key: str
    tag_value: str


# Of formats that readers of the older keys know by another word, or not at all (rest-api §13.4).
_OLDER_FORMATS = {ModelFormat.SKLEARN: "SCIKIT_LEARN", ModelFormat.PYTHON: None}


class ModelReference(Wire):
    """A model where something else refers to it: id with status, and its format as every SDK reads it (§13.4).

    ``formatCode`` is ours: the other keys are null where their readers would refuse the word.
    """

    model_id: str
    model_name: str
    model_status_code: str
    model_format_code: str | None
    model_type_code: str | None
    framework_code: str | None
    format_code: str | None

    @classmethod
    def of(cls, model: Model) -> ModelReference:
        """Refer to a model."""
        older = _OLDER_FORMATS.get(model.format, str(model.format))
        return cls(
            model_id=model.id, model_name=model.name, model_status_code=model.status,
            model_format_code=None if model.format is ModelFormat.PYTHON else model.format, model_type_code=older,
            framework_code=older, format_code=model.format,
        )  # fmt: skip


class JobView(Wire):
    """What trainings and hyperparameter tunings have in common (§6.5, §6.6), with what we add: the reason beside the status,
    and what the status permits."""

    status_reason: StatusReason | None
    description: str | None
    app_key: str
    created_datetime: str
    started_datetime: str | None
    finished_datetime: str | None
    experiment: ExperimentView | None
    instance_count: int
    use_torchrun: bool
    nproc_per_node: int
    use_log: bool
    algorithm: dict[str, Any] | None = None
    source_dir_uri: str | None
    entry_point: str | None
    model_upload_uri: str
    check_point_input_uri: str | None
    check_point_upload_uri: str | None
    timeout_minutes: int
    elapsed_time_seconds: int
    tensorboard_access_uri: str | None = None
    tensorboard_access_path: str | None = None
    log_and_crash_app_key: str | None = None
    dataset_list: list[DatasetView]
    flavor: FlavorView
    image: ImageView | None
    boot_storage: StorageSize
    data_storage_list: list[StorageSize]
    data_storage_enforcement: str = WATCHED
    """ENFORCED: a volume of that size. WATCHED: use is counted now and then; a remark at 90 %, the end above 100 % (GN-L10)."""
    model_list: list[ModelReference]
    tag_list: list[TagView]
    is_finished: bool
    is_stoppable: bool


def job_fields(
    job: Training | Tuning, scope: Scope, *, image: Image | None, experiment: Experiment | None, models: Sequence[Model],
    context: Context,
) -> dict[str, Any]:  # fmt: skip
    """Return the values of a ``JobView``. May block once, to find out what this machine can do."""
    appkey, now, gateway = context.settings.appkey, context.clock.now(), context.settings.gateway_url
    is_enforced = job.storage_enforced if isinstance(job, Training) else None
    if is_enforced is None:
        is_enforced = job.spec.data_storage_size is not None and context.volumes.problem() is None
    spec: JobForm = job.spec
    board = Board(scope, job.id)
    return {
        "status_reason": StatusReason.of(job.cause), "description": job.description, "app_key": appkey,
        "created_datetime": to_iso(job.created_at), "started_datetime": iso(job.started_at),
        "finished_datetime": iso(job.finished_at),
        "experiment": None if experiment is None else ExperimentView.of(experiment, appkey, gateway),
        "instance_count": spec.instance_count, "use_torchrun": spec.use_torchrun, "nproc_per_node": spec.nproc_per_node,
        "use_log": spec.use_log, "source_dir_uri": spec.source_dir_uri, "entry_point": spec.entry_point,
        "model_upload_uri": spec.model_upload_uri, "check_point_input_uri": spec.check_point_input_uri,
        "check_point_upload_uri": spec.check_point_upload_uri, "timeout_minutes": spec.timeout_minutes,
        "elapsed_time_seconds": job.elapsed_seconds(now),
        "tensorboard_access_uri": None if gateway is None else gateway + board.path,
        "tensorboard_access_path": None if gateway is None else board.path,
        "dataset_list": [DatasetView(dataset_name=d.dataset_name, data_uri=d.data_uri) for d in spec.dataset_list],
        "flavor": FlavorView.of(job.flavor), "image": None if image is None else ImageView.of(image),
        "boot_storage": StorageSize(storage_size=BOOT_STORAGE_GB),
        "data_storage_list": [StorageSize(storage_size=spec.data_storage_size)] if spec.data_storage_size else [],
        "data_storage_enforcement": ENFORCED if is_enforced else WATCHED,
        "model_list": [ModelReference.of(model) for model in models],
        "tag_list": [TagView(tag_key=tag.tag_key, tag_value=tag.tag_value) for tag in spec.tag_list],
        "is_finished": job.status.is_finished, "is_stoppable": job.status.is_stoppable,
    }  # fmt: skip


def broken_job_fields(broken: Quarantined, appkey: str) -> dict[str, Any]:
    """Return the values of a ``JobView`` as far as they are known of a record that cannot be read; the others are empty."""
    flavor = FlavorView(id="", name="", vcpus=0, ram=0, gpu_flavor=False, gpu_count=0, core_type_code="")
    return {
        "status_reason": StatusReason(code=broken.error.code, message=str(broken.error)), "description": None,
        "app_key": appkey, "created_datetime": to_iso(broken.created_at), "started_datetime": None,
        "finished_datetime": None, "experiment": None, "instance_count": 0, "use_torchrun": False, "nproc_per_node": 0,
        "use_log": False, "source_dir_uri": None, "entry_point": None, "model_upload_uri": "",
        "check_point_input_uri": None, "check_point_upload_uri": None, "timeout_minutes": 0, "elapsed_time_seconds": 0,
        "dataset_list": [], "flavor": flavor, "image": None, "boot_storage": StorageSize(storage_size=BOOT_STORAGE_GB),
        "data_storage_list": [], "model_list": [], "tag_list": [], "is_finished": broken.is_finished, "is_stoppable": False,
    }  # fmt: skip


class TrainingView(JobView):
    """Training (§6.5); ``hyperparameterTuningId`` (ours) if it is a trial."""

    training_id: str
    training_name: str
    training_status_code: str
    hyperparameter_list: list[ParameterView]
    hyperparameter_tuning_id: str | None = None

    @classmethod
    def of(
        cls, training: Training, *, image: Image | None, experiment: Experiment | None, models: Sequence[Model],
        context: Context,
    ) -> TrainingView:  # fmt: skip
        """Show a training; ``models`` are those made from it."""
        common = job_fields(training, Scope.TRAINING, image=image, experiment=experiment, models=models, context=context)
        return cls(
            training_id=training.id, training_name=training.name, training_status_code=training.status,
            hyperparameter_list=[
                ParameterView(parameter_name=p.parameter_name, parameter_value=p.parameter_value)
                for p in training.spec.hyperparameter_list
            ],
            hyperparameter_tuning_id=training.tuning_id, **common,
        )  # fmt: skip

    @classmethod
    def of_broken(cls, broken: Quarantined, appkey: str) -> TrainingView:
        """Show what is known of a training whose record cannot be read."""
        return cls(
            training_id=broken.id, training_name=broken.name, training_status_code=BROKEN, hyperparameter_list=[],
            **broken_job_fields(broken, appkey),
        )  # fmt: skip


def iso(seconds: float | None) -> str | None:
    """Return a moment as it goes out; None if there is none."""
    return None if seconds is None else to_iso(seconds)


class EventView(Wire):
    """A line of a resource's history; ask for "after this id" to go on."""

    event_id: int
    datetime: str
    type: str
    status_code: str | None
    reason: StatusReason | None
    message: str | None

    @classmethod
    def of(cls, event: Event) -> EventView:
        """Show an event."""
        reason = None if event.reason is None else StatusReason(code=event.reason, message=event.message or "")
        return cls(
            event_id=event.id, datetime=to_iso(event.at), type=event.type, status_code=event.status, reason=reason,
            message=event.message,
        )  # fmt: skip


class RunView(Wire):
    """How a node was started, to be repeated by hand (HY-L01); secret-looking values are masked."""

    node: int
    working_directory: str
    command: list[str]
    environment: dict[str, str]


class LogView(Wire):
    """A piece of a log: ``content`` from byte ``offset`` on; go on at ``nextOffset``. ``isComplete``: no more will come."""

    node: int
    offset: int
    next_offset: int
    content: str
    is_complete: bool


class ObjectView(Wire):
    """A file or folder in storage; size in bytes."""

    name: str
    size: int
    is_directory: bool
    modified_datetime: str


class FlavorListAnswer(Envelope):
    """Key 1 of rest-api §5."""

    flavor_list: list[FlavorView]


class ImageListAnswer(Envelope):
    """Key 2."""

    image_list: list[ImageView]


class AlgorithmListAnswer(Envelope):
    """Key 3; the list is empty until algorithms are provided."""

    algorithm_list: list[dict[str, Any]] = Field(default_factory=list)


class ExperimentAnswer(Envelope):
    """One experiment."""

    experiment: ExperimentView


class ExperimentListAnswer(ListAnswer):
    """Experiments."""

    experiment_list: list[ExperimentView]


class TrainingAnswer(Envelope):
    """One training."""

    training: TrainingView


class TrainingListAnswer(ListAnswer):
    """Trainings."""

    training_list: list[TrainingView]


class CopySourceAnswer(Envelope):
    """A creation body with all settings of the original (GN-14)."""

    copy_source: dict[str, Any]


class RunListAnswer(Envelope):
    """Runs, node 0 first."""

    run_list: list[RunView]


class EventListAnswer(Envelope):
    """History, oldest first."""

    event_list: list[EventView]


class LogAnswer(Envelope):
    """A piece of a log."""

    log: LogView


class NasView(Wire):
    """A directory that ``nas://{nasId}:/`` addresses (GN-L06)."""

    nas_id: str
    path: str
    is_read_only: bool


class ContainerListAnswer(Envelope):
    """Names of buckets, and what the settings list beside them."""

    container_list: list[str]
    nas_list: list[NasView]


class ContainerAccessView(Wire):
    """A bucket's access lists (null: none), and what they and the setting ``bucket_access`` grant the system account."""

    container_name: str
    read_acl: str | None
    write_acl: str | None
    is_readable: bool
    is_writable: bool


class ContainerAccessAnswer(Envelope):
    """Access of one bucket (OS-L01)."""

    container_access: ContainerAccessView


class ContainerAccessListAnswer(Envelope):
    """Access of all buckets, and the system account that the lists have to name (OS-09)."""

    system_account: str
    container_access_list: list[ContainerAccessView]


class ContainerUsageView(Wire):
    """What a bucket holds, links left out; at least that much if it was too much to be counted, which ``isComplete`` says."""

    object_count: int
    total_bytes: int
    is_complete: bool


class ContainerUsageAnswer(Envelope):
    """Use of one bucket (OS-L03)."""

    container_usage: ContainerUsageView


class ObjectListAnswer(Envelope):
    """What lies at a location."""

    object_list: list[ObjectView]


class PreparationView(Wire):
    """Whether an image's environment is prepared on this machine."""

    image_id: str
    is_ready: bool
    progress: str | None = None
    error: str | None = None


class PreparationAnswer(Envelope):
    """State of an environment."""

    preparation: PreparationView


class SystemView(Wire):
    """The appliance itself: what it is, where it listens and keeps its data. ``modelServerCount``: pods of all endpoints.

    ``gatewayUrl`` null: it has no gateway.
    """

    version: str
    driver: str
    pid: int
    started_datetime: str
    app_key: str
    region: str
    tenant_id: str
    user_id: str
    api_url: str
    gateway_url: str | None
    home: str
    config_file: str
    token_file: str
    vcpus: float
    memory_mib: int
    booked_vcpus: float
    booked_memory_mib: int
    unfinished_trainings: int
    endpoint_count: int
    model_server_count: int


class SystemAnswer(Envelope):
    """State of the appliance and its system account (OS-09, TR-38)."""

    system: SystemView


class LoginView(Wire):
    """Where a browser signs in: below the API's address, once, and soon."""

    path: str
    expires_datetime: str


class LoginAnswer(Envelope):
    """A one-time link."""

    login: LoginView
