"""tuning: every command, on real tunings whose trials take a moment each."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from easymaker_local.cli import completion
from easymaker_local.cli.convergence import convergence
from easymaker_local.cli.trial_views import course
from easymaker_local.cli.tuning_views import ended_line
from easymaker_local.client.shapes import History
from easymaker_local.testing.appliance import Appliance, plain_image, until
from tests.cli.cli_runner import Cli, Result

CODE = {
    # Its loss is least at 0.3; it fails at a word, and prints nothing at another.
    "tuned.py": (
        "import os, sys\nlr, mood = float(os.environ['EM_HP_LR']), os.environ.get('EM_HP_MOOD', 'good')\n"
        "if mood == 'bad':\n    sys.exit(3)\n"
        "print('begun', flush=True)\n"
        "for step in (2, 1) if mood == 'good' else ():\n"
        "    print(f'loss={step * abs(lr - 0.3):.4f} accuracy={1 / step}', flush=True)\n"
    ),
    # Goes on when it is told to by a file in the input that it reads.
    "waits.py": (
        "import os, pathlib, time\nprint('loss=1', flush=True)\n"
        "while not (pathlib.Path(os.environ['EM_DATASET_GATE']) / 'open').exists():\n    time.sleep(0.05)\nprint('loss=0.5')\n"
    ),
}
GRID = ("--double", "lr=0.1:0.5:0.1", "--strategy", "grid")


@pytest.fixture(autouse=True)
def _code(daemon: Appliance) -> None:
    daemon.put("code", CODE)
    (daemon.home / "storage/models").mkdir(exist_ok=True)


def options(name: str, *more: str, entry: str = "tuned.py") -> list[str]:
    return [
        "--image", "plain", "--flavor", "m2.c1m2", "--source", "code", "--entry-point", entry, "--model-output",
        f"models/{name}", "--name", name, "--objective", "loss", "--minimize", *more,
    ]  # fmt: skip


def run(cli: Cli, name: str, *more: str, entry: str = "tuned.py") -> Result:
    return cli("tuning", "run", *options(name, *more, entry=entry))


@pytest.fixture(scope="module")
def done(daemon: Appliance) -> dict[str, Any]:
    """A tuning over a grid that is complete, with two metrics."""
    daemon.put("code", CODE)
    (daemon.home / "storage/models").mkdir(exist_ok=True)
    spec = {
        "hyperparameterName": "lr", "hyperparameterTypeCode": "double", "hyperparameterMinValue": "0.1",
        "hyperparameterMaxValue": "0.5", "hyperparameterStep": "0.1",
    }  # fmt: skip
    made = daemon.tuning(
        hyperparameterTuningName="done", entryPoint="tuned.py", tuningStrategyName="GRID", hyperparameterSpecList=[spec],
        metricList=[{"name": "loss"}, {"name": "accuracy"}], maxTrialCount=5, instanceCount=2, parallelTrialCount=2,
        experimentId=daemon.experiment("tuned"), tagList=[{"tagKey": "a", "tagValue": "1"}],
    )  # fmt: skip
    return daemon.await_tuning(made["hyperparameterTuningId"], "COMPLETE")


@pytest.fixture
def waiting(daemon: Appliance, cli: Cli, request: pytest.FixtureRequest) -> str:
    """The id of a tuning whose first trial runs until its gate is opened (by ``open_gate``), with a second one to come."""
    name = request.node.name[:40]
    (daemon.home / "storage" / f"gate-{name}").mkdir(parents=True)
    more = ("--double", "lr=0:1", "--strategy", "random", "--max-trials", "2", "--dataset", f"gate=gate-{name}", "--detach")
    made = run(cli, name, *more, entry="waits.py")
    assert made.code == 0, made.err
    tuning_id = made.out.strip()
    until(lambda: [t for t in daemon.trials(tuning_id) if t["objectiveValue"] == 1], "the first value")
    request.addfinalizer(lambda: open_gate(daemon, name))
    return tuning_id


def open_gate(daemon: Appliance, name: str) -> None:
    (daemon.home / "storage" / f"gate-{name}" / "open").write_text("")


def test_run_shows_every_trial_and_the_best(daemon: Appliance, cli: Cli) -> None:
    """HP-49, HP-51, HP-69, HP-L03: each trial has a line as it ends; the model of the best one is where it says."""
    ran = run(cli, "run-grid", *GRID, "--metric", "loss", "--metric", "accuracy", "--parallel", "2", "--experiment", "by run")
    assert ran.code == 0, ran.err
    assert sorted(line.split()[0] for line in ran.out.splitlines()) == ["#1", "#2", "#3", "#4", "#5"]
    assert {line.split()[1] for line in ran.out.splitlines()} == {"SUCCEEDED"}
    (third,) = [line for line in ran.out.splitlines() if line.startswith("#3")]
    assert {"SUCCEEDED", "loss=0", "lr=0.3"} <= set(third.split())
    assert "best so far" in third
    assert "The grid has 5 combinations." in ran.err
    assert "COMPLETE (SuggestionEndReached)" in ran.err
    assert "Best: trial #3" in ran.err
    shown = cli("tuning", "show", "run-grid", "--json").json
    assert shown["experiment"]["experimentName"] == "by run"
    assert (shown["instanceCount"], shown["parallelTrialCount"]) == (2, 2)
    assert f"Model: {shown['optimalTrial']['modelUploadUri']}" in ran.err


def test_run_of_what_fails_is_exit_code_1_with_the_reasons(cli: Cli) -> None:
    """HP-48, HP-61."""
    moods = ("--categorical", "mood=bad,silent", "--double", "lr=1:1:1", "--strategy", "GRID", "--max-failed-trials", "2")
    ran = run(cli, "run-bad", *moods)
    assert ran.code == 1
    first, second = sorted(ran.out.splitlines())
    assert "FAILED" in first
    assert "exit code 3" in first
    assert "METRICS_UNAVAILABLE" in second
    assert "printed no value of 'loss'" in second
    assert "FAIL_HYPERPARAMETER_TUNING" in ran.err
    silent = run(cli, "run-silent", "--categorical", "mood=silent", "--double", "lr=1:1:1", "--strategy", "grid")
    assert silent.code == 0
    assert "No trial has a value of the objective." in silent.err
    assert cli("tuning", "logs", "run-bad").out == "begun\n", "the newest one where none is best"


SPEC = """
name = "from file"
experiment = "default"
image = "Plain Python"
flavor = "m2.c1m2"
source_dir_uri = "code"
entry_point = "tuned.py"
model_upload_uri = "models/spec"
timeout_minutes = 60
metrics = ["loss"]
direction = "minimize"
strategy = "grid"
max_trials = 1
[hyperparameters.lr]
type = "double"
min = 0.1
max = {most}
step = 0.1
"""


def test_create_from_a_file_wait_and_copy(cli: Cli, tmp_path: Path) -> None:
    """HP-79, HP-L03: a grid that is larger than the maximum is a warning. A copy keeps what is not replaced."""
    (tmp_path / "spec.toml").write_text(SPEC.format(most=0.2))
    cli("experiment", "create", "default")
    checked = cli("tuning", "create", "-f", tmp_path / "spec.toml", "--check")
    assert (checked.code, checked.out) == (0, "")
    assert "from file" not in cli("tuning", "list", "--all").out
    made = cli("tuning", "create", "-f", tmp_path / "spec.toml")
    assert made.code == 0, made.err
    assert "The grid has 2 combinations, more than the maximum of 1 trials" in made.err
    tuning_id = made.out.strip()
    waited = cli("tuning", "wait", tuning_id, "--json")
    assert waited.code == 0, waited.err
    assert waited.json[0]["hyperparameterTuningStatusCode"] == "COMPLETE"

    checked = cli("tuning", "copy", tuning_id, "--max-trials", "9", "--check")
    assert (checked.code, checked.out) == (0, "")
    copied = cli("tuning", "copy", tuning_id, "--double", "lr=0.3:0.4:0.1", "--max-trials", "9", "--parallel", "2", "--follow")
    assert copied.code == 0, copied.err
    assert "COMPLETE (SuggestionEndReached)" in copied.err
    copy = cli("tuning", "show", "from file-copy", "--json").json
    assert (copy["instanceCount"], copy["maxTrialCount"], copy["gridSize"]) == (2, 9, 2)


def test_a_template_gives_the_names_of_hyperparameters(cli: Cli, tmp_path: Path) -> None:
    """TT-04: what they may be is asked for by name; nodes of the template are those of one trial."""
    template = ("--name", "tuned", *options("t")[:8], "--timeout-hours", "1", "-p", "lr=1", "-p", "mood=good")
    assert cli("template", "create", *template).code == 0
    more = ("--template", "tuned", "--model-output", "models/tuned", "--metric", "loss", "--minimize", "--strategy", "random")
    refused = cli("tuning", "run", *more, "--double", "lr=0:1")
    assert refused.code == 5
    assert "hyperparameter mood: has no values yet; give them by --int mood=MIN:MAX" in refused.err
    ran = cli(
        "tuning", "run", *more, "--double", "lr=0:1", "--categorical", "mood=good", "--max-trials", "2", "--parallel", "2"
    )
    assert ran.code == 0, ran.err
    assert all("mood=good" in line for line in ran.out.splitlines())
    (tmp_path / "spec.toml").write_text(
        'name = "t"\nexperiment = "default"\nmodel_upload_uri = "models/t"\nmetrics = ["loss"]\n'
    )
    refused = cli("tuning", "create", "-f", tmp_path / "spec.toml", "--template", "tuned")
    assert "hyperparameters.mood.type: required" in refused.err


def test_faults_name_tables_of_the_file_and_options_of_the_command_line(cli: Cli) -> None:
    refused = cli("tuning", "create", "-f", "-", stdin=SPEC.format(most=0.05))
    assert refused.code == 5
    assert "hyperparameters.lr.min: 0.1 is above the maximum, 0.05" in refused.err
    refused = run(cli, "x", "--double", "lr=2:1", "--strategy", "random", "--metric", "other", "--timeout-hours", "0.5")
    assert refused.code == 5
    assert {"--double lr", "--objective", "--timeout-hours"} <= {
        line.strip().partition(":")[0] for line in refused.err.splitlines()
    }
    refused = run(cli, "x", "--parallel", "11")
    assert {"--nodes times --parallel", "--parallel"} <= {line.strip().partition(":")[0] for line in refused.err.splitlines()}
    assert run(cli, "x", "--double", "lr=2").code == 2


def test_show(cli: Cli, done: dict[str, Any]) -> None:
    """HP-45 to HP-51: settings, counts, the best trial, what mattered, and how it converged."""
    words = cli("tuning", "show", "done", COLUMNS="80").out
    assert max(map(len, words.splitlines())) <= 80
    for part in (
        "COMPLETE (MaxTrialsReached)", "GRID, 5 combinations", "minimize loss; collected too: accuracy", "5 succeeded",
        "0.1 to 0.5 in steps of 0.1", "#3", "100%", "best so far", "Tuning time",
    ):  # fmt: skip
        assert part in words
    shown = cli("tuning", "show", done["hyperparameterTuningId"][:8], "--json").json
    assert [entry["value"] for entry in shown["analysis"]["historyList"]] == [0.2, 0.1, 0, 0.1, 0.2]
    assert [e["statusCode"] for e in shown["eventList"] if e["statusCode"]][-1] == "COMPLETE"
    assert cli("tuning", "show", "nobody").code == 3


@pytest.mark.parametrize("columns", ["80", "120"])
def test_list(cli: Cli, done: dict[str, Any], columns: str) -> None:
    """HP-45, HP-46, HP-50, HP-51."""
    listed = cli("tuning", "list", "--experiment", "tuned", "--status", "complete", COLUMNS=columns).out
    assert max(map(len, listed.splitlines())) <= int(columns)
    for part in (done["hyperparameterTuningId"][:8], "done", "COMPLETE", "(MaxTrialsReached)", "5/5", "loss 0"):
        assert part in listed
    assert cli("tuning", "list", "--experiment", "tuned", "--status", "running", "--json").json == []
    assert cli("tuning", "list", "--status", "bogus").code == 2
    assert len(cli("tuning", "list", "--limit", "1", "--json").json) == 1
    everything = cli("tuning", "list", "--all", "--json").json
    assert done["hyperparameterTuningId"] in [t["hyperparameterTuningId"] for t in everything]
    assert "Hyperparameter tunings" in cli("experiment", "show", "tuned").out


def test_trials(daemon: Appliance, cli: Cli, done: dict[str, Any]) -> None:
    """HP-68, HP-69."""
    listed = [line.split() for line in cli("tuning", "trials", "done", "--metrics").out.splitlines()]
    assert listed[0][:5] == ["#", "ID", "STATUS", "lr", "loss"]
    assert [line[3] for line in listed[1:]] == ["0.1", "0.2", "0.3", "0.4", "0.5"]
    assert listed[3][4:13] == ["0", "0", "/", "0", "/", "0", "0.5", "/", "1"]
    best_first = cli("tuning", "trials", "done", "--sort", "objective", "--json").json
    assert [t["number"] for t in best_first] == [3, 2, 4, 1, 5]
    first = daemon.trials(done["hyperparameterTuningId"])[0]
    for text in ("1", "#1", first["trialId"], first["trialId"][:10], first["trialName"]):
        shown = cli("tuning", "trial", "done", text)
        assert first["trialId"] in shown.out
    assert "█▁" in shown.out, "the course of the loss: high, then low"
    points = cli("tuning", "trial", "done", "1", "--json").json["pointList"]
    assert [point["value"] for point in points["loss"]] == [0.4, 0.2]
    assert cli("tuning", "trial", "done", "9").code == 3


def test_logs_are_those_of_the_best_trial_or_of_one_that_is_named(cli: Cli, done: dict[str, Any]) -> None:
    """HP-L04."""
    best = cli("tuning", "logs", "done")
    assert best.out.splitlines() == ["begun", "loss=0.0000 accuracy=0.5", "loss=0.0000 accuracy=1.0"]
    assert "Trial #3" in best.err
    assert cli("tuning", "logs", "done", "1", "--raw", "-").out.splitlines()[-1] == "loss=0.2000 accuracy=1.0"
    for digit in range(10):
        assert cli("tuning", "logs", "done", str(digit)).code == (0 if 1 <= digit <= 5 else 3), (
            "a digit is no beginning of an id"
        )


def test_a_trial_is_looked_at_as_a_training(daemon: Appliance, cli: Cli, done: dict[str, Any]) -> None:
    """HP-38: by the beginning of its id too, as queue and top show it; its end is its tuning's business."""
    trial = daemon.trials(done["hyperparameterTuningId"])[0]
    short = trial["trialId"][:8]
    assert f"tuning {done['hyperparameterTuningId']}" in cli("training", "show", short).out
    assert cli("training", "logs", short).out.startswith("begun\n")
    assert trial["trialId"] in cli("mlflow", short, "--print").out
    refused = cli("training", "delete", short)
    assert refused.code == 4
    assert "easymaker-local tuning" in refused.err


