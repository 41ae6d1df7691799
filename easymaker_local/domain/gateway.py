"""What the gateway is told and what it says of itself (GW, EP-L01, EP-L02). Pure; ``easymaker_local/gateway`` acts.

An endpoint is a *service* of the gateway, each of its stages a *stage* there. A stage has *routed models*: one per model
name, whatever number of stage resources carry it (EP-13). Which pods answer for a routed model changes often and is said
apart from the rest (``Backend``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

STAGE_NAME = re.compile(r"[a-z0-9]{1,30}")
"""EP-05."""

DEFAULT_STAGE_NAME = "default"
"""Name of the stage that comes with an endpoint."""

RESERVED_NAMES = frozenset(
    {"v1", "v2", "v3", "auth", "oauth2", "storage", "swift", "info", "tensorboard", "mlflow", "notebook", "web", "healthz"}
)
"""Names that an endpoint cannot have: first parts of paths behind the same port that are something else's."""


class GatewayStatus(StrEnum):
    """GW-12…GW-17; ``deployStatus`` of a stage on the wire (rest-api §12)."""

    CREATE_IN_PROGRESS = "CREATE IN PROGRESS"
    STAGE_DEPLOYING = "STAGE DEPLOYING"
    ACTIVE = "ACTIVE"
    NOT_FOUND_STAGE = "NOT FOUND: STAGE"
    NOT_FOUND_DEPLOY_RESULT = "NOT FOUND: STAGE DEPLOY RESULT"
    STAGE_DEPLOY_FAIL = "STAGE DEPLOY FAIL"


@dataclass(frozen=True)
class Backend:
    """A pod as the gateway reaches it; ``name`` is its workload's."""

    name: str
    host: str
    port: int
    grpc_port: int | None = None


@dataclass(frozen=True)
class RoutedModel:
    """A model on a stage.

    ``path``: a resource path of the user's own, as ``/inference``, beside those of OI; "" for none (VX-06).
    ``held``: nothing of it runs; requests wait at the gateway until ``Backend``s are set, up to the stage's ``hold_seconds``.
    """

    model_id: str
    model_name: str
    path: str = ""
    held: bool = False


@dataclass(frozen=True)
class GatewayStage:
    """What is deployed for a stage, in force as a whole or not at all (GW-L03).

    ``log``: requests go into the log store (LG). ``timeout_seconds``: for the whole answer of a model (OI-20: 504), 0 for none.
    ``hold_seconds``: the longest that a request for a held model waits (then 503). ``maximum_request_bytes``: above it 413.
    ``maximum_requests``: at once per model, above it 503 (circuit breaking).
    """

    id: str
    name: str
    models: tuple[RoutedModel, ...]
    log: bool = False
    timeout_seconds: float = 300.0
    hold_seconds: float = 300.0
    maximum_request_bytes: int = 64 << 20
    maximum_requests: int = 1024


@dataclass(frozen=True)
class GatewayService:
    """An endpoint on the gateway. ``default_stage_id`` None: it has none that answers.

    ``api_key``, None if nobody needs one, is asked for in the header ``x-nhn-apikey`` (GW-L05).
    """

    id: str
    name: str
    stages: tuple[GatewayStage, ...] = ()
    default_stage_id: str | None = None
    api_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Deployed:
    """What is known of a stage's deployment: its status now, the version in force, why it failed."""

    status: GatewayStatus
    version: int = 0
    message: str | None = None
    deployed_at: float | None = None


class Api(StrEnum):
    """APIs of a model that are counted apart (OI-01…OI-12, GW-05); the values go into the names of counters."""

    MODELS = "models"
    MODEL = "model"
    PREDICT = "predict"
    EXPLAIN = "explain"
    SERVER = "server"
    LIVE = "live"
    READY = "ready"
    METADATA = "metadata"
    MODEL_READY = "modelready"
    INFER = "infer"
    COMPLETIONS = "completions"
    CHAT = "chat"
    GRPC = "grpc"
    CUSTOM = "custom"
    """The user's own resource path, and the stage's root."""
    OTHER = "other"
    """Anything else below a stage: unknown models and paths."""


@dataclass(frozen=True)
class ApiKey:
    """What one counter is of. ``model_id`` is "" where no model is meant (``Api.OTHER`` of an unknown one)."""

    stage_id: str
    model_id: str
    api: Api

    @property
    def prefix(self) -> str:
        """``stat_prefix`` of its routes."""
        return f"{self.stage_id}~{self.model_id}~{self.api}"


@dataclass(frozen=True)
class ApiCount:
    """Totals of the gateway's process since its start: calls by class of status, and how long they took.

    ``classes``: "2xx", "4xx", "5xx", … -> calls. ``buckets``: upper bound in ms -> calls up to it (cumulative).
    """

    classes: dict[str, int]
    total_ms: float
    buckets: dict[float, int]


@dataclass(frozen=True)
class ModelLoad:
    """What a routed model is asked for now: requests under way, and all since the gateway's start."""

    active: int
    total: int


@dataclass(frozen=True)
class GatewayResource:
    """A resource that is deployed to a stage (GW-03). ``path`` begins below the stage's URL, ``backends`` are URLs of pods.

    ``resource_name`` is set for the user's own (EP-15).
    """

    path: str
    methods: tuple[str, ...]
    backends: tuple[str, ...]
    model_id: str
    api: Api
    resource_name: str | None = None
