"""``make bench``: what the appliance costs, as ratios to doing the same by hand, taken in turns in one run.

Prints a table and writes ``bench.json``. Rows and budgets: see README, "How fast it is".
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from bench import adoption, endpoints, gateways, logs, page, queue, scale, serving, tunings
from bench.rest import at_rest
from bench.row import Row
from bench.sizes import QUICK, Sizes
from bench.transfer import transfers
from easymaker_local.drivers.docker_engine import engine_answers
from easymaker_local.testing.appliance import PLAIN_IMAGE, Appliance, plain_image

# The job tells when its first line ran: what comes before is start-up, whoever did it.
SCRIPT = "import time; print(time.time(), flush=True)\n"


def main() -> int:
    """Run what this machine can run; returns 0 if every row is within its budget."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rounds", type=int, help=f"measurements per row (default: {Sizes.rounds})")
    parser.add_argument("--trainings", type=int, help=f"in the home of the lists (default: {Sizes.trainings})")
    parser.add_argument(
        "--log-lines", type=int, help=f"in the log store (default: {Sizes.log_lines}); ten million take minutes"
    )
    parser.add_argument("--quick", action="store_true", help="smallest sizes: shows that every row works, nothing more")
    parser.add_argument("--no-docker", action="store_true", help="leave out the rows that need a container engine")
    parser.add_argument("--only", choices=("serving", "endpoints", "page"), help="only the rows of these")
    parser.add_argument("--json", type=Path, default=Path("bench.json"))
    options = parser.parse_args()
    given = {
        name: getattr(options, name) for name in ("rounds", "trainings", "log_lines") if getattr(options, name) is not None
    }
    sizes = replace(QUICK if options.quick else Sizes(), **given)
    with tempfile.TemporaryDirectory(prefix="easymaker-bench-") as folder_name:
        folder = Path(folder_name)
        rows = [] if options.only else _rows(folder, sizes, has_docker=not options.no_docker)
        if sizes.serving_rounds and options.only in {None, "endpoints"}:
            rows += gateways.rows(folder / "gateways", sizes.serving_rounds, sizes.serving_seconds)
            rows += endpoints.rows(folder / "endpoints", min(sizes.rounds, 5), sizes.changes)
        if sizes.serving_rounds and options.only in {None, "serving"}:
            rows += serving.rows(folder / "serving", sizes.serving_rounds, sizes.serving_seconds)
        if options.only in {None, "page"}:
            rows += page.rows(folder / "page", sizes.page_trainings, sizes.rounds)
    _print(rows)
    found = [{**asdict(row), "ratio": row.ratio} for row in rows]
    machine = {"cpus": os.cpu_count(), "memory_mib": psutil.virtual_memory().total >> 20, "python": sys.version.split()[0]}
    options.json.write_text(json.dumps({"machine": machine, "rounds": sizes.rounds, "rows": found}, indent=1) + "\n")
    return 0 if all(row.within for row in rows) else 1


def _rows(folder: Path, sizes: Sizes, *, has_docker: bool) -> list[Row]:
    """Measure the daemon and what it starts."""
    few = min(sizes.rounds, 5)
    rows: list[Row] = []
    with _appliance(folder / "process", "process") as appliance:
        rows += [_ready(appliance), *_idle(appliance, sizes.idle_seconds), _process_start(appliance, sizes.rounds)]
        rows.append(_next_start(appliance, sizes.rounds))
        rows.append(logs.job_row(appliance, few, sizes.printed_lines))
        rows += _transfers(appliance, few, sizes.large_mib)
    prepared = folder / "process" / "environments"
    rows += adoption.rows(folder / "adoption", "process", sizes.adopted, environments=prepared)
    rows += tunings.rows(folder / "tunings", sizes, few, environments=prepared)
    rows.append(tunings.pass_row(folder / "trials", sizes.ended_trials))
    rows += scale.rows(folder / "scale", sizes.trainings, sizes.requests)
    rows += _queue_passes(folder, sizes.queued)
    rows += logs.store_rows(folder / "logs", sizes.log_lines, few)
    if not has_docker or engine_answers(os.environ.get("DOCKER_HOST")) is None:
        print("Without a container engine: the rows of docker are left out.", file=sys.stderr)
    else:
        with _appliance(folder / "docker", "docker") as appliance:
            rows += _docker_starts(appliance, sizes.rounds)
        rows += adoption.rows(folder / "adoption-docker", "docker", sizes.adopted_docker)
    return rows


@contextmanager
def _appliance(home: Path, driver: str) -> Iterator[Appliance]:
    plain_image(home)
    appliance = Appliance(home, driver)
    appliance.put("code", {"train.py": SCRIPT})
    (home / "storage" / "models").mkdir()
    try:
        appliance.start()
        # The environment is prepared, and everything that happens once has happened.
        appliance.await_status(appliance.training()["trainingId"])
        yield appliance
    finally:
        appliance.discard()


def _submitted(appliance: Appliance) -> float:
    with appliance.client() as client:
        body = {
            "trainingName": "bench", "experimentId": appliance.experiment(), "imageId": PLAIN_IMAGE, "flavorId": "m2.c1m2",
            "sourceDirUri": appliance.uri("code"), "entryPoint": "train.py", "modelUploadUri": appliance.uri("models", "m"),
        }  # fmt: skip
        client.get("/flavors")  # a connection is there already, as in any client that has just listed something
        began = time.time()
        training = client.post("/trainings", json=body).json()["training"]["trainingId"]
    ended = appliance.await_status(training)
    assert ended["trainingStatusCode"] == "COMPLETE", ended
    return float(appliance.log(training)) - began


