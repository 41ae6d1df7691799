"""A training's files: directories of its nodes, the copy of the algorithm, the way of its outputs (TR-28, TR-L04)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path, PurePosixPath

from easymaker_local.artifacts.publish import publish
from easymaker_local.domain import contract
from easymaker_local.domain.masking import mask, mask_all, secret_values
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.training import BYTES_PER_GB, Training, TrainingStatus
from easymaker_local.domain.training_spec import TrainingSpec
from easymaker_local.drivers.base import Workload
from easymaker_local.errors import StorageError, StorageFull
from easymaker_local.kit.files import read_json, write_json
from easymaker_local.kit.trees import allocated_bytes
from easymaker_local.services.context import Context
from easymaker_local.services.training_checks import input_directory

_LAUNCHER_REASONS = {"REQUIREMENTS": Reason.REQUIREMENTS_FAILED, "ENTRY_POINT": Reason.INPUT_MISSING}


class TrainingFiles:
    """Everything here blocks: call it in a thread. Every step may be repeated after a crash."""

    def __init__(self, context: Context, training: Training) -> None:
        self._context = context
        self._training = training
        self._root = context.work_directory(training.id)

    def node(self, node: int) -> Path:
        """Return the host directory of a node, laid out as ``domain/contract.py`` says."""
        return self._root / f"node-{node}"

    def tensorboard(self, tuning_name: str | None) -> Path:
        """Return the run of TensorBoard logs, made if it is not there; of a trial beside those of the tuning's others."""
        training, logs = self._training, self._context.tensorboard_logs
        experiment_id = training.spec.experiment_id
        assert experiment_id is not None
        tuning = None
        if training.tuning_id is not None:
            tuning = logs.make_tuning(experiment_id, training.tuning_id, tuning_name or "")
        return logs.make(experiment_id, training.id, training.name, tuning)

    def log(self, node: int) -> Path:
        """Return the log file of a node."""
        return self._context.log_directory(self._training.id) / f"node-{node}.log"

    def prepare(self) -> None:
        """Make every node's directories and bring the algorithm there.

        Raises StorageError if an input is gone, StorageFull if there is no room for them, and VolumeError.
        """
        spec, storage = self._training.spec, self._context.storage
        assert spec.source_dir_uri is not None
        assert spec.entry_point is not None
        source = input_directory(storage, spec.source_dir_uri)
        if not (source / PurePosixPath(spec.entry_point)).is_file():
            raise StorageError(f"There is no file {spec.entry_point!r} in {spec.source_dir_uri}.")
        inputs = self.inputs()
        room = self._room(spec, source, inputs.values())
        is_enforced = room is not None and self._context.volumes.problem() is None
        for index in range(spec.instance_count):
            node = self.node(index)
            if room is not None and is_enforced:
                self._context.volumes.mount(self._training.id, node.name, room)
            for name in contract.NODE_DIRECTORIES:
                if name != "source":
                    (node / name).mkdir(parents=True, exist_ok=True)
            for folder in ("home", "tmp"):
                (node / "work" / folder).mkdir(exist_ok=True)
            # Mount points of their own, or the engine would make them as root.
            for target in inputs:
                (node / target).mkdir(parents=True, exist_ok=True)
            try:
                _copy_source(source, node / "source")
            except OSError as error:
                if self._context.volumes.is_full(self._training.id, node.name):
                    words = f"The data storage of {spec.data_storage_size} GB has no room for the algorithm beside the inputs."
                    raise StorageFull(words, hint="Ask for a larger data storage size.") from error
                raise
            self.log(index).parent.mkdir(parents=True, exist_ok=True)

    def inputs(self) -> dict[str, Path]:
        """Return the read-only inputs: where a node sees each below its root -> where it is; raises StorageError."""
        spec, storage = self._training.spec, self._context.storage
        uris = {f"dataset/{dataset.dataset_name}": dataset.data_uri for dataset in spec.dataset_list}
        if spec.check_point_input_uri is not None:
            uris["checkpoint-input"] = spec.check_point_input_uri
        return {target: input_directory(storage, uri) for target, uri in uris.items()}

    def used_bytes(self) -> int:
        """Return what inputs and written files take of a node's data storage, of the node with the most."""
        try:
            inputs = sum(allocated_bytes(path) for path in self.inputs().values())
        except StorageError:
            inputs = 0  # taken away while the job runs: its own affair (GN-11)
        return inputs + max(allocated_bytes(self.node(index)) for index in range(self._training.spec.instance_count))

    def full_storage(self) -> Cause | None:
        """Return what is to be said if the data storage of a node is enforced and has no room left."""
        job, volumes = self._training.id, self._context.volumes
        nodes = [self.node(index).name for index in range(self._training.spec.instance_count)]
        if any(volumes.is_lost(job, node) for node in nodes):
            return Cause(Reason.STORAGE_FULL, "The disk below the data storage is full or broken.")
        if any(volumes.is_full(job, node) for node in nodes):
            return Cause(Reason.STORAGE_FULL, f"The data storage of {self._training.spec.data_storage_size} GB is full.")
        return None

    @property
    def is_storage_enforced(self) -> bool:
        """True if the nodes' directories are volumes of the data storage's size."""
        return self._context.volumes.has(self._training.id, self.node(0).name)

    def reports(self) -> list[tuple[int, Cause]]:
        """Return what launchers said about not reaching the entry point, by node."""
        reports = []
        for index in range(self._training.spec.instance_count):
            try:
                found = read_json(self.node(index) / "control" / contract.FAILURE_FILE)
            except (OSError, ValueError):
                continue  # not the launcher's: the job can write there too
            if isinstance(found, dict):
                reason = _LAUNCHER_REASONS.get(str(found.get("reason")), Reason.START_FAILED)
                reports.append((index, Cause(reason, str(found.get("message", "The entry point was not reached.")))))
        return reports

    def record_run(self, node: int, workload: Workload) -> None:
        """Keep how a node was started, so that a run can be repeated by hand (HY-L01); secret-looking values masked."""
        parameters = {p.parameter_name: p.parameter_value for p in self._training.spec.hyperparameter_list}
        secrets = secret_values({**workload.env, **parameters})
        write_json(
            self.node(node) / "control" / contract.RUN_FILE,
            {
                "workingDirectory": str(workload.working_directory),
                "command": mask_all(workload.command, secrets),
                "environment": {name: mask(value, secrets) for name, value in workload.env.items()},
            },
            # For people to look at: not worth the wait for the disk before every start.
            durable=False,
        )

    @property
    def is_collected(self) -> bool:
        """True if the outputs are where they were asked for."""
        return (self._root / "collected.json").exists()

    def collect(self) -> None:
        """Move checkpoints, and after success the model, to where they were asked for; from node 0 (DT-07, TR-30, TR-49).

        Raises StorageError, and VolumeError; what could not be stored stays in the node's directory until the training is
        deleted.
        """
        self._context.volumes.check(self._training.id, self.node(0).name)
        spec = self._training.spec
        moves = {"checkpoint": spec.check_point_upload_uri}
        if self._training.status is TrainingStatus.COMPLETE_IN_PROGRESS:
            moves["model"] = spec.model_upload_uri
        for name, uri in moves.items():
            staged = self.node(0) / name
            # Nothing was written, or it is there already: an ended run leaves no empty folders behind.
            if uri is None or not (name == "model" or (staged.is_dir() and any(staged.iterdir()))):
                continue
            if not staged.exists() and not (self._root / f"{name}.published.json").exists():
                continue
            location = self._context.storage.resolve_output(uri)
            publish(staged, location.path, self._root / f"{name}.published.json", in_place=location.is_root)
        write_json(self._root / "collected.json", {})

    def with_place(self, message: str) -> str:
        """Add to a message of ``collect`` where the user finds what was not stored."""
        place = str(self.node(0))
        return message if place in message else f"{message} The output is still in {place}."

    def clean(self) -> None:
        """Remove what only the run needed; what was not stored stays."""
        for index in range(self._training.spec.instance_count):
            for name in ("work", "source", "dataset", "checkpoint-input"):
                shutil.rmtree(self.node(index) / name, ignore_errors=True)
            self._context.volumes.settle(self._training.id, self.node(index).name)

    def _room(self, spec: TrainingSpec, source: Path, inputs: Iterable[Path]) -> int | None:
        """Return what the inputs leave of the data storage in bytes, None if it has no size; raises StorageError.

        It must be large enough for all data of the job (GN-23). Inputs are seen where they are, the algorithm is copied.
        """
        if spec.data_storage_size is None:
            return None
        room = spec.data_storage_size * BYTES_PER_GB
        for size in chain.from_iterable(map(_file_sizes, inputs)):
            room -= size
            _refuse_if_too_large(room, spec)
        left = room
        for size in _file_sizes(source):
            left -= size
            _refuse_if_too_large(left, spec)
        return room


def _refuse_if_too_large(room: int, spec: TrainingSpec) -> None:
    if room < 0:
        raise StorageError(
            f"The inputs are larger than the data storage of {spec.data_storage_size} GB.",
            hint="Ask for a larger data storage size.",
        )


def _file_sizes(directory: Path) -> Iterator[int]:
    for folder, _, files in os.walk(directory):
        for file in files:
            try:
                yield (Path(folder) / file).lstat().st_size
            except FileNotFoundError:
                continue  # removed by its owner meanwhile


def _copy_source(source: Path, target: Path) -> None:
    """Copy the algorithm, so that a node may write beside its code and later edits do not reach a run that has begun."""
    if target.exists():
        return
    aside = target.with_name("source.partial")
    shutil.rmtree(aside, ignore_errors=True)
    for folder, folders, files in os.walk(source):
        for name in (*folders, *files):
            link = Path(folder) / name
            if link.is_symlink() and not link.resolve().is_relative_to(source.resolve()):
                raise StorageError(f"The link {link.relative_to(source)} in the algorithm path leads out of it.")
    shutil.copytree(source, aside, symlinks=True)
    aside.rename(target)
