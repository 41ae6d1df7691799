"""From a training to its nodes' workloads: command, environment, mounts (HY, EV, DT, TO). Pure but for resolved inputs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from easymaker_local.controllers.training_files import TrainingFiles
from easymaker_local.domain import contract
from easymaker_local.domain.image import Image
from easymaker_local.domain.mlflow import client_environment, run_id
from easymaker_local.domain.sdk_environment import sdk_environment
from easymaker_local.domain.training import Training
from easymaker_local.domain.training_spec import variable_suffix
from easymaker_local.drivers.base import Address, Mount, Resources, Workload
from easymaker_local.kit.bundled import bundled
from easymaker_local.settings import Settings

# Names of the ports that every node has on the private network.
MASTER_PORT = "master"
WORKER_PORT = "worker"
PORTS = (MASTER_PORT, WORKER_PORT)

Addresses = Mapping[str, Mapping[str, Address]]


def member(node: int) -> str:
    """Return a node's name on the network."""
    return f"node-{node}"


def build_workload(
    training: Training, node: int, *, image: Image, environment: str, files: TrainingFiles, inputs: Mapping[str, Path],
    tensorboard: Path, experiment: str, addresses: Addresses | None, private_paths: bool, settings: Settings, token: str,
    gpus: tuple[str, ...] = (),
) -> Workload:  # fmt: skip
    """Return the workload of one node. ``inputs`` and ``addresses`` as ``TrainingFiles.inputs`` and the driver give them.

    ``tensorboard`` is the training's run, which only node 0 writes to (DT-07); ``experiment`` the name of its experiment.

    ``token`` is the job's own; it goes into the environment and nowhere else. ``gpus`` are the UUIDs booked for the node.
    """
    host = files.node(node)
    root = contract.NODE_ROOT if private_paths else host
    runtimes = contract.RUNTIMES_ROOT if private_paths else bundled("runtimes")
    seen = {target: root / target if private_paths else path for target, path in inputs.items()}
    run = Mount(tensorboard, root / "tensorboard" if private_paths else tensorboard, read_only=False) if node == 0 else None
    wheelhouse = _wheelhouse(settings, private_paths)
    # An image carries its own variables; a virtual environment cannot.
    own = {} if private_paths else {name: value.replace("{environment}", environment) for name, value in image.env.items()}
    env = {
        **own,
        **_sdk_environment(settings, token, private_paths=private_paths),
        **_job_environment(training, root, seen, settings),
        "EM_TENSORBOARD_LOG_DIR": str(root / "tensorboard" if run is None else run.target),
        **_distribution_environment(training, node, addresses),
    }
    if wheelhouse is not None:
        env["PIP_FIND_LINKS"] = str(wheelhouse.target)
    daemon = _daemon_mounts(settings) if private_paths else []
    env |= _daemon_environment(settings, private_paths=private_paths)
    env |= _tracking_environment(training, experiment, settings, token)
    return Workload(
        name=training.workload(node),
        environment=environment,
        command=_command(training, node, runtimes, addresses),
        log_path=files.log(node),
        resources=_resources(training, gpus),
        working_directory=root / "source",
        env=env,
        mounts=(
            Mount(host, root, read_only=False),
            Mount(bundled("runtimes"), runtimes),
            *(() if run is None else (run,)),
            *(() if wheelhouse is None else (wheelhouse,)),
            *daemon,
            *(Mount(path, seen[target]) for target, path in inputs.items()),
        ),
        network=training.network if addresses is not None else None,
        member=member(node) if addresses is not None else None,
        labels={
            "easymaker.kind": "training", "easymaker.id": training.id, "easymaker.attempt": str(training.attempt),
        },
    )  # fmt: skip


def _wheelhouse(settings: Settings, private_paths: bool) -> Mount | None:
    """TR-L06: the job's own packages may come from where the images' do."""
    path = settings.wheelhouse
    if path is None or not path.is_dir():
        return None
    return Mount(path, contract.WHEELHOUSE_ROOT if private_paths else path)


def _daemon_mounts(settings: Settings) -> list[Mount]:
    """What a container needs to reach the daemon (rest-api §11)."""
    mounts = [Mount(settings.sockets, contract.SOCKETS_ROOT)]
    if settings.gateway_port:
        mounts.append(Mount(settings.ca_bundle, contract.CA_BUNDLE))
    return mounts


def _daemon_environment(settings: Settings, *, private_paths: bool) -> dict[str, str]:
    """How a job trusts the gateway and, in a container, where the relay takes its connections."""
    env: dict[str, str] = {}
    relays = {settings.port: contract.API_SOCKET}
    if settings.gateway_port:
        env["REQUESTS_CA_BUNDLE"] = str(contract.CA_BUNDLE if private_paths else settings.ca_bundle)
        relays[settings.gateway_port] = contract.GATEWAY_SOCKET
    if private_paths:
        env[contract.RELAY_VARIABLE] = ",".join(f"{port}={contract.SOCKETS_ROOT / name}" for port, name in relays.items())
    return env


