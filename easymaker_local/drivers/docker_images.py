"""Catalogue images on the engine: built from their folder once, found again by a name that contains their content's hash."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import re
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

from docker import APIClient
from docker.errors import APIError, NotFound

from easymaker_local.domain.disk import StoredEnvironment
from easymaker_local.domain.image import Image
from easymaker_local.drivers.docker_context import (
    STAGE_LABEL,
    build_arguments,
    is_one_stage,
    reference,
    wheels,
    withheld,
    write_context,
)
from easymaker_local.drivers.docker_engine import Engine
from easymaker_local.errors import Conflict, EasyMakerError, EngineUnavailable, EnvironmentFailed, TransientError
from easymaker_local.errors import NotFound as MissingEnvironment

log = logging.getLogger(__name__)

IMAGE_LABEL = "easymaker.image"
"""On every image of the catalogue that was built here, with the catalogue image's id."""

OWNER_LABEL = "easymaker.image.install"
"""Which installation built it: others on the same engine may use it, but do not count or remove it."""

_LINE_LENGTH = 160
_LOCK_POLL_SECONDS = 0.2
_COLORS = re.compile(r"\x1b\[[0-9;]*m")
_STEP = re.compile(r"Step (\d+/\d+) : (.*)", re.DOTALL)
_PIP_PROGRESS = re.compile(r"(Collecting|Downloading|Installing|Building wheel|Successfully installed|Looking in) ?.*")


class DockerImages:
    """Builds with the engine's own builder. ``state`` holds locks and, while a build is sent, its context."""

    def __init__(self, docker_host: str | None, state: Path, wheelhouse: Path | None, install_id: str = "") -> None:
        self._engine = Engine(docker_host)
        self._state = state
        self._wheelhouse = wheelhouse
        self._install_id = install_id

    async def ready(self, image: Image) -> str | None:
        wanted = reference(image)

        def exists(client: APIClient) -> bool:
            return _exists(client, wanted)

        return wanted if await self._engine.call(exists) else None

    async def prepare(self, image: Image, progress: Callable[[str], None]) -> str:
        wanted = reference(image)
        lock = self._state / f"{wanted.replace('/', '_')}.lock"
        async with _locked(lock, lambda: progress("waiting for another builder of this image")):
            if found := await self.ready(image):
                return found
            await self._need_base(image.base_image, progress)
            try:
                await self._build(image, wanted, progress)
            finally:
                await self._sweep(wanted)
        return wanted

    async def stored(self) -> Sequence[StoredEnvironment]:
        def images(client: APIClient) -> list[StoredEnvironment]:
            # One that was built and not named yet, or lost its name to a newer one, goes by its id.
            return [
                StoredEnvironment(tags[0] if tags else image["Id"], image["Labels"][IMAGE_LABEL], image["Size"], bool(tags))
                for image in client.images(filters={"label": [IMAGE_LABEL, f"{OWNER_LABEL}={self._install_id}"]})
                for tags in [[tag for tag in image["RepoTags"] or [] if tag != "<none>:<none>"]]
            ]

        return await self._engine.call(images)

    async def discard(self, name: str) -> None:
        def remove(client: APIClient) -> None:
            try:
                labels = client.inspect_image(name)["Config"].get("Labels") or {}  # type: ignore[no-untyped-call]
                if labels.get(OWNER_LABEL) != self._install_id:
                    raise MissingEnvironment(f"{name} was not built by this appliance.")
                client.remove_image(name)
            except NotFound:
                return
            except APIError as error:
                if error.status_code != HTTPStatus.CONFLICT:
                    raise
                raise Conflict(f"The engine keeps {name}: {error.explanation}.") from error

        await self._engine.call(remove)

    async def close(self) -> None:
        """Release descriptors and threads."""
        await self._engine.close()

    async def _need_base(self, base: str, progress: Callable[[str], None]) -> None:
        if await self._engine.call(lambda client: _exists(client, base)):
            return
        progress(f"pulling {base}")
        tell = _from_threads(progress)

        def pull(client: APIClient) -> None:
            for item in client.pull(base, stream=True, decode=True):
                if "error" in item:
                    raise EnvironmentFailed(str(item["error"]))
                if item.get("status") == "Pull complete":
                    tell(f"pulled layer {item.get('id', '')}")

        try:
            await self._engine.long_call(pull)
        except EngineUnavailable:
            raise
        except EasyMakerError as error:
            raise EnvironmentFailed(
                f"The base image {base} is not on this machine and cannot be pulled: {error.message}",
                hint=f"Where it can be pulled, run 'docker pull {base}' and 'docker save {base}', and 'docker load' it here.",
            ) from error

    async def _build(self, image: Image, wanted: str, progress: Callable[[str], None]) -> None:
        chosen = wheels(image, self._wheelhouse)
        for name in withheld():
            progress(f"{name} carries a password, which would stay in the image's layers: not passed to the build")
        if chosen.wheels:
            progress(f"taking {', '.join(wheel.name for wheel in chosen.wheels)} from the wheelhouse")
        tell = _from_threads(progress)
        arguments = build_arguments(image, chosen)
        in_one_stage = is_one_stage(image, chosen, arguments)
        with tempfile.TemporaryFile(dir=self._state) as context:
            await asyncio.to_thread(write_context, context, image, chosen, in_one_stage=in_one_stage)
            context.seek(0)
            labels = {IMAGE_LABEL: image.id, OWNER_LABEL: self._install_id}
            if in_one_stage:
                labels[STAGE_LABEL] = ""  # the image is no leftover of a stage
            await self._engine.long_call(lambda client: _build(client, context, image, wanted, arguments, labels, tell))

    async def _sweep(self, wanted: str) -> None:
        """Remove what the build's first stage left: it is as large as the image, and a rebuild means new content."""
        filters = {"dangling": True, "label": f"{STAGE_LABEL}={wanted}"}

        def prune(client: APIClient) -> None:
            client.prune_images(filters=filters)  # type: ignore[no-untyped-call]

        try:
            await self._engine.call(prune)
        except EasyMakerError as error:
            log.warning("What the build of %s left could not be removed: %s", wanted, error)


