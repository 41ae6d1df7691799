"""``usage``: what people see of samples."""

from __future__ import annotations

from typing import Any

import pytest

from easymaker_local.cli.usage import print_stage_usage, print_usage
from easymaker_local.client.shapes import Monitoring, PodUse, Sample, StageMonitoring

MOMENT = "2026-01-01T00:00:00.000+00:00"


def sample(cpu: float | None, memory: int, **more: Any) -> Sample:
    rates = dict.fromkeys(
        [
            "diskReadBytesPerSecond", "diskWrittenBytesPerSecond", "networkReceivedBytesPerSecond",
            "networkSentBytesPerSecond", "gpu", "gpuMemoryBytes",
        ]
    )  # fmt: skip
    found: Any = {"datetime": MOMENT, "cpu": cpu, "memoryBytes": memory, "processes": 1, **rates, **more}
    return found  # type: ignore[no-any-return]


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def pod(number: int, name: str | None, resource: str, *samples: Sample, now: bool = True, **peaks: Any) -> PodUse:
    return {
        "resourceId": resource, "modelName": name, "number": number, "current": samples[-1] if now and samples else None,
        "peakMemoryBytes": None, "peakCpu": None, "sampleList": [*samples], **peaks,
    }  # type: ignore[typeddict-item] # fmt: skip


def of_stage(*pods: PodUse, counts: tuple[int, ...] = ()) -> StageMonitoring:
    totals = [{"podCount": count, "sample": sample(0.1, 1)} for count in counts]
    return {
        "fromDatetime": MOMENT, "toDatetime": MOMENT, "stepSeconds": 10, "podList": [*pods], "totalList": totals,
    }  # type: ignore[typeddict-item] # fmt: skip


def test_usage_of_a_training(capsys: pytest.CaptureFixture[str]) -> None:
    """GN-19, TR-37: by node; the highest may be older than the samples that are left."""
    found: Monitoring = {
        "fromDatetime": MOMENT, "toDatetime": MOMENT, "stepSeconds": 10,
        "memberList": [{"member": "node-0", "sampleList": [sample(None, 1024), sample(0.5, 3072, gpu=0.25)]}],
        "peakList": [{"member": "node-0", "memoryBytes": 4096, "cpu": 1.5}],
    }  # fmt: skip
    print_usage("training", found)
    printed = lines(capsys.readouterr().out)
    assert printed[0] == ["NODE", "MEASURE", "AVERAGE", "HIGHEST", "COURSE"]
    assert printed[1][:4] == ["node-0", "CPU", "0.50", "1.50"]
    assert printed[2][:6] == ["node-0", "memory", "2.0", "KiB", "4.0", "KiB"]
    assert printed[3][:5] == ["node-0", "GPU", "25", "%", "25"]
    assert len(printed) == 4, "disks and networks that were not used are not shown"


def test_usage_of_a_stage(capsys: pytest.CaptureFixture[str]) -> None:
    """ST-13: by pod, now, on average and at most, and how many pods there were."""
    iris = pod(0, "iris", "r1", sample(0.5, 1024), sample(1.5, 1024, networkSentBytesPerSecond=512.0), peakCpu=2.0)
    gone = pod(1, "iris", "r1", sample(0.25, 1024), now=False)
    print_stage_usage("e/default", of_stage(iris, gone, counts=(1, 2)))
    printed = lines(capsys.readouterr().out)
    assert printed[0] == ["POD", "MEASURE", "NOW", "AVERAGE", "HIGHEST", "COURSE"]
    assert printed[1][:6] == ["iris", "0", "CPU", "1.50", "1.00", "2.00"]
    assert printed[3][:5] == ["iris", "0", "network", "out", "512"]
    assert printed[4][:5] == ["iris", "1", "CPU", "-", "0.25"], "no value now: it does not run"
    assert printed[-1][:5] == ["all", "pods", "1", "1.5", "2"]


def test_models_on_several_resources_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    """EP-13; and a resource that is gone has no name any more."""
    some = [pod(0, name, resource, sample(0.5, 1)) for name, resource in (("iris", "r1"), ("iris", "r2"), (None, "r3"))]
    print_stage_usage("e/default", of_stage(*some, counts=(3,)))
    printed = lines(capsys.readouterr().out)
    assert [line[: line.index("CPU")] for line in printed if "CPU" in line] == [
        ["iris", "r1", "0"], ["iris", "r2", "0"], ["r3", "0"],
    ]  # fmt: skip


def test_nothing_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    print_stage_usage("e/default", of_stage())
    assert "no pod of e/default has run" in capsys.readouterr().err
