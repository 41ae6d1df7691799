"""Tunings: what a trial costs beside a loop with Optuna and subprocesses, what collecting values costs, what waiting costs."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import statistics
import subprocess
import time
import warnings
from pathlib import Path

import optuna
import psutil

from bench.rest import at_rest
from bench.row import Row
from bench.sizes import Sizes
from easymaker_local.controllers.tunings import TuningController
from easymaker_local.domain.metric_lines import DEFAULT_REGEX, Found, MetricRegex, read_lines
from easymaker_local.domain.tuning import Tuning, trial_training
from easymaker_local.domain.tuning_spec import TuningSpec
from easymaker_local.store import metric_points, trainings, trials
from easymaker_local.testing.appliance import PLAIN_IMAGE, Appliance, plain_image, until
from easymaker_local.testing.context import open_bench

PARALLEL = 4
PASSES = 100
SCRIPT = """\
import sys
lr = float(sys.argv[2])
for step in range(3):
    print(f"loss={(lr - 0.3) ** 2 + 1 / (1 + step)}", flush=True)
"""
# Printed as fast as Python prints; the last line says when it was over.
PRINTER = """\
import sys, time
for number in range(int(sys.argv[2])):
    print(f"[{number}] loss={number % 997 / 997:.4f} step {number} of many")
print(f"ended {time.time()}", flush=True)
"""
SILENT = "import time; time.sleep(600)\n"


def rows(home: Path, sizes: Sizes, rounds: int, environments: Path) -> list[Row]:
    """Measure on an appliance of its own, on which four trials run at once; ``environments`` of another home save building."""
    plain_image(home)
    (home / "environments").symlink_to(environments)
    (home / "storage" / "models").mkdir(parents=True)
    roomy = max(1.0, PARALLEL / len(os.sched_getaffinity(0)))
    appliance = Appliance(home, "process", cpu_overcommit=f"{roomy + 1e-6}", stop_grace_seconds="1")
    appliance.put("code", {"train.py": SCRIPT, "printer.py": PRINTER, "silent.py": SILENT})
    try:
        appliance.start()
        # The environment is prepared, Optuna loaded: everything that happens once has happened.
        _seconds(appliance, trials=1, parallel=1)
        found = [_trial_row(appliance, parallel, sizes.trials, rounds) for parallel in (1, PARALLEL)]
        return [*found, *_collecting(appliance, rounds, sizes.values), *_waiting(appliance, sizes.idle_seconds)]
    finally:
        appliance.discard()


def pass_row(folder: Path, ended: int) -> Row:
    """A look at a tuning of which one trial runs and so many have ended, beside one that has only just begun."""
    ours, young = (1000 * asyncio.run(_seconds_per_pass(folder / str(count), count)) for count in (ended, 1))
    name = f"tuning: a look, {ended:,} trials have ended (1)"
    return Row(name, ours, young, "ms", "≤ 10 ms", ours <= 10)


async def _seconds_per_pass(home: Path, ended: int) -> float:
    async with open_bench(home) as bench:
        spec = TuningSpec.model_validate(
            {
                "hyperparameterTuningName": "h", "experimentId": bench.experiment.id, "imageId": PLAIN_IMAGE,
                "flavorId": "m2.c1m2", "sourceDirUri": "obs://local/v1/AUTH_local/code", "entryPoint": "train.py",
                "modelUploadUri": "obs://local/v1/AUTH_local/models/h", "timeoutMinutes": 60,
                "tuningStrategyName": "RANDOM", "metricList": [{"name": "loss"}], "objectiveMetric": {"name": "loss"},
                "objectiveTypeCode": "MINIMIZE", "earlyStoppingAlgorithm": "MEDIAN",
                "hyperparameterSpecList": [
                    {
                        "hyperparameterName": "lr", "hyperparameterTypeCode": "double", "hyperparameterMinValue": "0",
                        "hyperparameterMaxValue": "1",
                    }
                ],
            }
        )  # fmt: skip
        tuning, now = await bench.services.tunings.create(spec), bench.clock.now()
        await bench.context.store.write(lambda db: _fill(db, tuning, ended, now))
        controller, times = TuningController(bench.context), []
        await controller.reconcile(tuning.id)
        for _ in range(PASSES):
            began = time.perf_counter()
            assert await controller.reconcile(tuning.id) is not None
            times.append(time.perf_counter() - began)
        return statistics.median(times)


def _fill(db: sqlite3.Connection, tuning: Tuning, ended: int, now: float) -> None:
    for number in range(1, ended + 2):
        training = trial_training(tuning, number, f"t{number}", {"lr": f"{number / (ended + 2)}"}, now)
        trainings.add(db, training)
        trials.add(db, training, number)
        metric_points.add(db, training.id, [Found("loss", step / number) for step in range(1, 11)], now, 4)
    db.execute("UPDATE tunings SET status = 'RUNNING', started_at = ?", (now,))
    runs = f"t{ended + 1}"
    db.execute("UPDATE trials SET status = CASE id WHEN ? THEN 'RUNNING' ELSE 'SUCCEEDED' END", (runs,))
    db.execute("UPDATE trainings SET status = CASE id WHEN ? THEN 'RUNNING' ELSE 'COMPLETE' END", (runs,))


def _trial_row(appliance: Appliance, parallel: int, trials: int, rounds: int) -> Row:
    python = next((appliance.home / "environments").glob(f"{PLAIN_IMAGE}-*")) / "bin" / "python"
    command = [str(python), str(appliance.home / "storage" / "code" / "train.py")]
    pairs = [(_seconds(appliance, trials, parallel), _seconds_of_loop(command, trials, parallel)) for _ in range(rounds)]
    ours, loop = (statistics.median(column) for column in zip(*pairs, strict=True))
    name = f"tuning: per trial, {parallel} at once (loop with Optuna)"
    return Row(name, ours, loop, "s", "≤ loop + 250 ms", ours <= loop + 0.250)


def _seconds(appliance: Appliance, trials: int, parallel: int) -> float:
    """Return the seconds per trial of a whole tuning, from the request to its end."""
    began = time.perf_counter()
    made = appliance.tuning(
        tuningStrategyName="BAYESIAN_OPTIMIZATION", maxTrialCount=trials, parallelTrialCount=parallel, instanceCount=parallel
    )
    ended = appliance.await_tuning(made["hyperparameterTuningId"])
    assert ended["successfulTrialCount"] == trials, ended
    return (time.perf_counter() - began) / trials


def _seconds_of_loop(command: list[str], trials: int, parallel: int) -> float:
    """Return those of the loop that somebody would write by hand."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: optuna.Trial) -> float:
        lr = trial.suggest_float("lr", 0, 1)
        done = subprocess.run([*command, "--lr", str(lr)], check=True, stdout=subprocess.PIPE, text=True)
        return min(float(line.partition("=")[2]) for line in done.stdout.splitlines())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(constant_liar=parallel > 1)
    began = time.perf_counter()
    optuna.create_study(sampler=sampler).optimize(objective, n_trials=trials, n_jobs=parallel)
    return (time.perf_counter() - began) / trials


