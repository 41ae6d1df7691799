"""Which wheels of a wheelhouse serve which requirements."""

from __future__ import annotations

from pathlib import Path

import pytest

from easymaker_local.drivers.wheelhouse import matching_wheels

WHEELS = (
    "torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl",
    "torch-2.13.0+cpu-cp310-cp310-linux_x86_64.whl",
    "torch-2.12.0+cpu-cp311-cp311-linux_x86_64.whl",
    "torch-2.13.0-cp311-cp311-win_amd64.whl",
    "numpy-2.4.6-cp311-cp311-linux_x86_64.whl",
    "Some_Thing-1.0-py3-none-any.whl",
    "some_thing-1.5-py3-none-any.whl",
    "not a wheel.whl",
)


@pytest.fixture
def wheelhouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("packaging.tags.platform_tags", lambda: iter(["linux_x86_64"]))
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in WHEELS:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        ("torch==2.13.0", [WHEELS[0]]),
        ("torch==2.13.0  # comment\n# another\n\n", [WHEELS[0]]),
        ("torch==2.12.0", [WHEELS[2]]),
        ("torch==2.11.0", []),
        ("torch===2.13.0", []),  # exactly this, no local build
        ("torch", [WHEELS[0]]),
        ("some.thing>=1", [WHEELS[6]]),
        ("some-thing[extra]==1.0", [WHEELS[5]]),
        ("numpy==2.4.6\ntorch==2.13.0", [WHEELS[4], WHEELS[0]]),
        ("torch==2.13.0 ; python_version < '3'", []),
        ("torch==2.13.0 \\\n    --hash=sha256:00", [WHEELS[0]]),
        ("-r other.txt\n--pre\n./local\ntorch @ https://example.com/torch.whl", []),
    ],
)
def test_each_requirement_gets_its_best_wheel(wheelhouse: Path, requirements: str, expected: list[str]) -> None:
    file = wheelhouse / "requirements.txt"
    file.write_text(requirements)
    assert [path.name for path in matching_wheels(file, wheelhouse, "3.11")] == expected


def test_wheels_are_chosen_for_the_python_that_will_run(wheelhouse: Path) -> None:
    file = wheelhouse / "requirements.txt"
    file.write_text("torch==2.13.0 ; python_version == '3.10'")
    assert [path.name for path in matching_wheels(file, wheelhouse, "3.10.12")] == [WHEELS[1]]
    assert matching_wheels(file, wheelhouse, "3.12") == []


def test_no_wheelhouse_serves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("torch")
    assert matching_wheels(file, None) == []
    assert matching_wheels(file, tmp_path / "absent") == []
