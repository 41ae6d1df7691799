"""How often the APIs of endpoints were called, how that ended and how long it took (GW-05, GW-L04, DB-L01). Pure.

The gateway counts from its start on; what is kept are increases, so that its end costs nothing that was seen. An API has one
method and one form of path for each model, so counts by API are counts by path and method.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import isinf
from typing import NamedTuple

from easymaker_local.domain.gateway import Api, ApiCount

SUCCESSES = frozenset({"1xx", "2xx", "3xx"})
"""Classes of status below 400. All others are failures, also of a request that got no answer at all (DB-L01, OI-20)."""

METHODS: Mapping[Api, str] = dict.fromkeys(
    (Api.PREDICT, Api.EXPLAIN, Api.INFER, Api.COMPLETIONS, Api.CHAT, Api.GRPC), "POST"
) | dict.fromkeys((Api.MODELS, Api.MODEL, Api.SERVER, Api.LIVE, Api.READY, Api.METADATA, Api.MODEL_READY), "GET")  # fmt: skip
"""API -> its method. ``CUSTOM``, a path of the user's own, may have several, and what is counted as ``OTHER`` is no API."""


class Bucket(NamedTuple):
    """A part of a histogram: durations in ms above ``lower`` and up to ``upper``."""

    lower: float
    upper: float


@dataclass(frozen=True)
class Calls:
    """Calls in some time. ``classes``: "2xx", "4xx", … -> calls; ``buckets``: -> calls that took so long."""

    classes: Mapping[str, int] = field(default_factory=dict)
    total_ms: float = 0.0
    buckets: Mapping[Bucket, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """All of them."""
        return sum(self.classes.values())

    @property
    def successes(self) -> int:
        """Those that were answered with a status below 400."""
        return sum(count for name, count in self.classes.items() if name in SUCCESSES)

    @property
    def failures(self) -> int:
        """The others."""
        return self.count - self.successes

    @property
    def mean_ms(self) -> float | None:
        """How long a call took on average; None without any."""
        return self.total_ms / self.count if self.count else None

    def percentile(self, share: float) -> float | None:
        """Return the duration in ms within which ``share`` (0 to 1) of the calls ended; None if none was measured.

        Within a bucket durations are taken to be spread evenly; one without an upper bound is where it begins.
        """
        wanted = share * sum(self.buckets.values())
        below = 0
        found: float | None = None
        for bucket, count in sorted(self.buckets.items()):
            if not count:
                continue
            if isinf(bucket.upper):
                return bucket.lower
            if below + count >= wanted:
                return bucket.lower + (bucket.upper - bucket.lower) * max(0.0, wanted - below) / count
            below += count
            found = bucket.upper
        return found

    def __bool__(self) -> bool:
        return bool(self.count or self.total_ms or any(self.buckets.values()))


def total(found: Iterable[Calls]) -> Calls:
    """Return the sum."""
    classes: dict[str, int] = {}
    buckets: dict[Bucket, int] = {}
    total_ms = 0.0
    for calls in found:
        total_ms += calls.total_ms
        for name, count in calls.classes.items():
            classes[name] = classes.get(name, 0) + count
        for bucket, count in calls.buckets.items():
            buckets[bucket] = buckets.get(bucket, 0) + count
    return Calls(classes, total_ms, buckets)


def increase(before: ApiCount | None, now: ApiCount) -> Calls:
    """Return what came to a counter since ``before``, which is None if the process that counts is another one.

    A counter that has shrunk was begun anew: all of it is new then.
    """
    if before is None or _has_shrunk(before, now):
        before = ApiCount({}, 0.0, {})
    classes = {name: count - before.classes.get(name, 0) for name, count in now.classes.items()}
    old, new = _apart(before.buckets), _apart(now.buckets)
    buckets = {bucket: count - old.get(bucket, 0) for bucket, count in new.items()}
    return Calls(
        {name: count for name, count in classes.items() if count}, now.total_ms - before.total_ms,
        {bucket: count for bucket, count in buckets.items() if count},
    )  # fmt: skip


def _has_shrunk(before: ApiCount, now: ApiCount) -> bool:
    if any(now.classes.get(name, 0) < count for name, count in before.classes.items()) or now.total_ms < before.total_ms:
        return True
    old, new = _apart(before.buckets), _apart(now.buckets)
    return any(new.get(bucket, 0) < count for bucket, count in old.items())


def _apart(cumulative: Mapping[float, int]) -> dict[Bucket, int]:
    """Return the count of each bucket from counts up to upper bounds."""
    bounds = [(0.0, 0), *sorted(cumulative.items())]
    return {Bucket(lower, upper): count - below for (lower, below), (upper, count) in pairwise(bounds)}
