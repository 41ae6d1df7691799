"""What answers about models carry (rest-api §6.9, §13.4), and our additions."""

from __future__ import annotations

from collections.abc import Sequence

from easymaker_local.api.envelope import Envelope, ListAnswer, Wire
from easymaker_local.api.models import BROKEN, ModelReference, ParameterView, StatusReason, TagView, iso
from easymaker_local.domain.model import (
    Examination,
    HuggingFaceDetails,
    SavedModelDetails,
    SklearnDetails,
    Tensor,
    TorchDetails,
)
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.kit.clock import to_iso
from easymaker_local.services.models import Shown
from easymaker_local.store.model_use import ModelUse
from easymaker_local.store.models import Reference


class TrainingReference(Wire):
    """A training that a model came from."""

    training_id: str
    training_name: str
    training_status_code: str

    @classmethod
    def of(cls, found: Reference | None) -> TrainingReference | None:
        """Show one."""
        if found is None:
            return None
        return cls(training_id=found.id, training_name=found.name, training_status_code=found.status)


class TuningReference(Wire):
    """A hyperparameter tuning that a model came from."""

    hyperparameter_tuning_id: str
    hyperparameter_tuning_name: str
    hyperparameter_tuning_status_code: str

    @classmethod
    def of(cls, found: Reference | None) -> TuningReference | None:
        """Show one."""
        if found is None:
            return None
        return cls(
            hyperparameter_tuning_id=found.id, hyperparameter_tuning_name=found.name,
            hyperparameter_tuning_status_code=found.status,
        )  # fmt: skip


class TrialReference(Wire):
    """The trial whose output a model is (MD-20)."""

    trial_id: str
    trial_name: str
    trial_status_code: str

    @classmethod
    def of(cls, found: Reference | None) -> TrialReference | None:
        """Show one."""
        return None if found is None else cls(trial_id=found.id, trial_name=found.name, trial_status_code=found.status)


class EndpointUse(Wire):
    """An endpoint that a model is deployed on, on one of its stages."""

    endpoint_id: str
    endpoint_name: str
    endpoint_status_code: str
    apigw_stage_name: str

    @classmethod
    def of(cls, use: ModelUse) -> EndpointUse:
        """Show one."""
        return cls(
            endpoint_id=use.endpoint_id, endpoint_name=use.endpoint_name, endpoint_status_code=use.endpoint_status,
            apigw_stage_name=use.stage_name,
        )  # fmt: skip


class ModelView(ModelReference):
    """Model (§6.9); ours: the trial of a tuning, the reason beside the status, what the examination came to.

    Values of secret parameters are masked (MD-L03). ``modelUploadUri`` is null for a model of the Hugging Face hub,
    ``revision`` for any other; ``totalBytes`` and ``fileCount`` are null until it was examined.
    """

    status_reason: StatusReason | None
    description: str | None
    app_key: str
    created_datetime: str
    framework_version: str | None
    model_upload_uri: str | None
    revision: str | None
    training: TrainingReference | None
    hyperparameter_tuning: TuningReference | None
    trial: TrialReference | None
    fine_tuning: None = None
    parameter_list: list[ParameterView]
    tag_list: list[TagView]
    file_count: int | None
    total_bytes: int | None
    endpoint_list: list[EndpointUse]
    is_finished: bool

    @classmethod
    def shown(cls, found: Shown, appkey: str) -> ModelView:
        """Show a model."""
        model, origin = found.model, found.origin
        return cls(
            **ModelReference.of(model).model_dump(), status_reason=StatusReason.of(model.cause), description=model.description,
            app_key=appkey, created_datetime=to_iso(model.created_at), framework_version=model.spec.framework_version,
            model_upload_uri=model.uri, revision=model.revision, training=TrainingReference.of(origin.training),
            hyperparameter_tuning=TuningReference.of(origin.tuning), trial=TrialReference.of(origin.trial),
            parameter_list=[
                ParameterView(parameter_name=p.parameter_name, parameter_value=p.parameter_value)
                for p in model.spec.parameter_list
            ],
            tag_list=[TagView(tag_key=tag.tag_key, tag_value=tag.tag_value) for tag in model.spec.tag_list],
            file_count=model.file_count, total_bytes=model.bytes,
            endpoint_list=[EndpointUse.of(use) for use in found.uses], is_finished=model.status.is_finished,
        )  # fmt: skip

    @classmethod
    def of_broken(cls, broken: Quarantined, appkey: str) -> ModelView:
        """Show what is known of a model whose record cannot be read."""
        return cls(
            model_id=broken.id, model_name=broken.name, model_status_code=BROKEN, model_format_code=None, model_type_code=None,
            framework_code=None, format_code=None,
            status_reason=StatusReason(code=broken.error.code, message=str(broken.error)), description=None, app_key=appkey,
            created_datetime=iso(broken.created_at) or "", framework_version=None, model_upload_uri=None, revision=None,
            training=None, hyperparameter_tuning=None, trial=None, parameter_list=[], tag_list=[], file_count=None,
            total_bytes=None, endpoint_list=[], is_finished=broken.is_finished,
        )  # fmt: skip


