"""Training templates as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from easymaker_local.cli import output
from easymaker_local.cli.lookup import SHORT_ID
from easymaker_local.cli.training_views import print_pairs

if TYPE_CHECKING:
    from easymaker_local.client.shapes import TrainingTemplate, UnresolvedField


def print_templates(templates: Sequence[TrainingTemplate]) -> None:
    """Print one line each."""
    output.table(
        ["ID", "NAME", "IMAGE", "FLAVOR", "CHANGED", "DESCRIPTION"],
        [
            [
                t["trainingTemplateId"][:SHORT_ID], t["trainingTemplateName"], t["imageId"], t["flavorId"],
                output.ago(t["changedDatetime"]),
                output.cell(t["problem"]["message"], "red") if t["problem"] else t["description"],
            ]
            for t in templates
        ],
    )  # fmt: skip


def print_template(t: TrainingTemplate, unresolved: Sequence[UnresolvedField]) -> None:
    """Print everything about one that it holds; a reference that leads nowhere says so."""
    missing = {one["field"]: one["message"] for one in unresolved}

    def reference(field: str, value: str | None) -> object:
        return Text(f"{output.clean(value)} ({output.clean(missing[field])})", style="yellow") if field in missing else value

    minutes, size = t["timeoutMinutes"], t["dataStorageSize"]
    rows: list[tuple[str, object]] = [
        ("Description", t["description"]), ("Problem", t["problem"] and t["problem"]["message"]),
        ("Experiment", reference("experimentId", t["experimentId"])), ("Image", reference("imageId", t["imageId"])),
        ("Flavor", reference("flavorId", t["flavorId"])), ("Nodes", t["instanceCount"]),
        ("Torchrun", _on(t["useTorchrun"])), ("Processes per node", t["nprocPerNode"]),
        ("Data storage", None if size is None else f"{size} GB"),
        ("Source", t["sourceDirUri"]), ("Entry point", t["entryPoint"]), ("Model output", t["modelUploadUri"]),
        ("Checkpoint input", t["checkPointInputUri"]), ("Checkpoint output", t["checkPointUploadUri"]),
        ("Log management", _on(t["useLog"])),
        ("Maximum time", None if minutes is None else output.duration(minutes * 60)),
    ]  # fmt: skip
    output.details([
        ("Id", t["trainingTemplateId"]), ("Name", t["trainingTemplateName"]), *(row for row in rows if row[1] is not None),
        ("Created", output.local_time(t["createdDatetime"])), ("Changed", output.local_time(t["changedDatetime"])),
    ])  # fmt: skip
    print_pairs("Hyperparameters", t["hyperparameterList"] or [], "parameterName", "parameterValue")
    print_pairs("Data sets", t["datasetList"] or [], "datasetName", "dataUri")
    print_pairs("Tags", t["tagList"] or [], "tagKey", "tagValue")


def _on(value: bool | None) -> str | None:
    return None if value is None else "on" if value else "off"
