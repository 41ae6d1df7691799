"""Our model server beside its peers: the same models and bodies, one worker each, in turns."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import psutil

from bench.load import H2LOAD, WRK, Body, Result, over_grpc, over_http, resident_mib
from bench.row import Row
from easymaker_local.artifacts.catalogue import Catalogue
from easymaker_local.domain.image import CoreType
from easymaker_local.domain.model import ModelFormat
from easymaker_local.domain.serving import serving_image
from easymaker_local.drivers.environments import VirtualEnvironments
from easymaker_local.kit.bundled import bundled
from easymaker_local.settings import Settings
from easymaker_local.testing.appliance import free_port, until
from easymaker_local.testing.protobuf import field, varint

HERE = Path(__file__).parent / "peers"
CACHE = Path.home() / ".cache" / "easymaker-local-bench"
ENVIRONMENTS = CACHE / "environments"
CLIENTS = (1, 8, 32)
OURS, ECHO = "ours", "echo"


@dataclass(frozen=True)
class Ports:
    """Where a server listens."""

    http: int
    grpc: int
    metrics: int


@dataclass(frozen=True)
class Server:
    """How one is started for a model, and what it can do."""

    name: str
    command: Callable[[str, Ports], Sequence[str | Path]]
    models: frozenset[str] = frozenset({"iris", "mlp", "image"})
    binary: bool = False
    grpc: bool = False
    env: Mapping[str, str] | None = None
    folder: Path | None = None
    input_names: str = "input"


def rows(folder: Path, rounds: int, seconds: float) -> list[Row]:
    """Return the rows. Without wrk and h2load there are none."""
    if WRK is None or H2LOAD is None:
        print("wrk or h2load is not installed: the rows of serving are left out.", file=sys.stderr)
        return []
    folder.mkdir(parents=True)
    environments = {
        "sklearn": asyncio.run(prepared(ModelFormat.SKLEARN)), "pytorch": asyncio.run(prepared(ModelFormat.PYTORCH)),
    }  # fmt: skip
    comparison = _Comparison(folder, _servers(folder, environments), environments["sklearn"])
    for _ in range(rounds):
        comparison.round(seconds)
    comparison.show()
    return comparison.rows()


async def prepared(model_format: ModelFormat) -> Path:
    """Return the Python that serves a format, made the first time below ``ENVIRONMENTS``; it is kept for the next run."""
    image = Catalogue([bundled("images")]).by_id(serving_image(model_format, CoreType.CPU))
    assert image is not None
    environments = VirtualEnvironments(ENVIRONMENTS, Settings().wheelhouse)
    return Path(await environments.prepare(image, lambda line: print(line, file=sys.stderr))) / "bin" / "python"


def _environment(peer: str) -> Path:
    """Return a peer's environment, made the first time; it is kept for the next run."""
    requirements = HERE / f"{peer}.txt"
    target = CACHE / peer
    marker = target / "installed.txt"
    if not marker.exists() or marker.read_bytes() != requirements.read_bytes():
        print(f"Making the environment of {peer}", file=sys.stderr)
        shutil.rmtree(target, ignore_errors=True)
        # Triton's backend brings its own interpreter, which goes with the library of the system's Python alone.
        python = shutil.which("python3", path="/usr/bin") or sys.executable
        subprocess.run([python, "-m", "venv", target], check=True)
        pip = [target / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", requirements], check=True)
        marker.write_bytes(requirements.read_bytes())
    return target / "bin" / "python"


def _servers(folder: Path, environments: Mapping[str, Path]) -> list[Server]:
    peers = {name: _environment(name) for name in ("mlserver", "kserve", "litserve", "triton")}
    made = {**peers, "sklearn": environments["sklearn"], "pytorch": environments["pytorch"]}
    for name, python in made.items():
        subprocess.run([python, HERE / "models.py", folder / name], check=True)
    serve = bundled("runtimes") / "serving" / "serve.py"

    def ours(model: str, ports: Ports) -> list[str | Path]:
        framework = "sklearn" if model == "iris" else "pytorch"
        artifact = folder / framework / model
        where = ["--host", "127.0.0.1", "--port", str(ports.http), "--grpc-port", str(ports.grpc)]
        return [
            environments[framework], "-I", serve, "--framework", framework, "--name", model, "--model", artifact, *where,
        ]  # fmt: skip

    def script(peer: str) -> Callable[[str, Ports], list[str | Path]]:
        def command(model: str, ports: Ports) -> list[str | Path]:
            last = {"litserve": [model], "kserve": [str(ports.grpc), model], "triton": [str(ports.grpc), str(ports.metrics)]}[
                peer
            ]
            return [peers[peer], HERE / f"serve_{peer}.py", folder / peer, str(ports.http), *last]

        return command

    def mlserver(workers: int) -> Server:
        home = folder / f"mlserver-{workers}"
        return Server(
            f"MLServer, parallel_workers={workers}",
            lambda _, ports: _start_mlserver(home, folder / "mlserver", peers["mlserver"], ports, workers),
            grpc=True, env={"PYTHONPATH": str(HERE)}, folder=home,
        )  # fmt: skip

    echo = Server(ECHO, lambda _, ports: [environments["sklearn"], HERE / "echo.py", str(ports.http)], binary=True)
    return [
        Server(OURS, ours, binary=True, grpc=True), echo, mlserver(1), mlserver(0),
        Server("KServe", script("kserve"), binary=True, grpc=True),
        Server("LitServe", script("litserve")),
        Server("Triton (pytriton)", script("triton"), models=frozenset({"iris", "image"}), binary=True, grpc=True),
    ]  # fmt: skip


def _start_mlserver(home: Path, models: Path, python: Path, ports: Ports, workers: int) -> list[str | Path]:
    shutil.rmtree(home, ignore_errors=True)
    settings = {
        "http_port": ports.http, "grpc_port": ports.grpc, "metrics_port": ports.metrics, "host": "127.0.0.1",
        "parallel_workers": workers, "debug": False,
    }  # fmt: skip
    found = {
        "iris": ("mlserver_sklearn.SKLearnModel", models / "iris" / "iris.joblib"),
        "mlp": ("mlserver_models.Mlp", models / "mlp" / "mlp.pt2"),
        "image": ("mlserver_models.Image", None),
    }
    for name, (implementation, path) in found.items():
        (home / name).mkdir(parents=True)
        model = {"name": name, "implementation": implementation, "parameters": {"uri": str(path)} if path else {}}
        (home / name / "model-settings.json").write_text(json.dumps(model))
    (home / "settings.json").write_text(json.dumps(settings))
    return [python.with_name("mlserver"), "start", home]


@contextmanager
def _running(server: Server, model: str, log: Path) -> Iterator[tuple[psutil.Process, Ports, float]]:
    """Yield the process, its ports, and the seconds from start to the first answer that it was ready."""
    ports = Ports(free_port(), free_port(), free_port())
    command = [str(part) for part in server.command(model, ports)]
    began = time.monotonic()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=stream, cwd=server.folder, start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", **(server.env or {})},
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{ports.http}/v2/models/{model}/infer"

        def answers() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"{server.name} has ended: {log.read_text()[-2000:]}")
            with contextlib.suppress(httpx.TransportError):
                headers = {"Content-Type": "application/json"}
                return httpx.post(url, content=_json_body(server, model, ports), headers=headers, timeout=30).status_code == 200
            return False

        until(answers, f"the start of {server.name}", 120)
        yield psutil.Process(process.pid), ports, time.monotonic() - began
    finally:
        # A group of its own, which its workers are in.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _tensor(model: str) -> np.ndarray:
    generator = np.random.default_rng(0)
    if model == "iris":
        return np.array([[5.1, 3.5, 1.4, 0.2]])
    shape = (1, 784) if model == "mlp" else (1, 3, 224, 224)
    return generator.random(shape).round(4).astype(np.float32)


