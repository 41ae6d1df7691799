"""Rows of stages, stage resources and pods (ST, SR). A status moves by compare-and-set, with its event."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

from easymaker_local.domain.endpoint import (
    RESOURCE_TRANSITIONS,
    STAGE_TRANSITIONS,
    Pod,
    PodState,
    ResourceStatus,
    Stage,
    StageResource,
    StageStatus,
    Wish,
)
from easymaker_local.domain.endpoint_spec import ResourceSpec, StageSettings
from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.ledger import Amount
from easymaker_local.domain.page import EVERYTHING, Page, PageRequest
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.errors import BrokenRecord
from easymaker_local.store.events import EventType, record
from easymaker_local.store.jobs import Jobs, cause_of, sound
from easymaker_local.store.paging import Condition, Selection, begins, named

log = logging.getLogger(__name__)

KIND = "stage"
RESOURCE_KIND = "stageresource"
_STAGES = Jobs(KIND, "stages", "Stage")
_RESOURCES = Jobs(RESOURCE_KIND, "stage_resources", "Stage resource")


@dataclass(frozen=True)
class Wanted:
    """Which stages a list is of: all that meet everything that is given."""

    endpoint_id: str | None = None
    name: str | None = None
    id_prefix: str | None = None


@dataclass(frozen=True)
class WantedResources:
    """Which stage resources a list is of: all that meet everything that is given."""

    stage_id: str | None = None
    endpoint_id: str | None = None
    model_id: str | None = None
    id_prefix: str | None = None


def _read(row: sqlite3.Row) -> Stage | Quarantined:
    try:
        return Stage(
            row["id"], row["endpoint_id"], row["name"], StageSettings.model_validate_json(row["spec"]),
            Flavor.model_validate_json(row["flavor"]), StageStatus(row["status"]), Wish(row["wish"]), cause_of(row),
            row["wanted_nodes"], row["runtime_version"], row["generation"], row["deployed"], row["created_at"],
            row["finished_at"],
        )  # fmt: skip
    except ValueError as error:
        return _STAGES.broken(row, error)


def _read_resource(row: sqlite3.Row) -> StageResource | Quarantined:
    try:
        return StageResource(
            row["id"], row["stage_id"], row["endpoint_id"], row["model_id"], ResourceSpec.model_validate_json(row["spec"]),
            Amount(*json.loads(row["demand"])), ResourceStatus(row["status"]), Wish(row["wish"]), cause_of(row),
            row["wanted_pods"], row["created_at"], row["finished_at"], row["deadline"],
        )  # fmt: skip
    except (ValueError, TypeError) as error:
        return _RESOURCES.broken(row, error)


# -- stages


def add(db: sqlite3.Connection, stage: Stage) -> None:
    """Insert a new stage with its first event; raises sqlite3.IntegrityError if the endpoint has one of that name."""
    db.execute(
        "INSERT INTO stages (id, endpoint_id, name, spec, flavor, status, wish, is_finished, wanted_nodes, runtime_version,"
        " generation, deployed, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)",
        (
            stage.id, stage.endpoint_id, stage.name, stage.spec.model_dump_json(by_alias=True), stage.flavor.model_dump_json(),
            stage.status, stage.wish, stage.wanted_nodes, stage.runtime_version, stage.generation, stage.deployed,
            stage.created_at,
        ),
    )  # fmt: skip
    record(db, KIND, stage.id, stage.created_at, EventType.STATUS, status=stage.status)


def get(db: sqlite3.Connection, stage_id: str) -> Stage:
    """Return a stage; raises NotFound, and BrokenRecord if its row cannot be read."""
    return sound(find(db, stage_id))


def find(db: sqlite3.Connection, stage_id: str) -> Stage | Quarantined:
    """Return a stage, or what is known of one whose row cannot be read; raises NotFound."""
    return _STAGES.find(db, stage_id, _read)


def page(db: sqlite3.Connection, wanted: Wanted = Wanted(), request: PageRequest = EVERYTHING) -> Page[Stage | Quarantined]:
    """Return a page of those wanted."""
    where: list[Condition] = [] if wanted.name is None else [named(wanted.name)]
    if wanted.endpoint_id is not None:
        where.append(("endpoint_id = ?", [wanted.endpoint_id]))
    if wanted.id_prefix is not None:
        where.append(begins("id", wanted.id_prefix))
    return Selection("stages", where, selective=wanted.id_prefix is not None).page(db, request, _read)


def newest(db: sqlite3.Connection, *, endpoint_id: str | None = None) -> Sequence[Stage | Quarantined]:
    """Return all stages, or all of an endpoint, newest first."""
    return page(db, Wanted(endpoint_id)).rows


def of_endpoint(db: sqlite3.Connection, endpoint_id: str) -> list[Stage]:
    """Return the stages of an endpoint that can be read, oldest first."""
    return [stage for stage in reversed(newest(db, endpoint_id=endpoint_id)) if isinstance(stage, Stage)]


def ids(db: sqlite3.Connection) -> list[str]:
    """Return the ids of all stages: each has something to look after as long as it exists."""
    return [row["id"] for row in db.execute("SELECT id FROM stages ORDER BY created_at")]


def is_any_logged(db: sqlite3.Connection) -> bool:
    """True if requests to any stage go into the log store."""
    return db.execute("SELECT 1 FROM stages WHERE json_extract(spec, '$.useLog') LIMIT 1").fetchone() is not None


def ids_of(db: sqlite3.Connection, endpoint_id: str) -> list[str]:
    """Return the ids of the stages of an endpoint, oldest first, also of those that cannot be read."""
    query = "SELECT id FROM stages WHERE endpoint_id = ? ORDER BY created_at"
    return [row["id"] for row in db.execute(query, (endpoint_id,))]


def endpoint_of(db: sqlite3.Connection, stage_id: str) -> str:
    """Return the id of a stage's endpoint, also of a stage that cannot be read; raises NotFound."""
    return _STAGES.find(db, stage_id, lambda row: str(row["endpoint_id"]))


