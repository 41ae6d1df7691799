"""The image catalogue: what is read, and that slips are named with their file."""

from __future__ import annotations

from pathlib import Path

import pytest

from easymaker_local.artifacts.catalogue import Catalogue
from easymaker_local.domain.image import CoreType, Framework
from easymaker_local.errors import DaemonError
from easymaker_local.kit.bundled import bundled

TOML = """
name = "{name}"
description = "For tests"
group = "TRAINING"
core_type = "CPU"
framework = "PYTORCH"
framework_version = "2.13.0"
python_version = "3.11"
repository = "easymaker/pytorch-train"
tag = "2.13.0-cpu"
base_image = "python:3.11-slim-bookworm"
"""


def add(folder: Path, image_id: str, name: str | None = None, text: str = TOML, more: str = "") -> Path:
    image = folder / image_id
    image.mkdir(parents=True)
    (image / "requirements.txt").write_text("torch==2.13.0\n")
    (image / "image.toml").write_text(text.format(name=name or image_id) + more)
    return image


def test_images_are_found_by_id_and_by_name(tmp_path: Path) -> None:
    more = 'wheel_index = "https://wheels.example/cpu"\n[environment]\nTF_USE_LEGACY_KERAS = "1"\n'
    folder = add(tmp_path / "shipped", "second", "The second", more=more)
    add(tmp_path / "shipped", "first")
    add(tmp_path / "own", "mine")

    catalogue = Catalogue([tmp_path / "shipped", tmp_path / "own", tmp_path / "absent"])

    assert [image.id for image in catalogue.list()] == ["first", "second", "mine"]
    image = catalogue.by_id("second")
    assert image is not None
    assert image is catalogue.by_name("The second")
    assert (image.folder, image.core_type, image.framework) == (folder, CoreType.CPU, Framework.PYTORCH)
    assert (image.wheel_index, image.env) == ("https://wheels.example/cpu", {"TF_USE_LEGACY_KERAS": "1"})
    assert image.vendor_address is None
    assert catalogue.by_id("The second") is None
    assert catalogue.by_name("second") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TOML.replace('"CPU"', '"TPU"'), "core_type: Input should be 'CPU' or 'GPU'"),
        (TOML.replace('"PYTORCH"', '"JAX"'), "framework: Input should be"),
        (TOML.replace("tag =", "tags ="), "tag: Field required; tags: Extra inputs are not permitted"),
        (TOML.replace("{name}", " "), "name: String should have at least 1 character"),
        (TOML.replace('"3.11"', '"py311"'), "python_version: "),
        (TOML + "[environment]\nDEBUG = 1\n", "environment.DEBUG: Input should be a valid string"),
        (TOML + "not toml", "cannot be read"),
    ],
)
def test_faulty_file_is_named_with_its_fault(tmp_path: Path, text: str, message: str) -> None:
    folder = add(tmp_path, "faulty", text=text)
    with pytest.raises(DaemonError) as error:
        Catalogue([tmp_path])
    assert str(folder / "image.toml") in error.value.message
    assert message in error.value.message


def test_two_images_with_one_id_or_one_name_are_refused(tmp_path: Path) -> None:
    add(tmp_path / "a", "one", "One")
    add(tmp_path / "b", "one", "Another")
    add(tmp_path / "c", "two", "One")
    with pytest.raises(DaemonError, match=r"the image id 'one' is taken already, by .*a/one/image\.toml"):
        Catalogue([tmp_path / "a", tmp_path / "b"])
    with pytest.raises(DaemonError, match="the image name 'One' is taken already"):
        Catalogue([tmp_path / "a", tmp_path / "c"])


def test_ids_have_at_most_36_characters(tmp_path: Path) -> None:
    """GN-02."""
    add(tmp_path / "good", "x" * 36)
    add(tmp_path / "bad", "x" * 37)
    assert len(Catalogue([tmp_path / "good"]).list()) == 1
    with pytest.raises(DaemonError, match="at most 36 characters"):
        Catalogue([tmp_path / "bad"])


def test_image_without_requirements_is_refused(tmp_path: Path) -> None:
    (add(tmp_path, "bare") / "requirements.txt").unlink()
    with pytest.raises(DaemonError, match=r"there is no requirements\.txt"):
        Catalogue([tmp_path])


def test_shipped_images_offer_the_frameworks_for_training() -> None:
    """IT-01, IT-02, as far as training goes."""
    images = [image for image in Catalogue([bundled("images")]).list() if image.group == "TRAINING"]
    offered = {(image.framework, image.core_type) for image in images}
    assert offered >= {(f, c) for f in (Framework.PYTORCH, Framework.TENSORFLOW) for c in CoreType}
