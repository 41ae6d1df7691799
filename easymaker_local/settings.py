"""Every setting of the appliance: from ``config.toml``, overridden by ``EASYMAKER_LOCAL_*`` variables.

Paths below the home directory are derived on access, so that a test or a second appliance needs one value only
(architecture 3).
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from easymaker_local.errors import DaemonError
from easymaker_local.kit.hosts import parse_host

PREFIX = "EASYMAKER_LOCAL_"


class DriverChoice(StrEnum):
    """Which driver runs workloads; ``auto`` takes docker when the engine answers."""

    AUTO = "auto"
    DOCKER = "docker"
    PROCESS = "process"


class BucketAccess(StrEnum):
    """What the system account may do in a bucket that has no access list.

    Instead of OS-L02 (a new bucket grants nothing): on a workstation with one user, who owns jobs and buckets alike, asking
    once per bucket protects nobody. ``none`` is the cloud's behaviour.
    """

    READ_WRITE = "read-write"
    READ = "read"
    NONE = "none"


class Nas(BaseModel):
    """A directory of this machine that ``nas://{id}:/…`` may address (GN-08, GN-L06)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    read_only: bool = False


class FlavorSetting(BaseModel):
    """A flavor of the user's own, beside the generated ones (IT-L01)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=50)
    vcpus: int = Field(ge=1)
    memory_gib: int = Field(ge=1)
    gpus: int = Field(default=0, ge=0, le=64)
    gpu_model: str | None = Field(default=None, min_length=1, max_length=100)


def config_file() -> Path:
    """Return the path of the settings file; ``EASYMAKER_LOCAL_CONFIG`` replaces the default."""
    chosen = os.environ.get(PREFIX + "CONFIG")
    return Path(chosen) if chosen else platformdirs.user_config_path("easymaker-local") / "config.toml"


def _pip_wheelhouse() -> Path | None:
    """Return the first local directory of pip's own ``PIP_FIND_LINKS``, so that what serves pip serves us."""
    for entry in os.environ.get("PIP_FIND_LINKS", "").split():
        if Path(entry).is_dir():
            return Path(entry)
    return None