def stage_of(db: sqlite3.Connection, resource_id: str) -> str:
    """Return the id of a stage resource's stage, also of a resource that cannot be read; raises NotFound."""
    return _RESOURCES.find(db, resource_id, lambda row: str(row["stage_id"]))


def pod_count(db: sqlite3.Connection) -> int:
    """Return how many model servers there are, on their way out or in included."""
    return int(db.execute("SELECT count(*) FROM pods").fetchone()[0])


def pod_ids(db: sqlite3.Connection, stage_id: str, resource_id: str | None = None) -> list[str]:
    """Return the ids of the pods of a stage, or of one of its resources."""
    query = "SELECT id FROM pods WHERE stage_id = :stage AND (:resource IS NULL OR resource_id = :resource)"
    return [row["id"] for row in db.execute(query, {"stage": stage_id, "resource": resource_id})]


def transition(db: sqlite3.Connection, stage: Stage, to: StageStatus, cause: Cause | None, now: float) -> None:
    """Change the status if it is still the one of ``stage``, with its event; raises StaleRecord otherwise."""
    _STAGES.transition(db, stage, to, STAGE_TRANSITIONS[stage.status], cause, now, {})


def explain(db: sqlite3.Connection, stage: Stage, cause: Cause | None, now: float) -> None:
    """Say beside an unchanged status what is being done, or no longer."""
    _STAGES.explain(db, stage, cause, now)


def want(db: sqlite3.Connection, stage_id: str, wish: Wish, now: float, message: str) -> None:
    """Write the user's wish."""
    _STAGES.wish(db, stage_id, wish, now, message)


def set_wanted_nodes(db: sqlite3.Connection, stage_id: str, count: int, now: float, message: str) -> None:
    """Write how many nodes there are to be; ``message`` has the numbers of the decision (AS-L02)."""
    db.execute("UPDATE stages SET wanted_nodes = ? WHERE id = ?", (count, stage_id))
    record(db, KIND, stage_id, now, EventType.NOTE, message=message)


