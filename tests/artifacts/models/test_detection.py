"""Which framework an artifact is for, and what packages it asks for (FS-09, MD-02)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from easymaker_local.artifacts.models.detection import detect
from easymaker_local.artifacts.models.requirements import requirements_of
from easymaker_local.domain.model import ModelFormat
from easymaker_local.errors import StorageError
from tests.artifacts.models import made
from tests.artifacts.models.made import write

ARTIFACTS: Mapping[ModelFormat, Mapping[str, bytes | str]] = {
    ModelFormat.TENSORFLOW: {"saved_model.pb": made.saved_model(made.meta_graph(variables=False))},
    ModelFormat.PYTHON: {"predict.py": "", "weights.pt": b""},
    ModelFormat.HUGGING_FACE: made.HUGGING_FACE,
    ModelFormat.PYTORCH: made.LOOSE,
    ModelFormat.SKLEARN: {"model.joblib": made.estimator()},
}


@pytest.mark.parametrize("model_format", ModelFormat)
def test_told_from_the_files(tmp_path: Path, model_format: ModelFormat) -> None:
    path = write(tmp_path / "Iris Flowers", ARTIFACTS[model_format])
    name, examination = detect(path)
    assert (name, examination.format) == ("Iris-Flowers", model_format)
    assert detect(path, model_format, "other") == ("other", examination)


def test_a_file_alone(tmp_path: Path) -> None:
    write(tmp_path, {"flowers.joblib": made.estimator()})
    name, examination = detect(tmp_path / "flowers.joblib")
    assert (name, examination.format) == ("flowers", ModelFormat.SKLEARN)


def test_an_archive_has_a_name_of_its_own(tmp_path: Path) -> None:
    """MD-02: which only who insists on another one hears of."""
    write(tmp_path, {"store.mar": made.zipped(made.PACKED)})
    assert detect(tmp_path / "store.mar")[0] == "iris"
    with pytest.raises(StorageError, match="has to be called 'iris'"):
        detect(tmp_path / "store.mar", ModelFormat.PYTORCH, "store")


def test_nothing_fits(tmp_path: Path) -> None:
    write(tmp_path, {"notes.txt": ""})
    with pytest.raises(StorageError) as raised:
        detect(tmp_path)
    assert all(model_format in raised.value.message for model_format in ModelFormat)
    with pytest.raises(StorageError, match=r"as PYTORCH: .*missing"):
        detect(tmp_path, ModelFormat.PYTORCH)


WANTED = "package==1.0\n"
PACKED = {**made.PACKED, "requirements.txt": WANTED}


@pytest.mark.parametrize(
    ("artifact", "wanted"),
    [
        ({**made.LOOSE, "requirements.txt": WANTED}, WANTED),
        (made.LOOSE, None),
        ({"iris.mar": made.zipped(PACKED)}, WANTED),
        ({"iris.tar.gz": made.tarred({f"iris/{name}": data for name, data in PACKED.items()})}, WANTED),
        (PACKED, WANTED),
        ({"iris.mar": made.zipped({**made.PACKED, "MAR-INF/MANIFEST.json": made.manifest(requirementsFile=None)})}, None),
        ({"predict.py": "", "requirements.txt": WANTED}, WANTED),
        ({"predict.py": ""}, None),
    ],
)  # fmt: skip
def test_packages_that_it_asks_for(tmp_path: Path, artifact: Mapping[str, bytes | str], wanted: str | None) -> None:
    """FS-09."""
    _, examination = detect(write(tmp_path / "iris", artifact))
    found = requirements_of(tmp_path / "iris", examination)
    assert found == (None if wanted is None else wanted.encode())