def test_what_runs_stop_then_delete(daemon: Appliance, cli: Cli, waiting: str) -> None:
    """HP-47, HP-78, HP-81, HP-L02."""
    shown = cli("tuning", "show", waiting).out
    assert "1 asked for, 1 running now" in shown
    assert "1 running" in shown
    assert cli("tuning", "logs", waiting).out == "loss=1\n"
    assert cli("tuning", "wait", waiting, "--timeout", "0.2").code == 124
    early = cli("tuning", "delete", waiting)
    assert early.code == 4
    assert "Stop it first." in early.err
    assert cli("tuning", "stop", waiting).code == 0
    ended = cli("tuning", "wait", waiting)
    assert ended.code == 1
    assert "STOPPED" in ended.err
    assert "KILLED" in cli("tuning", "trials", waiting).out
    assert cli("tuning", "stop", waiting).code == 4
    assert cli("tuning", "delete", waiting, "no-such-tuning").code == 3
    assert cli("tuning", "show", waiting).code == 3


def test_change(cli: Cli) -> None:
    assert run(cli, "to change", *GRID, "--max-trials", "1", "--tag", "a=1", "--tag", "b=2").code == 0
    changed = cli("tuning", "change", "to change", "--name", "changed", "--tag", "c=3", "--untag", "a", "--json")
    assert changed.code == 0, changed.err
    assert changed.json["hyperparameterTuningName"] == "changed"
    assert {tag["tagKey"]: tag["tagValue"] for tag in changed.json["tagList"]} == {"b": "2", "c": "3"}
    assert cli("tuning", "change", "changed").code == 5


