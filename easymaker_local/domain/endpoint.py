"""Endpoints, their stages, stage resources and pods: the records and their statuses (EP, ST, SR).

    endpoint   CREATE_REQUESTED ─▶ CREATE_IN_PROGRESS ─▶ ACTIVE ◀──▶ UPDATE_IN_PROGRESS ◀──▶ UPDATE_FAILED
                     └────────────────┴─▶ CREATE_FAILED         any that rests ─▶ DELETE_IN_PROGRESS ─▶ (gone)

    stage      CREATE_REQUESTED ─▶ CREATE_IN_PROGRESS ─▶ DEPLOY_IN_PROGRESS ◀──▶ ACTIVE
                     └────────────────┴─▶ CREATE_FAILED       └─▶ DEPLOY_FAILED      ─▶ DELETE_IN_PROGRESS ─▶ (gone)

    resource   CREATE_REQUESTED ─▶ CREATE_IN_PROGRESS ─▶ ACTIVE ─▶ DELETE_IN_PROGRESS ─▶ (gone)
                     └────────────────┴─▶ CREATE_FAILED ─┘

A stage's nodes are its bookings in the ledger, members ``node-<n>`` of the key ``("stage", stage id)``; the status of an
endpoint after its creation follows from its stages (EP-30). A pod is one model server on one node.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from easymaker_local.domain.endpoint_spec import ResourceSpec, StageSettings
from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.ledger import Amount
from easymaker_local.domain.reason import Cause, Reason


class Wish(StrEnum):
    """What the user wants of an endpoint, stage or stage resource; written by requests, never by controllers."""

    SERVE = "SERVE"
    DELETE = "DELETE"


class EndpointStatus(StrEnum):
    """EP-22…EP-28."""

    CREATE_REQUESTED = "CREATE_REQUESTED"
    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    ACTIVE = "ACTIVE"
    CREATE_FAILED = "CREATE_FAILED"
    UPDATE_FAILED = "UPDATE_FAILED"

    @property
    def is_finished(self) -> bool:
        """True if nothing happens until somebody asks for it; then it may be deleted."""
        return self in {EndpointStatus.ACTIVE, EndpointStatus.CREATE_FAILED, EndpointStatus.UPDATE_FAILED}


class StageStatus(StrEnum):
    """ST-15…ST-21."""

    CREATE_REQUESTED = "CREATE_REQUESTED"
    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    DEPLOY_IN_PROGRESS = "DEPLOY_IN_PROGRESS"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    ACTIVE = "ACTIVE"
    CREATE_FAILED = "CREATE_FAILED"
    DEPLOY_FAILED = "DEPLOY_FAILED"

    @property
    def is_finished(self) -> bool:
        """True if nothing happens until somebody asks for it; then it may be deleted."""
        return self in {StageStatus.ACTIVE, StageStatus.CREATE_FAILED, StageStatus.DEPLOY_FAILED}


class ResourceStatus(StrEnum):
    """SR-15…SR-19."""

    CREATE_REQUESTED = "CREATE_REQUESTED"
    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    ACTIVE = "ACTIVE"
    CREATE_FAILED = "CREATE_FAILED"

    @property
    def is_finished(self) -> bool:
        """True if nothing happens until somebody asks for it; then it may be deleted (SR-23)."""
        return self in {ResourceStatus.ACTIVE, ResourceStatus.CREATE_FAILED}


E, S, R = EndpointStatus, StageStatus, ResourceStatus

ENDPOINT_TRANSITIONS: dict[EndpointStatus, frozenset[EndpointStatus]] = {
    E.CREATE_REQUESTED: frozenset({E.CREATE_IN_PROGRESS, E.CREATE_FAILED}),
    E.CREATE_IN_PROGRESS: frozenset({E.ACTIVE, E.CREATE_FAILED}),
    E.ACTIVE: frozenset({E.UPDATE_IN_PROGRESS, E.DELETE_IN_PROGRESS}),
    E.UPDATE_IN_PROGRESS: frozenset({E.ACTIVE, E.UPDATE_FAILED}),
    E.UPDATE_FAILED: frozenset({E.UPDATE_IN_PROGRESS, E.DELETE_IN_PROGRESS}),
    E.CREATE_FAILED: frozenset({E.DELETE_IN_PROGRESS}),
    E.DELETE_IN_PROGRESS: frozenset(),
}
STAGE_TRANSITIONS: dict[StageStatus, frozenset[StageStatus]] = {
    S.CREATE_REQUESTED: frozenset({S.CREATE_IN_PROGRESS, S.CREATE_FAILED}),
    S.CREATE_IN_PROGRESS: frozenset({S.DEPLOY_IN_PROGRESS, S.CREATE_FAILED}),
    S.DEPLOY_IN_PROGRESS: frozenset({S.ACTIVE, S.DEPLOY_FAILED}),
    S.ACTIVE: frozenset({S.DEPLOY_IN_PROGRESS, S.DELETE_IN_PROGRESS}),
    S.CREATE_FAILED: frozenset({S.DELETE_IN_PROGRESS}),
    S.DEPLOY_FAILED: frozenset({S.DELETE_IN_PROGRESS}),
    S.DELETE_IN_PROGRESS: frozenset(),
}
RESOURCE_TRANSITIONS: dict[ResourceStatus, frozenset[ResourceStatus]] = {
    R.CREATE_REQUESTED: frozenset({R.CREATE_IN_PROGRESS, R.CREATE_FAILED}),
    R.CREATE_IN_PROGRESS: frozenset({R.ACTIVE, R.CREATE_FAILED}),
    R.ACTIVE: frozenset({R.DELETE_IN_PROGRESS}),
    R.CREATE_FAILED: frozenset({R.DELETE_IN_PROGRESS}),
    R.DELETE_IN_PROGRESS: frozenset(),
}


@dataclass(frozen=True)
class DefaultChange:
    """A change of the default stage that is under way (EP-32). ``stop_first``: the two do not fit; requests wait meanwhile."""

    stage_id: str
    stop_first: bool = False


@dataclass(frozen=True)
class Endpoint:
    """A row. Times in epoch seconds. ``sealed_api_key``: None if nobody needs one; ``change``: see ``DefaultChange``."""

    id: str
    name: str
    description: str | None
    tags: tuple[dict[str, str], ...]
    sealed_api_key: str | None = field(repr=False)
    status: EndpointStatus
    wish: Wish
    cause: Cause | None
    default_stage_id: str
    change: DefaultChange | None
    created_at: float
    finished_at: float | None = None


@dataclass(frozen=True)
class Stage:
    """A row. ``wanted_nodes`` is what the node autoscaler or the request wants now.

    ``runtime_version`` is the set of serving images that it was created on (UP-09); its pods may run on newer ones.
    ``deployed``: its settings have changed since the gateway was told if this is less than ``generation``.
    """

    id: str
    endpoint_id: str
    name: str
    spec: StageSettings
    flavor: Flavor
    status: StageStatus
    wish: Wish
    cause: Cause | None
    wanted_nodes: int
    runtime_version: str
    generation: int
    deployed: int
    created_at: float
    finished_at: float | None = None


@dataclass(frozen=True)
class StageResource:
    """A row. ``demand`` is what each pod takes; ``wanted_pods`` what its autoscaler or the request wants now, 0: asleep.

    ``deadline``: when its creation has taken too long (SR-22).
    """

    id: str
    stage_id: str
    endpoint_id: str
    model_id: str
    spec: ResourceSpec
    demand: Amount
    status: ResourceStatus
    wish: Wish
    cause: Cause | None
    wanted_pods: int
    created_at: float
    finished_at: float | None = None
    deadline: float | None = None


class PodState(StrEnum):
    """Where a pod is. PENDING has no node yet; WAITING pauses before it is started again; LEAVING takes no new requests."""

    PENDING = "PENDING"
    STARTING = "STARTING"
    READY = "READY"
    UNREADY = "UNREADY"
    WAITING = "WAITING"
    LEAVING = "LEAVING"


_RUNNING = {PodState.STARTING, PodState.READY, PodState.UNREADY, PodState.LEAVING}


@dataclass(frozen=True)
class Pod:
    """A row. ``node`` is the member of the stage's booking where it is placed, with its ``devices``; None: not placed.

    ``attempt`` counts starts, ``failures`` those in a row that ended or stopped answering, ``not_before`` when the next may be.
    ``load_seconds`` is how long its last start took until it was ready, ``ready_at`` when it was ready last. ``reason`` and
    ``message`` tell of the last failure, until it has been ready for a while. ``runtime_version`` is the set of serving images
    of its last start (UP-L02).
    """

    id: str
    stage_id: str
    resource_id: str
    number: int
    state: PodState
    created_at: float
    node: str | None = None
    devices: tuple[str, ...] = ()
    attempt: int = 0
    failures: int = 0
    restarts: int = 0
    not_before: float = 0.0
    started_at: float | None = None
    ready_at: float | None = None
    load_seconds: float | None = None
    message: str | None = None
    reason: Reason | None = None
    runtime_version: str | None = None

    @property
    def cause(self) -> Cause | None:
        """Why it failed last; None: it has not."""
        return None if self.reason is None else Cause(self.reason, self.message or "")

    @property
    def runs_version(self) -> str | None:
        """The runtime version on which it runs now; None if nothing of it runs."""
        return self.runtime_version if self.state in _RUNNING else None

    @property
    def workload(self) -> str:
        """Name of its workload now: kind, id, attempt, role (architecture 2)."""
        return f"stage-{self.stage_id}-{self.attempt}-{self.id}"

    @property
    def member(self) -> str:
        """Name of its place among the stage's pods, in monitoring: whatever pod has that place next goes on with it."""
        return f"{self.resource_id}-{self.number}"

    @property
    def network(self) -> str:
        """Name of its network, in which it is alone."""
        return f"stage-{self.stage_id}-{self.id}"


DELETED = Cause(Reason.DELETED_BY_USER, "It was deleted by the user.")


def status_by_stages(stages: Iterable[StageStatus]) -> EndpointStatus:
    """Return the status of an endpoint that has been created (EP-30)."""
    found = set(stages)
    if not all(status.is_finished for status in found):
        return E.UPDATE_IN_PROGRESS
    return E.UPDATE_FAILED if found & {S.CREATE_FAILED, S.DEPLOY_FAILED} else E.ACTIVE
