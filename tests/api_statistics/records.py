"""Endpoints and stages as rows, and totals as a gateway has them: for tests of what is counted, not of how they come to be."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from bisect import bisect_left
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

from easymaker_local.domain.endpoint import Endpoint, EndpointStatus, Stage, StageStatus, Wish
from easymaker_local.domain.endpoint_spec import StageSettings
from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.gateway import Api, ApiCount, ApiKey
from easymaker_local.store import Store, api_statistics, endpoints, serving_names, stages

BOUNDS = (5.0, 10.0, 50.0, 100.0, 1000.0, 10_000.0)


def add_endpoint(db: sqlite3.Connection, endpoint_id: str, name: str, *, has_failed: bool = False) -> None:
    """Insert an endpoint whose default stage is ``<id>-default``; a daemon that runs lets one alone that ``has_failed``."""
    stage_id = f"{endpoint_id}-default"
    status = EndpointStatus.CREATE_FAILED if has_failed else EndpointStatus.ACTIVE
    endpoints.add(db, Endpoint(endpoint_id, name, None, (), None, status, Wish.SERVE, None, stage_id, None, 0.0))
    add_stage(db, endpoint_id, stage_id, "default", has_failed=has_failed)


def add_stage(
    db: sqlite3.Connection, endpoint_id: str, stage_id: str, name: str, *, has_failed: bool = False, **settings: Any
) -> None:
    """Insert a stage; ``settings`` by their wire names."""
    spec = StageSettings.model_validate(
        {"flavorId": "m2.c1m2", "endpointModelResourceList": [{"modelId": "m1"}], **settings}
    )  # fmt: skip
    flavor = Flavor(name="m2.c1m2", vcpus=1, memory_mib=2048)
    status = StageStatus.CREATE_FAILED if has_failed else StageStatus.ACTIVE
    stages.add(db, Stage(stage_id, endpoint_id, name, spec, flavor, status, Wish.SERVE, None, 1, "1", 1, 1, 0.0))


def add_calls(home: Path, found: Mapping[ApiKey, ApiCount], age: float = 0.0) -> None:
    """Insert calls that came so many seconds ago to stages ``<endpoint id>-default`` of endpoints in the database of a home."""
    with contextlib.closing(sqlite3.connect(home / "state.db", timeout=30)) as db:
        db.row_factory = sqlite3.Row
        names = serving_names.find(db, [])
    statistics = Store(home / "statistics.db", api_statistics.migrations)
    statistics.open()
    statistics.close()
    with contextlib.closing(sqlite3.connect(home / "statistics.db", timeout=30)) as db, db:
        db.row_factory = sqlite3.Row
        api_statistics.record(db, time.time() - age, "1", found, names)


def key(stage_id: str, model_id: str = "", api: Api = Api.PREDICT) -> ApiKey:
    """Return the name of a counter."""
    return ApiKey(stage_id, model_id, api)


def counted(took: float = 7.0, **classes: int) -> ApiCount:
    """Return totals in which every call took so long; classes as ``ok`` (2xx), ``wrong`` (4xx), ``broken`` (5xx), ``none``."""
    names = {"ok": "2xx", "wrong": "4xx", "broken": "5xx", "none": "0xx"}
    count = sum(classes.values())
    counts = [0] * len(BOUNDS)
    counts[bisect_left(BOUNDS, took)] = count
    buckets = dict(zip(BOUNDS, accumulate(counts), strict=True))
    return ApiCount({names[name]: n for name, n in classes.items()}, count * took, buckets)
