"""scikit-learn: a model that joblib, pickle or skops saved (SK-01, SK-03)."""

from __future__ import annotations

import re

from easymaker_local.artifacts.models.archives import is_zip, read_zip
from easymaker_local.artifacts.models.files import Findings, ModelFiles, as_text, parse_json
from easymaker_local.artifacts.models.pickles import look_into
from easymaker_local.domain.model import SklearnDetails, SklearnKind

_KINDS = {
    ".joblib": SklearnKind.JOBLIB,
    ".pkl": SklearnKind.PICKLE,
    ".pickle": SklearnKind.PICKLE,
    ".skops": SklearnKind.SKOPS,
}
_SCHEMA = "schema.json"
# An estimator's state in the schema: the version is JSON in a text of JSON.
_VERSION = re.compile(rb'"_sklearn_version":\s*\{[^{}]{0,300}"content":\s*"\\"(\d[0-9A-Za-z.+-]{0,30})\\""')


def look(files: ModelFiles, findings: Findings) -> SklearnDetails | None:
    """Examine what is to be served by scikit-learn."""
    models = files.names(*_KINDS)
    if not models:
        findings.problems.append("A file with the model is missing: one that ends in '.joblib', '.pkl', '.pickle' or '.skops'.")
        return None
    if len(models) > 1:
        found = ", ".join(map(repr, models))
        findings.problems.append(f"More than one file with a model: {found}. Leave the one that is to be served.")
        return None
    name = models[0]
    kind = next(kind for suffix, kind in _KINDS.items() if name.endswith(suffix))
    return _skops(files, name, findings) if kind is SklearnKind.SKOPS else _pickle(files, name, kind, findings)


def _skops(files: ModelFiles, name: str, findings: Findings) -> SklearnDetails | None:
    with files.open(name) as file:
        schema = read_zip(file, name, [_SCHEMA]).read(_SCHEMA) if is_zip(file) else None
    if schema is None:
        findings.problems.append(f"{name!r} is no file that skops wrote.")
        return None
    found = parse_json(schema, _SCHEMA)
    model_class = f"{as_text(found.get('__module__'))}.{as_text(found.get('__class__'))}"
    _remark_other(model_class, name, findings)
    version = _VERSION.search(schema)
    return SklearnDetails(SklearnKind.SKOPS, name, model_class, version[1].decode() if version else None)


def _pickle(files: ModelFiles, name: str, kind: SklearnKind, findings: Findings) -> SklearnDetails | None:
    with files.open(name) as file:
        found = look_into(file)
    if found is None:
        findings.problems.append(f"{name!r} is no pickle, or is cut off; neither pickle nor joblib wrote it so.")
        return None
    findings.remarks.append(f"{name!r} can execute code when it is loaded. Serve it only if you trust its origin.")
    if not found.is_readable:
        findings.remarks.append(f"{name!r} is packed with LZ4 and was not looked into.")
        return SklearnDetails(kind, name, None, None)
    model_class = as_text(next(iter(found.globals), None))
    _remark_other(model_class or "no class", name, findings)
    return SklearnDetails(kind, name, model_class, found.sklearn_version)


def _remark_other(model_class: str, name: str, findings: Findings) -> None:
    if model_class.partition(".")[0] != "sklearn":
        findings.remarks.append(f"{name!r} holds {model_class}, which is not of scikit-learn.")
