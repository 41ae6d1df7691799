"""Rows of a stage that serves, as its controller would have left them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from easymaker_local.domain.endpoint import Endpoint, EndpointStatus, ResourceStatus, Stage, StageResource, StageStatus, Wish
from easymaker_local.domain.endpoint_spec import ResourceSpec, StageSettings
from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.ledger import Amount
from easymaker_local.store import endpoints, stages

FLAVOR = Flavor(name="m2.c4m8", vcpus=4, memory_mib=8192)
DEMAND = Amount(1000, 1024)
"""Three pods of this size go on a node: 0.1 CPU and 256 MiB of it are the base."""


def insert_stage(
    db: sqlite3.Connection, rows: Iterable[Mapping[str, Any]], demand: Amount = DEMAND, flavor: Flavor = FLAVOR, **fields: Any
) -> None:
    """Insert the endpoint ``e1`` with the stage ``s1`` and a resource ``r1``, ``r2``… per row, of the model ``m1``, ``m2``….

    ``rows`` and ``fields`` are what a user sends, by wire names; a row may name another model. No pods, no nodes yet.
    """
    specs = [ResourceSpec.model_validate({"modelId": f"m{place}", **row}) for place, row in enumerate(rows, 1)]
    body = {"flavorId": flavor.id, "endpointModelResourceList": [{"modelId": "m1"}], **fields}
    settings, serve = StageSettings.model_validate(body), Wish.SERVE
    endpoints.add(db, Endpoint("e1", "iris", None, (), None, EndpointStatus.ACTIVE, serve, None, "s1", None, 0.0))
    nodes = settings.node_count
    stages.add(db, Stage("s1", "e1", "default", settings, flavor, StageStatus.ACTIVE, serve, None, nodes, "1", 1, 1, 0.0))
    for place, spec in enumerate(specs, 1):
        stages.add_resource(db, StageResource(
            f"r{place}", "s1", "e1", spec.model_id, spec, demand, ResourceStatus.ACTIVE, serve, None, spec.pod_count, place
        ))  # fmt: skip
