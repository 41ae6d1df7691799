"""The listener of the gateway's port: TLS with the local certificate around an application that knows nothing of it.

Only ``daemon.py`` uses it. The application stays apart so that a proxy can take over port and certificate.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from easymaker_local.errors import DaemonError
from easymaker_local.kit.certificates import Certificates, ensure_certificates
from easymaker_local.settings import Settings

log = logging.getLogger(__name__)

_TICK_SECONDS = 1.0
_RENEWAL_SECONDS = 12 * 3600.0
_ANY = {"", "0.0.0.0", "::"}  # noqa: S104


def certified_hosts(settings: Settings) -> Sequence[str]:
    """Return the names and addresses that the certificate is for."""
    hosts = ["localhost", "127.0.0.1", "::1"]
    return hosts if settings.host in {*hosts, *_ANY} else [*hosts, settings.host]


class CalmServer(uvicorn.Server):
    """Looks up once a second, and at once when it is to end.

    Its base looks up ten times a second, which for two servers is half of what an idle daemon does.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._awake: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    async def main_loop(self) -> None:
        """Replace the base's."""
        event = asyncio.Event()
        self._awake = (asyncio.get_running_loop(), event)
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await event.wait()
        self._awake = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Do as the base does, at once."""
        super().handle_exit(sig, frame)
        self._wake()

    def end(self) -> None:
        """Take no more requests and let those that run end soon; from any thread."""
        self.should_exit = True
        self._wake()

    def _wake(self) -> None:
        if self._awake is not None:  # otherwise it is not at its loop, and looks before it begins
            loop, event = self._awake
            loop.call_soon_threadsafe(event.set)


class _Server(CalmServer):
    """Beside the API's server, which alone minds the signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpsListener:
    """Serves an application by https until it is stopped."""

    def __init__(self, settings: Settings, app: ASGIApp, listeners: Sequence[socket.socket]) -> None:
        """Raise DaemonError if the certificate cannot be made."""
        self._settings = settings
        self._listeners = list(listeners)
        try:
            found = ensure_certificates(settings.tls, certified_hosts(settings))
        except OSError as error:
            raise DaemonError(f"The certificate of {settings.tls} cannot be made: {error}.") from error
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=2, server_header=False,
            ssl_certfile=found.leaf, ssl_keyfile=found.leaf_key, proxy_headers=False,
        )  # fmt: skip
        config.load()
        self._server = _Server(config)

    async def serve(self) -> None:
        """Answer requests until ``stop``.

        In a thread with a loop of its own: encrypting what eight clients download would make every other request wait.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="https") as thread:
            await asyncio.get_running_loop().run_in_executor(thread, asyncio.run, self._serve())

    async def _serve(self) -> None:
        renewing = asyncio.create_task(self._renew())
        try:
            await self._server.serve(sockets=self._listeners)
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing

    def stop(self) -> None:
        """Take no more requests and let those that run end soon."""
        self._server.end()

    async def _renew(self) -> None:
        context = self._server.config.ssl
        assert isinstance(context, ssl.SSLContext)
        while True:
            await asyncio.sleep(_RENEWAL_SECONDS)
            try:
                found = await asyncio.to_thread(self._ensure)
                # New connections get what lies there now; those that are open keep theirs.
                context.load_cert_chain(found.leaf, found.leaf_key)
            except OSError as error:
                log.warning("the certificate in %s cannot be looked after: %s", self._settings.tls, error)

    def _ensure(self) -> Certificates:
        return ensure_certificates(self._settings.tls, certified_hosts(self._settings))
