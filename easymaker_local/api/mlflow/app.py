"""``/mlflow/…`` on the gateway's port: the page for the user, the tracking API for the user and for jobs while they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from easymaker_local.api.web_servers.app import Asked, WebServerApp
from easymaker_local.controllers.web_servers import State
from easymaker_local.domain.mlflow import SERVER, Server
from easymaker_local.kit.loops import HomeLoop
from easymaker_local.services.credentials import Credentials
from easymaker_local.settings import Settings
from easymaker_local.store import trainings

if TYPE_CHECKING:
    from easymaker_local.controllers.mlflow import MlflowServers

# What MLflow's clients call for runs, models and their files; not its webhooks, secrets or calls of language models.
_OPEN_TO_JOBS = frozenset({
    "artifacts", "datasets", "experiments", "logged-models", "metrics", "model-versions", "registered-models", "runs", "traces",
    "server-info",
})  # fmt: skip
_ABOUT = frozenset({"/health", "/version", "/server-info"})


class MlflowApp(WebServerApp[Server]):
    """The ASGI application. Artifacts may be of any size."""

    methods = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
    maximum_body_bytes = None

    def __init__(self, servers: MlflowServers, credentials: Credentials, settings: Settings, home: HomeLoop) -> None:
        super().__init__(servers, credentials, settings, home)
        self._mlflow = servers

    def find(self, path: str) -> tuple[Server, str] | None:
        """See the base."""
        root = SERVER.path.rstrip("/")
        return (SERVER, path.removeprefix(root)) if path == root or path.startswith(f"{root}/") else None

    def command(self, site: Server) -> str:
        """See the base."""
        return "easymaker-local mlflow"

    def refuse_job(self, asked: Asked, rest: str) -> Response | None:
        """See the base."""
        if is_open_to_jobs(rest):
            return None
        return asked.say(403, "Not for jobs", "A job's token opens MLflow's tracking API only.")

    async def use(self, site: Server, asked: Asked, wait_seconds: float) -> State:
        """See the base. What a job asks for comes after what there is to tell of that job."""
        if asked.job is not None and asked.job.kind == trainings.KIND:
            return await self._mlflow.use_for(asked.job.id, wait_seconds)
        return await super().use(site, asked, wait_seconds)


def is_open_to_jobs(path: str) -> bool:
    """True for the tracking API: ``/api/2.0/mlflow/{resource}…`` and ``/api/2.0/mlflow-artifacts/…``, of any version."""
    match path.split("/"):
        case ["", "api", _, "mlflow", resource, *rest]:
            return resource in _OPEN_TO_JOBS and ".." not in rest
        case ["", "api", _, "mlflow-artifacts", *rest]:
            return ".." not in rest
    return path in _ABOUT
