"""The options that fill the form of a stage, for every command that makes one or looks at what it would take (EP, SR, AS)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from easymaker_local.cli import completion
from easymaker_local.cli.job_spec import split_pairs
from easymaker_local.cli.lookup import find_flavor, find_model

if TYPE_CHECKING:
    from easymaker_local.client import Client

Models = Annotated[
    list[str],
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL[,KEY=VALUE]",
        help="Id or name of a model to deploy; repeat for more. Behind it what only this one gets: percentage, cpu, memory, "
        "gpu, pods, path, autoscale or scale-to-zero, as iris,percentage=40,pods=2.",
        autocompletion=completion.models,
    ),
]
Model = Annotated[
    str, typer.Option("--model", "-m", help="Id or name of the model to deploy.", autocompletion=completion.models)
]
Flavor = Annotated[str, typer.Option(help="Instance type.", autocompletion=completion.flavors)]
Nodes = Annotated[
    int | None, typer.Option(min=1, max=10, help="Number of instances; unless given 1, or the least of --node-autoscale.")
]
Percentage = Annotated[
    float | None,
    typer.Option(
        metavar="PERCENT",
        help="Share of an instance's usable resources that each pod gets; beside an amount, of the resources that have none.",
    ),
]
Cpu = Annotated[str | None, typer.Option(metavar="AMOUNT", help="vCPUs of each pod instead: 0.5, 500m.")]
Memory = Annotated[str | None, typer.Option(metavar="AMOUNT", help="Memory of each pod instead: 2048Mi, 2Gi.")]
Gpu = Annotated[str | None, typer.Option(metavar="N", help="Whole GPUs of each pod instead.")]
Pods = Annotated[int, typer.Option(min=1, help="Pods of each model.")]
Path = Annotated[
    str, typer.Option(metavar="PATH", help="A path of your own beside those of the inference protocol: /inference.")
]
Autoscale = Annotated[
    str | None,
    typer.Option(
        metavar="BY:TARGET", help="Scale pods by cpu or memory (percent) or requests (under way for each pod): cpu:50."
    ),
]
ScaleToZero = Annotated[
    float,
    typer.Option(metavar="MINUTES", min=0, help="Sleep after so long without a request; the next one wakes it. 0: never."),
]
NodeAutoscale = Annotated[str | None, typer.Option(metavar="MIN-MAX", help="Scale instances between these: 1-3.")]
NodeScaleIn = Annotated[bool, typer.Option("--node-scale-in/--no-node-scale-in", help="Whether instances may be removed.")]
NodeThreshold = Annotated[int, typer.Option(metavar="PERCENT", min=0, max=100, help="Below this use one may be removed.")]
NodeIdleMinutes = Annotated[int, typer.Option(metavar="MINUTES", min=0, help="After so long below it.")]
NodeDelayMinutes = Annotated[int, typer.Option(metavar="MINUTES", min=0, help="And so long after one was added.")]
UseLog = Annotated[bool, typer.Option("--log/--no-log", help="Bring its requests into the log store.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="Tag; repeat for more.")]
Description = Annotated[str | None, typer.Option(help="At most 255 characters.")]

_SCALE_METRICS = {"cpu": "CPU_UTILIZATION", "memory": "MEMORY_UTILIZATION", "requests": "REQUESTS"}
_AMOUNTS = ("percentage", "cpu", "memory", "gpu")
_OWN = (*_AMOUNTS, "pods", "path", "autoscale", "scale-to-zero")
_MOST_NODES = 10


def resource_body(
    client: Client, model: str, percentage: float | None, cpu: str | None, memory: str | None, gpu: str | None, pods: int,
    path: str, autoscale: str | None, scale_to_zero: float,
) -> dict[str, Any]:  # fmt: skip
    """Return the wire form of a stage resource; ``model`` may have values of its own behind its name, which go first.

    A percentage for all is left out where amounts of its own leave nothing that it could be of. Raises BadParameter.
    """
    name, own = _split(model)
    given: Mapping[str, Any] = {"percentage": percentage, "cpu": cpu, "memory": memory, "gpu": gpu}
    detail = {key: own.get(key, given.get(key)) for key in _AMOUNTS}
    if "percentage" not in own and {"cpu", "memory"} <= own.keys():
        detail["percentage"] = None
    return {
        "modelId": find_model(client, name, newest=True)["modelId"],
        "resourceOptionDetail": {key: value for key, value in detail.items() if value is not None},
        "podCount": own.get("pods", pods), "apigwResourceUri": own.get("path", path),
        "scaleToZeroIdleMinutes": own.get("scale-to-zero", scale_to_zero),
        **_pod_autoscaler(own.get("autoscale", autoscale)),
    }  # fmt: skip


def stage_body(
    client: Client, resources: Sequence[dict[str, Any]], flavor: str, nodes: int | None, node_autoscale: str | None,
    scale_in: bool, threshold: int, idle_minutes: int, delay_minutes: int, use_log: bool, tags: Sequence[str] | None,
    description: str | None,
) -> dict[str, Any]:  # fmt: skip
    """Return the wire form of what endpoint and stage creation share."""
    body: dict[str, Any] = {
        "flavorId": find_flavor(client, flavor)["id"], "nodeCount": nodes or 1, "endpointModelResourceList": [*resources],
        "useLog": use_log, "tagList": [{"tagKey": k, "tagValue": v} for k, v in split_pairs("--tag", tags or []).items()],
    }  # fmt: skip
    if description is not None:
        body["description"] = description
    if node_autoscale is not None:
        found = re.fullmatch(r"(\d{1,2})-(\d{1,2})", node_autoscale)
        least, most = (int(found[1]), int(found[2])) if found is not None else (0, 0)
        if not 1 <= least <= most <= _MOST_NODES:
            raise typer.BadParameter(
                f"write the least and the most, as 1-3, at most {_MOST_NODES}, not {node_autoscale!r}.",
                param_hint="--node-autoscale",
            )
        body |= {
            "nodeCount": nodes or least,
            "caEnable": True, "caMinNodeCount": least, "caMaxNodeCount": most, "caScaleDownEnable": scale_in,
            "caScaleDownUtilThresh": threshold, "caScaleDownUnneededTime": idle_minutes,
            "caScaleDownDelayAfterAdd": delay_minutes,
        }  # fmt: skip
    return body


def _split(text: str) -> tuple[str, dict[str, str]]:
    """Return a model's name and what stands behind it; a comma may be a part of the name, but not KEY=VALUE behind it."""
    pieces = text.split(",")
    own: dict[str, str] = {}
    while len(pieces) > 1:
        key, equals, value = pieces[-1].strip().partition("=")
        if not equals:
            break
        if key not in _OWN:
            raise typer.BadParameter(f"behind a model's name stand {', '.join(_OWN)}, not {key!r}.", param_hint="--model")
        own[key] = value
        pieces.pop()
    return ",".join(pieces), own


def _pod_autoscaler(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    by, _, target = text.partition(":")
    if by not in _SCALE_METRICS or not target.isdecimal():
        raise typer.BadParameter(
            f"write cpu, memory or requests and a number, as cpu:50, not {text!r}.", param_hint="--autoscale"
        )
    return {"podAutoScaleEnable": True, "scaleMetricCode": _SCALE_METRICS[by], "scaleMetricTarget": int(target)}