def _exists(client: APIClient, name: str) -> bool:
    try:
        client.inspect_image(name)  # type: ignore[no-untyped-call]
    except NotFound:
        return False
    return True


def _build(
    client: APIClient,
    context: IO[bytes],
    image: Image,
    wanted: str,
    arguments: Mapping[str, str],
    labels: Mapping[str, str],
    tell: Callable[[str], None],
) -> None:
    stream = client.build(
        fileobj=context, custom_context=True, buildargs=dict(arguments), labels=dict(labels),
        rm=True, forcerm=True, decode=True,
    )  # fmt: skip
    try:
        identity = _follow(stream, image, tell)
    except APIError as error:
        raise EnvironmentFailed(f"Image {image.id} could not be built: {error.explanation}") from error
    # Named last, so that only what is whole is ever ready.
    repository, _, tag = wanted.rpartition(":")
    client.tag(identity, repository, tag)


def _follow(stream: Iterable[Mapping[str, Any]], image: Image, tell: Callable[[str], None]) -> str:
    """Read the builder's words to the end and return the image's id."""
    identity: str | None = None
    words: deque[str] = deque(maxlen=200)
    for item in stream:
        if "error" in item:
            raise EnvironmentFailed(f"Image {image.id} could not be built: {last_words(words, str(item['error']))}")
        identity = item.get("aux", {}).get("ID", identity)
        for line in _COLORS.sub("", item.get("stream", "")).splitlines():
            if line.strip():
                words.append(line.strip())
                if news := progress_line(line):
                    tell(news)
    if identity is None:
        raise TransientError(f"Building image {image.id} was cut off: the engine's answer ended too early.")
    return identity


def progress_line(line: str) -> str | None:
    """Return what people want to see of the builder's line, None if nothing."""
    text = " ".join(line.split())
    if match := _STEP.match(text):
        text = f"step {match[1]}: {match[2]}"
    elif not _PIP_PROGRESS.match(text):
        return None
    return text if len(text) <= _LINE_LENGTH else f"{text[: _LINE_LENGTH - 1]}…"


def last_words(words: Iterable[str], error: str) -> str:
    """Return the reason: the tool's own error lines, or else the last lines that it wrote, then the engine's verdict."""
    lines = list(words)
    reasons = [line for line in lines if line.lower().startswith(("error", "fatal"))] or lines[-5:]
    return "\n".join([*reasons[-8:], error])


def _from_threads(progress: Callable[[str], None]) -> Callable[[str], None]:
    """Return a form of ``progress`` that threads may call; it runs in the event loop."""
    loop = asyncio.get_running_loop()

    def tell(line: str) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(progress, line)

    return tell


@asynccontextmanager
async def _locked(path: Path, waiting: Callable[[], None]) -> AsyncIterator[None]:
    """Hold the lock of a file, against other tasks and processes alike.

    Asks again and again instead of waiting in a thread: a waiting thread could not be cancelled.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        has_told = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not has_told:
                    waiting()
                    has_told = True
                await asyncio.sleep(_LOCK_POLL_SECONDS)
            else:
                break
        yield
