"""Models of the Hugging Face hub that are on this machine already (MD-12, MD-L04).

A model is looked for as a plain directory ``org/name`` first, then in the hub's cache, which keeps
``models--org--name/snapshots/{commit}`` with links to ``models--org--name/blobs`` and, in ``refs``, a file per branch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from easymaker_local.errors import StorageError

_ID = re.compile(r"(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*", re.ASCII)
_MAX_ID_CHARACTERS = 96
_COMMIT = re.compile(r"[0-9a-f]{40}")
BRANCH = "main"


@dataclass(frozen=True)
class HubModel:
    """``root`` is what its links may lead to; ``commit`` None for a plain directory."""

    path: Path
    root: Path
    commit: str | None


def cache_directory(environment: Mapping[str, str]) -> Path:
    """Return where huggingface_hub keeps its cache in such an environment."""
    if cache := environment.get("HF_HUB_CACHE") or environment.get("HUGGINGFACE_HUB_CACHE"):
        return Path(cache).expanduser()
    if home := environment.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    caches = environment.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "huggingface" / "hub"


def find(model_id: str, cache: Path, directory: Path | None = None, revision: str | None = None) -> HubModel:
    """Return where a model lies, below ``directory`` or in ``cache``; StorageError says why it cannot be had.

    ``revision`` is a commit; None takes the cache's latest of the main branch.
    """
    check_id(model_id)
    if revision is not None:
        check_revision(revision)
    if directory is not None and revision is None and (directory / model_id).is_dir():
        path = (directory / model_id).resolve()
        return HubModel(path, path, None)
    folder = cache / folder_of(model_id)
    try:
        root = folder.resolve(strict=True)
        commit = revision or _read_branch(root)
        found = commit is not None and (root / "snapshots" / commit).is_dir()
    except OSError:
        found = False
    if not found:
        wanted = f"{model_id!r} at {revision}" if revision else repr(model_id)
        raise StorageError(
            f"{wanted} is not in the Hugging Face cache {cache}, and nothing is fetched.",
            hint="Download it there on a machine with network, allow that here (hugging_face_download), or give the directory "
            "of a saved model.",
        )
    return HubModel(root / "snapshots" / str(commit), root, commit)


def check_id(model_id: str) -> None:
    """Raise StorageError unless it is an id."""
    if len(model_id) > _MAX_ID_CHARACTERS or not _ID.fullmatch(model_id) or "--" in model_id or ".." in model_id:
        raise StorageError(f"{model_id[:100]!r} is no Hugging Face model id.", hint="Copy it from the model's page: org/name.")


def check_revision(revision: str) -> None:
    """Raise StorageError unless it is a commit."""
    if not _COMMIT.fullmatch(revision):
        raise StorageError(f"{revision[:100]!r} is no commit.", hint="Give all 40 letters of it.")


def folder_of(model_id: str) -> str:
    """Return the directory of a model in the cache."""
    return f"models--{model_id.replace('/', '--')}"


def _read_branch(root: Path) -> str | None:
    with (root / "refs" / BRANCH).open("rb") as file:
        commit = file.read(100).decode("ascii", "replace").strip()
    return commit if _COMMIT.fullmatch(commit) else None
