"""What stands behind a model's name on the command line."""

from __future__ import annotations

from typing import cast

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.cli.stage_options import resource_body, stage_body
from easymaker_local.client import Client


class _Models:
    """Knows every model, by its name, and every flavor."""

    def model(self, model_id: str) -> None:
        raise AssertionError(f"nobody asked for the id {model_id!r}")

    def models(self, **query: object) -> list[dict[str, object]]:
        name = query.get("name")
        return [{"modelId": f"id of {name}", "modelName": name}] if name is not None else []

    def flavors(self) -> list[dict[str, object]]:
        return [{"id": "m2.c1m2", "name": "m2.c1m2"}]


CLIENT = cast(Client, _Models())
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="="), min_size=1, max_size=15)
KEYS = st.sampled_from(["percentage", "cpu", "memory", "gpu", "pods", "path", "scale-to-zero"])
OWN = st.dictionaries(KEYS, st.text("0123456789/x", min_size=1))


@given(NAMES, OWN)
def test_values_of_its_own_come_after_the_name(name: str, own: dict[str, str]) -> None:
    """Whatever the name is, commas too."""
    text = ",".join([name, *(f"{key}={value}" for key, value in own.items())])
    body = resource_body(CLIENT, text, 50.0, None, "1Gi", None, 3, "/all", None, 0)
    assert body["modelId"] == f"id of {name}"
    assert body["podCount"] == own.get("pods", 3)
    assert body["apigwResourceUri"] == own.get("path", "/all")
    amounts = {key: value for key, value in own.items() if key in {"percentage", "cpu", "memory", "gpu"}}
    whole = {"memory": "1Gi"} if {"cpu", "memory"} <= amounts.keys() else {"percentage": 50.0, "memory": "1Gi"}
    assert body["resourceOptionDetail"] == whole | amounts, "what it does not set itself is what was said for all"
    assert body["scaleToZeroIdleMinutes"] == own.get("scale-to-zero", 0)


def test_a_model_has_a_scaler_of_its_own() -> None:
    """AS-13…AS-15."""
    body = resource_body(CLIENT, "iris,autoscale=cpu:50", None, None, None, None, 1, "", "requests:4", 0)
    assert (body["scaleMetricCode"], body["scaleMetricTarget"]) == ("CPU_UTILIZATION", 50)


def test_a_key_that_there_is_not_is_wrong_usage() -> None:
    with pytest.raises(typer.BadParameter, match="cpu, memory, gpu, pods, path, autoscale, scale-to-zero, not 'foo'"):
        resource_body(CLIENT, "iris,foo=1,pods=2", None, None, None, None, 1, "", None, 0)


@pytest.mark.parametrize(("nodes", "scale", "count"), [(None, None, 1), (None, "2-3", 2), (3, "2-3", 3), (4, None, 4)])
def test_nodes_are_the_least_that_the_autoscaler_keeps(nodes: int | None, scale: str | None, count: int) -> None:
    """AS-09."""
    body = stage_body(CLIENT, [], "m2.c1m2", nodes, scale, True, 50, 10, 10, False, None, None)
    assert body["nodeCount"] == count


@pytest.mark.parametrize("text", ["", "cpu", "cpu:", "cpu:x", "disk:5", "cpu:-1", ":5"])
def test_what_is_no_autoscaler_of_pods(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="cpu:50"):
        resource_body(CLIENT, "iris", None, None, None, None, 1, "", text, 0)


@pytest.mark.parametrize("text", ["", "1", "1-", "-3", "a-b", "1-3-5", "100-200", "3-1", "0-2", "1-11"])
def test_what_is_no_range_of_nodes(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="1-3"):
        stage_body(CLIENT, [], "m2.c1m2", 1, text, True, 50, 10, 10, False, None, None)
