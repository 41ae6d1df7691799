"""GPUs from the request to the job: real daemon, real workloads, only NVIDIA's library is a stand-in.

In containers the engine hands the granted devices over as it does with NVIDIA's hook (``.ci/engine`` puts one on its PATH).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from easymaker_local.testing.appliance import PLAIN_IMAGE, Appliance, until
from easymaker_local.testing.gpus import A100, L4, LOST, VARIABLE, StubDriver, StubGpu
from tests.cli.cli_runner import in_this_process
from tests.faults import crash_points
from tests.faults.fault_jobs import assert_nothing_left, select

MakeAppliance = Callable[..., Appliance]

GPU_IMAGE = "plain-gpu"
ALL = [StubGpu("GPU-aa"), StubGpu("GPU-bb"), StubGpu("GPU-cc", L4, 23034)]
FLAVORS = json.dumps([
    {"name": "a1", "vcpus": 1, "memory_gib": 1, "gpus": 1, "gpu_model": "a100"},
    {"name": "a2", "vcpus": 1, "memory_gib": 1, "gpus": 2, "gpu_model": "a100"},
    {"name": "l1", "vcpus": 1, "memory_gib": 1, "gpus": 1, "gpu_model": "L4"},
])  # fmt: skip

# Tells what it sees, and when it has the devices; ends when a file of its name lies in the bucket that it sees as a data set.
JOB = """\
import os, sys, time
sees = os.environ.get("NVIDIA_VISIBLE_DEVICES", os.environ.get("CUDA_VISIBLE_DEVICES"))
print("sees", sees, flush=True)
begin = time.time()
while not os.path.exists(os.environ["EM_DATASET_SIGNALS"] + "/" + sys.argv[2]): time.sleep(0.02)
time.sleep(0.2)  # long enough for another one to meet it on a device
print("held", begin, time.time(), flush=True)
"""


class GpuAppliance:
    """An appliance with GPUs and trainings by name."""

    def __init__(self, appliance: Appliance, stub: StubDriver) -> None:
        self.appliance = appliance
        self.stub = stub
        self.ids: dict[str, str] = {}

    def post(self, name: str, flavor: str, nodes: int = 1, **more: Any) -> None:
        body = {
            "trainingName": name, "flavorId": flavor, "instanceCount": nodes, "entryPoint": "job.py",
            "imageId": PLAIN_IMAGE if flavor.startswith("m2") else GPU_IMAGE,
            "modelUploadUri": self.appliance.uri("models", name),
            "datasetList": [{"datasetName": "signals", "dataUri": self.appliance.uri("signals")}],
            "hyperparameterList": [{"parameterName": "end", "parameterValue": name}],
        }  # fmt: skip
        self.ids[name] = self.appliance.training(**{**body, **more})["trainingId"]

    def finish(self, name: str) -> None:
        self.appliance.put("signals", {name: ""})

    def await_status(self, name: str, *statuses: str) -> dict[str, Any]:
        return self.appliance.await_status(self.ids[name], *statuses)

    def seen(self, name: str, node: int = 0) -> list[str]:
        """Return the devices that a job says it sees."""

        def line() -> str | None:
            text, end, _ = self.appliance.log(self.ids[name], node).partition("\n")
            return text if end else None  # a job's output is unbuffered: half a line may be there

        devices = until(line, f"a line of {name}").removeprefix("sees").strip()
        return [] if devices in {"", "void"} else devices.split(",")

    def await_reason(self, name: str, *words: str) -> str:
        """Return the reason why a training waits, once it holds all the words."""

        def reason() -> str | None:
            shown = self.appliance.shown(self.ids[name])
            if shown["trainingStatusCode"] != "CREATE_REQUESTED" or shown["statusReason"] is None:
                return None
            message = str(shown["statusReason"]["message"])
            return message if all(word in message for word in words) else None

        return until(reason, f"{name} waiting with {words}; it is {self.appliance.shown(self.ids[name])}")

    def queue(self) -> dict[str, Any]:
        found: dict[str, Any] = self.appliance.call("GET", "/queue")["queue"]
        return found

    def gpus(self) -> dict[str, dict[str, Any]]:
        return {gpu["uuid"]: gpu for gpu in self.appliance.call("GET", "/machine")["machine"]["gpuList"]}


@pytest.fixture
def gpus(make_appliance: MakeAppliance, stub: StubDriver, monkeypatch: pytest.MonkeyPatch) -> Iterator[GpuAppliance]:
    for name, value in stub.environment.items():
        monkeypatch.setenv(name, value)
    stub.tell(ALL)
    appliance = make_appliance(flavors=FLAVORS, stop_grace_seconds="1")
    plain = appliance.home / "images" / PLAIN_IMAGE
    image = appliance.home / "images" / GPU_IMAGE
    image.mkdir()
    (image / "requirements.txt").write_text("")
    toml = (plain / "image.toml").read_text().replace('core_type = "CPU"', 'core_type = "GPU"')
    (image / "image.toml").write_text(
        toml.replace("Plain Python", "Plain GPU").replace("easymaker/plain", "easymaker/plain-gpu")
    )
    appliance.put("code", {"job.py": JOB})
    appliance.put("signals", {"none": ""})
    appliance.start()
    yield GpuAppliance(appliance, stub)


UNFINISHED = "SELECT * FROM trainings WHERE is_finished = 0"

process_only = pytest.mark.parametrize("driver_name", ["process"], indirect=True)


def test_jobs_see_exactly_what_was_booked_for_them(gpus: GpuAppliance) -> None:
    """IT-L02, IT-L03, DT-L02: each node its own devices, others none; who waits is told who has them."""
    gpus.post("gang", "a1", nodes=2)
    gpus.post("cpu", "m2.c1m2")
    gpus.post("other", "l1")
    for name in ("gang", "cpu", "other"):
        gpus.await_status(name, "RUNNING")
    assert sorted(gpus.seen("gang", 0) + gpus.seen("gang", 1)) == ["GPU-aa", "GPU-bb"]
    assert gpus.seen("other") == ["GPU-cc"]
    assert gpus.seen("cpu") == []

    gpus.post("next", "a2")
    reason = gpus.await_reason("next", "held by training " + gpus.ids["gang"], "Position 1")
    assert f"Waits for 1 vCPU, 1 GiB and 2 GPU ({A100})" in reason
    assert gpus.ids["other"] not in reason, "what it has is of another model"
    queue = gpus.queue()
    held = {(one["name"], one["node"]): one["gpuUuidList"] for one in queue["runningList"]}
    assert held[("cpu", "node-0")] == []
    assert sorted(held[("gang", "node-0")] + held[("gang", "node-1")]) == ["GPU-aa", "GPU-bb"]
    (waiting,) = queue["waitingList"]
    assert (waiting["name"], waiting["position"], waiting["gpuCount"], waiting["gpuModel"]) == ("next", 1, 2, A100)
    assert waiting["heldByList"] == [{"kind": "training", "id": gpus.ids["gang"], "name": "gang"}]
    assert {uuid: gpu["stateCode"] for uuid, gpu in gpus.gpus().items()} == dict.fromkeys(
        ["GPU-aa", "GPU-bb", "GPU-cc"], "BOOKED"
    )

    # The gang ends, but on one of its devices something is left for a while.
    gpus.stub.change("GPU-bb", used_mib=900, processes=((os.getpid(), 800),))
    gpus.finish("gang")
    gpus.await_status("gang", "COMPLETE")
    gpus.await_reason("next", "held by training " + gpus.ids["gang"] + " (ended, its GPU is not idle yet)")
    assert gpus.gpus()["GPU-aa"]["stateCode"] in {"FREE", "BOOKED"}, "each node's device is given back for itself"
    gpus.stub.change("GPU-bb", used_mib=0, processes=())
    gpus.await_status("next", "RUNNING")
    assert sorted(gpus.seen("next")) == ["GPU-aa", "GPU-bb"]
    for name in ("next", "cpu", "other"):
        gpus.finish(name)
        gpus.await_status(name, "COMPLETE")
    until(lambda: not select(gpus.appliance, "SELECT * FROM bookings"), "all devices given back")
    assert_nothing_left(gpus.appliance)
    assert {gpu["stateCode"] for gpu in gpus.gpus().values()} == {"FREE"}


@process_only
def test_devices_of_others_and_broken_ones_are_not_given_out(gpus: GpuAppliance) -> None:
    """Architecture 6: a reason that names the process; others of the queue are not held up; all is well when it is gone."""
    pid = os.getpid()
    gpus.stub.change("GPU-aa", used_mib=900, processes=((pid, 800),))
    gpus.stub.change("GPU-cc", lost=LOST)
    gpus.post("both", "a2")
    gpus.await_reason("both", f"GPU 0 (GPU-aa) is used by pid {pid}", "which is not ours", "Position 1")
    gpus.post("lost", "l1")
    gpus.await_reason("lost", "GPU 2 (GPU-cc) is not available: GPU is lost.", "Position 2")
    gpus.post("one", "a1")
    gpus.await_status("one", "RUNNING")
    assert gpus.seen("one") == ["GPU-bb"]
    shown = gpus.gpus()
    assert {uuid: gpu["stateCode"] for uuid, gpu in shown.items()} == {
        "GPU-aa": "IN_USE", "GPU-bb": "BOOKED", "GPU-cc": "UNAVAILABLE",
    }  # fmt: skip
    assert [process["pid"] for process in shown["GPU-aa"]["processList"]] == [pid]
    cli = in_this_process(gpus.appliance.environment)
    out = cli("queue", COLUMNS="240").out
    assert "in use" in out
    assert f"pid {pid}" in out
    assert "GPU is lost" in out
    gpus.stub.change("GPU-cc", lost=None)
    gpus.await_status("lost", "RUNNING")
    gpus.finish("one")
    gpus.stub.change("GPU-aa", used_mib=0, processes=())
    gpus.await_status("both", "RUNNING")
    assert sorted(gpus.seen("both")) == ["GPU-aa", "GPU-bb"]
    for name in ("both", "lost"):
        gpus.finish(name)
        gpus.await_status(name, "COMPLETE")


@process_only
def test_what_is_left_on_a_device_is_not_waited_for_for_ever(
    make_appliance: MakeAppliance, gpus: GpuAppliance, stub: StubDriver
) -> None:
    """The booking goes after a set time, with a note; the device is not free as long as somebody is on it."""
    gpus.appliance.kill()
    impatient = make_appliance(flavors=FLAVORS, gpu_release_seconds="0.3")
    impatient.start()
    gpus.appliance = impatient
    gpus.post("first", "l1")
    gpus.await_status("first", "RUNNING")
    stub.change("GPU-cc", used_mib=900, processes=((os.getpid(), 800),))
    gpus.finish("first")
    gpus.await_status("first", "COMPLETE")
    gpus.post("second", "l1")
    gpus.await_reason("second", "GPU 2 (GPU-cc) is used by pid", "which is not ours")
    assert select(impatient, "SELECT * FROM bookings") == []
    notes = impatient.call("GET", f"/trainings/{gpus.ids['first']}/events")["eventList"]
    assert [note["reason"]["message"] for note in notes if note["reason"] and note["reason"]["code"] == "GPU_NOT_IDLE"] == [
        "Its GPUs (GPU-cc) were not idle 0.3 s after its end; they are no longer kept for it."
    ]
    stub.change("GPU-cc", used_mib=0, processes=())
    gpus.await_status("second", "RUNNING")
    gpus.finish("second")
    gpus.await_status("second", "COMPLETE")


@process_only
def test_flavors_of_the_machine(gpus: GpuAppliance) -> None:
    """IT-04, IT-L01, rest-api §6.1."""
    found = {flavor["name"]: flavor for flavor in gpus.appliance.call("GET", "/flavors")["flavorList"] if flavor["gpuFlavor"]}
    assert {name.partition("g")[2].rpartition("g")[2] for name in found if name.startswith("g2.")} == {
        "1-a100",
        "2-a100",
        "1-l4",
    }
    a2 = found["a2"]
    assert (a2["gpuCount"], a2["gpuModel"], a2["gpuMemory"], a2["coreTypeCode"]) == (2, A100, 40960, "GPU")
    out = in_this_process(gpus.appliance.environment)("flavor", "list").out
    assert f"2 × {A100}, 40 GiB" in out


@process_only
def test_more_nodes_than_devices_are_refused_with_what_to_do(gpus: GpuAppliance) -> None:
    """DT-04, DT-L02."""
    body = {
        "trainingName": "gang", "experimentId": gpus.appliance.experiment(), "imageId": GPU_IMAGE, "flavorId": "a1",
        "instanceCount": 3, "sourceDirUri": gpus.appliance.uri("code"), "entryPoint": "job.py",
        "modelUploadUri": gpus.appliance.uri("models", "m"), "timeoutMinutes": 60,
    }  # fmt: skip
    message = gpus.appliance.call("POST", "/trainings", json=body)["header"]["resultMessage"]
    assert "a1 times 3 nodes can never run here" in message
    assert f"3 GPU ({A100})" in message
    assert f"2 GPU ({A100}), 1 GPU ({L4})" in message
    assert "Each node needs GPUs of its own, since NCCL refuses two ranks on one device" in message
    assert "a CPU flavor and the backend gloo" in message


# Of the fault test's points those at which devices change hands.
POINTS = (
    "in the commit of booking", "after the commit of booking", "after the commit of CREATE_IN_PROGRESS", "before driver start",
    "after supervisor launch", "after driver start", "in the commit of RUNNING", "after the commit of RUNNING",
    "after the commit of COMPLETE_IN_PROGRESS", "after files collect", "after driver remove", "in the commit of COMPLETE",
    "after the commit of COMPLETE",
)  # fmt: skip


@process_only
def test_a_killed_daemon_neither_loses_nor_doubles_devices(
    gpus: GpuAppliance, monkeypatch: pytest.MonkeyPatch, kills: Any
) -> None:
    """Architecture 7: killed around every effect, between booking and start above all; no two jobs met on a device."""
    appliance = gpus.appliance
    names = [f"job-{number}" for number in range(6)]
    for number, name in enumerate(names):
        gpus.finish(name)  # it ends as soon as it has begun
        gpus.post(name, "a1", nodes=1 + number % 2)
    appliance.kill()
    monkeypatch.setenv("MET", str(appliance.home / "met"))
    for moment in POINTS:
        monkeypatch.setenv("KILL_AT", moment)
        with monkeypatch.context() as patch:
            patch.setattr(appliance, "command", [sys.executable, "-c", crash_points.ARMED])
            appliance.start(wait=False)
            until(lambda: appliance.has_ended or not select(appliance, UNFINISHED), moment)
        kills["with devices booked"] += appliance.has_ended
        appliance.kill()
        booked = [uuid for row in select(appliance, "SELECT devices FROM bookings") for uuid in json.loads(row["devices"])]
        assert len(booked) == len(set(booked)), "a device was promised twice"
    appliance.start()
    for name in names:
        assert gpus.await_status(name)["trainingStatusCode"] == "COMPLETE"
    until(lambda: not select(appliance, "SELECT * FROM bookings"), "all devices given back")
    held: dict[str, list[tuple[float, float]]] = {}
    for number, name in enumerate(names):
        for node in range(1 + number % 2):
            sees, had = appliance.log(gpus.ids[name], node).splitlines()
            begin, end = map(float, had.split()[1:])
            held.setdefault(sees.removeprefix("sees "), []).append((begin, end))
    assert set(held) <= {"GPU-aa", "GPU-bb"}
    for times in held.values():
        times.sort()
        assert all(before[1] <= after[0] for before, after in pairwise(times)), held
    assert_nothing_left(appliance)


@process_only
def test_bookings_of_devices_outlive_the_daemon(gpus: GpuAppliance) -> None:
    gpus.post("first", "a2")
    gpus.await_status("first", "RUNNING")
    gpus.post("second", "a1")
    gpus.await_reason("second", "held by training " + gpus.ids["first"])
    gpus.appliance.kill()
    gpus.appliance.start()
    gpus.await_reason("second", "held by training " + gpus.ids["first"])
    assert [one["gpuUuidList"] for one in gpus.queue()["runningList"]] == [["GPU-aa", "GPU-bb"]]
    gpus.finish("first")
    gpus.await_status("second", "RUNNING")
    gpus.finish("second")
    gpus.await_status("second", "COMPLETE")


@process_only
def test_the_doctor_looks_at_gpus(gpus: GpuAppliance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every trouble with what to do about it; what a job has booked is none."""
    from tests.cli.cli_runner import as_program

    def finding() -> dict[str, str]:
        found = as_program({**gpus.appliance.environment, VARIABLE: str(gpus.stub.file)})("doctor", "--json").json
        (gpu,) = [one for one in found if one["check"] == "gpu"]
        return dict(gpu)

    fit = finding()
    assert (fit["level"], A100 in fit["message"]) == ("ok", True)
    gpus.post("mine", "l1")
    gpus.await_status("mine", "RUNNING")
    gpus.stub.change("GPU-cc", used_mib=900, processes=((os.getpid(), 800),))
    assert finding()["level"] == "ok"
    gpus.stub.change("GPU-aa", used_mib=900, processes=((os.getpid(), 800),))
    used = finding()
    assert (used["level"], f"pid {os.getpid()}" in used["message"]) == ("warning", True)
    assert used["advice"]
    gpus.stub.tell(None, "error 18")
    broken = finding()
    assert (broken["level"], "version mismatch" in broken["message"]) == ("warning", True)
    assert "restart the machine" in broken["advice"]
    gpus.stub.tell([StubGpu("GPU-cc", L4, 23034)])
    gpus.finish("mine")
    gpus.await_status("mine", "COMPLETE")
