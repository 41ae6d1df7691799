"""Web servers that are workloads: started when somebody asks, found again after a restart, removed with what they show.

A server is a service and no job: it is not booked in the ledger, or looking at a training would have to wait for one to end.
Its memory is limited all the same, and it ends by itself when nobody asks. There is no row of it: the workload's
name says all, and the driver knows which of them run.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Generic, Protocol, TypeVar

from easymaker_local.controllers.web_workload import MEMBER, PORT, Start, key_of
from easymaker_local.domain.workload import Phase
from easymaker_local.drivers.base import Address, Workload
from easymaker_local.errors import EasyMakerError, NotFound, PermanentError, TransientError
from easymaker_local.kit.textfile import read_text
from easymaker_local.services.context import Context
from easymaker_local.services.preparation import Preparation

log = logging.getLogger(__name__)

# The port is opened before anything long begins, so this is about importing Python packages from a slow disk.
_START_SECONDS = 120.0
_LOOK_SECONDS = 0.1
_STOP_SECONDS = 5.0
# Who comes soon sees the same failure: the page of progress has to find it. Who reads it first and then reloads tries again.
FAILURE_SECONDS = 10.0
_LOG_BYTES = 4096
_STARTS = "Its server is being started, which takes some seconds."


@dataclass(frozen=True)
class Ready:
    """Where a server answers, and the key that it asks for."""

    address: Address
    key: str


@dataclass(frozen=True)
class Starting:
    """It is under way; ``progress`` is for people."""

    progress: str


@dataclass(frozen=True)
class Broken:
    """It could not be started: why, and the last that it wrote."""

    message: str
    log: str


State = Ready | Starting | Broken


class Site(Protocol):
    """What one server shows; comparable and hashable."""

    @property
    def id(self) -> str:
        """Return the id of the resource that it shows, or any other without a dash."""
        ...

    @property
    def workload(self) -> str:
        """Return the name of the server's workload."""
        ...

    @property
    def network(self) -> str:
        """Return the name of the server's network, in which it is alone."""
        ...

    @property
    def path(self) -> str:
        """Return where it is below the gateway's address, with a slash at the end."""
        ...


S = TypeVar("S", bound=Site)


