"""The gateway's certificate: there before Envoy starts, renewed long before it ends. Envoy sees a new one by itself."""

from __future__ import annotations

import asyncio
import logging

from easymaker_local.gateway.hosts import certified_hosts
from easymaker_local.kit.certificates import ensure_certificates
from easymaker_local.settings import Settings

log = logging.getLogger(__name__)

_RENEWAL_SECONDS = 12 * 3600.0


class CertificateKeeper:
    """Looks after the files of the certificate."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._task: asyncio.Task[None] | None = None

    def ensure(self) -> None:
        """Make or renew what has to be. Raises OSError."""
        ensure_certificates(self._settings.tls, certified_hosts(self._settings))

    def start(self) -> None:
        """Look again twice a day."""
        self._task = asyncio.create_task(self._renew())

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEWAL_SECONDS)
            try:
                await asyncio.to_thread(self.ensure)
            except OSError as error:
                log.warning("the certificate in %s cannot be looked after: %s", self._settings.tls, error)
