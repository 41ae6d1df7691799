"""The gateway as the rest of the daemon sees it: services and stages go in, Envoy routes to pods, statuses come out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from easymaker_local.domain.contract import GATEWAY_SOCKET
from easymaker_local.domain.gateway import (
    ApiCount,
    ApiKey,
    Backend,
    Deployed,
    GatewayResource,
    GatewayService,
    GatewayStage,
    GatewayStatus,
    ModelLoad,
)
from easymaker_local.errors import (
    Conflict,
    DaemonError,
    FieldError,
    GatewayRejected,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    TransientError,
)
from easymaker_local.gateway.admin import Admin
from easymaker_local.gateway.certificate import CertificateKeeper
from easymaker_local.gateway.config import CLUSTERS, LISTENERS, ROUTE_TABLE, EnvoyFiles
from easymaker_local.gateway.counters import read_counts, read_loads
from easymaker_local.gateway.holding import Holding, ModelKey
from easymaker_local.gateway.hosts import served_hosts
from easymaker_local.gateway.process import EnvoyProcess, Running
from easymaker_local.gateway.resources import (
    ROUTES,
    Layout,
    assignments,
    bootstrap,
    certificate,
    clusters,
    listeners,
)
from easymaker_local.gateway.route_store import DeploymentRecord, RouteStore, ServiceRecord, StageFile, StageRecord, snapshot_of
from easymaker_local.gateway.routes import Deployment, Site, route_configuration
from easymaker_local.gateway.shown import shown_resources
from easymaker_local.gateway.user_resources import UserResource, faults_of
from easymaker_local.kit.clock import Clock
from easymaker_local.kit.ids import new_id
from easymaker_local.settings import Settings

log = logging.getLogger(__name__)

_WITHOUT = " (0: no endpoints, no object storage by https, no TensorBoard, no MLflow)"


class EnvoyGateway:
    """One appliance's gateway. Everything runs on the daemon's loop; changes wait for each other."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._layout = Layout(settings.home)
        self._store = RouteStore(self._layout.root)
        self._admin = Admin(self._layout.admin)
        self._process = EnvoyProcess(self._layout, settings.gateway_workers)
        self._files = EnvoyFiles(self._layout, self._admin, self._process)
        self._certificate = CertificateKeeper(settings)
        self._backends: dict[ModelKey, tuple[Backend, ...]] = {}
        self._held: frozenset[ModelKey] = frozenset()
        self._holding = Holding(lambda key: bool(self._backends.get(key)) or key not in self._held)
        self._lock = asyncio.Lock()
        self._deploying: set[str] = set()
        self.replaced: tuple[str, Mapping[ApiKey, ApiCount]] | None = None

    # -- life

    async def open(self) -> None:
        """Bring what the route store has into force: with the Envoy that runs already, or a new one. Raises DaemonError.

        A killed Envoy is started again at once from then on.
        """
        try:
            self._make_folders()
            self._certificate.ensure()
            sites = self._store.sites()
            # Until we are told otherwise the pods are there that an earlier daemon has named, and what it held waits.
            self._backends, self._held = self._store.backends(), _held(sites)
            await self._holding.open(self._layout.hold)
            ran = await self._start(sites)
        except BaseException as error:
            await self._holding.close()
            await self._process.close()
            if isinstance(error, OSError):
                raise DaemonError(f"The gateway cannot be started: {error}.") from error
            raise
        self._certificate.start()
        log.info("The gateway (Envoy) %s.", "is taken over as it runs" if ran else "is started")

    async def close(self) -> None:
        """Look after it no longer. Envoy goes on serving endpoints; without any it ends."""
        await self._certificate.close()
        if self._store.services():
            await self._process.close()
        else:
            await self._process.end()
        await self._holding.close()

    async def end(self) -> None:
        """End what an earlier daemon may have left running."""
        await self._process.end()

    @property
    def epoch(self) -> str:
        """The id of Envoy's process: where it changes, ``counts`` and ``loads`` begin at zero."""
        return self._process.epoch

    def _make_folders(self) -> None:
        self._store.open()
        for folder in (self._layout.root, self._layout.envoy, self._layout.run):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        self._layout.log.parent.mkdir(parents=True, exist_ok=True)
        self._settings.sockets.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def _start(self, sites: Sequence[Site]) -> bool:
        settings, layout = self._settings, self._layout
        found = listeners(
            layout, host=settings.host, port=settings.gateway_port, http_port=settings.gateway_http_port,
            pipe=settings.sockets / GATEWAY_SOCKET,
        )  # fmt: skip
        self._files.write(layout.file("certificate"), [certificate(settings.tls)])
        self._files.write_bootstrap(bootstrap(layout))
        for name, resources in (("listeners", found), ("clusters", self._clusters(sites)), (ROUTES, [self._routes(sites)])):
            if not layout.file(name).exists():
                self._files.write(layout.file(name), resources)
        ran = await self._process.open(self._keep_counts)
        try:
            await self._files.put("listeners", LISTENERS, found)
        except GatewayRejected as error:
            if not ran:
                await self._process.end()
            where = f"{settings.host}:{settings.gateway_port}"
            raise DaemonError(
                f"{where} cannot be listened on: {error.message}.",
                hint=f"Set another port: EASYMAKER_LOCAL_GATEWAY_PORT{_WITHOUT}.",
            ) from error
        await self._apply_what_can_be(sites)
        return ran

    async def _apply_what_can_be(self, sites: Sequence[Site]) -> None:
        """Bring what was in force into force again; a service of which Envoy refuses something must not keep out the others."""
        try:
            await self._apply(sites)
        except GatewayRejected:
            good: list[Site] = []
            for site in sites:
                try:
                    await self._apply([*good, site])
                except GatewayRejected as error:
                    log.error("The gateway refuses endpoint %r: %s", site.service.name, error)  # noqa: TRY400 - Envoy's words
                    self._put_out_of_force(site, str(error))
                else:
                    good.append(site)
            await self._apply(good)

    def _put_out_of_force(self, site: Site, message: str) -> None:
        """Somebody has changed a deployment outside so that nothing of it can be had: its stages wait for GW-04."""
        for deployment in site.deployments:
            found = self._store.deployment(deployment.stage.id)
            if found is not None:
                self._store.put_deployment(deployment.stage.id, replace(found, in_force=None, message=message))

    # -- services and stages

    async def put_service(self, service: GatewayService) -> dict[str, Deployed]:
        """Take settings of a service and of the stages given, and bring into force what has changed; other stages stay.

        The default stage changes in one step. A stage whose settings Envoy refuses keeps what it had, with STAGE DEPLOY FAIL;
        it is tried again when its settings change, or by ``deploy_stage``. Raises QuotaExceeded, GatewayRejected (the service
        itself), InvalidRequest, TransientError, OSError.
        """
        if service.api_key == "":
            raise InvalidRequest([FieldError("api_key", "is a text, or there is none")])
        async with self._lock:
            record = self._store.service(service.id)
            if record is None:
                self._check_services()
                record = ServiceRecord(service.id, service.name)
            record = self._with_stages(record, service.stages)
            self._store.put_service(record)
            for stage in service.stages:
                known = record.stages[stage.id]
                if not known.is_gone and not self._is_gone(stage.id, known):
                    self._store.put_stage(StageFile(known.generation, service.id, stage))
            wanted = replace(record, name=service.name, default_stage_id=service.default_stage_id, api_key=service.api_key)
            changed = [s.id for s in service.stages if self._has_changed(wanted, s.id)]
            await self._deploy(wanted, changed)
        return {stage.id: await self.status(stage.id) for stage in service.stages}

    async def deploy_stage(self, stage_id: str) -> Deployed:
        """Deploy a stage by hand (GW-04). Raises NotFound, Conflict (GW-18), TransientError, OSError."""
        async with self._lock:
            record = self._store.service_of(stage_id)
            if record is None:
                raise NotFound(f"The gateway has no stage {stage_id}.")
            if self._is_gone(stage_id, record.stages[stage_id]):
                raise Conflict(
                    "This stage was deleted in the gateway.", hint="Delete the endpoint's stage and create it again."
                )
            await self._deploy(record, [stage_id])
        return await self.status(stage_id)

    async def remove_stage(self, stage_id: str) -> None:
        """Take a stage away: its URL answers 404. Calm if there is none. Raises TransientError, OSError."""
        async with self._lock:
            record = self._store.service_of(stage_id)
            if record is not None:
                stages = {key: value for key, value in record.stages.items() if key != stage_id}
                default = None if record.default_stage_id == stage_id else record.default_stage_id
                record = replace(record, stages=stages, default_stage_id=default)
            # Before it is forgotten, and also where it is already: Envoy may still answer since an earlier call failed.
            await self._apply(
                [
                    site if record is None or site.service.id != record.id else self._store.site(record)
                    for site in self._store.sites()
                ]
            )
            if record is not None:
                self._store.put_service(record)
            self._forget(stage_id)

    async def remove_service(self, service_id: str) -> None:
        """Take a service away with all its stages. Calm if there is none. Raises TransientError, OSError."""
        async with self._lock:
            await self._apply([site for site in self._store.sites() if site.service.id != service_id])
            for stage_id in self._store.stages_of(service_id):
                self._forget(stage_id)
            for resource in self._store.resources():
                if resource.service_id == service_id:
                    self._store.remove_resource(resource.name)
            self._store.remove_service(service_id)

    async def status(self, stage_id: str) -> Deployed:
        """Return what the gateway has of a stage now (GW-12…GW-18)."""
        deployed = self._store.deployment(stage_id)
        record = self._store.service_of(stage_id)
        if record is None:
            lost = deployed is not None or self._store.stage(stage_id) is not None
            return Deployed(GatewayStatus.NOT_FOUND_STAGE if lost else GatewayStatus.CREATE_IN_PROGRESS)
        known = record.stages[stage_id]
        if stage_id in self._deploying:
            return _deployed(GatewayStatus.STAGE_DEPLOYING, deployed)
        if self._is_gone(stage_id, known):
            if not known.is_gone:
                self._store.put_stage_record(record.id, stage_id, is_gone=True)
            return Deployed(GatewayStatus.NOT_FOUND_STAGE)
        if deployed is None or deployed.generation != known.generation:
            lost = known.was_deployed
            return Deployed(GatewayStatus.NOT_FOUND_DEPLOY_RESULT if lost else GatewayStatus.CREATE_IN_PROGRESS)
        failed = deployed.message is not None
        return _deployed(GatewayStatus.STAGE_DEPLOY_FAIL if failed else GatewayStatus.ACTIVE, deployed)

    def settings(self, stage_id: str) -> list[GatewayResource]:
        """Return what is deployed to a stage (GW-03). Raises NotFound if nothing is."""
        deployed = self._store.deployment(stage_id)
        deployment = None if deployed is None else deployed.deployment
        if deployment is None:
            raise NotFound("Nothing is deployed to this stage of the gateway.")
        return shown_resources(deployment, lambda model_id: self._backends.get((stage_id, model_id), ()))

    # -- pods

    async def set_backends(self, stage_id: str, model_id: str, backends: Sequence[Backend]) -> None:
        """Say which pods answer for a model; returns when Envoy has it, and lets go on who waits for them.

        What runs on pods that are not among them any more may end. Raises TransientError, GatewayRejected, OSError.
        """
        async with self._lock:
            key = stage_id, model_id
            before = self._backends.get(key, ())
            if not backends:
                # Before Envoy hears of it: who asks a held model from now on waits, instead of going on to no pod at all.
                self._backends[key] = ()
            try:
                await self._put_pods(key, backends)
                told = {model: pods for (stage, model), pods in self._backends.items() if stage == stage_id}
                self._store.put_backends(stage_id, {**told, model_id: backends})
            except (TransientError, GatewayRejected, OSError):
                self._backends[key] = before
                raise
            self._backends[key] = tuple(backends)
            self._holding.release()

    def on_held(self, callback: Callable[[str, str], None]) -> None:
        """Have ``callback`` called with stage id and model id for each request that begins to wait for a held model."""
        self._holding.on_held(callback)

    # -- resources of the user's own

    def resources(self) -> list[UserResource]:
        """Return the resources that the user has made (EP-15)."""
        return self._store.resources()

    async def put_resource(self, resource: UserResource) -> None:
        """Make or replace a resource, and deploy its stages. Raises InvalidRequest (GW-09), NotFound."""
        async with self._lock:
            by_stage = self._store.service_of(resource.stage_id) if resource.stage_id else None
            record = by_stage or (self._store.service(resource.service_id) if resource.service_id else None)
            if record is None:
                raise NotFound("The gateway has no such stage or service.")
            stage_ids = [resource.stage_id] if resource.stage_id else list(record.stages)
            files = [self._store.stage(stage_id) for stage_id in stage_ids]
            models = tuple(model for file in files if file is not None for model in file.stage.models)
            if faults := faults_of(resource, models):
                raise InvalidRequest([FieldError(field, message) for field, message in faults])
            self._store.put_resource(resource)
            await self._deploy(record, stage_ids)

    async def remove_resource(self, name: str) -> None:
        """Take a resource away, and deploy its stages. Raises NotFound, TransientError, OSError."""
        async with self._lock:
            try:
                found = self._store.resource(name)
            except ValueError:
                found = UserResource(name, "/")
            if found is None:
                raise NotFound(f"There is no resource {name!r}.")
            self._store.remove_resource(name)
            by_stage = self._store.service_of(found.stage_id) if found.stage_id else None
            record = by_stage or (self._store.service(found.service_id) if found.service_id else None)
            if record is not None:
                await self._deploy(record, [found.stage_id] if found.stage_id else list(record.stages))

    # -- counters

    async def counts(self) -> dict[ApiKey, ApiCount]:
        """Return what was asked since Envoy's start, by whom it was meant for (GW-05). Raises TransientError."""
        return await read_counts(self._admin)

    async def loads(self) -> dict[ModelKey, ModelLoad]:
        """Return what is asked now of each model, waiting requests included. Raises TransientError."""
        return await read_loads(self._admin, self._holding.count())

    async def _keep_counts(self, replaced: Running) -> None:
        try:
            self.replaced = replaced.epoch, await self.counts()
        except TransientError as error:
            log.warning("What the gateway has counted since it was asked last is lost: %s", error)

    async def reopen_access_log(self) -> None:
        """Have Envoy begin another file at the access log's path, after the one there was renamed. Raises TransientError."""
        await self._admin.post("/reopen_logs")

    # -- how it is done

    def _check_services(self) -> None:
        quota = self._settings.gateway_service_quota
        if len(self._store.services()) >= quota:
            raise QuotaExceeded(
                f"The gateway has {quota} services, as many as it may.", hint="Raise the setting gateway_service_quota."
            )

    def _with_stages(self, record: ServiceRecord, stages: Sequence[GatewayStage]) -> ServiceRecord:
        known = dict(record.stages)
        for stage in stages:
            if stage.id not in known:
                # Files without a service that knows them: the service was deleted outside, and with it its stages.
                is_gone = self._store.stage(stage.id) is not None or self._store.deployment(stage.id) is not None
                known[stage.id] = StageRecord(new_id(), is_gone=is_gone)
        quota = self._settings.gateway_stage_quota
        if len(known) > quota and len(known) > len(record.stages):
            raise QuotaExceeded(
                f"A service of the gateway has {quota} stages at most.", hint="Raise the setting gateway_stage_quota."
            )
        return replace(record, stages=known)

    def _is_gone(self, stage_id: str, known: StageRecord) -> bool:
        """GW-18: what was deployed and is not there any more never comes back."""
        if known.is_gone or not known.was_deployed:
            return known.is_gone
        file = self._store.stage(stage_id)
        return file is None or file.generation != known.generation

    def _wanted(self, record: ServiceRecord, stage_id: str) -> Deployment | None:
        """Return what is to be deployed of a stage. Raises ValueError if a resource of the user's cannot be read."""
        file = self._store.stage(stage_id)
        return None if file is None else Deployment(file.stage, self._store.resources_of(record.id, stage_id))

    def _has_changed(self, record: ServiceRecord, stage_id: str) -> bool:
        known = record.stages[stage_id]
        if self._is_gone(stage_id, known):
            return False
        deployed = self._store.deployment(stage_id)
        if deployed is None or deployed.generation != known.generation:
            return True
        file = self._store.stage(stage_id)
        return file is not None and snapshot_of(Deployment(file.stage))["stage"] != deployed.attempted["stage"]

    async def _deploy(self, record: ServiceRecord, stage_ids: Sequence[str]) -> None:
        """Deploy stages of a service together, or each by itself if that is refused; then the service is in force."""
        self._deploying.update(stage_ids)
        try:
            candidates: dict[str, Deployment] = {}
            for stage_id in stage_ids:
                try:
                    wanted = self._wanted(record, stage_id)
                except ValueError as error:
                    self._record(record, stage_id, None, str(error))
                    continue
                if wanted is not None and not self._is_gone(stage_id, record.stages[stage_id]):
                    candidates[stage_id] = wanted
            try:
                await self._try(record, candidates)
            except (GatewayRejected, TransientError, OSError) as error:
                await self._deploy_one_by_one(record, candidates, error)
        finally:
            self._deploying.difference_update(stage_ids)

    async def _deploy_one_by_one(self, record: ServiceRecord, candidates: dict[str, Deployment], error: Exception) -> None:
        if len(candidates) == 1 or not isinstance(error, GatewayRejected):
            for stage_id, candidate in candidates.items():
                self._record(record, stage_id, candidate, str(error))
            if not candidates or not isinstance(error, GatewayRejected):
                raise error
            await self._try(record, {})
            return
        await self._try(record, {})
        for stage_id, candidate in candidates.items():
            try:
                await self._try(record, {stage_id: candidate})
            except GatewayRejected as refused:
                self._record(record, stage_id, candidate, str(refused))

    async def _try(self, record: ServiceRecord, candidates: dict[str, Deployment]) -> None:
        """Bring stages and their service into force together, and write that down."""
        site = self._store.site(record)
        kept = tuple(d for d in site.deployments if d.stage.id not in candidates)
        changed = Site(record.service, (*kept, *candidates.values()))
        others = [each for each in self._store.sites() if each.service.id != record.id]
        await self._apply([*others, changed])
        for stage_id, candidate in candidates.items():
            self._record(record, stage_id, candidate, None)
        known = {key: replace(s, was_deployed=True) if key in candidates else s for key, s in record.stages.items()}
        now = self._store.service(record.id)
        known |= {key: s for key, s in (now.stages if now else {}).items() if s.was_deployed or s.is_gone}
        self._store.put_service(replace(record, stages=known))

    def _record(self, record: ServiceRecord, stage_id: str, candidate: Deployment | None, message: str | None) -> None:
        earlier = self._store.deployment(stage_id)
        known = record.stages[stage_id]
        if earlier is not None and earlier.generation != known.generation:
            earlier = None
        if candidate is None:
            file = self._store.stage(stage_id)
            candidate = None if file is None else Deployment(file.stage)
        attempted: dict[str, Any] = {} if candidate is None else snapshot_of(candidate)
        version = 0 if earlier is None else earlier.version
        if message is None:
            made = DeploymentRecord(known.generation, version + 1, attempted, attempted, None, self._clock.now())
        else:
            kept = None if earlier is None else earlier.in_force
            at = None if earlier is None else earlier.deployed_at
            made = DeploymentRecord(known.generation, version, attempted, kept, message, at)
        self._store.put_deployment(stage_id, made)
        self._store.put_stage_record(record.id, stage_id, was_deployed=True)

    async def _apply(self, sites: Sequence[Site]) -> None:
        """Have Envoy route to these and to nothing else. Raises GatewayRejected, TransientError, OSError.

        Clusters come before the routes to them, and go after. Who waits for a model that is held no more goes on.
        """
        earlier, held = self._held, _held(sites)
        # Meanwhile requests come by the earlier routes as well as by the new ones.
        self._held = earlier | held
        try:
            await self._put_sites(sites)
        except BaseException:
            self._held = earlier
            raise
        self._held = held
        self._holding.release()

    async def _put_sites(self, sites: Sequence[Site]) -> None:
        wanted = self._clusters(sites)
        names = {cluster["name"] for cluster in wanted}
        there = self._files.resources(self._layout.file("clusters"))
        await self._files.put("clusters", CLUSTERS, [*wanted, *(each for each in there if each["name"] not in names)])
        try:
            await self._files.put(ROUTES, ROUTE_TABLE, [self._routes(sites)])
        except BaseException:
            await self._files.put("clusters", CLUSTERS, there)
            raise
        await self._files.put("clusters", CLUSTERS, wanted)

    def _clusters(self, sites: Sequence[Site]) -> list[dict[str, Any]]:
        found = []
        for site in sites:
            for deployment in site.deployments:
                for model in deployment.stage.models:
                    pods = self._backends.get((deployment.stage.id, model.model_id), ())
                    found += clusters(deployment.stage, model, pods)
        return found

    async def _put_pods(self, key: ModelKey, backends: Sequence[Backend]) -> None:
        """Have Envoy ask these pods, if the model is in force. Raises GatewayRejected, TransientError, OSError."""
        assigned = assignments(*key, backends)
        there = self._files.resources(self._layout.file("clusters"))
        if any(each["name"] in assigned for each in there):
            changed = [
                {**each, "load_assignment": assigned[each["name"]]} if each["name"] in assigned else each for each in there
            ]
            await self._files.put("clusters", CLUSTERS, changed)

    def _routes(self, sites: Sequence[Site]) -> dict[str, Any]:
        return route_configuration(sites, served_hosts(self._settings), retries=self._settings.gateway_retries)

    def _forget(self, stage_id: str) -> None:
        self._store.remove_stage(stage_id)
        for key in [key for key in self._backends if key[0] == stage_id]:
            del self._backends[key]


def _held(sites: Sequence[Site]) -> frozenset[ModelKey]:
    """Return the models whose requests wait where no pod is."""
    deployments = (deployment for site in sites for deployment in site.deployments)
    return frozenset((d.stage.id, model.model_id) for d in deployments for model in d.stage.models if model.held)


def _deployed(status: GatewayStatus, record: DeploymentRecord | None) -> Deployed:
    if record is None:
        return Deployed(status)
    return Deployed(status, record.version, record.message, record.deployed_at)