def change(db: sqlite3.Connection, stage: Stage, spec: StageSettings, now: float) -> None:
    """Replace description and tags (GN-13)."""
    db.execute("UPDATE stages SET spec = ? WHERE id = ?", (spec.model_dump_json(by_alias=True), stage.id))
    record(db, KIND, stage.id, now, EventType.REQUEST, message="Description or tags were changed.")


def touch(db: sqlite3.Connection, stage_id: str) -> None:
    """Say that what the gateway has to know of the stage has changed."""
    db.execute("UPDATE stages SET generation = generation + 1 WHERE id = ?", (stage_id,))


def set_deployed(db: sqlite3.Connection, stage_id: str, generation: int) -> None:
    """Say which generation the gateway has in force."""
    db.execute("UPDATE stages SET deployed = ? WHERE id = ?", (generation, stage_id))


def delete(db: sqlite3.Connection, stage: Stage | Quarantined) -> None:
    """Remove the row; its resources and pods are gone before. Raises StaleRecord if the status changed."""
    _STAGES.delete(db, stage)


# -- stage resources


def add_resource(db: sqlite3.Connection, resource: StageResource) -> None:
    """Insert a new stage resource with its first event."""
    db.execute(
        "INSERT INTO stage_resources (id, stage_id, endpoint_id, model_id, spec, demand, status, wish, is_finished,"
        " wanted_pods, created_at, deadline) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
        (
            resource.id, resource.stage_id, resource.endpoint_id, resource.model_id,
            resource.spec.model_dump_json(by_alias=True), json.dumps(astuple(resource.demand)), resource.status,
            resource.wish, resource.wanted_pods, resource.created_at, resource.deadline,
        ),
    )  # fmt: skip
    record(db, RESOURCE_KIND, resource.id, resource.created_at, EventType.STATUS, status=resource.status)


def get_resource(db: sqlite3.Connection, resource_id: str) -> StageResource:
    """Return a stage resource; raises NotFound, and BrokenRecord if its row cannot be read."""
    return sound(find_resource(db, resource_id))


def find_resource(db: sqlite3.Connection, resource_id: str) -> StageResource | Quarantined:
    """Return a stage resource, or what is known of one whose row cannot be read; raises NotFound."""
    return _RESOURCES.find(db, resource_id, _read_resource)


def page_of_resources(
    db: sqlite3.Connection, wanted: WantedResources = WantedResources(), request: PageRequest = EVERYTHING
) -> Page[StageResource | Quarantined]:
    """Return a page of those wanted."""
    where: list[Condition] = []
    columns = (("stage_id", wanted.stage_id), ("endpoint_id", wanted.endpoint_id), ("model_id", wanted.model_id))
    for column, value in columns:
        if value is not None:
            where.append((f"{column} = ?", [value]))
    if wanted.id_prefix is not None:
        where.append(begins("id", wanted.id_prefix))
    return Selection("stage_resources", where, selective=wanted.id_prefix is not None).page(db, request, _read_resource)


def newest_resources(
    db: sqlite3.Connection, *, stage_id: str | None = None, endpoint_id: str | None = None
) -> Sequence[StageResource | Quarantined]:
    """Return all stage resources, or all of a stage or an endpoint, newest first."""
    return page_of_resources(db, WantedResources(stage_id, endpoint_id)).rows


def resources_of(db: sqlite3.Connection, stage_id: str) -> list[StageResource]:
    """Return the resources of a stage that can be read, oldest first."""
    found = reversed(newest_resources(db, stage_id=stage_id))
    return [resource for resource in found if isinstance(resource, StageResource)]


def transition_resource(
    db: sqlite3.Connection, resource: StageResource, to: ResourceStatus, cause: Cause | None, now: float
) -> None:
    """Change the status if it is still the one of ``resource``, with its event; raises StaleRecord otherwise."""
    _RESOURCES.transition(db, resource, to, RESOURCE_TRANSITIONS[resource.status], cause, now, {})


