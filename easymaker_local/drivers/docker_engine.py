"""The container engine's connection: where blocking calls cross to threads and the SDK's errors become ours, once.

Code that runs inside ``Engine.call``, ``patient_call`` and ``long_call`` handles the answers it expects (absent, exists
already) as the SDK's errors; whatever else it lets through is translated here.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from docker import APIClient
from docker.errors import APIError, DockerException, ImageNotFound
from docker.types import CancellableStream
from docker.utils import kwargs_from_env, parse_host

from easymaker_local.errors import EasyMakerError, EngineUnavailable, PermanentError, TransientError

T = TypeVar("T")

CALL_SECONDS = 180
"""How long a call may be silent. While the engine writes a large layer it lets starts and removals wait for minutes."""

_PATIENT_THREADS = 64

UNREACHABLE = (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError)

_POOL_EXHAUSTED = ("address pool", "fully subnetted")
_NEVER_STARTS = ("could not select device driver", "runtime create failed", "failed to create shim", "unable to start")


def connect(docker_host: str | None, timeout: int = CALL_SECONDS, version: str | None = None) -> APIClient:
    """Open a client. TLS comes from ``DOCKER_TLS_VERIFY`` and ``DOCKER_CERT_PATH``; no ``version`` asks the engine."""
    arguments: dict[str, Any] = dict(kwargs_from_env())
    if docker_host is not None:
        arguments["base_url"] = docker_host
    address = urlsplit(parse_host(arguments.get("base_url")))
    if address.scheme == "http+unix":
        # Asked first because the SDK leaves the socket of a failed connection open.
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(timeout)
            probe.connect(address.path)
    return APIClient(**arguments, timeout=timeout, version=version)


def engine_answers(docker_host: str | None) -> str | None:
    """Return the version of the engine, None if none answers. Blocks for two seconds at most."""
    try:
        # With a version given the client asks nothing on its own; /version itself is the same in all of them.
        client = connect(docker_host, timeout=2, version="1.41")
        try:
            return str(client.version(api_version=False)["Version"])
        finally:
            client.close()
    except (DockerException, KeyError, ValueError, *UNREACHABLE):
        return None


def translate(error: Exception) -> EasyMakerError:
    """Turn what the SDK, requests or urllib3 raised into the error that says whether to try again."""
    if isinstance(error, EasyMakerError):
        return error
    if isinstance(error, ImageNotFound):
        return PermanentError(f"An image is missing: {error.explanation}.")
    if isinstance(error, APIError):
        words = str(error.explanation or error)
        if any(sign in words for sign in _POOL_EXHAUSTED):
            return TransientError(
                "The container engine has no address range left for another network.",
                delay_seconds=10,
                hint="Networks of finished jobs free theirs; 'docker network prune' removes those that nobody uses.",
            )
        if error.status_code is not None and error.status_code >= 500:
            if any(sign in words for sign in _NEVER_STARTS):
                return PermanentError(f"The container engine cannot start it: {words}")
            return TransientError(f"The container engine failed: {words}", delay_seconds=5)
        return PermanentError(f"The container engine refused: {words}")
    return EngineUnavailable(f"The container engine does not answer: {error}", delay_seconds=2)


class Engine:
    """One engine for one adapter. Has threads of its own: a hanging engine must not use up the event loop's."""

    def __init__(self, docker_host: str | None) -> None:
        self._docker_host = docker_host
        self._threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="docker")
        self._patient_threads = ThreadPoolExecutor(max_workers=_PATIENT_THREADS, thread_name_prefix="docker-patient")
        self._opening = threading.Lock()
        self._client: APIClient | None = None

    async def call(self, work: Callable[[APIClient], T]) -> T:
        """Run ``work`` in a thread. A cancelled caller does not end it, so ``work`` must be safe to repeat."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._translated, work)

    async def patient_call(self, work: Callable[[APIClient], T]) -> T:
        """As ``call``, for what the engine takes its time to answer: no start of a job waits behind it."""
        return await asyncio.get_running_loop().run_in_executor(self._patient_threads, self._translated, work)

    async def long_call(self, work: Callable[[APIClient], T]) -> T:
        """Run ``work``, which reads one long answer, with a connection of its own; cancelling cuts the connection.

        The engine takes the cut as the wish to stop (a build ends, its containers go).
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        connection = _Connection(self._docker_host)

        def run() -> None:
            try:
                result = connection.run(work)
            except Exception as error:
                answer(done.set_exception, error)
            else:
                answer(done.set_result, result)

        def answer(setter: Callable[[Any], None], value: Any) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(lambda: None if done.done() else setter(value))

        # A daemon thread: should the engine hang, the process can end all the same.
        threading.Thread(target=run, name="docker-stream", daemon=True).start()
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            connection.cut()
            await asyncio.wait([done], timeout=5)
            if done.done():
                done.exception()  # seen; the cut is its cause
            raise

    async def close(self) -> None:
        """Close idle connections; calls under way end by themselves."""
        for threads in (self._threads, self._patient_threads):
            threads.shutdown(wait=False, cancel_futures=True)
        self._forget_client()

    def _translated(self, work: Callable[[APIClient], T]) -> T:
        try:
            return work(self._connected())
        except (DockerException, *UNREACHABLE) as error:
            translated = translate(error)
            if isinstance(translated, EngineUnavailable):
                self._forget_client()
            raise translated from error

    def _connected(self) -> APIClient:
        with self._opening:
            if self._client is None:
                self._client = connect(self._docker_host)
            return self._client

    def _forget_client(self) -> None:
        """The engine that comes back may be another version, which a new client finds out."""
        with self._opening:
            client, self._client = self._client, None
        if client is not None:
            client.close()


class _Connection:
    """A client for one long answer that another thread may cut."""

    def __init__(self, docker_host: str | None) -> None:
        self._docker_host = docker_host
        self._lock = threading.Lock()
        self._response: requests.Response | None = None
        self._is_cut = False

    def run(self, work: Callable[[APIClient], T]) -> T:
        try:
            client = connect(self._docker_host)
            try:
                client.hooks["response"].append(self._remember)
                return work(client)
            finally:
                with self._lock:
                    response, self._response = self._response, None
                if response is not None:
                    response.close()
                client.close()
        except (DockerException, *UNREACHABLE) as error:
            raise translate(error) from error

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            if self._response is not None:
                _shut(self._response)

    def _remember(self, response: requests.Response, *_: Any, **__: Any) -> None:
        with self._lock:
            self._response = response
            if self._is_cut:
                _shut(response)


def _shut(response: requests.Response) -> None:
    try:
        CancellableStream(iter(()), response).close()
    except (AttributeError, OSError):
        # The answer ended in this very moment: its socket is gone already, which is all that we want.
        response.close()
