"""What the gateway has: services, stages, deployments and the user's resources, as files of its own (GW-L01).

========================  =========================================================================================
``services/<id>.json``    in force: name, default stage, API key; and which stages it has ever been given (mode 0600)
``stages/<id>.json``      the settings of a stage as they are wanted
``deployments/<id>.json`` the result of the last deployment of a stage, and what is in force of it
``pods/<id>.json``        the pods of a stage's models as we were told of them last
``resources/<name>.json`` a resource of the user's own
========================  =========================================================================================

Users may change and delete these files (GW-06). A stage's file carries a *generation*, made with the stage: one that was
made anew by hand is not the one that was deleted (GW-18).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from easymaker_local.domain.gateway import Backend, GatewayService, GatewayStage, RoutedModel
from easymaker_local.gateway.routes import Deployment, Site
from easymaker_local.gateway.user_resources import UserResource, resource_of
from easymaker_local.kit.files import read_json, write_json

_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")


@dataclass(frozen=True)
class StageRecord:
    """What a service remembers of a stage. ``is_gone``: it was found deleted, for ever."""

    generation: str
    was_deployed: bool = False
    is_gone: bool = False


@dataclass(frozen=True)
class ServiceRecord:
    """A service as it is in force."""

    id: str
    name: str
    default_stage_id: str | None = None
    api_key: str | None = field(default=None, repr=False)
    stages: dict[str, StageRecord] = field(default_factory=dict)

    @property
    def service(self) -> GatewayService:
        """Its own settings, without stages."""
        return GatewayService(self.id, self.name, (), self.default_stage_id, self.api_key)


@dataclass(frozen=True)
class StageFile:
    """The wanted settings of a stage."""

    generation: str
    service_id: str
    stage: GatewayStage


@dataclass(frozen=True)
class DeploymentRecord:
    """The last deployment: ``message`` if it failed; ``attempted`` is what it tried, ``in_force`` what is so now."""

    generation: str
    version: int
    attempted: dict[str, Any]
    in_force: dict[str, Any] | None
    message: str | None = None
    deployed_at: float | None = None

    @property
    def deployment(self) -> Deployment | None:
        """What is in force."""
        return None if self.in_force is None else _deployment_of(self.in_force)


class RouteStore:
    """The files. Whoever calls sees to it that nobody else writes meanwhile."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self) -> None:
        """Make the folders. Raises OSError."""
        for name in ("services", "stages", "deployments", "pods", "resources"):
            (self._root / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    # -- services

    def services(self) -> list[ServiceRecord]:
        """Return all services, by their names."""
        found = [record for key in self._keys("services") if (record := self.service(key)) is not None]
        return sorted(found, key=lambda record: record.name)

    def service(self, service_id: str) -> ServiceRecord | None:
        """Return a service; None if there is none that can be read."""
        content = self._read("services", service_id)
        try:
            stages = {key: StageRecord(**value) for key, value in content.pop("stages").items()}
            return ServiceRecord(**content, stages=stages)
        except (AttributeError, KeyError, TypeError):
            return None

    def service_of(self, stage_id: str) -> ServiceRecord | None:
        """Return the service that has a stage."""
        # Asked for every stage of a list: the stage's own file says where to look.
        file = self.stage(stage_id)
        named = None if file is None else self.service(file.service_id)
        if named is not None and stage_id in named.stages:
            return named
        return next((record for record in self.services() if stage_id in record.stages), None)

    def put_service(self, record: ServiceRecord) -> None:
        """Write a service. Raises OSError."""
        write_json(self._path("services", record.id), asdict(record), 0o600)

    def put_stage_record(self, service_id: str, stage_id: str, **changes: Any) -> None:
        """Change what a service remembers of a stage. Raises OSError."""
        record = self.service(service_id)
        if record is not None and stage_id in record.stages:
            changed = replace(record.stages[stage_id], **changes)
            self.put_service(replace(record, stages={**record.stages, stage_id: changed}))

    def remove_service(self, service_id: str) -> None:
        """Forget a service, not its stages."""
        self._path("services", service_id).unlink(missing_ok=True)

    def stages_of(self, service_id: str) -> set[str]:
        """Return the ids of a service's stages: those it knows, and those whose files name it though it may be gone."""
        record = self.service(service_id)
        files = {key for key in self._keys("stages") if (file := self.stage(key)) is not None and file.service_id == service_id}
        return files if record is None else files | set(record.stages)

    # -- stages and their deployments

    def stage(self, stage_id: str) -> StageFile | None:
        """Return the wanted settings of a stage; None if there are none that can be read."""
        content = self._read("stages", stage_id)
        try:
            return StageFile(content["generation"], content["service_id"], _stage_of(content["stage"]))
        except (KeyError, TypeError):
            return None

    def put_stage(self, file: StageFile) -> None:
        """Write the wanted settings of a stage. Raises OSError."""
        write_json(self._path("stages", file.stage.id), asdict(file))

    def deployment(self, stage_id: str) -> DeploymentRecord | None:
        """Return the last deployment of a stage; None if there is no record of it that can be read."""
        content = self._read("deployments", stage_id)
        try:
            record = DeploymentRecord(**content)
            _ = record.deployment
        except (AttributeError, KeyError, TypeError, ValueError):
            return None
        return record

    def put_deployment(self, stage_id: str, record: DeploymentRecord) -> None:
        """Write the result of a deployment. Raises OSError."""
        write_json(self._path("deployments", stage_id), asdict(record))

    def remove_stage(self, stage_id: str) -> None:
        """Forget a stage with its deployment, its pods and the user's resources there. Raises OSError."""
        for resource in self.resources():
            if resource.stage_id == stage_id:
                self.remove_resource(resource.name)
        for kind in ("stages", "deployments", "pods"):
            self._path(kind, stage_id).unlink(missing_ok=True)

    # -- pods

    def backends(self) -> dict[tuple[str, str], tuple[Backend, ...]]:
        """Return the pods of all that we were told of, by stage id and model id; what cannot be read is told again."""
        found: dict[tuple[str, str], tuple[Backend, ...]] = {}
        for stage_id in self._keys("pods"):
            try:
                models = self._read("pods", stage_id).items()
                found |= {(stage_id, model_id): tuple(Backend(**pod) for pod in pods) for model_id, pods in models}
            except (AttributeError, TypeError):
                continue
        return found

    def put_backends(self, stage_id: str, backends: Mapping[str, Sequence[Backend]]) -> None:
        """Write the pods of a stage's models, by model id. Raises OSError."""
        content = {model_id: [asdict(backend) for backend in pods] for model_id, pods in backends.items()}
        # No pod outlives what would undo it.
        write_json(self._path("pods", stage_id), content, durable=False)

    # -- resources of the user's own

    def resources(self) -> list[UserResource]:
        """Return all that can be read."""
        found = []
        for name in self._keys("resources"):
            try:
                found.append(self.resource(name))
            except ValueError:
                continue
        return [resource for resource in found if resource is not None]

    def resource(self, name: str) -> UserResource | None:
        """Return a resource; None if there is none. Raises ValueError if its file cannot be read."""
        try:
            content = read_json(self._path("resources", name))
        except ValueError as error:
            raise ValueError(f"resource {name!r} is no JSON: {error}") from error
        return None if content is None else resource_of(name, content)

    def resources_of(self, service_id: str, stage_id: str) -> tuple[UserResource, ...]:
        """Return the resources of a stage. Raises ValueError that names a file of its own which cannot be read."""
        found = []
        for name in self._keys("resources"):
            try:
                found.append(self.resource(name))
            except ValueError:
                if self._concerns(name, service_id, stage_id):
                    raise
        return tuple(r for r in found if r is not None and (r.stage_id == stage_id or r.service_id == service_id))

    def _concerns(self, name: str, service_id: str, stage_id: str) -> bool:
        """True if a file that cannot be read is a resource of a stage: it names it, or was deployed to it before."""
        text = self._path("resources", name).read_text(errors="replace")
        record = self.deployment(stage_id)
        deployed = [] if record is None else [record.attempted, record.in_force or {}]
        names = {resource.get("name") for each in deployed for resource in each.get("resources", ())}
        return name in names or f'"{stage_id}"' in text or f'"{service_id}"' in text

    def put_resource(self, resource: UserResource) -> None:
        """Write a resource. Raises OSError."""
        content = {key: value for key, value in resource.to_json().items() if key != "name"}
        write_json(self._path("resources", resource.name), content)

    def remove_resource(self, name: str) -> None:
        """Forget a resource."""
        self._path("resources", name).unlink(missing_ok=True)

    # -- what follows

    def sites(self) -> list[Site]:
        """Return what is in force of everything that is still there."""
        return [self.site(record) for record in self.services()]

    def site(self, record: ServiceRecord) -> Site:
        """Return what is in force of a service."""
        return Site(record.service, tuple(self._in_force(record)))

    def _in_force(self, record: ServiceRecord) -> Iterator[Deployment]:
        for stage_id, known in record.stages.items():
            file, deployed = self.stage(stage_id), self.deployment(stage_id)
            if known.is_gone or file is None or file.generation != known.generation or deployed is None:
                continue
            if (deployment := deployed.deployment) is not None:
                yield deployment

    def _keys(self, kind: str) -> list[str]:
        return sorted(path.stem for path in (self._root / kind).glob("*.json") if not path.name.startswith("."))

    def _path(self, kind: str, key: str) -> Path:
        if kind != "resources" and not _ID.fullmatch(key):
            raise ValueError(f"{key!r} is no id")
        return self._root / kind / f"{key}.json"

    def _read(self, kind: str, key: str) -> Any:
        """Return the content of a file; None if there is none, or what lies there is no JSON."""
        try:
            return read_json(self._path(kind, key))
        except ValueError:
            return None


def snapshot_of(deployment: Deployment) -> dict[str, Any]:
    """Return what a deployment is, as JSON."""
    return {"stage": _listed(asdict(deployment.stage)), "resources": [_listed(r.to_json()) for r in deployment.resources]}


def _deployment_of(content: dict[str, Any]) -> Deployment:
    resources = (UserResource(**{**each, "methods": tuple(each["methods"])}) for each in content["resources"])
    return Deployment(_stage_of(content["stage"]), tuple(resources))


def _stage_of(content: dict[str, Any]) -> GatewayStage:
    return GatewayStage(**{**content, "models": tuple(RoutedModel(**model) for model in content["models"])})


def _listed(content: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in content.items()}
