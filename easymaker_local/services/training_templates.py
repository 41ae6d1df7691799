"""Training templates: create, list, change, load, delete (TT). All of it takes effect at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from easymaker_local.domain.page import Page, PageRequest
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.training_template import (
    TemplateUse,
    TrainingTemplate,
    TrainingTemplateChange,
    TrainingTemplateSpec,
    values_for,
)
from easymaker_local.errors import FieldError, InvalidRequest
from easymaker_local.kit.ids import new_id
from easymaker_local.services.context import Context
from easymaker_local.services.training_checks import experiment_faults, find_faults, unresolved
from easymaker_local.store import training_templates
from easymaker_local.store.database import Work
from easymaker_local.store.training_templates import Wanted


@dataclass(frozen=True)
class Saved:
    """A template as it is stored, and what would be refused if it were used now (TT-03)."""

    template: TrainingTemplate
    warnings: Sequence[FieldError]


@dataclass(frozen=True)
class Unresolved:
    """A reference that leads nowhere here, by its wire name, and why."""

    field: str
    value: str
    message: str


@dataclass(frozen=True)
class Loaded:
    """A part of a creation body, and what of the template was left out of it (TT-L01)."""

    values: dict[str, Any]
    unresolved: Sequence[Unresolved]


class TrainingTemplates:
    """Nothing depends on a template: who uses one copies its values (TT-05)."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def create(self, spec: TrainingTemplateSpec) -> Saved:
        """Store a template; what could not be used now is a warning."""
        warnings = await self._warnings(spec)
        return Saved(await self._context.store.write(self._creation(spec)), warnings)

    async def check(self, spec: TrainingTemplateSpec) -> None:
        """Raise what ``create`` would raise; nothing is created."""
        await self._context.store.rehearse(self._creation(spec))

    def _creation(self, spec: TrainingTemplateSpec) -> Work[TrainingTemplate]:
        now = self._context.clock.now()
        template = TrainingTemplate(new_id(), spec, now, now)

        def insert(db: sqlite3.Connection) -> TrainingTemplate:
            training_templates.add(db, template)
            return template

        return insert

    async def get(self, template_id: str) -> TrainingTemplate:
        """Return one; raises NotFound, and BrokenRecord if its row cannot be read."""
        return await self._context.store.read(lambda db: training_templates.get(db, template_id))

    async def find(self, template_id: str) -> TrainingTemplate | Quarantined:
        """Return one, to be shown, whether its row can be read or not; raises NotFound."""
        return await self._context.store.read(lambda db: training_templates.find(db, template_id))

    async def page(self, wanted: Wanted, request: PageRequest) -> Page[TrainingTemplate | Quarantined]:
        """Return a page of those wanted."""
        return await self._context.store.read(lambda db: training_templates.page(db, wanted, request))

    async def change(self, template_id: str, change: TrainingTemplateChange) -> Saved:
        """Change what a template holds (TT-07); what is not given stays."""
        if not change.model_fields_set:
            raise InvalidRequest([FieldError("trainingTemplateName", "give a name or anything else that is to change")])

        def apply(db: sqlite3.Connection) -> TrainingTemplate:
            spec = change.apply(training_templates.get(db, template_id).spec)
            training_templates.change(db, template_id, spec, self._context.clock.now())
            return training_templates.get(db, template_id)

        template = await self._context.store.write(apply)
        return Saved(template, await self._warnings(template.spec))

    async def load(self, template_id: str, use: TemplateUse) -> Loaded:
        """Return the values for a creation form; references that no longer resolve are left out, and told (TT-L01)."""

        def find(db: sqlite3.Connection) -> tuple[TrainingTemplateSpec, list[FieldError]]:
            spec = training_templates.get(db, template_id).spec
            return spec, unresolved(self._context, db, spec)

        spec, faults = await self._context.store.read(find)
        document = spec.document()
        left_out = [Unresolved(fault.field, document[fault.field], fault.message) for fault in faults]
        return Loaded(values_for(use, spec, {fault.field for fault in faults}), left_out)

    async def delete(self, template_id: str) -> None:
        """Delete one, always (TT-10, DP-04), also one whose row cannot be read."""
        await self._context.store.write(lambda db: training_templates.delete(db, template_id))

    async def _warnings(self, spec: TrainingTemplateSpec) -> list[FieldError]:
        faults = await find_faults(self._context, spec)
        experiment_id = spec.experiment_id
        if experiment_id is not None:
            faults += await self._context.store.read(lambda db: experiment_faults(db, experiment_id))
        return faults