@pytest.mark.parametrize("command", [("tuning", "follow"), ("tuning", "logs", "--follow")], ids=["trials", "log"])
def test_ctrl_c_stops_only_the_watching(daemon: Appliance, waiting: str, command: tuple[str, ...]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "easymaker_local", *command, waiting],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=daemon.environment, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    # It watches as soon as it says how it stands, or what was written.
    assert (process.stdout if "logs" in command else process.stderr).readline()
    os.kill(process.pid, signal.SIGINT)
    _, words = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"tuning stop {waiting}" in words
    assert "Traceback" not in words
    assert daemon.shown_tuning(waiting)["hyperparameterTuningStatusCode"] == "RUNNING"


def test_following_goes_on_over_a_restart_of_the_daemon(fresh: Appliance, daemon: Appliance) -> None:
    """HP-L01: no trial is shown twice, none is left out."""
    plain_image(fresh.home)
    (fresh.home / "environments").symlink_to((daemon.home / "environments").resolve())
    fresh.put("code", CODE)
    for name in ("models", "gate"):
        (fresh.home / "storage" / name).mkdir()
    fresh.start()
    more = ("--double", "lr=0:1", "--strategy", "random", "--max-trials", "3", "--dataset", "gate=gate")
    process = subprocess.Popen(
        [sys.executable, "-m", "easymaker_local", "tuning", "run", *options("survivor", *more, entry="waits.py")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=fresh.environment,
    )  # fmt: skip
    assert process.stderr is not None
    while process.stderr.readline() != "RUNNING\n":
        assert process.poll() is None
    fresh.kill()
    (fresh.home / "storage/gate/open").write_text("")
    fresh.start()
    lines, words = process.communicate(timeout=90)
    assert process.returncode == 0, words
    assert [line.split()[0] for line in lines.splitlines()] == ["#1", "#2", "#3"]


def test_completion_offers_ids(done: dict[str, Any], daemon: Appliance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASYMAKER_LOCAL_HOME", str(daemon.home))
    monkeypatch.setenv("EASYMAKER_LOCAL_PORT", str(daemon.port))
    tuning_id = done["hyperparameterTuningId"]
    assert [offer[0] for offer in completion.tunings(tuning_id[:10])] == [tuning_id]


def history(*values: float) -> list[History]:
    best = [min(values[: i + 1]) for i in range(len(values))]
    return [
        {"trialId": f"t{i}", "number": i, "value": value, "bestValue": best[i - 1]} for i, value in enumerate(values, start=1)
    ]


@pytest.mark.parametrize("columns", [30, 80])
@pytest.mark.parametrize(
    "values",
    [(1.0,), (1.0, 1.0), (0.5, -0.25, 0.75), tuple(1 / n for n in range(1, 500)), (-1.7e308, 1.7e308)],
    ids=["one", "equal", "three", "many", "far apart"],
)
def test_every_trial_is_in_the_drawing_which_fits(values: tuple[float, ...], columns: int) -> None:
    drawn = convergence(history(*values), "loss", columns).plain.splitlines()
    assert max(map(len, drawn[1:])) <= columns
    rows = [line.partition("┤")[2] for line in drawn[1:-1]]
    dots = sum(line.count("•") for line in rows)
    assert dots == len(values) if len(values) < 4 else dots >= columns // 2
    if len(set(values)) > 1:
        assert "•" in rows[0]
        assert "•" in rows[-1], "the highest value is on top, the lowest below"
        assert (rows[0].index("•") == 0) is (values[0] == max(values)), "the first trial is on the left"


def test_values_that_differ_by_orders_of_magnitude_are_told_apart() -> None:
    drawn = convergence(history(1000.0, 10.0, 0.1), "loss", 80).plain
    assert "powers of ten" in drawn
    heights = [i for i, line in enumerate(drawn.splitlines()[1:-1]) if "•" in line]
    assert len(heights) == 3
    assert abs((heights[1] - heights[0]) - (heights[2] - heights[1])) <= 1


def test_values_that_are_far_apart_are_drawn() -> None:
    assert len(course([-1.7e308, 1.7e308, 0.0])) == 3
    for value, count in ((1e20, 333), (7.7e15, 2500), (1e15, 2500)):
        assert len(set(course([value] * count))) == 1, "what is the same is flat, whatever is rounded"


def test_a_reason_without_words_is_shown_by_its_code(done: dict[str, Any], daemon: Appliance) -> None:
    """A job may have told the reason itself."""
    trial: Any = {**daemon.trials(done["hyperparameterTuningId"])[0], "trialStatusCode": "FAILED"}
    shown: Any = done
    for message in ("", "\n"):
        trial["statusReason"] = {"code": "START_FAILED", "message": message}
        assert "START_FAILED" in ended_line(shown, trial, (None, False)).plain


@pytest.mark.parametrize("goal", ["nan", "inf", "-inf"])
def test_a_goal_that_is_no_number_is_wrong_usage(cli: Cli, goal: str) -> None:
    done = run(cli, "goal", *GRID, "--metric", "loss", "--goal", goal)
    assert done.code == 2
    assert "--goal" in done.err


def test_digits_of_other_kinds_are_no_numbers(done: dict[str, Any], cli: Cli) -> None:
    assert cli("tuning", "trial", done["hyperparameterTuningId"], "²").code == 3
    assert cli("tuning", "logs", done["hyperparameterTuningId"], "1", "--node", "²").code == 2


def test_nobody_waits_for_a_tuning_whose_record_cannot_be_read(daemon: Appliance, cli: Cli, waiting: str) -> None:
    """GN-L02: nothing happens with it until somebody has looked at it."""
    with contextlib.closing(sqlite3.connect(daemon.home / "state.db", timeout=30)) as db:
        (spec,) = db.execute("SELECT spec FROM tunings WHERE id = ?", (waiting,)).fetchone()
        with db:
            db.execute("UPDATE tunings SET spec = '{' WHERE id = ?", (waiting,))
        for command in ("wait", "follow"):
            ended = cli("tuning", command, waiting)
            assert ended.code == 1
            assert "BROKEN" in ended.err
        with db:
            db.execute("UPDATE tunings SET spec = ? WHERE id = ?", (spec, waiting))