class ModelAnswer(Envelope):
    """One model."""

    model: ModelView


class ModelListAnswer(ListAnswer):
    """Models."""

    model_list: list[ModelView]


class ModelFileView(Wire):
    """A file of the artifact, by its path in it."""

    path: str
    bytes: int
    sha256: str


class TensorView(Wire):
    """An input or output. A dimension that varies is -1; ``shape`` null: of any rank."""

    name: str
    dtype: str
    shape: list[int] | None

    @classmethod
    def all_of(cls, tensors: Sequence[Tensor]) -> list[TensorView]:
        """Show some."""
        return [cls(name=t.name, dtype=t.dtype, shape=None if t.shape is None else list(t.shape)) for t in tensors]


class SignatureView(Wire):
    """A function of a SavedModel."""

    signature_name: str
    input_list: list[TensorView]
    output_list: list[TensorView]


class SavedModelView(Wire):
    """A TensorFlow SavedModel; ``directory_number`` is the version directory that is served, null without."""

    directory_number: int | None
    tag_name_list: list[str]
    signature_list: list[SignatureView]
    tensorflow_version: str | None
    has_variables: bool


class TorchView(Wire):
    """A PyTorch model; names are those of its archive, or of files in the artifact."""

    kind_code: str
    weights: str | None
    handler: str | None
    archive: str | None
    archived_model_name: str | None
    archived_model_version: str | None
    requirements: str | None


class SklearnView(Wire):
    """A scikit-learn model. What it was saved with is told by the file, without loading it."""

    kind_code: str
    file: str
    class_name: str | None
    library_version: str | None


class HuggingFaceView(Wire):
    """A model for transformers."""

    task_code: str
    architecture: str
    type_name: str | None
    parameter_count: int
    dtype_list: list[str]
    weights_list: list[str]


class ExaminationView(Wire):
    """What was found in the artifact (MD-L01); of the last four, that of its format. With problems it cannot be served."""

    format_code: str
    file_list: list[ModelFileView]
    total_bytes: int
    problem_list: list[str]
    remark_list: list[str]
    saved_model: SavedModelView | None = None
    torch: TorchView | None = None
    sklearn: SklearnView | None = None
    hugging_face: HuggingFaceView | None = None

    @classmethod
    def of(cls, found: Examination) -> ExaminationView:
        """Show it."""
        details = found.details
        return cls(
            format_code=found.format,
            file_list=[ModelFileView(path=file.name, bytes=file.bytes, sha256=file.sha256) for file in found.files],
            total_bytes=found.bytes, problem_list=list(found.problems), remark_list=list(found.remarks),
            saved_model=_saved_model(details) if isinstance(details, SavedModelDetails) else None,
            torch=_torch(details) if isinstance(details, TorchDetails) else None,
            sklearn=_sklearn(details) if isinstance(details, SklearnDetails) else None,
            hugging_face=_hugging_face(details) if isinstance(details, HuggingFaceDetails) else None,
        )  # fmt: skip


class ExaminationAnswer(Envelope):
    """What was found in the artifact; null: nothing was there to look at, or it has not been looked at yet."""

    examination: ExaminationView | None


def _saved_model(details: SavedModelDetails) -> SavedModelView:
    return SavedModelView(
        directory_number=details.version, tag_name_list=list(details.tags),
        signature_list=[
            SignatureView(
                signature_name=one.name, input_list=TensorView.all_of(one.inputs), output_list=TensorView.all_of(one.outputs)
            )
            for one in details.signatures
        ],
        tensorflow_version=details.tensorflow_version, has_variables=details.has_variables,
    )  # fmt: skip


def _torch(details: TorchDetails) -> TorchView:
    return TorchView(
        kind_code=details.kind, weights=details.weights, handler=details.handler, archive=details.archive,
        archived_model_name=details.model_name, archived_model_version=details.model_version,
        requirements=details.requirements,
    )  # fmt: skip


def _sklearn(details: SklearnDetails) -> SklearnView:
    return SklearnView(
        kind_code=details.kind, file=details.file, class_name=details.model_class, library_version=details.library_version
    )


def _hugging_face(details: HuggingFaceDetails) -> HuggingFaceView:
    return HuggingFaceView(
        task_code=details.task, architecture=details.architecture, type_name=details.model_type,
        parameter_count=details.parameters, dtype_list=list(details.dtypes), weights_list=list(details.weights),
    )  # fmt: skip


def view_of(found: Shown | Quarantined, appkey: str) -> ModelView:
    """Show a model, or what is known of one whose record cannot be read."""
    return ModelView.of_broken(found, appkey) if isinstance(found, Quarantined) else ModelView.shown(found, appkey)
