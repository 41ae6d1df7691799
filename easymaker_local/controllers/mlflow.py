"""MLflow's server: one per home, started on the first request, and told of all trainings while it runs (architecture 11)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable

from easymaker_local.controllers.mlflow_rest import Failing, Unreachable
from easymaker_local.controllers.tracking import Tracking
from easymaker_local.controllers.web_servers import Ready, Starting, State, WebServers
from easymaker_local.controllers.web_workload import Start, build_web_workload, listening_host
from easymaker_local.domain import contract
from easymaker_local.domain.mlflow import IMAGE, KIND, SERVER, Server
from easymaker_local.drivers.base import Mount, Workload
from easymaker_local.errors import TransientError
from easymaker_local.services.context import Context
from easymaker_local.services.preparation import Preparation

log = logging.getLogger(__name__)

TRACKING_KIND = "tracking"
"""Kind under which the loop knows the telling."""
_ALL = "all"

# What is told before the first request is answered; more than that follows while people already look.
_FIRST_SECONDS = 5.0
_SLICE_SECONDS = 1.0
_POLL_SECONDS = 1.0


class MlflowServers(WebServers[Server]):
    """See the base."""

    kind = KIND
    image = IMAGE
    title = "MLflow"

    def __init__(self, context: Context, preparation: Preparation) -> None:
        super().__init__(context, preparation)
        self._tracking = Tracking(context)
        self._present: set[str] = set()

    async def use_for(self, training_id: str, wait_seconds: float) -> State:
        """Say where the server is, as ``use`` does, once the run of that training is there."""
        state = await self.use(SERVER, wait_seconds)
        if isinstance(state, Ready) and training_id not in self._present:
            try:
                await self._tracking.tell_of(state, training_id)
            except (Unreachable, Failing, TransientError) as error:
                log.warning("training %s asks MLflow, which does not know it yet: %s", training_id, error)
                self.lost(SERVER, state)
                return Starting("MLflow does not know this training yet.")
            self._present.add(training_id)
        return state

    async def tell(self, _: str) -> float | None:
        """Tell the server what it does not know, if it runs; the loop calls this again as long as it does."""
        state = self.state(SERVER)
        if isinstance(state, Starting):
            return _POLL_SECONDS
        if not isinstance(state, Ready):
            return None
        began = time.monotonic()
        try:
            is_done = await self._tracking.tell(state, _SLICE_SECONDS)
        except Unreachable:
            self.lost(SERVER, state)  # it has ended: whoever asks for it next starts it
            return None
        # As long a pause as the work took: half of the server's time is for those who ask.
        return _POLL_SECONDS if is_done else time.monotonic() - began

    async def untold(self) -> Iterable[str]:
        """Return what the loop is to look at: something only while the server runs."""
        return [_ALL] if isinstance(self.state(SERVER), Ready) else []

    def site_of(self, workload: str) -> Server | None:
        """See the base."""
        return SERVER if workload == SERVER.workload else None

    async def check(self, site: Server) -> None:
        """See the base. There always is something to show."""

    async def build(self, site: Server, start: Start) -> Workload:
        """See the base."""
        context, settings = self._context, self._context.settings
        directory = settings.mlflow
        await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
        if not (directory / contract.MLFLOW_DATABASE).exists():
            await self._tracking.begin_anew()
        capabilities = context.driver.capabilities
        seen = contract.MLFLOW_ROOT if capabilities.private_paths else directory
        return build_web_workload(
            start, name=site.workload, script=contract.MLFLOW_SERVER,
            arguments=[
                str(settings.mlflow_idle_minutes * 60), listening_host(capabilities), str(start.port), str(seen),
                site.path.rstrip("/"),
            ],
            data=Mount(directory, seen, read_only=False), memory_gib=settings.mlflow_memory_gib, capabilities=capabilities,
        )  # fmt: skip

    async def answering(self, site: Server, ready: Ready) -> None:
        """See the base."""
        self._present.clear()
        try:
            await self._tracking.tell(ready, _FIRST_SECONDS)
        except (Unreachable, TransientError) as error:
            log.warning("MLflow runs and cannot be told of trainings yet: %s", error)
        except Exception:
            log.exception("MLflow runs and cannot be told of trainings; whoever asks for it sees what it knows")
        self._context.hinter.hint(TRACKING_KIND, _ALL)

    async def close(self) -> None:
        """See the base."""
        await super().close()
        await self._tracking.close()
