"""Prepares environments in the background, one builder per image however many wait for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from easymaker_local.domain.image import Image
from easymaker_local.drivers.base import Environments
from easymaker_local.errors import EasyMakerError
from easymaker_local.kit.clock import Clock, Uptime

log = logging.getLogger(__name__)


@dataclass
class _Build:
    task: asyncio.Task[None]
    progress: str
    waiters: set[str]


@dataclass(frozen=True)
class _Failure:
    at: Uptime
    waiters: set[str]
    message: str


class Preparation:
    """Knows which environments are being built and why the last build of an image failed.

    A failure counts for those that waited for that build or were asked for before it happened, by the clock as it goes now;
    whoever asks later gets a new try. ``on_change`` is told the image of a builder that has come further or has ended.
    """

    def __init__(self, environments: Environments, clock: Clock, on_change: Callable[[Image], None]) -> None:
        self._environments = environments
        self._clock = clock
        self._on_change = on_change
        self._builds: dict[str, _Build] = {}
        self._failures: dict[str, _Failure] = {}

    async def ready(self, image: Image) -> str | None:
        """Return the environment if it is prepared."""
        return await self._environments.ready(image)

    def progress(self, image: Image) -> str | None:
        """Return what the builder is doing now, for people; None if none runs."""
        build = self._builds.get(image.id)
        return None if build is None else build.progress

    def failure(self, image: Image, asked_at: float, waiter: str = "") -> str | None:
        """Return why the build failed that a resource created at ``asked_at`` waited for; ``waiter`` as in ``start``."""
        failure = self._failures.get(image.id)
        if failure is None:
            return None
        # A clock that was set since shows another time for it now.
        happened_at = self._clock.now() - (self._clock.uptime().seconds - failure.at.seconds)
        return failure.message if waiter in failure.waiters or asked_at <= happened_at else None

    def start(self, image: Image, waiter: str | None = None) -> None:
        """Begin to build unless a builder is at it; ``waiter`` is whom a failure concerns."""
        if image.id not in self._builds:
            task = asyncio.get_running_loop().create_task(self._build(image))
            self._builds[image.id] = _Build(task, f"Preparing the environment {image.name!r}.", set())
        if waiter is not None:
            self._builds[image.id].waiters.add(waiter)

    async def settled(self, image: Image) -> None:
        """Wait until no builder is at this image."""
        build = self._builds.get(image.id)
        if build is not None:
            await asyncio.wait([build.task])

    async def idle(self) -> None:
        """Wait until nothing is being built."""
        while self._builds:
            await asyncio.wait([build.task for build in self._builds.values()])

    async def close(self) -> None:
        """End all builders; what they began is begun anew by the next daemon."""
        tasks = [build.task for build in self._builds.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _build(self, image: Image) -> None:
        # Builders may report from their own threads.
        loop = asyncio.get_running_loop()

        def report(line: str) -> None:
            loop.call_soon_threadsafe(self._report, image, line)

        try:
            await self._environments.prepare(image, report)
        except EasyMakerError as error:
            self._fail(image, str(error))
        except Exception as error:
            log.exception("preparing %s failed", image.id)
            self._fail(image, f"Preparing the environment {image.name!r} failed: {error}.")
        finally:
            del self._builds[image.id]
            self._on_change(image)

    def _fail(self, image: Image, message: str) -> None:
        self._failures[image.id] = _Failure(self._clock.uptime(), self._builds[image.id].waiters, message)

    def _report(self, image: Image, line: str) -> None:
        build = self._builds.get(image.id)
        if build is not None:
            build.progress = f"Preparing the environment {image.name!r}: {line}"
            self._on_change(image)
