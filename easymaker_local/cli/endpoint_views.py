"""Endpoints, stages, stage resources and pods as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

from easymaker_local.cli import output
from easymaker_local.cli.lookup import SHORT_ID
from easymaker_local.cli.training_views import print_pairs, why

if TYPE_CHECKING:
    from easymaker_local.client.endpoint_shapes import (
        Amounts,
        DefaultStagePreview,
        Endpoint,
        Fit,
        GatewaySettings,
        Pod,
        Stage,
        StagePreview,
        StageResource,
    )
    from easymaker_local.client.shapes import Event


def print_endpoints(endpoints: Sequence[Endpoint]) -> None:
    """Print one line each; "!" before a name: a stage runs on an outdated runtime version (EP-21)."""
    rows: list[list[object]] = [
        [
            e["endpointId"][:SHORT_ID], marked(e["endpointName"], e["isClusterLatest"]), output.status(e["endpointStatusCode"]),
            e["deployStatus"], ", ".join(_stage_words(stage) for stage in e["endpointStageList"]),
            url(e["apigwDefaultStageUrl"]), output.ago(e["createdDatetime"]), Text(output.clean(why(e)), style="dim"),
        ]
        for e in endpoints
    ]  # fmt: skip
    columns = ["ID", "NAME", "STATUS", "GATEWAY", "STAGES", "URL", "CREATED", "REASON"]
    output.table(*output.filled(columns, rows, "REASON"))
    _tell_outdated(endpoints)


def print_endpoint(e: Endpoint, events: Sequence[Event]) -> None:
    """Print everything about one."""
    reason, change = e["statusReason"], e["defaultStageChange"]
    output.details([
        ("Id", e["endpointId"]), ("Name", marked(e["endpointName"], e["isClusterLatest"])),
        ("Status", output.status(e["endpointStatusCode"])),
        *([("Reason", f"{reason['code']}: {reason['message']}")] if reason else []),
        *([("Description", e["description"])] if e["description"] else []),
        ("Gateway", e["deployStatus"]), ("URL", url(e["apigwDefaultStageUrl"])),
        ("API key", "needed: easymaker-local endpoint key" if e["apiKeyEnable"] else "not needed"),
        *([("Default stage", f"becomes {change['endpointStageId']}")] if change else []),
        *([("Runtime version", f"outdated, {_expiry(e['expiredDatetime'])}")] if not e["isClusterLatest"] else []),
        ("Created", output.local_time(e["createdDatetime"])),
    ])  # fmt: skip
    print_pairs("Tags", e["tagList"], "tagKey", "tagValue")
    output.heading("Stages")
    print_stages(e["endpointStageList"])
    output.heading("History")
    output.events(events)
    _tell_outdated([e])


def print_stages(stages: Sequence[Stage]) -> None:
    """Print one line each; "*" behind a name: the default stage."""
    rows: list[list[object]] = [
        [
            s["endpointStageId"][:SHORT_ID], marked(f"{s['endpointName']}/{_stage_words(s)}", s["isClusterLatest"]),
            output.status(s["endpointStageStatusCode"]), s["deployStatus"], s["flavor"]["name"],
            f"{s['nodeCount']}/{s['wantedNodeCount']}", f"{s['runningPodCount']}/{s['podCount']}",
            ", ".join(r["model"]["modelName"] for r in s["endpointModelList"]), Text(output.clean(why(s)), style="dim"),
        ]
        for s in stages
    ]  # fmt: skip
    columns = ["ID", "STAGE", "STATUS", "GATEWAY", "FLAVOR", "NODES", "PODS", "MODELS", "REASON"]
    output.table(*output.filled(columns, rows, "REASON"), right=["NODES", "PODS"])


def print_stage(s: Stage, events: Sequence[Event]) -> None:
    """Print everything about one."""
    reason, scaler = s["statusReason"], s["autoScaler"]
    output.details([
        ("Id", s["endpointStageId"]), ("Stage", f"{s['endpointName']}/{s['endpointStageName']}"),
        ("Default stage", "yes" if s["isDefaultStage"] else "no"), ("Status", output.status(s["endpointStageStatusCode"])),
        *([("Reason", f"{reason['code']}: {reason['message']}")] if reason else []),
        *([("Description", s["description"])] if s["description"] else []),
        ("Gateway", " ".join(filter(None, [s["deployStatus"], s["deployMessage"]]))), ("URL", url(s["apigwStageUrl"])),
        *([("Default URL", url(s["apigwDefaultStageUrl"]))] if s["apigwDefaultStageUrl"] else []),
        ("Flavor", s["flavor"]["name"]), ("Nodes", f"{s['nodeCount']} of {s['wantedNodeCount']}"),
        ("Node autoscaler", _scaler_words(scaler)), ("Logs", "in the log store" if s["useLog"] else "not stored"),
        *([("Runtime version", f"outdated, {_expiry(s['expiredDatetime'])}")] if not s["isClusterLatest"] else []),
        ("Created", output.local_time(s["createdDatetime"])),
    ])  # fmt: skip
    print_pairs("Tags", s["tagList"], "tagKey", "tagValue")
    output.heading("Models")
    print_resources(s["endpointModelList"])
    output.heading("History")
    output.events(events)


def print_resources(resources: Sequence[StageResource]) -> None:
    """Print one line each, and what is to be known of them."""
    rows: list[list[object]] = [
        [
            r["endpointModelId"][:SHORT_ID], r["model"]["modelName"], output.status(r["endpointModelStatusCode"]),
            "asleep" if r["isAsleep"] else f"{r['runningPodCount']}/{r['podCount']}",
            None if r["resourceOptionDetail"] is None else amounts(r["resourceOptionDetail"]), _scaling_words(r),
            url(r["apigwEndpointUri"]),
            Text(output.clean(why(r)), style="dim"),
        ]
        for r in resources
    ]  # fmt: skip
    columns = ["ID", "MODEL", "STATUS", "PODS", "EACH POD", "SCALING", "URL", "REASON"]
    output.table(*output.filled(columns, rows, "REASON"), right=["PODS"])
    for resource in resources:
        reason = resource["statusReason"]
        if reason is not None and reason["message"] != why(resource):  # it was cut for the list
            lines = [output.clean(line) for line in reason["message"].splitlines()]
            output.out().print(f"{resource['model']['modelName']}: " + "\n".join(lines), soft_wrap=True)
    tell_warnings(resources)


def tell_warnings(resources: Sequence[StageResource]) -> None:
    """Say what is allowed but may not go well (RI-05, RI-L02)."""
    for resource in resources:
        for warning in resource["warningList"]:
            output.note(f"{resource['model']['modelName']}: {warning}", "yellow")


def print_pods(pods: Sequence[Pod]) -> None:
    """Print one line each."""
    rows: list[list[object]] = [
        [
            p["podId"][:SHORT_ID], p["modelName"], output.status(p["podStatusCode"]), p["nodeName"], p["restartCount"],
            None if p["loadSeconds"] is None else f"{p['loadSeconds']:.1f}s", output.ago(p["createdDatetime"]), p["message"],
        ]
        for p in pods
    ]  # fmt: skip
    columns = ["ID", "MODEL", "STATUS", "NODE", "RESTARTS", "LOADED IN", "CREATED", "MESSAGE"]
    output.table(*output.filled(columns, rows, "MESSAGE"), right=["RESTARTS", "LOADED IN"])


def print_gateway(found: GatewaySettings) -> None:
    """Print what was deployed to the gateway, and what to leave alone there (GW-03, GW-07…GW-10)."""
    deployment = found["deployment"]
    output.details([
        ("URL", url(found["apigwStageUrl"])), ("Status", deployment["deployStatus"]),
        ("Version", deployment["version"]), *([("Message", deployment["message"])] if deployment["message"] else []),
    ])  # fmt: skip
    output.heading("Resources")
    rows = [
        [" ".join(r["methodList"]), r["resourcePath"], r["modelName"], ", ".join(r["backendList"])] for r in found["routeList"]
    ]  # fmt: skip
    output.table(["METHOD", "PATH", "MODEL", "BACKENDS"], rows)
    for caution in found["cautionList"]:
        output.note(caution, "yellow")


def print_preview(found: StagePreview) -> None:
    """Print what a stage would take (RI-02)."""
    flavor, nodes = found["flavor"]["name"], found["nodeCount"]
    output.details([
        ("Instances", f"{nodes} x {flavor}: {amounts(found['demand'])}"),
        ("Usable of each", f"{amounts(found['usable'])} ({amounts(found['base'])} are kept)"),
        ("Fits now", _fit_words(found["fit"])),
        *(
            [("Beside the default stage", "has room" if found["fitsBesideDefault"] else "never has room on this machine")]
            if found["fitsBesideDefault"] is not None
            else []
        ),
    ])  # fmt: skip
    output.heading("Models")
    rows: list[list[object]] = [
        [
            m["modelName"], m["podCount"], amounts(m["resourceOptionDetail"]), f"{m['percentageOfUsable']:g}%",
            None if m["loadSeconds"] is None else f"{m['loadSeconds']:.1f}s",
            None if m["memoryBytes"] is None else output.size(m["memoryBytes"]),
        ]
        for m in found["modelList"]
    ]  # fmt: skip
    columns = ["MODEL", "PODS", "EACH POD", "OF USABLE", "LOADED IN", "NEEDED"]
    output.table(columns, rows, right=["PODS", "OF USABLE", "LOADED IN", "NEEDED"])
    for model in found["modelList"]:
        for warning in model["warningList"]:
            output.note(f"{model['modelName']}: {warning}", "yellow")


def print_default_preview(found: DefaultStagePreview) -> None:
    """Print what a change of the default stage would do (EP-L02)."""
    new, old, fit = found["newStage"], found["deletedStage"], found["fit"]
    wait = "unknown" if found["waitSeconds"] is None else f"about {found['waitSeconds']:.0f}s, and what it takes to make room"
    possible = "only with --stop-first, and requests wait meanwhile" if found["needsStopFirst"] else "yes"
    output.details([
        ("New default stage", new and f"{new['endpointStageName']} ({new['endpointStageStatusCode']})"),
        ("Is deleted", old and f"{old['endpointStageName']} with its resources"),
        ("Possible", possible if found["isPossible"] else found["refusal"]),
        *([("Fits now", _fit_words(fit))] if fit else []),
        *([("Requests wait", wait)] if found["needsStopFirst"] else []),
    ])  # fmt: skip


def marked(name: str, is_latest: bool) -> Text:
    """Return a name with the marker of what runs on an outdated runtime version."""
    return output.cell(name) if is_latest else Text.assemble(("! ", "bold yellow"), output.clean(name))


def url(scheme_less: str) -> str:
    """Return a URL as people use it."""
    return f"https://{scheme_less}" if scheme_less else ""


def amounts(found: Amounts) -> str:
    """Return quantities in a few words."""
    gpus = "" if found["gpu"] == "0" else f", {found['gpu']} GPU"
    return f"{found['cpu']} vCPU, {found['memory']}{gpus}"


def _stage_words(stage: Stage) -> str:
    return stage["endpointStageName"] + ("*" if stage["isDefaultStage"] else "")


def _scaler_words(scaler: dict[str, Any] | None) -> str:
    if not scaler or not scaler["enable"]:
        return "off"
    return f"{scaler['minNodeCount']} to {scaler['maxNodeCount']} nodes"


def _scaling_words(resource: StageResource) -> str | None:
    scaler, words = resource["podAutoScaler"] or {}, []
    if scaler.get("podAutoScaleEnable"):
        target = scaler["scaleMetricTarget"]
        by = {"CPU_UTILIZATION": f"cpu {target} %", "MEMORY_UTILIZATION": f"memory {target} %"}
        words.append(by.get(scaler["scaleMetricCode"], f"{target} requests a pod"))
    if scaler.get("scaleToZeroIdleMinutes"):
        words.append(f"sleeps after {scaler['scaleToZeroIdleMinutes']:g} min")
    return ", ".join(words) or None


def _fit_words(fit: Fit) -> str:
    if fit["isFitting"]:
        return "yes"
    holders = ", ".join(f"{holder['kind']} {holder['name']}" for holder in fit["heldByList"])
    amount = fit["missing"]
    quantities = ((amount["cpu"], "0", " vCPU"), (amount["memory"], "0Mi", ""), (amount["gpu"], "0", " GPU"))
    missing = ", ".join(f"{count}{unit}" for count, nothing, unit in quantities if count != nothing)
    words = f"{missing} missing" if missing else str(fit["message"])
    return f"no: {words}" + (f", held by {holders}" if holders else "")


def _tell_outdated(endpoints: Sequence[Endpoint]) -> None:
    for endpoint in endpoints:
        if not endpoint["isClusterLatest"]:
            until = _expiry(endpoint["expiredDatetime"])
            output.note(
                f"! {endpoint['endpointName']} has stages on an outdated runtime version, which {until}. Make a new stage, "
                "try it, make it the default one; delete and create the others again.",
                "yellow",
            )


def _expiry(moment: str | None, now: datetime | None = None) -> str:
    """Say when an outdated runtime version expires, or what it means that it has (UP-L03)."""
    if moment is None:
        return "expires soon"
    at = datetime.fromisoformat(moment)
    if (now or datetime.now(UTC)) < at:
        return f"expires on {at:%Y-%m-%d at %H:%M}"
    return f"expired on {at:%Y-%m-%d at %H:%M}: what runs goes on, but there are neither more pods nor more models"
