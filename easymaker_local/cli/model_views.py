"""Models as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from easymaker_local.cli import jobs, output
from easymaker_local.cli.lookup import SHORT_ID
from easymaker_local.cli.training_views import print_pairs, why

if TYPE_CHECKING:
    from easymaker_local.client.shapes import Event, Examination, Model, Signature, Tensor

_SHOWN_FILES = 10
_SHORT_SUM = 12


def print_models(models: Sequence[Model]) -> None:
    """Print one line each; what failed says why."""
    rows: list[list[object]] = [
        [
            m["modelId"][:SHORT_ID], m["modelName"], _format(m), output.status(m["modelStatusCode"]), _size(m),
            _short_origin(m),
            output.ago(m["createdDatetime"]), Text(output.clean(why(m)), style="dim"),
        ]
        for m in models
    ]  # fmt: skip
    columns = ["ID", "NAME", "FRAMEWORK", "STATUS", "SIZE", "FROM", "CREATED", "REASON"]
    output.table(*output.filled(columns, rows, "REASON"), right=["SIZE"])


def print_model(m: Model, found: Examination | None, events: Sequence[Event], *, every_file: bool) -> None:
    """Print everything about one; ``found`` None: nothing was examined."""
    reason = m["statusReason"]
    output.details([
        ("Id", m["modelId"]), ("Name", m["modelName"]), ("Status", output.status(jobs.MODEL.shown_status(m))),
        *([("Reason", f"{reason['code']}: {reason['message']}")] if reason else []),
        *([("Description", m["description"])] if m["description"] else []),
        ("Framework", " ".join(filter(None, [_format(m), m["frameworkVersion"]]))), *_origin(m),
        ("Artifact", m["modelUploadUri"] or (m["formatCode"] and "in the Hugging Face cache")),
        *([("Commit", m["revision"])] if m["revision"] else []), ("Created", output.local_time(m["createdDatetime"])),
    ])  # fmt: skip
    if m["endpointList"]:
        output.heading("Endpoints")
        rows = [[e["endpointName"], e["apigwStageName"], output.status(e["endpointStatusCode"])] for e in m["endpointList"]]
        output.table(["ENDPOINT", "STAGE", "STATUS"], rows)
    print_pairs("Parameters", m["parameterList"], "parameterName", "parameterValue")
    print_pairs("Tags", m["tagList"], "tagKey", "tagValue")
    if found is not None:
        _print_examination(found, every_file)
    if m["modelStatusCode"] == "CREATE_FAILED":
        output.note("Repair what is named and create the model again.")
    output.heading("History")
    output.events(events)


def _print_examination(found: Examination, every_file: bool) -> None:
    details = _details(found)
    if details:
        output.heading("What was found")
        output.details(details)
    for signature in (found["savedModel"] or {}).get("signatureList", []):
        _print_signature(signature)
    for remark in found["remarkList"]:
        output.note(output.clean(remark), "yellow")
    files = found["fileList"]
    if not files:
        return
    shown = files if every_file else sorted(files, key=lambda file: -file["bytes"])[:_SHOWN_FILES]
    output.heading(f"Files ({len(files)}, {output.size(found['totalBytes'])})")
    checksum = slice(None) if every_file else slice(_SHORT_SUM)
    rows = [[file["path"], output.size(file["bytes"]), file["sha256"][checksum]] for file in shown]
    output.table(["FILE", "SIZE", "SHA-256"], rows, right=["SIZE"])
    if len(shown) < len(files):
        output.note(f"These are the largest {len(shown)}; for all: --files")


def _print_signature(signature: Signature) -> None:
    output.heading(f"Signature {output.clean(signature['signatureName'])}")
    tensors = [("input", one) for one in signature["inputList"]] + [("output", one) for one in signature["outputList"]]
    output.table(["", "NAME", "TYPE", "SHAPE"], [[way, one["name"], one["dtype"], _shape(one)] for way, one in tensors])


def _details(found: Examination) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    if saved := found["savedModel"]:
        rows = [
            ("Version", saved["directoryNumber"]), ("Saved by", f"TensorFlow {saved['tensorflowVersion']}"),
            ("Variables", "beside the graph" if saved["hasVariables"] else "none"),
        ]  # fmt: skip
    elif torch := found["torch"]:
        rows = [
            ("Kind", _word(torch["kindCode"])), ("Archive", torch["archive"]), ("Weights", torch["weights"]),
            ("Handler", torch["handler"]), ("Name in it", torch["archivedModelName"]),
            ("Version in it", torch["archivedModelVersion"]), ("Requirements", torch["requirements"]),
        ]  # fmt: skip
    elif sklearn := found["sklearn"]:
        rows = [
            ("Kind", _word(sklearn["kindCode"])), ("File", sklearn["file"]), ("Class", sklearn["className"]),
            ("Saved by", sklearn["libraryVersion"] and f"scikit-learn {sklearn['libraryVersion']}"),
        ]  # fmt: skip
    elif hub := found["huggingFace"]:
        rows = [
            ("Task", hub["taskCode"]), ("Architecture", hub["architecture"]), ("Parameters", f"{hub['parameterCount']:,}"),
            ("Types", ", ".join(hub["dtypeList"])), ("Weights", ", ".join(hub["weightsList"])),
        ]  # fmt: skip
    return [(name, value) for name, value in rows if value is not None]


def _origin(m: Model) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    if training := m["training"]:
        rows.append(("From training", f"{training['trainingName']} ({training['trainingId']})"))
    if tuning := m["hyperparameterTuning"]:
        rows.append(("From tuning", f"{tuning['hyperparameterTuningName']} ({tuning['hyperparameterTuningId']})"))
    if trial := m["trial"]:
        rows.append(("Trial", f"{trial['trialName']} ({trial['trialId']})"))
    return rows


def _short_origin(m: Model) -> str:
    if m["training"]:
        return f"training {m['training']['trainingName']}"
    if m["hyperparameterTuning"]:
        return f"tuning {m['hyperparameterTuning']['hyperparameterTuningName']}"
    from easymaker_local.domain.model_spec import HUB_ID, variable_name

    hub_ids = (p["parameterValue"] for p in m["parameterList"] if variable_name(p["parameterName"]) == HUB_ID)
    return m["modelUploadUri"] or next(hub_ids, "")


def _size(m: Model) -> str | None:
    return None if m["totalBytes"] is None else output.size(m["totalBytes"])


def _format(m: Model) -> str | None:
    return None if m["formatCode"] is None else _word(m["formatCode"])


def _word(code: str) -> str:
    return code.lower().replace("_", "-")


def _shape(tensor: Tensor) -> str:
    shape: list[Any] | None = tensor["shape"]
    return "any" if shape is None else "×".join("?" if size == -1 else str(size) for size in shape) or "one value"
