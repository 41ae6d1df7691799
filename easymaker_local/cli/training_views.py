"""Trainings as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from easymaker_local.cli import output
from easymaker_local.cli.lookup import SHORT_ID

if TYPE_CHECKING:
    from easymaker_local.client.shapes import Event, Training


def print_trainings(trainings: Sequence[Training], *, with_experiment: bool = True) -> None:
    """Print one line each. What waits or failed says why."""
    rows = []
    for t in trainings:
        row = [t["trainingId"][:SHORT_ID], t["trainingName"], experiment_name(t), output.status(t["trainingStatusCode"])]
        took = output.duration(t["elapsedTimeSeconds"]) if t["startedDatetime"] else None
        row += [output.ago(t["createdDatetime"]), took, Text(output.clean(_why(t)), style="dim")]
        rows.append(row if with_experiment else [*row[:2], *row[3:]])
    columns = ["ID", "NAME", "EXPERIMENT", "STATUS", "CREATED", "TIME", "REASON"]
    output.table([c for c in columns if with_experiment or c != "EXPERIMENT"], rows)


def print_training(t: Training, events: Sequence[Event]) -> None:
    """Print everything about one."""
    reason, image, flavor = t["statusReason"], t["image"], t["flavor"]
    torchrun = f", torchrun with {t['nprocPerNode']} process(es) each" if t["useTorchrun"] else ""
    storage = ", ".join(f"{row['storageSize']} GB (watched: a job that uses more is ended)" for row in t["dataStorageList"])
    gpus = f", {flavor['gpuCount']} × {flavor['gpuModel'] or 'any GPU'}" if flavor["gpuCount"] else ""
    output.details([
        ("Id", t["trainingId"]), ("Name", t["trainingName"]), ("Status", output.status(t["trainingStatusCode"])),
        *([("Reason", f"{reason['code']}: {reason['message']}")] if reason else []),
        *([("Description", t["description"])] if t["description"] else []),
        ("Experiment", experiment_name(t)), ("Image", image["imageName"] if image else "(not in the catalogue any more)"),
        ("Flavor", f"{flavor['name']} ({flavor['vcpus']} vCPU, {flavor['ram'] / 1024:g} GiB{gpus})"),
        ("Nodes", f"{t['instanceCount']}{torchrun}"),
        *([("Data storage", storage)] if storage else []),
        ("Source", t["sourceDirUri"]), ("Entry point", t["entryPoint"]), ("Model output", t["modelUploadUri"]),
        *([("Checkpoint input", t["checkPointInputUri"])] if t["checkPointInputUri"] else []),
        *([("Checkpoint output", t["checkPointUploadUri"])] if t["checkPointUploadUri"] else []),
        *([("Log management", "on")] if t["useLog"] else []),
        ("Maximum time", output.duration(t["timeoutMinutes"] * 60)),
        ("Created", output.local_time(t["createdDatetime"])), ("Started", output.local_time(t["startedDatetime"])),
        ("Ended", output.local_time(t["finishedDatetime"])),
        ("Training time", output.duration(t["elapsedTimeSeconds"]) if t["startedDatetime"] else None),
    ])  # fmt: skip
    print_pairs("Hyperparameters", t["hyperparameterList"], "parameterName", "parameterValue")
    print_pairs("Data sets", t["datasetList"], "datasetName", "dataUri")
    print_pairs("Tags", t["tagList"], "tagKey", "tagValue")
    output.heading("History")
    output.events(events)


def experiment_name(training: Training) -> str | None:
    """Return the name of a training's experiment."""
    experiment = training["experiment"]
    return None if experiment is None else experiment["experimentName"]


def summary(training: Training) -> str:
    """Return how a training stands, in a line for logs and progress."""
    reason = training["statusReason"]
    return training["trainingStatusCode"] + (f": {reason['message']}" if reason else "")


def _why(training: Training) -> str:
    reason = training["statusReason"]
    if reason is None or training["trainingStatusCode"] == "STOPPED":
        return ""
    first = reason["message"].splitlines()[0] if reason["message"] else reason["code"]
    return first if len(first) <= 60 else first[:59] + "…"


def print_pairs(title: str, rows: Sequence[dict[str, str]], key: str, value: str) -> None:
    """Print keys and values below a title, if there are any."""
    if rows:
        output.heading(title)
        output.details([(row[key], row[value]) for row in rows])