class Settings(BaseSettings):
    """Read once, at the start; frozen."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid")

    home: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("easymaker-local"),
        description="Data directory: database, logs, storage, environments.",
    )
    host: str = Field(default="127.0.0.1", description="Address that the API listens on. Keep it on loopback.")
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description="Names and addresses by which the API may be asked for, beside loopback and `host`. "
        "Only for an API that deliberately listens elsewhere.",
    )
    port: int = Field(default=10090, ge=0, le=65535, description="Port of the API; the SDK's local profile uses 10090.")
    gateway_port: int = Field(
        default=10443, ge=0, le=65535,
        description="Port of endpoints, object storage (Swift API), TensorBoard and MLflow by https, beside the API; 0: none.",
    )  # fmt: skip
    gateway_http_port: int = Field(
        default=0, ge=0, le=65535, description="Port of the same without encryption, on loopback only; 0: none."
    )
    gateway_workers: int = Field(default=2, ge=1, le=64, description="Threads of the gateway that serve requests.")
    gateway_retries: bool = Field(
        default=True,
        description="Ask another pod if one ends before it has answered anything; off if models do more than answer.",
    )
    gateway_service_quota: int = Field(default=100, ge=1, description="How many endpoints the gateway takes (GW-11).")
    gateway_stage_quota: int = Field(default=20, ge=1, description="How many stages an endpoint has at most (GW-11).")
    driver: DriverChoice = Field(default=DriverChoice.AUTO, description="auto, docker or process.")
    docker_host: str | None = Field(
        default_factory=lambda: os.environ.get("DOCKER_HOST"),
        description="Address of the container engine. Default: DOCKER_HOST, then the engine's own default.",
    )
    appkey: str = Field(default="local", min_length=1, max_length=36, description="Given to workloads as EM_APPKEY.")
    region: str = Field(default="local", min_length=1, description="Given to workloads as EM_REGION.")
    tenant_id: str = Field(
        default="local", pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Tenant in obs:// addresses: AUTH_{tenant_id}."
    )
    user_id: str = Field(default="easymaker", description="API user id of the system account.")
    bucket_access: BucketAccess = Field(
        default=BucketAccess.READ_WRITE,
        description="What jobs may do in buckets that have no access lists of their own: read-write, read or none.",
    )
    nas: dict[str, Nas] = Field(default_factory=dict, description="NAS id -> directory that nas:// may address.")
    flavors: tuple[FlavorSetting, ...] = Field(default=(), description="Flavors beside the generated ones.")
    wheelhouse: Path | None = Field(
        default_factory=_pip_wheelhouse,
        description="Directory of wheels that every install looks into first. Default: PIP_FIND_LINKS.",
    )
    hugging_face_cache: Path | None = Field(
        default=None,
        description="Cache of the Hugging Face hub in which models are looked for. "
        "Default: where huggingface_hub has it (HF_HUB_CACHE, HF_HOME).",
    )
    hugging_face_models: Path | None = Field(
        default=None, description="Directory of saved Hugging Face models, as org/name below it; looked into before the cache."
    )
    hugging_face_download: bool = Field(
        default=False,
        description="Fetch models that are in neither from the hub (HF_ENDPOINT) into the cache; HF_HUB_OFFLINE=1 forbids it.",
    )
    cpu_overcommit: float = Field(
        default=1.0, ge=0.1, le=100, description="How many vCPUs are promised per CPU of the machine."
    )
    reserved_memory_gib: float = Field(
        default=1.0, ge=0, description="Memory in GiB kept for the system and the daemon, never promised to jobs."
    )
    backfill_seconds: float = Field(
        default=600.0, ge=0,
        description="How long smaller jobs may pass the first of the queue if that may delay it; then nothing passes it.",
    )  # fmt: skip
    priorities: dict[str, int] = Field(
        default_factory=lambda: {"notebook": 0},
        description="Class in the queue by kind of job, lower ones go first: 0 interactive, 1 batch (all that are not named).",
    )
    gpu_idle_memory_mib: int = Field(
        default=1024, ge=0, description="Memory in MiB that a free GPU may show as used although no process has it."
    )
    gpu_release_seconds: float = Field(
        default=30.0, ge=0, description="How long a GPU is kept for an ended job whose memory on it is not freed yet."
    )
    stop_grace_seconds: float = Field(
        default=30.0, ge=0, le=3600, description="Seconds between SIGTERM and SIGKILL when a job is stopped."
    )
    minimum_data_storage_gb: int = Field(
        default=1, ge=1, description="Smallest data storage size of a job in GB; the cloud's is 300."
    )
    enforce_data_storage: bool = Field(
        default=True, description="Enforce the data storage size of jobs where this machine can; off: only watch it."
    )
    minimum_timeout_minutes: int = Field(
        default=60, ge=1, le=43200, description="Shortest maximum time of a job in minutes; the cloud's is one hour (GN-24)."
    )
    sample_seconds: float = Field(
        default=10.0, ge=1, le=3600, description="How often the use of CPU, memory, disk and network is looked at."
    )
    resync_seconds: float = Field(
        default=10.0, gt=0, description="How often every unfinished resource is looked at without being asked."
    )
    log_retention_days: float = Field(default=30.0, gt=0, description="Entries of the log store older than this go.")
    log_max_gib: float = Field(default=5.0, gt=0, description="Above this size in GiB the oldest entries of the log store go.")
    statistics_days: float = Field(default=90.0, ge=2, description="Calls to endpoints that were counted this long ago go.")

    tensorboard_idle_minutes: float = Field(
        default=30.0, gt=0, description="A TensorBoard that nobody has asked for this long ends; the next request starts it."
    )
    tensorboard_memory_gib: float = Field(
        default=2.0, ge=0.25, description="Memory limit in GiB of one TensorBoard, beside what jobs are promised."
    )
    tensorboard_retention_days: float = Field(
        default=120.0, gt=0, description="TensorBoard logs that were last written this long ago go (TB-02)."
    )
    mlflow_idle_minutes: float = Field(
        default=30.0, gt=0, description="An MLflow server that nobody has asked for this long ends; the next request starts it."
    )
    mlflow_memory_gib: float = Field(
        default=2.0, ge=0.5, description="Memory limit in GiB of the MLflow server, beside what jobs are promised."
    )

    serving_base_cpus: float = Field(
        default=0.1, ge=0, le=16, description="vCPUs of each instance of a stage that no model gets (RI-L01)."
    )
    serving_base_memory_mib: int = Field(
        default=256, ge=0, description="Memory in MiB of each instance of a stage that no model gets (RI-L01)."
    )
    serving_start_seconds: float = Field(
        default=600.0, gt=0, description="How long the model servers of a stage resource may take until they are ready (SR-22)."
    )
    drain_seconds: float = Field(
        default=30.0, ge=0, le=3600,
        description="How long requests under way may take when a model server is stopped, as when a stage is deleted.",
    )  # fmt: skip
    autoscaler_seconds: float = Field(
        default=15.0, ge=1, le=60, description="How often the autoscalers look at the stages that are scaled."
    )
    autoscaler_stabilisation_seconds: float = Field(
        default=300.0, ge=0, description="Pods are scaled in to the most that was needed in this time (AS-16)."
    )
    serving_minimum_memory_mib: dict[str, int] = Field(
        default_factory=lambda: {"TENSORFLOW": 768, "PYTORCH": 512, "HUGGING_FACE": 768, "SKLEARN": 256, "PYTHON": 128},
        description="Memory in MiB by framework below which a warning says that a pod may not start (RI-L02).",
    )
    runtime_expiry_days: float = Field(
        default=180.0, ge=0, description="Days for which stages may stay on serving images that are no longer the newest."
    )

    @field_validator("home", "wheelhouse", "hugging_face_cache", "hugging_face_models")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().absolute()

    @field_validator("gateway_port", "gateway_http_port")
    @classmethod
    def _differ(cls, value: int, known: ValidationInfo) -> int:
        for other in ("port", "gateway_port"):
            if value != 0 and value == known.data.get(other):
                raise ValueError(f"{value} is that of {other} already")
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if parse_host(host) is None or ":" in host.rpartition("]")[2]:
                raise ValueError(f"{host!r} is no host: write a name or an address without port, an IPv6 address in brackets")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())

    @property
    def api_url(self) -> str:
        """Where the API is reached from this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def gateway_url(self) -> str | None:
        """Where the gateway's port is reached from this machine; None if there is none."""
        if self.gateway_port == 0:
            return None
        return f"{self.api_url.replace('http', 'https', 1).removesuffix(f':{self.port}')}:{self.gateway_port}"

    @property
    def database(self) -> Path:
        """SQLite database of resources, ledger and events."""
        return self.home / "state.db"

    @property
    def metrics_database(self) -> Path:
        """SQLite database of monitoring samples."""
        return self.home / "metrics.db"

    @property
    def statistics_database(self) -> Path:
        """SQLite database of calls to endpoints."""
        return self.home / "statistics.db"

    @property
    def log_database(self) -> Path:
        """SQLite database of the log store."""
        return self.home / "logs.db"

    @property
    def object_index(self) -> Path:
        """SQLite database of what files cannot keep of objects: content types, metadata, checksums."""
        return self.home / "objects.db"

    @property
    def tls(self) -> Path:
        """The local certificate authority, the gateway's certificate, and the bundle for clients."""
        return self.home / "tls"

    @property
    def token_file(self) -> Path:
        """The user's token, mode 0600."""
        return self.home / "token"

    @property
    def secret_key_file(self) -> Path:
        """The key that signs jobs' tokens and seals secrets, mode 0600."""
        return self.home / "secret.key"

    @property
    def lock_file(self) -> Path:
        """Held by the running daemon."""
        return self.home / "daemon.lock"

    @property
    def daemon_log(self) -> Path:
        """Output of a daemon started with ``up``."""
        return self.logs / "daemon.log"

    @property
    def ca_bundle(self) -> Path:
        """The local certificate authority beside the public ones, for ``REQUESTS_CA_BUNDLE``."""
        return self.tls / "bundle.pem"

    @property
    def sockets(self) -> Path:
        """Where jobs in containers reach the daemon."""
        return self.home / "sockets"

    @property
    def logs(self) -> Path:
        """Logs, one folder per resource."""
        return self.home / "logs"

    @property
    def storage(self) -> Path:
        """Buckets, one folder each."""
        return self.home / "storage"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard logs: ``tensorboard/<experiment id>/<run>/``."""
        return self.home / "tensorboard"

    @property
    def mlflow(self) -> Path:
        """MLflow's database and artifacts."""
        return self.home / "mlflow"

    @property
    def volumes(self) -> Path:
        """Files that are the volumes of jobs whose data storage size is enforced."""
        return self.home / "volumes"

    @property
    def work(self) -> Path:
        """Staging directories of jobs: ``work/<kind>/<id>/``."""
        return self.home / "work"

    @property
    def model_copies(self) -> Path:
        """Copies of the artifacts of models, by their checksums."""
        return self.home / "models"

    @property
    def environments(self) -> Path:
        """Virtual environments of the process driver."""
        return self.home / "environments"

    @property
    def workloads(self) -> Path:
        """The process driver's records."""
        return self.home / "workloads"

    @property
    def images(self) -> Path:
        """Catalogue images of the user's own, beside those that ship."""
        return self.home / "images"


def load_settings(**overrides: Any) -> Settings:
    """Read the settings; raises DaemonError that names file, setting and fault."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        hint = f"See {config_file()} and {PREFIX}*."
        raise DaemonError(f"The settings are not valid: {faults}.", hint=hint) from error
    except ValueError as error:
        raise DaemonError(f"{config_file()} cannot be read: {error}.") from error
