"""Models for the fault tests: how each has to end whatever happens to the daemon, and what is compared with the artifact."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import Counter
from itertools import pairwise

import httpx

from easymaker_local.domain.model_record import TRANSITIONS, ModelStatus
from easymaker_local.testing.appliance import Appliance, until
from tests.faults.fault_jobs import history, select
from tests.faults.invariants import Accepted, accepted_requests_exist_once

ARTIFACTS = "artifacts"
_FILES = {"predict.py": "class Model: ...\n", "weights": "w" * 300_000}
_WAYS = {"good": ModelStatus.ACTIVE, "bad": ModelStatus.CREATE_FAILED}


class Models:
    """A client that makes models, one of which can be served and one of which cannot, and is calm when the daemon dies."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance
        self.accepted = Accepted[str]()
        appliance.put(ARTIFACTS, {f"good/{name}": text for name, text in _FILES.items()})
        appliance.put(ARTIFACTS, {"bad/weights": "w"})

    def lead_to(self, name: str) -> None:
        """Do what brings the daemon to a commit: make a model, and delete one that has ended."""
        way = "bad" if name == "model CREATE_FAILED" else "good"
        unfinished = select(self._appliance, "SELECT id FROM models WHERE is_finished = 0")
        if "DELETE" in name or "deletion" in name:
            self._delete()
        if not unfinished:
            self._create(way)

    def await_all(self) -> None:
        """Wait until nothing happens any more."""
        until(lambda: not select(self._appliance, "SELECT id FROM models WHERE is_finished = 0"), "the end of all models")

    def at_the_end(self, checks: Counter[str]) -> None:
        """Every model ended as its artifact has to, by an unbroken history, and nothing is left of those that were deleted."""
        rows = select(self._appliance, "SELECT * FROM models")
        accepted_requests_exist_once(self.accepted, rows, checks)
        examined = {row["model_id"]: row["document"] for row in select(self._appliance, "SELECT * FROM model_examinations")}
        assert set(examined) == {row["id"] for row in rows}
        for row in rows:
            checks["a model ended as its artifact has to"] += 1
            way = [ModelStatus(status) for status in history(self._appliance, row["id"], "model")]
            assert way[0] is ModelStatus.CREATE_REQUESTED
            for before, after in pairwise(way):
                assert after in TRANSITIONS[before], way
            assert row["status"] == way[-1] == _WAYS[self.accepted.kinds[row["name"]]]
            found = {file["name"]: file["sha256"] for file in json.loads(examined[row["id"]])["files"]}
            sums = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in _FILES.items()}
            assert found == (sums if way[-1] is ModelStatus.ACTIVE else {})
        left = {row["id"] for row in rows}
        for label in self.accepted.deletion_asked - {row["name"] for row in rows}:
            checks["what was deleted is gone"] += 1
            assert self.accepted.ids[label] not in left
            assert history(self._appliance, self.accepted.ids[label], "model") == []

    def _create(self, way: str) -> None:
        label = f"model-{way}-{len(self.accepted.kinds)}"
        self.accepted.kinds[label] = way
        place = self._appliance.uri(ARTIFACTS, way)
        body = {"modelName": label, "modelFormatCode": "PYTHON", "modelUploadUri": place}
        with _calm():
            self.accepted.ids[label] = self._appliance.call("POST", "/models", json=body)["model"]["modelId"]

    def _delete(self) -> None:
        query = "SELECT id, name FROM models WHERE is_finished = 1 ORDER BY created_at LIMIT 1"
        for row in select(self._appliance, query):
            self.accepted.deletion_asked.add(row["name"])
            self.accepted.ids[row["name"]] = row["id"]
            with _calm():
                if self._appliance.call("DELETE", f"/models/{row['id']}")["header"]["isSuccessful"]:
                    self.accepted.deleted.add(row["name"])


def _calm() -> contextlib.AbstractContextManager[None]:
    return contextlib.suppress(httpx.TransportError, json.JSONDecodeError)
