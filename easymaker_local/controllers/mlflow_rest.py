"""MLflow's REST API, as far as the daemon tells it something. Every call may be repeated."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from easymaker_local.domain.contract import MLFLOW_RUN_HEADER, QUIET_HEADER, WEB_KEY_HEADER
from easymaker_local.domain.mlflow import EXPERIMENT_KIND, EXPERIMENT_TAG, SERVER, TAGS_TAG, Run, milliseconds, valid_name
from easymaker_local.kit.local_http import open_client

if TYPE_CHECKING:
    import httpx

    from easymaker_local.controllers.web_servers import Ready
    from easymaker_local.store.metric_points import Point

BATCH = 1000
"""Values that one call takes at most."""
_MISSING = "RESOURCE_DOES_NOT_EXIST"
_SECONDS = 30.0


class Refused(Exception):
    """MLflow does not take it. Only for who tells it something: nobody else hears of it."""


class Failing(Exception):
    """MLflow answers, and fails at it."""


class Unreachable(Exception):
    """MLflow does not answer."""


class _Missing(Refused):
    """What it is about is not there."""


class MlflowRest:
    """Keeps connections until it is closed; belongs to the event loop that uses it first."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def experiment(self, to: Ready, experiment_id: str, name: str) -> str:
        """Return MLflow's id of an experiment, made, restored or renamed if need be.

        It is found by a tag, so that it keeps its runs under a new name. One of that name that is not ours yet, or was that of
        a deleted experiment, is taken: MLflow has every name once.
        """
        wanted = f"tags.`{EXPERIMENT_TAG}` = '{experiment_id}'"
        query = {"max_results": 1, "view_type": "ALL", "filter": wanted}
        found = (await self._post(to, "experiments/search", query)).get("experiments", [])
        if found and found[0]["name"] != name:
            with suppress(Refused):  # that name is taken: its runs stay under the old one
                await self._post(to, "experiments/update", {"experiment_id": found[0]["experiment_id"], "new_name": name})
        experiment = found[0] if found else await self._by_name(to, name)
        if experiment is None:
            tags = {EXPERIMENT_TAG: experiment_id, **EXPERIMENT_KIND}
            body = {"name": name, "tags": [{"key": key, "value": value} for key, value in tags.items()]}
            return str((await self._post(to, "experiments/create", body))["experiment_id"])
        mlflow_id = str(experiment["experiment_id"])
        if experiment["lifecycle_stage"] == "deleted":
            await self._post(to, "experiments/restore", {"experiment_id": mlflow_id})
        if EXPERIMENT_TAG not in {tag["key"] for tag in experiment.get("tags", [])}:
            tag = {"experiment_id": mlflow_id, "key": EXPERIMENT_TAG, "value": experiment_id}
            await self._post(to, "experiments/set-experiment-tag", tag)
        return mlflow_id

    async def put_run(self, to: Ready, mlflow_id: str, run: Run) -> bool:
        """Make the run or bring name, start and tags up to date; False if the user has deleted it in MLflow."""
        body = {
            "experiment_id": mlflow_id, "run_name": run.name, "start_time": run.started_at,
            "tags": [{"key": name, "value": value} for name, value in run.tags.items()],
        }  # fmt: skip
        made = (await self._post(to, "runs/create", body, {MLFLOW_RUN_HEADER: run.id}))["run"]
        if made["info"]["lifecycle_stage"] == "deleted":
            return False
        known = {tag["key"]: tag["value"] for tag in made["data"].get("tags", [])}
        for name in run.outdated(known):
            await self._post(to, "runs/delete-tag", {"run_id": run.id, "key": name})
        if run.mine != known.get(TAGS_TAG, ""):
            await self._post(to, "runs/set-tag", {"run_id": run.id, "key": TAGS_TAG, "value": run.mine})
        return True

    async def put_parameters(self, to: Ready, run: Run) -> None:
        """Log the parameters of which the run's code has not spoken; it may, once, replace each of them."""
        if run.parameters:
            parameters = [{"key": name, "value": value} for name, value in run.parameters.items()]
            body = {"run_id": run.id, "params": parameters}
            await self._post(to, "runs/log-batch", body, {MLFLOW_RUN_HEADER: run.id})

    async def put_points(self, to: Ready, run: Run, points: Sequence[Point]) -> None:
        """Log values of metrics; MLflow keeps each of them once."""
        metrics = [
            {"key": valid_name(p.name), "value": _number(p.value), "step": p.step, "timestamp": milliseconds(p.at)}
            for p in points
        ]
        await self._post(to, "runs/log-batch", {"run_id": run.id, "metrics": metrics})

    async def put_status(self, to: Ready, run: Run) -> None:
        """Write status and end."""
        body: dict[str, Any] = {"run_id": run.id, "status": run.status}
        if run.ended_at is not None:
            body["end_time"] = run.ended_at
        await self._post(to, "runs/update", body)

    async def delete_run(self, to: Ready, run_id: str) -> None:
        """Mark a run as deleted; calm about one that is not there."""
        with suppress(_Missing):
            await self._post(to, "runs/delete", {"run_id": run_id})

    async def _by_name(self, to: Ready, name: str) -> Mapping[str, Any] | None:
        try:
            found = await self._ask(to, "GET", "experiments/get-by-name", params={"experiment_name": name})
        except _Missing:
            return None
        experiment: Mapping[str, Any] = found["experiment"]
        return experiment

    async def _post(
        self, to: Ready, path: str, body: Mapping[str, Any], headers: Mapping[str, str] = {}
    ) -> Mapping[str, Any]:  # fmt: skip
        return await self._ask(to, "POST", path, content=json.dumps(body).encode(), headers=headers)

    async def _ask(
        self, to: Ready, method: str, path: str, *, content: bytes | None = None, params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] = {},
    ) -> Mapping[str, Any]:  # fmt: skip
        """Return the answer; raises Refused, Failing or Unreachable."""
        import httpx

        if self._client is None:
            self._client = open_client(_SECONDS)
        host = f"[{to.address.host}]" if ":" in to.address.host else to.address.host
        url = f"http://{host}:{to.address.port}{SERVER.path}api/2.0/mlflow/{path}"
        own = {WEB_KEY_HEADER: to.key, QUIET_HEADER: "1", "Content-Type": "application/json"}
        try:
            answer = await self._client.request(method, url, content=content, params=params, headers={**own, **headers})
        except httpx.TransportError as error:
            raise Unreachable(f"MLflow does not answer: {error or type(error).__name__}.") from error
        if answer.status_code >= 500:
            raise Failing(f"MLflow answers {path} with {answer.status_code}.")
        try:
            said: Mapping[str, Any] = answer.json()
        except ValueError as error:
            raise Failing(f"MLflow answers {path} with {answer.status_code} and no JSON.") from error
        if answer.status_code >= 400:
            kind = _Missing if said.get("error_code") == _MISSING else Refused
            raise kind(f"MLflow refuses {path}: {said.get('message', answer.status_code)}")
        return said


def _number(value: float) -> float | str:
    """Return a value as MLflow's JSON has it."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