def explain_resource(db: sqlite3.Connection, resource: StageResource, cause: Cause | None, now: float) -> None:
    """Say beside an unchanged status what is being done, or no longer."""
    _RESOURCES.explain(db, resource, cause, now)


def want_resource(db: sqlite3.Connection, resource_id: str, wish: Wish, now: float, message: str) -> None:
    """Write the user's wish."""
    _RESOURCES.wish(db, resource_id, wish, now, message)


def set_wanted_pods(db: sqlite3.Connection, resource_id: str, count: int, now: float, message: str) -> None:
    """Write how many pods there are to be; ``message`` has the numbers of the decision (AS-L02)."""
    db.execute("UPDATE stage_resources SET wanted_pods = ? WHERE id = ?", (count, resource_id))
    record(db, RESOURCE_KIND, resource_id, now, EventType.NOTE, message=message)


def set_deadline(db: sqlite3.Connection, resource_id: str, deadline: float | None) -> None:
    """Write when a creation has taken too long."""
    db.execute("UPDATE stage_resources SET deadline = ? WHERE id = ?", (deadline, resource_id))


def delete_resource(db: sqlite3.Connection, resource: StageResource | Quarantined) -> None:
    """Remove the row; its pods are gone before. Raises StaleRecord if the status changed."""
    _RESOURCES.delete(db, resource)


# -- pods


def add_pod(db: sqlite3.Connection, pod: Pod) -> None:
    """Insert a new pod."""
    db.execute(
        "INSERT INTO pods (id, stage_id, resource_id, number, state, created_at, devices, attempt, failures, restarts,"
        " not_before) VALUES (?, ?, ?, ?, ?, ?, '[]', 0, 0, 0, 0)",
        (pod.id, pod.stage_id, pod.resource_id, pod.number, pod.state, pod.created_at),
    )


def pods_of(db: sqlite3.Connection, stage_id: str) -> list[Pod]:
    """Return the pods of a stage, oldest first; raises BrokenRecord if one cannot be read."""
    rows = db.execute("SELECT * FROM pods WHERE stage_id = ? ORDER BY created_at, number, id", (stage_id,))
    try:
        return [_pod(row) for row in rows]
    except (ValueError, TypeError) as error:
        raise BrokenRecord(f"A pod of stage {stage_id} cannot be read: {error}.") from error


def has_started_pods(db: sqlite3.Connection) -> bool:
    """True if a driver may have a workload of a pod."""
    return db.execute("SELECT 1 FROM pods WHERE attempt > 0 LIMIT 1").fetchone() is not None


def _pod(row: sqlite3.Row) -> Pod:
    reason = None if row["reason"] is None else Reason(row["reason"])
    state, devices = PodState(row["state"]), tuple(json.loads(row["devices"]))
    return Pod(**{**dict(row), "state": state, "devices": devices, "reason": reason})


def set_pod(db: sqlite3.Connection, pod_id: str, **columns: Any) -> None:
    """Change columns of a pod, by the names of ``Pod``'s fields."""
    if "devices" in columns:
        columns["devices"] = json.dumps(columns["devices"])
    assignments = ", ".join(f"{column} = ?" for column in columns)
    db.execute(f"UPDATE pods SET {assignments} WHERE id = ?", (*columns.values(), pod_id))  # noqa: S608 fixed words


def delete_pod(db: sqlite3.Connection, pod_id: str) -> None:
    """Remove the row."""
    db.execute("DELETE FROM pods WHERE id = ?", (pod_id,))


def started_pods(db: sqlite3.Connection) -> list[Pod]:
    """Return the pods of all stages that a driver may have a workload of; those that cannot be read are left out."""
    found = []
    for row in db.execute("SELECT * FROM pods WHERE attempt > 0"):
        try:
            found.append(_pod(row))
        except (ValueError, TypeError) as error:
            log.warning("pod %s cannot be read: %s", row["id"], error)
    return found
