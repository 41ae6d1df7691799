"""Training templates (TT): the SDK has no call for them, so names and shapes follow those of trainings."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from easymaker_local.api.deps import Appkey, ServicesDep
from easymaker_local.api.envelope import Envelope, FieldFault, ListAnswer, Wire
from easymaker_local.api.listing import IdPrefix, InOrderWithoutStatus, answer_list
from easymaker_local.api.models import CopySourceAnswer, DatasetView, ParameterView, StatusReason, TagView
from easymaker_local.domain.page import Page, PageRequest
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.training_template import (
    SCHEMA_VERSION,
    TemplateUse,
    TrainingTemplate,
    TrainingTemplateChange,
    TrainingTemplateSpec,
)
from easymaker_local.kit.clock import to_iso
from easymaker_local.services.services import Services
from easymaker_local.services.training_templates import Saved
from easymaker_local.store.training_templates import Wanted

router = APIRouter(tags=["training templates"])


class TrainingTemplateView(Wire):
    """A template; what it does not hold is null. ``problem``: its record cannot be read, and why."""

    training_template_id: str
    training_template_name: str
    description: str | None = None
    app_key: str
    created_datetime: str
    changed_datetime: str
    schema_version: int | None = None
    problem: StatusReason | None = None
    experiment_id: str | None = None
    image_id: str | None = None
    flavor_id: str | None = None
    instance_count: int | None = None
    use_torchrun: bool | None = None
    nproc_per_node: int | None = None
    use_log: bool | None = None
    algorithm_id: str | None = None
    source_dir_uri: str | None = None
    entry_point: str | None = None
    model_upload_uri: str | None = None
    check_point_input_uri: str | None = None
    check_point_upload_uri: str | None = None
    timeout_minutes: int | None = None
    data_storage_size: int | None = None
    dataset_list: list[DatasetView] | None = None
    hyperparameter_list: list[ParameterView] | None = None
    tag_list: list[TagView] | None = None

    @classmethod
    def of(cls, template: TrainingTemplate | Quarantined, appkey: str) -> TrainingTemplateView:
        """Show a template, or what is known of one whose record cannot be read."""
        created = to_iso(template.created_at)
        if isinstance(template, Quarantined):
            problem = StatusReason(code=template.error.code, message=str(template.error))
            return cls(
                training_template_id=template.id, training_template_name=template.name, app_key=appkey,
                created_datetime=created, changed_datetime=created, problem=problem,
            )  # fmt: skip
        own = {
            "trainingTemplateId": template.id, "appKey": appkey, "createdDatetime": created,
            "changedDatetime": to_iso(template.changed_at), "schemaVersion": SCHEMA_VERSION,
        }  # fmt: skip
        return cls.model_validate({**template.spec.document(), **own})


class TrainingTemplateAnswer(Envelope):
    """One template."""

    training_template: TrainingTemplateView


class SavedTrainingTemplateAnswer(TrainingTemplateAnswer):
    """A template as it is stored now; ``warningList``: what would be refused if it were used now (TT-03)."""

    warning_list: list[FieldFault]


class TrainingTemplateListAnswer(ListAnswer):
    """Templates."""

    training_template_list: list[TrainingTemplateView]


class UnresolvedField(FieldFault):
    """A reference of the template that leads nowhere, and is therefore left empty (TT-L01)."""

    value: str


class TrainingTemplateValuesAnswer(Envelope):
    """A part of a creation body, and what of the template is not in it."""

    values: dict[str, Any]
    unresolved_field_list: list[UnresolvedField]


def _view(services: Services, template: TrainingTemplate | Quarantined) -> TrainingTemplateView:
    return TrainingTemplateView.of(template, services.context.settings.appkey)


def _saved(services: Services, saved: Saved) -> SavedTrainingTemplateAnswer:
    warnings = [FieldFault(field=fault.field, message=fault.message) for fault in saved.warnings]
    return SavedTrainingTemplateAnswer(training_template=_view(services, saved.template), warning_list=warnings)


@router.post("/training-templates")
async def create_training_template(
    appkey: Appkey, body: TrainingTemplateSpec, services: ServicesDep
) -> SavedTrainingTemplateAnswer:
    """Store a template; only the name is required. What could not be used as it stands now is a warning."""
    return _saved(services, await services.training_templates.create(body))


@router.post("/training-templates/check")
async def check_training_template(appkey: Appkey, body: TrainingTemplateSpec, services: ServicesDep) -> Envelope:
    """Say whether a template could be created so, as its creation would; nothing is created."""
    await services.training_templates.check(body)
    return Envelope()


@router.get("/training-templates", response_model=TrainingTemplateListAnswer)
async def list_training_templates(
    appkey: Appkey,
    services: ServicesDep,
    asked: InOrderWithoutStatus,
    name: Annotated[str | None, Query(alias="trainingTemplateName", description="Only those of exactly this name.")] = None,
    id_prefix: Annotated[IdPrefix | None, Query(alias="trainingTemplateIdPrefix")] = None,
) -> Response:
    """List templates, newest first unless asked otherwise; in pages if a limit is given."""
    wanted = Wanted(name, id_prefix)

    async def read(request: PageRequest) -> Page[bytes]:
        page = await services.training_templates.page(wanted, request)
        views = (_view(services, template) for template in page.rows)
        return page.with_rows([view.model_dump_json(by_alias=True).encode() for view in views])

    return await answer_list("trainingTemplateList", read, asked)


@router.get("/training-templates/{training_template_id}")
async def get_training_template(appkey: Appkey, training_template_id: str, services: ServicesDep) -> TrainingTemplateAnswer:
    """Show one template; of one whose record is broken, what is known of it."""
    found = await services.training_templates.find(training_template_id)
    return TrainingTemplateAnswer(training_template=_view(services, found))


@router.patch("/training-templates/{training_template_id}")
async def change_training_template(
    appkey: Appkey, training_template_id: str, body: TrainingTemplateChange, services: ServicesDep
) -> SavedTrainingTemplateAnswer:
    """Change what a template holds; what is absent stays, lists are replaced, ``removedFieldList`` empties fields."""
    return _saved(services, await services.training_templates.change(training_template_id, body))


@router.delete("/training-templates/{training_template_id}")
async def delete_training_template(appkey: Appkey, training_template_id: str, services: ServicesDep) -> Envelope:
    """Delete a template, which cannot be undone; what was made with it stays as it is."""
    await services.training_templates.delete(training_template_id)
    return Envelope()


@router.get("/training-templates/{training_template_id}/copy-source")
async def get_training_template_copy_source(
    appkey: Appkey, training_template_id: str, services: ServicesDep
) -> CopySourceAnswer:
    """Return all of a template as a creation body: to be changed and posted (GN-14), or kept as a file (TT-L01)."""
    return CopySourceAnswer(copy_source=(await services.training_templates.get(training_template_id)).spec.document())


@router.get("/training-templates/{training_template_id}/values")
async def load_training_template(
    appkey: Appkey,
    training_template_id: str,
    services: ServicesDep,
    use: Annotated[TemplateUse, Query(alias="for", description="What is to be created.")] = TemplateUse.TRAINING,
) -> TrainingTemplateValuesAnswer:
    """Return the values for a creation body. References that no longer resolve are left out and named."""
    loaded = await services.training_templates.load(training_template_id, use)
    left_out = [UnresolvedField(field=one.field, value=one.value, message=one.message) for one in loaded.unresolved]
    return TrainingTemplateValuesAnswer(values=loaded.values, unresolved_field_list=left_out)