def _input_name(server: Server, model: str, ports: Ports) -> str:
    if server.name != OURS:
        return server.input_names
    found = httpx.get(f"http://127.0.0.1:{ports.http}/v2/models/{model}")
    return str(found.json()["inputs"][0]["name"]) if found.status_code == 200 else "not loaded yet"


def _json_body(server: Server, model: str, ports: Ports) -> bytes:
    array = _tensor(model)
    data = [round(float(value), 4) for value in array.ravel()]
    datatype = "FP64" if model == "iris" else "FP32"
    tensor = {"name": _input_name(server, model, ports), "shape": array.shape, "datatype": datatype, "data": data}
    return json.dumps({"inputs": [tensor]}, separators=(",", ":")).encode()


def _binary_body(server: Server, model: str, ports: Ports) -> tuple[bytes, int]:
    array = _tensor(model)
    tensor = {
        "name": _input_name(server, model, ports), "shape": array.shape, "datatype": "FP32",
        "parameters": {"binary_data_size": array.nbytes},
    }  # fmt: skip
    header = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    return header + array.tobytes(), len(header)


def _grpc_message(name: str) -> bytes:
    """Return a framed ModelInferRequest of the protocol for the iris model."""
    array = _tensor("iris")
    shape = b"".join(map(varint, array.shape))
    tensor = field(1, name.encode()) + field(2, b"FP64") + field(3, shape)
    message = field(1, b"iris") + field(5, tensor) + field(7, array.tobytes())
    return b"\0" + len(message).to_bytes(4, "big") + message