@dataclass
class _Server:
    """What is known of a server. ``state`` is None until somebody asks; ``lock`` is held by whoever starts or removes it."""

    state: State | None = None
    failed_at: float = 0.0
    task: asyncio.Task[None] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class WebServers(ABC, Generic[S]):
    """All servers of one kind. The gateway asks with every request, the loop sees exits and deletions.

    ``kind`` is that of the loop and the first word of paths, ``image`` the catalogue's image, ``title`` what people call it.
    """

    kind: ClassVar[str]
    image: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, context: Context, preparation: Preparation) -> None:
        self._context = context
        self._preparation = preparation
        self._servers: dict[S, _Server] = {}
        self._has_adopted = False

    # -- what a kind says of its servers

    @abstractmethod
    def site_of(self, workload: str) -> S | None:
        """Return whose server a workload is; None if it is none of this kind."""

    @abstractmethod
    async def check(self, site: S) -> None:
        """Raise NotFound if there is nothing to show."""

    @abstractmethod
    async def build(self, site: S, start: Start) -> Workload:
        """Return the server's workload; what it needs on the disk is there afterwards."""

    async def answering(self, site: S, ready: Ready) -> None:
        """Do what is to be done before the first request; by default nothing."""

    # -- servers

    async def use(self, site: S, wait_seconds: float = 0.0) -> State:
        """Say where a site is served, starting its server if need be; raises NotFound if there is nothing to show.

        Waits up to ``wait_seconds`` for a server that is being started.
        """
        await self.check(site)
        server = self._servers.setdefault(site, _Server())
        has_failed = isinstance(server.state, Broken)
        if has_failed and self._context.clock.now() - server.failed_at >= FAILURE_SECONDS:
            server.state = None
        if server.state is None and server.task is None:
            server.state = Starting(_STARTS)
            server.task = asyncio.get_running_loop().create_task(self._bring_up(site, server), name=site.workload)
        if server.task is not None and wait_seconds > 0:
            await asyncio.wait([server.task], timeout=wait_seconds)
        if server.task is not None:
            image = self._context.catalogue.by_id(self.image)
            progress = None if image is None else self._preparation.progress(image)
            return Starting(progress or _STARTS)
        return server.state or Starting(_STARTS)

    def state(self, site: S) -> State | None:
        """Return what is known of a server without starting it."""
        server = self._servers.get(site)
        return None if server is None else server.state

    def lost(self, site: S, found: Ready) -> None:
        """Say that a server did not answer at its address: the next use looks whether it runs."""
        server = self._servers.get(site)
        if server is not None and server.state == found:
            server.state = None

    async def unfinished(self) -> Iterable[str]:
        """Return the ids of everything that has a server, also one of an earlier daemon."""
        if not self._has_adopted:
            try:
                names = await self._context.driver.owned()
            except TransientError as error:
                log.warning("the servers of %s cannot be listed yet: %s", self.title, error)
            else:
                self._has_adopted = True
                for site in filter(None, map(self.site_of, names)):
                    self._servers.setdefault(site, _Server())
        return {site.id for site in self._servers}

    async def reconcile(self, resource_id: str) -> float | None:
        """Forget servers that have ended and servers of what is gone."""
        for site in [site for site in self._servers if site.id == resource_id]:
            server = self._servers[site]
            exists = await self._exists(site)
            if not exists:
                await self._end(server)
            elif server.task is not None or isinstance(server.state, Broken):
                continue  # of one that failed somebody may still want to know why; the next start removes what is left
            async with server.lock:
                phase = (await self._context.driver.observe(site.workload)).phase
                if not exists or phase in {Phase.EXITED, Phase.ABSENT}:
                    await self._remove(site)
                    if server.task is None:
                        del self._servers[site]
        return None

    async def close(self) -> None:
        """End what is being started; servers go on."""
        for server in self._servers.values():
            await self._end(server)

    async def _bring_up(self, site: S, server: _Server) -> None:
        try:
            async with server.lock:
                server.state = await self._start(site)
        except EasyMakerError as error:
            server.state = await self._broken(site, str(error))
        except Exception as error:
            log.exception("%s could not be started", site.workload)
            server.state = await self._broken(site, f"{self.title} could not be started: {error}.")
        finally:
            server.failed_at = self._context.clock.now()
            server.task = None
            if isinstance(server.state, Starting):  # cancelled
                server.state = None

    async def _start(self, site: S) -> Ready:
        context, driver = self._context, self._context.driver
        network = await driver.open_network(site.network, [MEMBER], [PORT])
        port = network[MEMBER][PORT].port
        key = key_of(site.workload, context.secret_key)
        seen = await driver.observe(site.workload)
        if seen.phase is Phase.EXITED:
            await driver.remove(site.workload)
        if seen.phase in {Phase.EXITED, Phase.ABSENT, Phase.STARTING}:
            environment = await self._prepare()
            await asyncio.to_thread(self._log(site).unlink, missing_ok=True)
            await driver.start(await self.build(site, Start(environment, self._log(site), port, key)))
        ready = Ready(await self._answering(site, port), key)
        await self.answering(site, ready)
        return ready

    async def _prepare(self) -> str:
        image = self._context.catalogue.by_id(self.image)
        if image is None:
            raise PermanentError(f"The image {self.image!r} is not in the catalogue.")
        asked_at = self._context.clock.now()
        if await self._preparation.ready(image) is None:
            self._preparation.start(image)
            await self._preparation.settled(image)
        environment = await self._preparation.ready(image)
        if environment is None:
            failure = self._preparation.failure(image, asked_at)
            raise PermanentError(failure or f"The environment {image.name!r} was not prepared.")
        return environment

    async def _answering(self, site: S, port: int) -> Address:
        """Wait until the server takes connections; raises PermanentError if it ends instead."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _START_SECONDS
        while loop.time() < deadline:
            address = await self._context.driver.reach(site.workload, port)
            if address is None:
                seen = await self._context.driver.observe(site.workload)
                if seen.phase in {Phase.EXITED, Phase.ABSENT}:
                    raise PermanentError(f"{self.title} ended while it was being started.")
            elif await _is_open(address):
                return address
            await asyncio.sleep(_LOOK_SECONDS)
        await self._context.driver.stop(site.workload, _STOP_SECONDS)
        raise PermanentError(f"{self.title} did not answer within {_START_SECONDS:.0f} seconds.")

    async def _broken(self, site: S, message: str) -> Broken:
        path = self._log(site)

        def read_end() -> str:
            size = path.stat().st_size if path.exists() else 0
            return read_text(path, max(0, size - _LOG_BYTES), _LOG_BYTES, final=True)[0]

        return Broken(message, await asyncio.to_thread(read_end))

    async def _exists(self, site: S) -> bool:
        try:
            await self.check(site)
        except NotFound:
            return False
        return True

    async def _remove(self, site: S) -> None:
        await self._context.driver.remove(site.workload)
        await self._context.driver.close_network(site.network)
        await asyncio.to_thread(self._log(site).unlink, missing_ok=True)

    def _log(self, site: S) -> Path:
        return self._context.settings.logs / self.kind / f"{site.workload.removeprefix(f'{self.kind}-')}.log"

    @staticmethod
    async def _end(server: _Server) -> None:
        if server.task is not None:
            server.task.cancel()
            with suppress(asyncio.CancelledError):
                await server.task


async def _is_open(address: Address) -> bool:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address.host, address.port), 5)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
