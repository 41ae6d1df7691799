"""The token that a workload gets in ``EM_TOKEN``: it says which attempt of which resource speaks (architecture 12).

It is signed and nothing is kept of it. It ends when its resource does: whoever checks one looks the resource up
(``services/credentials.py``), so that a copy in a log or a file opens nothing once the job has ended. It is the same for all
nodes of an attempt, since starting a node again after a crash must change nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

from easymaker_local.kit.secret_files import derive

_PURPOSE = "job-token"
_FORM = re.compile(r"job\.([a-z][a-z-]*)\.([A-Za-z0-9-]{1,36})\.([0-9]{1,9})\.([A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class Job:
    """One attempt of a resource."""

    kind: str
    id: str
    attempt: int


def sign(job: Job, secret_key: bytes) -> str:
    """Return the token of a job; the same for the same job and key."""
    claim = f"job.{job.kind}.{job.id}.{job.attempt}"
    return f"{claim}.{_signature(claim, secret_key)}"


def verify(token: str, secret_key: bytes) -> Job | None:
    """Return whose token it is; None if it was not made with this key. Whether the job still runs is another question."""
    found = _FORM.fullmatch(token)
    if found is None:
        return None
    claim, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature, _signature(claim, secret_key)):
        return None
    return Job(found[1], found[2], int(found[3]))


def _signature(claim: str, secret_key: bytes) -> str:
    digest = hmac.digest(derive(secret_key, _PURPOSE), claim.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
