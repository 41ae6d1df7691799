"""Trainings as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from easymaker_local.cli import jobs, output
from easymaker_local.cli.lookup import SHORT_ID

if TYPE_CHECKING:
    from easymaker_local.client.shapes import Event, Job, Training


_SIZES = {"ENFORCED": "enforced: a job cannot write more", "WATCHED": "watched: a job that uses more is ended"}


def print_trainings(trainings: Sequence[Training], *, with_experiment: bool = True) -> None:
    """Print one line each. What waits or failed says why."""
    rows = []
    for t in trainings:
        row = [t["trainingId"][:SHORT_ID], t["trainingName"], experiment_name(t), output.status(t["trainingStatusCode"])]
        took = output.duration(t["elapsedTimeSeconds"]) if t["startedDatetime"] else None
        row += [output.ago(t["createdDatetime"]), took, Text(output.clean(why(t)), style="dim")]
        rows.append(row if with_experiment else [*row[:2], *row[3:]])
    columns = ["ID", "NAME", "EXPERIMENT", "STATUS", "CREATED", "TIME", "REASON"]
    output.table([c for c in columns if with_experiment or c != "EXPERIMENT"], rows)


def print_training(t: Training, events: Sequence[Event]) -> None:
    """Print everything about one."""
    output.details(job_details(jobs.TRAINING, t, str(t["instanceCount"])))
    print_pairs("Hyperparameters", t["hyperparameterList"], "parameterName", "parameterValue")
    print_pairs("Data sets", t["datasetList"], "datasetName", "dataUri")
    print_pairs("Tags", t["tagList"], "tagKey", "tagValue")
    output.heading("History")
    output.events(events)


def job_details(kind: jobs.Kind, t: Job, nodes: str) -> list[tuple[str, object]]:
    """Return names and values of what every job has."""
    reason, image, flavor = t["statusReason"], t["image"], t["flavor"]
    torchrun = f", torchrun with {t['nprocPerNode']} process(es) each" if t["useTorchrun"] else ""
    storage = ", ".join(f"{row['storageSize']} GB ({_SIZES[t['dataStorageEnforcement']]})" for row in t["dataStorageList"])
    gpus = f", {flavor['gpuCount']} × {flavor['gpuModel'] or 'any GPU'}" if flavor["gpuCount"] else ""
    tuning_id = None if kind is jobs.TUNING else t.get("hyperparameterTuningId")
    return [
        ("Id", kind.id(t)), ("Name", kind.name(t)), ("Status", output.status(kind.shown_status(t))),
        *([("Reason", f"{reason['code']}: {reason['message']}")] if reason else []),
        *([("Trial of", f"tuning {tuning_id}")] if tuning_id else []),
        *([("Description", t["description"])] if t["description"] else []),
        ("Experiment", experiment_name(t)), ("Image", image["imageName"] if image else "(not in the catalogue any more)"),
        ("Flavor", f"{flavor['name']} ({flavor['vcpus']} vCPU, {flavor['ram'] / 1024:g} GiB{gpus})"),
        ("Nodes", f"{nodes}{torchrun}"),
        *([("Data storage", storage)] if storage else []),
        ("Source", t["sourceDirUri"]), ("Entry point", t["entryPoint"]), ("Model output", t["modelUploadUri"]),
        *([("Models", ", ".join(f"{m['modelName']} ({m['modelId']})" for m in t["modelList"]))] if t["modelList"] else []),
        *([("Checkpoint input", t["checkPointInputUri"])] if t["checkPointInputUri"] else []),
        *([("Checkpoint output", t["checkPointUploadUri"])] if t["checkPointUploadUri"] else []),
        *([("Log management", "on")] if t["useLog"] else []),
        ("Maximum time", output.duration(t["timeoutMinutes"] * 60)),
        ("Created", output.local_time(t["createdDatetime"])), ("Started", output.local_time(t["startedDatetime"])),
        ("Ended", output.local_time(t["finishedDatetime"])),
        (f"{kind.word.capitalize()} time", output.duration(t["elapsedTimeSeconds"]) if t["startedDatetime"] else None),
    ]  # fmt: skip


def experiment_name(job: Job) -> str | None:
    """Return the name of a job's experiment."""
    experiment = job["experiment"]
    return None if experiment is None else experiment["experimentName"]


def why(job: Mapping[str, Any]) -> str:
    """Return the reason beside a status, in a line for lists; nothing where the user knows."""
    reason = job["statusReason"]
    if reason is None or reason["code"] == "STOPPED_BY_USER":
        return ""
    first = first_line(reason)
    return first if len(first) <= 60 else first[:59] + "…"


def first_line(reason: Mapping[str, Any]) -> str:
    """Return the first line of a reason's words, which may be a job's own, or its code if there are none."""
    return next((line for line in reason["message"].splitlines() if line.strip()), str(reason["code"]))


def print_pairs(title: str, rows: Sequence[dict[str, str]], key: str, value: str) -> None:
    """Print keys and values below a title, if there are any."""
    if rows:
        output.heading(title)
        output.details([(row[key], row[value]) for row in rows])
