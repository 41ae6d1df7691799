"""The catalogue that ships has the specification's rows."""

from __future__ import annotations

import pytest

from easymaker_local.artifacts.catalogue import Catalogue
from easymaker_local.domain.image import CoreType, Framework
from easymaker_local.kit.bundled import bundled

CATALOGUE = Catalogue([bundled("images")])
PREFIX = "fb34a0a4-kr1-registry.container.nhncloud.com/easymaker/"

ROWS = [
    ("IM-05", "Ubuntu 22.04 CPU Python Notebook", "CPU", "PYTHON", "python-notebook:3.10.12-cpu-py310-ubuntu2204"),
    ("IM-06", "Ubuntu 22.04 GPU Python Notebook", "GPU", "PYTHON", "python-notebook:3.10.12-gpu-py310-ubuntu2204"),
    ("IM-07", "Ubuntu 22.04 CPU PyTorch Notebook", "CPU", "PYTORCH", "pytorch-notebook:2.0.1-cpu-py310-ubuntu2204"),
    ("IM-08", "Ubuntu 22.04 GPU PyTorch Notebook", "GPU", "PYTORCH", "pytorch-notebook:2.0.1-gpu-py310-ubuntu2204"),
    ("IM-09", "Ubuntu 22.04 CPU TensorFlow Notebook", "CPU", "TENSORFLOW", "tensorflow-notebook:2.12.0-cpu-py310-ubuntu2204"),
    ("IM-10", "Ubuntu 22.04 GPU TensorFlow Notebook", "GPU", "TENSORFLOW", "tensorflow-notebook:2.12.0-gpu-py310-ubuntu2204"),
    ("IM-11", "Ubuntu 22.04 CPU PyTorch Training", "CPU", "PYTORCH", "pytorch-train:2.0.1-cpu-py310-ubuntu2204"),
    ("IM-12", "Ubuntu 22.04 GPU PyTorch Training", "GPU", "PYTORCH", "pytorch-train:2.0.1-gpu-py310-ubuntu2204"),
    ("IM-13", "Ubuntu 22.04 CPU TensorFlow Training", "CPU", "TENSORFLOW", "tensorflow-train:2.12.0-cpu-py310-ubuntu2204"),
    ("IM-14", "Ubuntu 22.04 GPU TensorFlow Training", "GPU", "TENSORFLOW", "tensorflow-train:2.12.0-gpu-py310-ubuntu2204"),
]  # fmt: skip


@pytest.mark.parametrize(("requirement", "name", "core", "framework", "address"), ROWS, ids=[row[0] for row in ROWS])
def test_base_images(requirement: str, name: str, core: str, framework: str, address: str) -> None:
    """IT-01, IT-02, IT-03: core type, framework and versions are there; IM-L03: the vendor's address is kept as an alias."""
    image = CATALOGUE.by_name(name)
    assert image is not None
    assert (image.core_type, image.framework) == (CoreType(core), Framework(framework))
    assert image.group == ("NOTEBOOK" if "Notebook" in name else "TRAINING")
    assert image.vendor_address == PREFIX + address
    assert image.framework_version
    assert image.python_version == "3.11"


@pytest.mark.parametrize("name", ["CPU PyTorch Training 2.0.1", "CPU TensorFlow Training 2.12.0", "GPU PyTorch Training 2.0.1"])
def test_the_vendors_exact_versions_are_further_rows(name: str) -> None:
    image = CATALOGUE.by_name(f"Ubuntu 22.04 {name}")
    assert image is not None
    assert image.framework_version == name.split()[-1]
    package = {Framework.PYTORCH: "torch=", Framework.TENSORFLOW: "tensorflow"}[image.framework]
    pinned = [line for line in (image.folder / "requirements.txt").read_text().splitlines() if line.startswith(package)]
    assert pinned
    assert all(line.split("=")[-1] == image.framework_version for line in pinned)


def test_a_gpu_image_cannot_be_made_of_cpu_wheels() -> None:
    """``===`` refuses the local versions (2.13.0+cpu) that ``==`` accepts."""
    for image in CATALOGUE.list():
        if image.core_type is CoreType.GPU and image.framework is Framework.PYTORCH:
            assert (image.folder / "requirements.txt").read_text().startswith("torch===")