def _in_turns(ours: Callable[[], float], reference: Callable[[], float], rounds: int) -> tuple[float, float]:
    """Measure both alternately, so that a noisy machine is noisy for both; returns medians in seconds."""
    pairs = [(ours(), reference()) for _ in range(rounds)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def _first_line(command: list[str]) -> float:
    began = time.time()
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) - began


def _process_start(appliance: Appliance, rounds: int) -> Row:
    python = next((appliance.home / "environments").glob(f"{PLAIN_IMAGE}-*")) / "bin" / "python"
    script = appliance.home / "storage" / "code" / "train.py"
    ours, bare = _in_turns(lambda: _submitted(appliance), lambda: _first_line([str(python), str(script)]), rounds)
    budget = "≤ bare start + 150 ms"
    return Row("submit → first line, process (bare start)", ours, bare, "s", budget, ours <= bare + 0.150)


def _docker_starts(appliance: Appliance, rounds: int) -> list[Row]:
    """Beside a container that is as isolated as ours, and beside one on the bridge that all containers share.

    A network whose members do not see each other costs the engine some 40 ms more than its default bridge does, whoever asks
    for it; that is the price of isolation, not of this program.
    """
    images = subprocess.run(
        ["docker", "images", "--filter", f"label=easymaker.image={PLAIN_IMAGE}", "--format", "{{.Repository}}:{{.Tag}}"],
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    folder = appliance.home / "storage" / "code"
    run = ["docker", "run", "--rm", "--volume", f"{folder}:/code:ro"]
    command = [images.stdout.split()[0], "python", "/code/train.py"]
    network = f"easymaker-bench-{os.getpid()}"
    option = "com.docker.network.bridge.enable_icc=false"
    subprocess.run(["docker", "network", "create", "--opt", option, network], check=True, stdout=subprocess.PIPE)
    try:
        turns = [
            (_submitted(appliance), _first_line([*run, "--network", network, *command]), _first_line([*run, *command]))
            for _ in range(rounds)
        ]
    finally:
        subprocess.run(["docker", "network", "rm", network], check=True, stdout=subprocess.PIPE)
    ours, isolated, bare = (statistics.median(seconds) for seconds in zip(*turns, strict=True))
    name = "submit → first line, docker"
    return [
        Row(f"{name} (docker run, isolated alike)", ours, isolated, "s", "≤ 1.15 ×", ours <= 1.15 * isolated),
        Row(f"{name} (docker run, default bridge)", ours, bare, "s", "≤ 1.6 ×", ours <= 1.6 * bare),
    ]


def _next_start(appliance: Appliance, rounds: int) -> Row:
    seconds = queue.seconds_to_next(appliance, rounds + 1)
    return Row("a job ends → the next one's first line", seconds, None, "s", "≤ 250 ms", seconds <= 0.250)


def _queue_passes(folder: Path, queued: int) -> list[Row]:
    pure = queue.seconds_per_pass(queued)
    store = queue.open_store(folder)
    try:
        stored = queue.seconds_per_stored_pass(store, queued)
    finally:
        store.close()
    what = f"a pass over {queued:,} queued, 8 GPUs"
    return [
        Row(f"{what}, decisions only", 1000 * pure, None, "ms", "≤ 20 ms", pure <= 0.020),
        Row(f"{what}, in the database", 1000 * stored, None, "ms", "≤ 100 ms", stored <= 0.100),
        Row(f"decisions on {queued:,} queued, 8 GPUs", queued / pure, None, "1/s", "≥ 500,000", queued / pure >= 500_000),
    ]


def _transfers(appliance: Appliance, rounds: int, large_mib: int) -> list[Row]:
    """Rates, so more is better. Small files cost a request each, in Python; large ones cost what TLS costs."""
    rows = []
    with transfers(appliance, large_mib) as pairs:
        if not pairs:
            print("nginx or curl is not installed: the rows of object storage are left out.", file=sys.stderr)
        for pair in pairs:
            ours, reference = _in_turns(pair.ours, pair.reference, rounds)
            rows.append(Row(pair.name, ours, reference, pair.unit, f"≥ {pair.budget} ×", ours >= pair.budget * reference))
    return rows


def _ready(appliance: Appliance) -> Row:
    appliance.stop()
    began = time.monotonic()
    appliance.start()
    seconds = time.monotonic() - began
    return Row("daemon: time to ready", seconds, None, "s", "≤ 2 s", seconds <= 2)


def _idle(appliance: Appliance, seconds: float) -> list[Row]:
    percent, rss = at_rest(appliance, seconds)
    return [
        Row("daemon: idle CPU", percent, None, "% of a core", "≤ 0.5 %", percent <= 0.5),
        Row("daemon: resident memory", rss, None, "MiB", "≤ 150 MiB", rss <= 150),
    ]


def _print(rows: list[Row]) -> None:
    table = Table(title="easymaker-local bench")
    for heading in ("what", "ours", "reference", "ratio", "budget", ""):
        table.add_column(heading)
    for row in rows:
        reference = "" if row.reference is None else f"{row.reference:.3f} {row.unit}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        verdict = "within" if row.within else "[red]OVER[/red]"
        table.add_row(row.name, f"{row.ours:.3f} {row.unit}", reference, ratio, row.budget, verdict)
    Console(width=120).print(table)


if __name__ == "__main__":
    sys.exit(main())
