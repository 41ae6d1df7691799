"""Who somebody is: the user's token, sessions of the page that one-time codes open, the tokens of jobs (architecture 12).

One local user: whoever can read ``<home>/token`` is that user, and everything here comes down to it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from easymaker_local.domain import job_token
from easymaker_local.domain.job_token import Job
from easymaker_local.kit.clock import Clock
from easymaker_local.kit.secret_files import renew_token
from easymaker_local.services.context import Context
from easymaker_local.store import sessions, trainings

log = logging.getLogger(__name__)

CODE_SECONDS = 300.0
SESSION_SECONDS = 30 * 24 * 3600.0
# A user who asks again and again gets new codes; the oldest are forgotten.
_MAXIMUM_CODES = 8

# Per kind of resource: is this attempt of it still under way? A kind that is not listed has no tokens.
_RUNNING: Mapping[str, Callable[[sqlite3.Connection, str, int], bool]] = {trainings.KIND: trainings.is_running}


class Origin(StrEnum):
    """Where a session counts: a code or cookie for the one opens nothing at the other."""

    PAGE = "page"
    GATEWAY = "gateway"


class Caller(StrEnum):
    """Who speaks."""

    USER = "user"
    JOB = "job"


@dataclass(frozen=True)
class Code:
    """A one-time code and when it ends, in epoch seconds."""

    code: str
    expires_at: float


class Credentials:
    """All checks take the same time for a nearly right secret as for a wrong one."""

    def __init__(self, context: Context, token: str) -> None:
        self._context = context
        self._token = token
        self._codes: dict[str, tuple[Origin, float]] = {}
        self._rotating = asyncio.Lock()
        self.failures = Failures(context.clock)

    # -- tokens

    @property
    def token(self) -> str:
        """The user's token as it is now."""
        return self._token

    async def caller(self, token: str) -> Caller | None:
        """Return who sends this token; None if nobody does, or a job that has ended."""
        found = await self.user_or_job(token)
        return Caller.JOB if isinstance(found, Job) else found

    async def user_or_job(self, token: str) -> Literal[Caller.USER] | Job | None:
        """Return the same, with the job."""
        if hmac.compare_digest(token.encode(), self._token.encode()):
            return Caller.USER
        job = job_token.verify(token, self._context.secret_key)
        is_running = None if job is None else _RUNNING.get(job.kind)
        if job is None or is_running is None:
            return None
        found = await self._context.store.read(lambda db: is_running(db, job.id, job.attempt))
        return job if found else None

    async def rotate(self) -> None:
        """Write a new token into its file; the old one, all sessions and codes end. Jobs keep theirs."""
        async with self._rotating:
            # The file goes first: if the daemon dies in between, the next one finds what the user finds.
            self._token = await asyncio.to_thread(renew_token, self._context.settings.token_file)
            self._codes.clear()
            await self._context.store.write(sessions.end_all)
        log.info("The token was replaced; sessions have ended.")

    # -- sessions

    def issue_code(self, origin: Origin = Origin.PAGE) -> Code:
        """Return a code that opens one session within the next minutes."""
        now = self._context.clock.now()
        self._codes = {code: (where, end) for code, (where, end) in self._codes.items() if end > now}
        while len(self._codes) >= _MAXIMUM_CODES:
            del self._codes[next(iter(self._codes))]
        made = Code(secrets.token_urlsafe(32), now + CODE_SECONDS)
        self._codes[made.code] = origin, made.expires_at
        return made

    async def redeem(self, code: str, origin: Origin = Origin.PAGE) -> str | None:
        """Begin a session and return its secret; None if the code is wrong, was used or has expired."""
        now = self._context.clock.now()
        # Every code is compared, so that the time tells nothing.
        matches = [
            known
            for known, (where, _) in self._codes.items()
            if hmac.compare_digest(known.encode(), code.encode()) and where is origin
        ]
        # Taken out before anything is awaited: of two visits at once, one finds nothing.
        if not matches or self._codes.pop(matches[0])[1] <= now:
            return None
        secret = secrets.token_urlsafe(32)
        digest = self._digest(secret, origin)
        await self._context.store.write(lambda db: sessions.add(db, digest, now, now + SESSION_SECONDS))
        return secret

    async def is_session(self, secret: str, origin: Origin = Origin.PAGE) -> bool:
        """True while the session goes on."""
        digest, now = self._digest(secret, origin), self._context.clock.now()
        return await self._context.store.read(lambda db: sessions.is_open(db, digest, now))

    async def end_session(self, secret: str) -> None:
        """Sign out; calm if the session has ended."""
        digest = self._digest(secret)
        await self._context.store.write(lambda db: sessions.end(db, digest))

    def _digest(self, secret: str, origin: Origin = Origin.PAGE) -> str:
        text = secret if origin is Origin.PAGE else f"{origin}:{secret}"
        # Keyed by the user's token: a new token ends all sessions, whatever the database says.
        return hmac.new(self._token.encode(), text.encode(), hashlib.sha256).hexdigest()


class Failures:
    """Counts wrong tokens and codes, of all callers together: they all come from this machine.

    Nobody is ever locked out by it: a right token is not even counted. Guessing is hopeless by the length of the secrets; what
    many failures need is words, for whoever left an old token in a script, and one line in the log, for whoever did not.
    """

    LIMIT = 20
    SECONDS = 60.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: deque[float] = deque(maxlen=self.LIMIT)
        self._quiet_until = 0.0

    def count(self) -> bool:
        """Count one; True if there were too many of late."""
        now = self._clock.now()
        self._times.append(now)
        # A clock that was set back must not look like an attack, so both ends are asked.
        too_many = len(self._times) == self.LIMIT and 0 <= now - self._times[0] < self.SECONDS
        if too_many and not now < self._quiet_until <= now + self.SECONDS:
            log.warning("%d wrong tokens within %.0f seconds. Something on this machine guesses, or uses an old one.",
                        self.LIMIT, self.SECONDS)  # fmt: skip
            self._quiet_until = now + self.SECONDS
        return too_many