def _collecting(appliance: Appliance, rounds: int, lines: int) -> list[Row]:
    """One trial prints very many values at once."""
    specs = [{
        "hyperparameterName": "lines", "hyperparameterTypeCode": "discrete", "hyperparameterSpecifiedValues": str(lines),
    }]  # fmt: skip
    daemon = psutil.Process(appliance.pid)
    found = []
    for _ in range(rounds):
        before = daemon.cpu_times()
        made = appliance.tuning(maxTrialCount=1, entryPoint="printer.py", hyperparameterSpecList=specs)
        appliance.await_tuning(made["hyperparameterTuningId"], "COMPLETE")
        after, settled = daemon.cpu_times(), time.time()
        [trial] = appliance.trials(made["hyperparameterTuningId"])
        assert trial["trialMetricList"][0]["count"] == lines, trial
        log = appliance.home / "logs" / "training" / trial["trialId"] / "node-0.log"
        ended = float(log.read_text().split()[-1])
        cpu = after.user + after.system - before.user - before.system
        found.append((settled - ended, 1e6 * cpu / lines, 1e6 * _by_hand(log, appliance.home / "plain.db") / lines))
    late, ours, plain = (statistics.median(column) for column in zip(*found, strict=True))
    name = f"tuning: {lines:,} values printed"
    return [
        Row(f"{name} → trial settled", late, None, "s", "≤ 5 s", late <= 5),
        Row(f"{name}, CPU of the daemon (RE2 and a plain table)", ours, plain, "µs/value", "≤ 2.5 ×", ours <= 2.5 * plain),
    ]


def _by_hand(log: Path, path: Path) -> float:
    """CPU seconds for what cannot be left out: lines through the expression, values into a table of SQLite."""
    path.unlink(missing_ok=True)
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE points (step INTEGER PRIMARY KEY, value REAL NOT NULL) STRICT")
    began = time.process_time()
    with log.open() as file:
        found = read_lines(file, MetricRegex(DEFAULT_REGEX), ("loss",), "loss").found
    with db:
        db.executemany("INSERT INTO points VALUES (?, ?)", ((step, one.value) for step, one in enumerate(found)))
    db.close()
    return time.process_time() - began


def _waiting(appliance: Appliance, seconds: float) -> list[Row]:
    """As many trials as run at once print nothing."""
    made = appliance.tuning(entryPoint="silent.py", maxTrialCount=PARALLEL, parallelTrialCount=PARALLEL, instanceCount=PARALLEL)
    tuning_id = made["hyperparameterTuningId"]
    until(lambda: appliance.shown_tuning(tuning_id)["runningTrialCount"] == PARALLEL, what="the start of all trials")
    percent, rss = at_rest(appliance, seconds)
    return [
        Row(f"daemon: CPU beside {PARALLEL} silent trials", percent, None, "% of a core", "≤ 2 %", percent <= 2),
        Row("daemon: resident memory with tunings", rss, None, "MiB", "≤ 150 MiB", rss <= 150),
    ]
