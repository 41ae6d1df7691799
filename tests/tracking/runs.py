"""Appliances whose jobs have MLflow's client, and what a user sees of their runs."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from easymaker_local.domain.mlflow import SERVER, run_id
from easymaker_local.testing.appliance import Appliance, add_image, until
from easymaker_local.testing.shared import furnish

# The first test on a machine prepares three environments.
PREPARATION_SECONDS = 900

CLIENT, OLD_CLIENT = "mlflow-client", "mlflow-client-old"
_REQUIREMENTS = {
    # What autolog of scikit-learn needs beside the client.
    CLIENT: "mlflow-skinny==3.17.2\nscikit-learn==1.9.1\npandas==3.1.1\n",
    OLD_CLIENT: "mlflow-skinny==2.9.2\nsetuptools<81\n",
}


def new_appliance(home: Path, driver: str, **settings: str) -> Appliance:
    """Return an appliance with images that have MLflow's client, of the server's version and of an old one."""
    furnish(home)
    for image, requirements in _REQUIREMENTS.items():
        add_image(home, image, image, image, requirements)
    made = Appliance(home, driver, cpu_overcommit="8", reserved_memory_gib="0", **settings)
    made.put("code", {"plain/train.py": "print('hello')\n"})
    return made


def run(appliance: Appliance, name: str, script: str, image: str = CLIENT, **body: Any) -> str:
    """Ask for a training that runs ``script``; returns its id."""
    appliance.put("code", {f"{name}/train.py": script})
    made = appliance.training(
        **{
            "trainingName": name, "imageId": image, "sourceDirUri": appliance.uri("code", name),
            "modelUploadUri": appliance.uri("models", name), **body,
        }
    )  # fmt: skip
    return str(made["trainingId"])


def complete(appliance: Appliance, training_id: str) -> None:
    """Wait for its success."""
    appliance.complete(training_id, PREPARATION_SECONDS)


def measure(appliance: Appliance, training_id: str, name: str, values: Sequence[float]) -> None:
    """Add values as if they had been collected from what the training printed."""
    rows = [(training_id, name, step, value, 1_700_000_000.0 + step) for step, value in enumerate(values)]
    with contextlib.closing(sqlite3.connect(appliance.home / "state.db", timeout=30)) as db, db:
        db.executemany("INSERT INTO metric_points VALUES (?, ?, ?, ?, ?)", rows)


class Mlflow:
    """MLflow's REST API at the gateway's port."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def ask(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        """Call the API; waits while the server starts."""

        def call() -> httpx.Response | None:
            answer = self.http.request(method, f"{SERVER.path}api/2.0/mlflow/{path}", **arguments)
            return None if answer.status_code == 503 else answer

        answer = until(call, "MLflow's start", PREPARATION_SECONDS)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def run(self, training_id: str) -> dict[str, Any]:
        """Return the run of a training, with ``tags``, ``params`` and the latest ``metrics`` by their names."""
        found = self.ask("GET", "runs/get", params={"run_id": run_id(training_id)})["run"]
        named = {kind: {e["key"]: e["value"] for e in found["data"].get(kind, [])} for kind in ("tags", "params", "metrics")}
        return {**found["info"], **named}

    def until_run(self, training_id: str, **expected: Any) -> dict[str, Any]:
        """Return the run once it is as expected."""

        def reached() -> dict[str, Any] | None:
            found = self.run(training_id)
            return found if expected.items() <= found.items() else None

        return until(reached, f"{expected} of {self.run(training_id)}")

    def history(self, training_id: str, metric: str) -> list[tuple[int, Any, int]]:
        """Return step, value and time of a metric's values."""
        query = {"run_id": run_id(training_id), "metric_key": metric, "max_results": "100000"}
        found = self.ask("GET", "metrics/get-history", params=query).get("metrics", [])
        return sorted((point["step"], point["value"], point["timestamp"]) for point in found)

    def experiment(self, name: str) -> dict[str, Any]:
        """Return the experiment of that name."""
        found: dict[str, Any] = self.ask("GET", "experiments/get-by-name", params={"experiment_name": name})["experiment"]
        return found


@contextmanager
def mlflow_of(appliance: Appliance, headers: dict[str, str] | None = None) -> Iterator[Mlflow]:
    """MLflow as the user sees it, or as whoever sends ``headers``."""
    with appliance.gateway_client({"X-EasyMaker-Token": appliance.token} if headers is None else headers) as client:
        yield Mlflow(client)


def server_pid(appliance: Appliance) -> int | None:
    """Return the process id of the server's supervisor (process driver); None if no server runs."""
    found = list(appliance.home.glob(f"workloads/*/workloads/{SERVER.workload}/supervisor.json"))
    return int(json.loads(found[0].read_text())["pid"]) if found else None
