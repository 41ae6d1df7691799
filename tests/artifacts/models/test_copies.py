"""Local copies: what is served stays what was examined, whatever becomes of the original (MD-L02)."""

from __future__ import annotations

from pathlib import Path
from stat import S_IMODE

import pytest

from easymaker_local.artifacts.models import copies
from easymaker_local.artifacts.models.copies import ModelCopies
from easymaker_local.domain.model import Examination, ModelFormat
from easymaker_local.errors import StorageError
from tests.artifacts.models import made
from tests.artifacts.models.made import HUGGING_FACE, VARIABLES, look, write

FILES = {"predict.py": "class Model: ...\n", "data/table.bin": b"\1" * 3_000_000}
SAVED = {"saved_model.pb": made.saved_model(), **VARIABLES}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "source", FILES)


@pytest.fixture
def local(tmp_path: Path) -> ModelCopies:
    return ModelCopies(tmp_path / "models")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def expected(files: dict[str, bytes | str]) -> dict[str, bytes]:
    return {name: data.encode() if isinstance(data, str) else data for name, data in files.items()}


def test_a_copy_is_whole_and_survives_what_happens_to_the_original(source: Path, local: ModelCopies) -> None:
    """MD-L02: changed or removed afterwards, the copy stays what it was, and is there without the original."""
    found = look(source, ModelFormat.PYTHON)
    copy = local.make(found, source, source)
    assert copy == local.path(found.checksum)
    write(source, {"predict.py": "changed"})
    (source / "data/table.bin").unlink()
    assert contents(copy) == expected(FILES)
    assert local.make(found, source, source) == copy


def test_a_copy_is_read_only(source: Path, local: ModelCopies) -> None:
    """MD-L02."""
    copy = local.make(look(source, ModelFormat.PYTHON), source, source)
    assert {S_IMODE(path.stat().st_mode) for path in copy.rglob("*") if path.is_file()} == {0o444}


@pytest.mark.parametrize(
    ("content", "words"), [("other", "'predict.py' is no longer"), ("class Model: ...\nx", "'predict.py' is no longer")]
)
def test_a_changed_artifact_is_refused_by_name(source: Path, local: ModelCopies, content: str, words: str) -> None:
    """MD-L02, MD-10: a new deployment after a change fails, and names the file."""
    found = look(source, ModelFormat.PYTHON)
    write(source, {"predict.py": content})
    with pytest.raises(StorageError, match=words):
        local.make(found, source, source)
    assert local.list() == []
    assert not [*local.path("x").parent.iterdir()], "nothing half-made is left"


def test_a_removed_file_is_named(source: Path, local: ModelCopies) -> None:
    """MD-10."""
    found = look(source, ModelFormat.PYTHON)
    (source / "data/table.bin").unlink()
    with pytest.raises(StorageError, match=r"'data/table\.bin' does not exist"):
        local.make(found, source, source)


def test_the_version_that_was_examined_is_copied(tmp_path: Path, local: ModelCopies) -> None:
    """FS-03, MD-L02: a newer version that came afterwards is another model's."""
    source = tmp_path / "source"
    write(source, {f"007/{name}": data for name, data in SAVED.items()})
    found = look(source, ModelFormat.TENSORFLOW)
    write(source, {f"8/{name}": b"newer" for name in SAVED})
    assert contents(local.make(found, source, source)) == expected(SAVED)
    local.remove(found.checksum)
    (source / "007").rename(source / "6")
    with pytest.raises(StorageError, match="Version 7 of the model is no longer there"):
        local.make(found, source, source)


def test_a_single_file_is_copied_into_a_directory(tmp_path: Path, local: ModelCopies) -> None:
    """FS-04: an archive that the address names itself."""
    write(tmp_path / "source", {"iris.joblib": made.estimator(), "other": "x"})
    artifact = tmp_path / "source/iris.joblib"
    found = look(artifact, ModelFormat.SKLEARN)
    assert set(contents(local.make(found, artifact, tmp_path / "source"))) == {"iris.joblib"}


def test_links_inside_are_files_in_the_copy(tmp_path: Path, local: ModelCopies) -> None:
    """MD-L04: snapshots of the hub's cache are links to its blobs."""
    root = tmp_path / "hub"
    write(root / "blobs", HUGGING_FACE)
    snapshot = root / "snapshots/1"
    snapshot.mkdir(parents=True)
    for name in HUGGING_FACE:
        (snapshot / name).symlink_to(root / "blobs" / name)
    found = look(snapshot, ModelFormat.HUGGING_FACE, root=root)
    copy = local.make(found, snapshot, root)
    assert not [path for path in copy.rglob("*") if path.is_symlink()]
    assert set(contents(copy)) == set(HUGGING_FACE)


def test_same_contents_share_a_copy_and_others_do_not(tmp_path: Path, source: Path, local: ModelCopies) -> None:
    """MD-L02: keyed by checksum of names and contents."""
    twin, other = write(tmp_path / "twin", FILES), write(tmp_path / "other", {**FILES, "predict.py": "other"})
    renamed = write(tmp_path / "renamed", {"predict.py": FILES["predict.py"], "data/renamed": FILES["data/table.bin"]})
    places = {local.make(look(one, ModelFormat.PYTHON), one, one) for one in (source, twin, other, renamed)}
    assert len(places) == 3
    assert local.list() == sorted(place.name for place in places)


class Stopped(Exception):
    """Somebody ended it."""


def test_a_copy_that_is_ended_leaves_nothing(source: Path, local: ModelCopies) -> None:
    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        local.make(look(source, ModelFormat.PYTHON), source, source, stop)
    assert local.list() == []


def test_what_a_crash_leaves_is_no_copy_and_is_swept(source: Path, local: ModelCopies, monkeypatch: pytest.MonkeyPatch) -> None:
    """MD-L02: half a copy never bears the name of a whole one."""
    found: Examination = look(source, ModelFormat.PYTHON)
    with monkeypatch.context() as patch:
        patch.setattr(copies.trees, "remove", lambda _: None)
        patch.setattr(copies, "_copy_blocks", lambda *_: (0, ""))
        with pytest.raises(StorageError):
            local.make(found, source, source)
    folder = local.path("x").parent
    assert [*folder.iterdir()]
    assert local.list() == []
    local.sweep()
    assert not [*folder.iterdir()]


def test_removing_is_calm_about_absence(local: ModelCopies) -> None:
    local.remove("0" * 64)
    local.sweep()
    assert local.list() == []