def _tracking_environment(training: Training, experiment: str, settings: Settings, token: str) -> dict[str, str]:
    """How MLflow's client finds the run of this training, which the daemon sees to before the first request."""
    found = client_environment(settings, token)
    if not found:
        return {}
    return {
        **found,
        "MLFLOW_EXPERIMENT_NAME": experiment,
        "MLFLOW_RUN_ID": run_id(training.id),
        # Images have no git, which the client would say three times at length.
        "GIT_PYTHON_REFRESH": "quiet",
    }


def _command(training: Training, node: int, runtimes: Path, addresses: Addresses | None) -> tuple[str, ...]:
    spec = training.spec
    assert spec.entry_point is not None
    options: list[str] = []
    if spec.use_torchrun:
        options = [
            "--torchrun", "--nodes", str(spec.instance_count), "--node-rank", str(node),
            "--processes-per-node", str(spec.nproc_per_node),
        ]  # fmt: skip
        if addresses is not None:
            master = addresses[member(0)][MASTER_PORT]
            options += ["--master", f"{master.host}:{master.port}"]
    arguments = [text for p in spec.hyperparameter_list for text in (f"--{p.parameter_name}", p.parameter_value)]
    launcher = str(runtimes / contract.LAUNCHER)
    return ("python", "-I", "-S", launcher, *options, "--", spec.entry_point, *arguments)


def _sdk_environment(settings: Settings, token: str, *, private_paths: bool) -> dict[str, str]:
    """EV-14, EV-15 and what else the SDK reads (rest-api §11). A container has a network and proxies of its own."""
    environ = {} if private_paths else os.environ
    return {name: value for name, value in sdk_environment(settings, token, environ).items() if value is not None}


def _job_environment(training: Training, root: Path, inputs: Mapping[str, Path], settings: Settings) -> dict[str, str]:
    """EV-04…EV-12, EV-16, EV-17, HY-03."""
    spec = training.spec
    assert spec.entry_point is not None
    datasets = {d.dataset_name: str(inputs[f"dataset/{d.dataset_name}"]) for d in spec.dataset_list}
    parameters = {p.parameter_name: p.parameter_value for p in spec.hyperparameter_list}
    threads = max(1, training.flavor.vcpus // max(1, spec.nproc_per_node if spec.use_torchrun else 1))
    env = {
        "EM_SOURCE_DIR": str(root / "source"),
        "EM_ENTRY_POINT": spec.entry_point,
        "EM_DATASETS": json.dumps(datasets, ensure_ascii=False),
        "EM_MODEL_DIR": str(root / "model"),
        "EM_CHECKPOINT_DIR": str(root / "checkpoint"),
        "EM_HPS": json.dumps(parameters, ensure_ascii=False),
        contract.WORK_DIR_VARIABLE: str(root / "work"),
        contract.CONTROL_DIR_VARIABLE: str(root / "control"),
        "HOME": str(root / "work" / "home"),
        "TMPDIR": str(root / "work" / "tmp"),
        "OMP_NUM_THREADS": str(threads),
        "PYTHONUNBUFFERED": "1",
    }
    if spec.check_point_input_uri is not None:
        env["EM_CHECKPOINT_INPUT_DIR"] = str(inputs["checkpoint-input"])
    env |= {f"EM_DATASET_{variable_suffix(name)}": path for name, path in datasets.items()}
    env |= {f"EM_HP_{variable_suffix(name)}": value for name, value in parameters.items()}
    return env


def _distribution_environment(training: Training, node: int, addresses: Addresses | None) -> dict[str, str]:
    """DT-02, DT-03, DT-05: only with more than one node."""
    if addresses is None:
        return {}
    count = training.spec.instance_count
    workers = [addresses[member(index)][WORKER_PORT] for index in range(count)]
    master = addresses[member(0)][MASTER_PORT]
    config = {
        "cluster": {"worker": [f"{worker.host}:{worker.port}" for worker in workers]},
        "task": {"type": "worker", "index": node},
    }
    return {
        "TF_CONFIG": json.dumps(config),
        "MASTER_ADDR": master.host,
        "MASTER_PORT": str(master.port),
        "WORLD_SIZE": str(count),
        "RANK": str(node),
    }


def _resources(training: Training, gpus: tuple[str, ...]) -> Resources:
    flavor = training.flavor
    memory_bytes = flavor.memory_mib << 20
    # Data loaders and NCCL need far more than the engine's 64 MB; shared memory counts against the memory limit anyway.
    shm_bytes = max(memory_bytes // 2, 64 << 20)
    return Resources(cpus=flavor.vcpus, memory_bytes=memory_bytes, gpus=gpus, shm_bytes=shm_bytes)
