"""What Envoy has counted, by what it was meant for (GW-05, GW-L04).

Each request is counted once when it ends, whoever answered it: a pod, or Envoy itself because nothing is there, no pod
answers, it took too long or the body is too large.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from easymaker_local.domain.gateway import Api, ApiCount, ApiKey, ModelLoad
from easymaker_local.gateway.admin import Admin
from easymaker_local.gateway.holding import ModelKey
from easymaker_local.gateway.resources import CODE_TAG, COUNTED, COUNTED_SCOPE, ROUTE_TAG

_ROUTE = rf"{ROUTE_TAG}\.([^.]*)"
_CALLS = re.compile(rf"{COUNTED_SCOPE}\.{COUNTED}\.{_ROUTE}\.{CODE_TAG}\.(\d+)")
_TIME = re.compile(rf"{COUNTED_SCOPE}\.{COUNTED}_ms\.{_ROUTE}")
_TOOK = re.compile(rf"{COUNTED_SCOPE}\.{COUNTED}_took\.{_ROUTE}")
_LOAD = re.compile(r"cluster\.([^.~]+)~([^.~]+)(?:~grpc)?\.upstream_rq_(active|total)")
# The asker had gone before there was an answer: neither side has failed, and nobody was served.
_GONE = "499"


async def read_counts(admin: Admin) -> dict[ApiKey, ApiCount]:
    """Return the totals since Envoy's start. Raises TransientError."""
    # Histograms are merged because of a question, and not before it is answered.
    await admin.get("/stats", filter="^$")
    classes: dict[ApiKey, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    times: dict[ApiKey, float] = defaultdict(float)
    buckets: dict[ApiKey, dict[float, int]] = {}
    for stat in await admin.stats(rf"^{COUNTED_SCOPE}\.{COUNTED}", histogram_buckets="cumulative"):
        if "histograms" in stat:
            buckets |= dict(_buckets(stat["histograms"]))
        elif (found := _CALLS.fullmatch(stat["name"])) and (key := _key(found[1])):
            code = found[2] if found[2] != "0" else _GONE
            classes[key][f"{code[0]}xx"] += stat["value"]
        elif (found := _TIME.fullmatch(stat["name"])) and (key := _key(found[1])):
            times[key] += stat["value"]
    return {key: ApiCount(dict(calls), times[key], buckets.get(key, {})) for key, calls in classes.items()}


async def read_loads(admin: Admin, held: Mapping[ModelKey, int]) -> dict[ModelKey, ModelLoad]:
    """Return the requests under way and all since Envoy's start of each model; ``held`` are those that wait."""
    active: dict[ModelKey, int] = defaultdict(int, held)
    total: dict[ModelKey, int] = defaultdict(int, held)
    for name, value in (await admin.values(r"^cluster\..*~.*\.upstream_rq_(active|total)$")).items():
        if found := _LOAD.fullmatch(name):
            (active if found[3] == "active" else total)[found[1], found[2]] += value
    return {key: ModelLoad(active[key], total[key]) for key in {*active, *total}}


def _buckets(content: Any) -> Iterator[tuple[ApiKey, dict[float, int]]]:
    for each in content:
        found = _TOOK.fullmatch(each["name"])
        if found and (key := _key(found[1])):
            yield key, {bucket["upper_bound"]: bucket["cumulative"] for bucket in each["buckets"]}


def _key(prefix: str) -> ApiKey | None:
    match prefix.split("~"):
        case [stage_id, model_id, api] if api in set(Api):
            return ApiKey(stage_id, model_id, Api(api))
    return None