class _Comparison:
    """Results by what was measured and whose they are."""

    def __init__(self, folder: Path, servers: Sequence[Server], sklearn: Path) -> None:
        self._folder = folder
        self._servers = servers
        self._sklearn = sklearn
        self._results: defaultdict[str, defaultdict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
        self._memory: defaultdict[str, list[float]] = defaultdict(list)
        self._start: defaultdict[str, list[float]] = defaultdict(list)
        self._imported: list[float] = []

    def round(self, seconds: float) -> None:
        """Measure everything once, one server at a time."""
        for model in ("iris", "mlp", "image"):
            for server in self._servers:
                if model in server.models:
                    self._measure(server, model, seconds)
        self._imported.append(_imported_mib(self._sklearn))

    def _measure(self, server: Server, model: str, seconds: float) -> None:
        with _running(server, model, self._folder / "server.log") as (process, ports, start):
            url = f"http://127.0.0.1:{ports.http}/v2/models/{model}/infer"
            path = self._folder / "body"
            path.write_bytes(_json_body(server, model, ports))
            body = Body(path, {"Content-Type": "application/json"})
            over_http(process, url, body, 8, 1)
            for clients in CLIENTS if model == "iris" else CLIENTS[:2]:
                self._add(f"{model} JSON c={clients}", server, over_http(process, url, body, clients, seconds))
            if model == "iris":
                self._start[server.name].append(start)
                self._memory[server.name].append(resident_mib(process))
                if server.grpc:
                    path.write_bytes(_grpc_message(_input_name(server, model, ports)))
                    address = f"127.0.0.1:{ports.grpc}"
                    for clients in CLIENTS:
                        self._add(f"iris gRPC c={clients}", server, over_grpc(process, address, path, clients, seconds))
            if model == "image" and server.binary:
                content, length = _binary_body(server, model, ports)
                path.write_bytes(content)
                headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(length)}
                for clients in CLIENTS[:2]:
                    found = over_http(process, url, Body(path, headers), clients, seconds)
                    self._add(f"image binary c={clients}", server, found)

    def _add(self, what: str, server: Server, result: Result) -> None:
        self._results[what][server.name].append(result)

    def show(self) -> None:
        """Print every median: rate, p50, p99 and CPU per request."""
        for what, by_server in self._results.items():
            print(f"\n{what}")
            for name, results in by_server.items():
                rate, p50, p99, cpu = (
                    statistics.median(getattr(result, field) for result in results) for field in ("rate", "p50", "p99", "cpu")
                )
                print(f"  {name:32} {rate:10.0f} 1/s  p50 {p50:8.2f} ms  p99 {p99:8.2f} ms  CPU {cpu:8.0f} µs")
        print("\nmemory MiB / seconds to the first answer")
        for name, found in self._memory.items():
            print(f"  {name:32} {statistics.median(found):8.0f} {statistics.median(self._start[name]):8.2f}")

    def rows(self) -> list[Row]:
        """Hold our rates against the targets."""
        peers = [server.name for server in self._servers if server.name not in {OURS, ECHO}]
        default = "MLServer, parallel_workers=1"
        image = self._against("image JSON c=8", peers, 1.8)
        return [
            self._against("iris JSON c=1", peers, 3),
            self._against("iris JSON c=8", [default], 12),
            self._against("iris JSON c=32", [default], 25),
            self._against("iris JSON c=32", [ECHO], 0.5),
            image,
            self._against("image binary c=8", [ECHO], 0.5),
            self._against("image binary c=8", ["Triton (pytriton)"], 2.5),
            self._against("iris gRPC c=8", [default], 2.5),
            self._cold_start(),
            self._memory_row(),
        ]

    def _against(self, what: str, names: Sequence[str], target: float) -> Row:
        found = {name: statistics.median(r.rate for r in results) for name, results in self._results[what].items()}
        best = max((name for name in names if name in found), key=found.__getitem__)
        ours, reference = found[OURS], found[best]
        return Row(f"serving: {what} ({best})", ours, reference, "1/s", f"≥ {target} ×", ours >= target * reference)

    def _cold_start(self) -> Row:
        ours, kserve = statistics.median(self._start[OURS]), statistics.median(self._start["KServe"])
        return Row("serving: cold start (KServe)", ours, kserve, "s", "≤ 0.65 ×", ours <= 0.65 * kserve)

    def _memory_row(self) -> Row:
        ours, imported = statistics.median(self._memory[OURS]), statistics.median(self._imported)
        name = "serving: memory of iris (a process that imports scikit-learn)"
        return Row(name, ours, imported, "MiB", "≤ 1.15 ×", ours <= 1.15 * imported)


def _imported_mib(python: Path) -> float:
    """Return what a process holds that has only imported the framework, and the data types that any server needs."""
    code = "import numpy, joblib, sklearn.linear_model, sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen([python, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        found = resident_mib(psutil.Process(process.pid))
        process.stdin.close()
    return found
