"""PyTorch: an archive of torch-model-archiver, in any of its forms, or the files that one is made of (FS-04…FS-11, MD-02)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from easymaker_local.artifacts.models.archives import is_zip, read_tar, read_zip
from easymaker_local.artifacts.models.files import Findings, ModelFiles, as_text, parse_json
from easymaker_local.domain.model import TorchDetails, TorchKind

_MANIFEST = "MAR-INF/MANIFEST.json"
_ARCHIVES = (".mar",)
_TAR_ARCHIVES = (".tar.gz",)
_WEIGHTS = (".pt", ".pth", ".bin", ".pt2")
# What an archive may name without holding it: handlers of TorchServe's package.
_OWN_HANDLERS = {
    "base_handler", "text_classifier", "image_classifier", "object_detector", "image_segmenter", "dali_image_classifier",
}  # fmt: skip
# Members that name what they belong to: the archiver's words, and those that its versions spell differently.
_NAMED_FILES = ("serializedFile", "modelFile", "requirementsFile", "configFile", "config")
_NEEDED = (
    "A PyTorch model needs an archive ('.mar'), or 'model.py', 'handler.py' and one weight file ('.pt', '.pth' or '.bin')."
)


def look(files: ModelFiles, name: str, findings: Findings) -> TorchDetails | None:
    """Examine what is to be served under ``name``."""
    archives, weights = files.names(*_ARCHIVES), files.names(*_WEIGHTS)
    if _MANIFEST in files.sizes:
        return _archive(files.read_json(_MANIFEST), files.sizes, name, findings, TorchKind.DIRECTORY)
    if not archives and not weights:
        archives = files.names(*_TAR_ARCHIVES)
    if len(archives) + len(weights) > 1:
        found = ", ".join(map(repr, sorted([*archives, *weights])))
        findings.problems.append(f"More than one weight file or archive: {found}. Leave the one that is to be served.")
        return None
    if archives:
        return _packed(files, archives[0], name, findings)
    return _loose(files, weights[0] if weights else None, findings)


def _packed(files: ModelFiles, archive: str, name: str, findings: Findings) -> TorchDetails | None:
    with files.open(archive) as file:
        packed = (read_tar if archive.endswith(_TAR_ARCHIVES) else read_zip)(file, archive, [_MANIFEST])
    # As a tar, everything lies below a directory of the model's name.
    place = next((member for member in sorted(packed.members, key=len) if member.endswith(_MANIFEST)), _MANIFEST)
    prefix = place.removesuffix(_MANIFEST)
    manifest = packed.read(place)
    if manifest is None or prefix.count("/") > archive.endswith(_TAR_ARCHIVES):
        findings.problems.append(f"{archive!r} holds no {_MANIFEST!r}, so torch-model-archiver did not make it.")
        return None
    members = {member.removeprefix(prefix) for member in packed.members}
    return _archive(parse_json(manifest, _MANIFEST), members, name, findings, TorchKind.ARCHIVE, archive)


def _archive(
    manifest: Mapping[str, Any],
    members: Collection[str],
    name: str,
    findings: Findings,
    kind: TorchKind,
    archive: str | None = None,
) -> TorchDetails | None:
    model = manifest.get("model")
    if not isinstance(model, dict):
        findings.problems.append(f"{_MANIFEST!r} describes no model.")
        return None
    texts = {key: text for key, value in model.items() if (text := as_text(value))}
    if "modelName" not in texts:
        findings.problems.append(f"{_MANIFEST!r} gives the model no name ('modelName').")
    elif texts["modelName"] != name:
        findings.problems.append(f"The model has to be called {texts['modelName']!r}, as its archive is, not {name!r}.")
    for key in _NAMED_FILES:
        if key in texts and texts[key] not in members:
            findings.problems.append(f"{texts[key]!r} ({key!r} of {_MANIFEST!r}) is missing.")
    if "serializedFile" not in texts and "modelFile" not in texts:
        findings.remarks.append("The archive has neither weights nor a model file; its handler has to bring them.")
    handler = texts.get("handler")
    if handler is None:
        findings.problems.append(f"{_MANIFEST!r} names no handler.")
    elif handler not in _OWN_HANDLERS:
        file = handler.partition(":")[0].removesuffix(".py") + ".py"
        if file not in members:
            findings.problems.append(f"{file!r} ('handler' of {_MANIFEST!r}) is missing.")
    return TorchDetails(
        kind, texts.get("serializedFile"), handler, archive,
        texts.get("modelName"), texts.get("modelVersion"), texts.get("requirementsFile"),
    )  # fmt: skip


def _loose(files: ModelFiles, weights: str | None, findings: Findings) -> TorchDetails | None:
    kind = TorchKind.FILES if weights is None else _kind(files, weights, findings)
    missing = [name for name in ("model.py", "handler.py") if name not in files.sizes]
    if kind is TorchKind.FILES:
        problems = [f"{name!r} is missing." for name in missing]
        if weights is None:
            problems.append("A weight file is missing.")
        findings.problems += [*problems, _NEEDED] if problems else []
    handler = None if "handler.py" in missing else "handler.py"
    requirements = "requirements.txt" if "requirements.txt" in files.sizes else None
    return TorchDetails(kind, weights, handler, requirements=requirements)


def _kind(files: ModelFiles, weights: str, findings: Findings) -> TorchKind:
    """Tell from its members what a weight file is. Programs need neither ``model.py`` nor a handler."""
    with files.open(weights) as file:
        if not is_zip(file):
            if weights.endswith(".pt2"):
                findings.problems.append(f"{weights!r} is no program that torch.export saved.")
            return TorchKind.FILES
        members = read_zip(file, weights).members
    inside = {member.partition("/")[2] for member in members} | set(members)
    if "constants.pkl" in inside and any(name.startswith("code/") for name in inside):
        return TorchKind.TORCHSCRIPT
    if "serialized_exported_program.json" in inside or any(
        name.startswith("models/") and name.endswith(".json") for name in inside
    ):
        return TorchKind.EXPORT
    if weights.endswith(".pt2"):
        findings.problems.append(f"{weights!r} is no program that torch.export saved.")
    elif "data.pkl" not in inside:
        findings.remarks.append(f"{weights!r} is not a file that torch.save writes.")
    return TorchKind.FILES
