"""Which wheels of a wheelhouse serve which requirements."""

from __future__ import annotations

from pathlib import Path

import pytest

from easymaker_local.drivers.wheelhouse import supply
from easymaker_local.testing.wheels import make_wheel

CPU, OLD_PYTHON, OLDER, WINDOWS, NUMPY, THING, NEWER_THING = WHEELS = (
    "torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl",
    "torch-2.13.0+cpu-cp310-cp310-linux_x86_64.whl",
    "torch-2.12.0+cpu-cp311-cp311-linux_x86_64.whl",
    "torch-2.13.0-cp311-cp311-win_amd64.whl",
    "numpy-2.4.6-cp311-cp311-linux_x86_64.whl",
    "some_thing-1.0-py3-none-any.whl",
    "some_thing-1.5-py3-none-any.whl",
)


@pytest.fixture
def wheelhouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("packaging.tags.platform_tags", lambda: iter(["linux_x86_64"]))
    folder = tmp_path / "wheels"
    for wheel in WHEELS:
        name, version, tag = wheel.removesuffix(".whl").split("-", 2)
        make_wheel(folder, name, version, tag=tag)
    (folder / "not a wheel.whl").touch()
    return folder


def names(wheelhouse: Path, requirements: str, python_version: str | None = "3.11") -> list[str]:
    file = wheelhouse / "requirements.txt"
    file.write_text(requirements)
    return [path.name for path in supply(file, wheelhouse, python_version).wheels]


def is_complete(wheelhouse: Path, requirements: str) -> bool:
    file = wheelhouse / "requirements.txt"
    file.write_text(requirements)
    return supply(file, wheelhouse, "3.11").is_complete


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        ("torch==2.13.0", [CPU]),
        ("torch==2.13.0  # comment\n# another\n\n", [CPU]),
        ("torch==2.12.0", [OLDER]),
        ("torch==2.11.0", []),
        ("torch===2.13.0", []),  # exactly this, no local build: a GPU image must not get CPU wheels
        ("torch", [CPU]),
        ("some.thing>=1", [NEWER_THING]),
        ("some-thing[extra]==1.0", [THING]),
        ("numpy==2.4.6\ntorch==2.13.0", [NUMPY, CPU]),
        ("torch==2.13.0 ; python_version < '3'", []),
        ("torch==2.13.0 \\\n    --hash=sha256:00", [CPU]),
        ("-r other.txt\n--pre\n./local\ntorch @ https://example.com/torch.whl", []),
    ],
)
def test_each_requirement_gets_its_best_wheel(wheelhouse: Path, requirements: str, expected: list[str]) -> None:
    assert names(wheelhouse, requirements) == expected


def test_wheels_are_chosen_for_the_python_that_will_run(wheelhouse: Path) -> None:
    requirements = "torch==2.13.0 ; python_version == '3.10'"
    assert names(wheelhouse, requirements, "3.10.12") == [OLD_PYTHON]
    assert names(wheelhouse, requirements, "3.12") == []


def test_what_wheels_require_is_followed(wheelhouse: Path) -> None:
    make_wheel(wheelhouse, "top", requires=["middle>=1", "absent; python_version < '3'", "numpy; extra == 'fast'"])
    make_wheel(wheelhouse, "middle", requires=["top", "some-thing<1.2"])
    assert names(wheelhouse, "top") == ["top-1.0-py3-none-any.whl", "middle-1.0-py3-none-any.whl", THING]
    assert names(wheelhouse, "top[fast]")[2] == NUMPY


@pytest.mark.parametrize(
    ("requirements", "complete"),
    [
        ("top", True),
        ("", True),
        ("top\nelsewhere", False),
        ("lacking", False),
        ("top\n-r other.txt", False),
        ("top @ https://example.com/top.whl", False),
        ("absent; python_version < '3'", True),
    ],
)
def test_complete_means_that_no_index_is_needed(wheelhouse: Path, requirements: str, complete: bool) -> None:
    make_wheel(wheelhouse, "top", requires=["numpy"])
    make_wheel(wheelhouse, "lacking", requires=["elsewhere>=1"])
    assert is_complete(wheelhouse, requirements) is complete


def test_no_wheelhouse_serves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("torch")
    assert supply(file, None).wheels == ()
    assert supply(file, tmp_path / "absent").wheels == ()
