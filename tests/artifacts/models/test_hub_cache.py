"""Models of the hub that are on this machine (MD-12, MD-L04)."""

from __future__ import annotations

from pathlib import Path

import pytest

from easymaker_local.artifacts.models.hub_cache import HubModel, cache_directory, find
from easymaker_local.domain.model import ModelFormat
from easymaker_local.errors import StorageError
from tests.artifacts.models.made import HUGGING_FACE, look, write

OLD, NEW = "a" * 40, "b" * 40


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache as huggingface_hub lays it out: two snapshots of links, the newer one on the main branch."""
    root = tmp_path / "hub" / "models--org--name"
    for commit in (OLD, NEW):
        for name, data in HUGGING_FACE.items():
            write(root, {f"blobs/{commit[0]}-{name}": data, f"snapshots/{commit}/x": ""})
            (root / "snapshots" / commit / name).symlink_to(f"../../blobs/{commit[0]}-{name}")
    write(root, {"refs/main": NEW})
    return tmp_path / "hub"


def test_cached_model_is_examined(cache: Path) -> None:
    """MD-12, MD-L04: the snapshot of the main branch; its links lead to the blobs of this model, and no further."""
    (cache / "models--org--name" / "snapshots" / NEW / "tokenizer_config.json").symlink_to("/etc/hostname")
    model = find("org/name", cache)
    assert (model.path, model.commit) == (model.root / "snapshots" / NEW, NEW)
    found = look(model.path, ModelFormat.HUGGING_FACE, root=model.root)
    assert found.problems == ()
    assert {file.name for file in found.files} == {*HUGGING_FACE, "x"}


def test_revision(cache: Path) -> None:
    """MD-L04: a commit that is in the cache can be asked for."""
    assert find("org/name", cache, revision=OLD).commit == OLD
    with pytest.raises(StorageError, match="is no commit"):
        find("org/name", cache, revision="../x")
    with pytest.raises(StorageError, match=f"'org/name' at {'c' * 40} is not in the Hugging Face cache"):
        find("org/name", cache, revision="c" * 40)


def test_directory_comes_first(cache: Path, tmp_path: Path) -> None:
    """MD-L04: a plain directory of that name needs no cache."""
    path = tmp_path / "models" / "org" / "name"
    path.mkdir(parents=True)
    assert find("org/name", cache, directory=tmp_path / "models") == HubModel(path, path, None)


@pytest.mark.parametrize("head", [None, "", "main", "../../../..", "c" * 40])
def test_what_is_not_cached_is_told(cache: Path, head: str | None) -> None:
    """MD-L04: no network, and not in the cache; also a download that was broken off."""
    branch = cache / "models--org--name" / "refs" / "main"
    branch.unlink()
    if head is not None:
        branch.write_text(head)
    with pytest.raises(StorageError) as refused:
        find("org/name", cache)
    assert refused.value.message == f"'org/name' is not in the Hugging Face cache {cache}, and nothing is fetched."


@pytest.mark.parametrize(
    "model_id", ["", "/etc", "../x", "a/../b", "a/b/c", "a--b", "org/", "https://huggingface.co/org/name", "x" * 97]
)
def test_ids(cache: Path, model_id: str) -> None:
    """MD-12: an id is a name, no path and no URL."""
    with pytest.raises(StorageError, match="is no Hugging Face model id"):
        find(model_id, cache)


def test_where_the_cache_is() -> None:
    """MD-L04: as huggingface_hub finds it."""
    assert cache_directory({"HF_HUB_CACHE": "/a", "HF_HOME": "/b"}) == Path("/a")
    assert cache_directory({"HF_HOME": "/b", "XDG_CACHE_HOME": "/c"}) == Path("/b/hub")
    assert cache_directory({"XDG_CACHE_HOME": "/c"}) == Path("/c/huggingface/hub")
    assert cache_directory({}) == Path.home() / ".cache/huggingface/hub"
