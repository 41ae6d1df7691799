"""Resources of the gateway that users make themselves, beside those that are generated (EP-15, GW-06)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from easymaker_local.domain.gateway import RoutedModel

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
NAME = re.compile(r"[A-Za-z0-9_-]{1,50}")
MAXIMUM_PATH = 255


@dataclass(frozen=True)
class UserResource:
    """A path of the user's own below a stage, or below every stage of a service, and where it leads.

    ``model_id``: to which model, "" for the stage's only or first one. ``rewrite``: to which path of its pods.
    """

    name: str
    path: str
    methods: tuple[str, ...] = ("POST",)
    stage_id: str = ""
    service_id: str = ""
    model_id: str = ""
    rewrite: str = "/"

    def to_json(self) -> dict[str, Any]:
        """Return what its file holds."""
        return asdict(self)


def resource_of(name: str, content: Any) -> UserResource:
    """Read a resource's file. Raises ValueError that says what is wrong with it."""
    if not isinstance(content, Mapping):
        raise ValueError(f"resource {name!r} is no JSON object")  # noqa: TRY004 - the file's value is wrong
    known = {field.name for field in fields(UserResource)}
    if unknown := sorted(set(content) - known):
        raise ValueError(f"resource {name!r} has unknown fields: {', '.join(unknown)}")
    methods = content.get("methods", ["POST"])
    texts = {key: value for key, value in content.items() if key != "methods"}
    if not isinstance(methods, list) or not all(isinstance(value, str) for value in (*methods, *texts.values())):
        raise ValueError(f"resource {name!r}: every field is a text, and methods is a list of texts")
    if "path" not in texts:
        raise ValueError(f"resource {name!r} has no path")
    return UserResource(**{**texts, "name": name}, methods=tuple(methods))


def faults_of(resource: UserResource, models: tuple[RoutedModel, ...]) -> list[tuple[str, str]]:
    """Return the fields at fault, each with what is wrong; nothing if it may be made (GW-08, GW-09)."""
    faults = []
    if not NAME.fullmatch(resource.name):
        faults.append(("name", "has 1 to 50 letters, digits, hyphens and underscores"))
    if bool(resource.stage_id) == bool(resource.service_id):
        faults.append(("stage_id", "is given, or service_id is, and not both"))
    faults += [("methods", f"{method!r} is no method") for method in resource.methods if method not in METHODS]
    if not resource.methods:
        faults.append(("methods", "has one method at least"))
    for field, path in (("path", resource.path), ("rewrite", resource.rewrite)):
        if not path.startswith("/") or len(path) > MAXIMUM_PATH or re.search(r"[\x00-\x20\x7f?#]|//|/\.{1,2}(?:/|$)", path):
            faults.append((field, "begins with '/' and is a plain path of at most 255 characters"))
    if generated := _generated(resource.path, models):
        faults.append(("path", f"{generated} is generated: nothing may be added there"))
    if resource.model_id and resource.model_id not in {model.model_id for model in models}:
        faults.append(("model_id", "is no model of the stage"))
    return faults


def _generated(path: str, models: tuple[RoutedModel, ...]) -> str | None:
    """Return the generated path that this one is or lies below."""
    taken = ["/v1", "/v2", "/openai", "/inference.GRPCInferenceService", *(f"/{model.model_name}" for model in models)]
    taken += [model.path for model in models if model.path]
    return next((each for each in taken if path == each or path.startswith(f"{each}/")), "/" if path == "/" else None)
