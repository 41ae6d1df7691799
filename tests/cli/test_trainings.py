"""training: every command, on real trainings of a second each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from easymaker_local.cli import completion, follow
from easymaker_local.client import Client, connect
from easymaker_local.errors import DaemonUnreachable
from easymaker_local.settings import Settings
from easymaker_local.testing.appliance import Appliance, free_port, plain_image, until
from tests.cli.cli_runner import Cli, Result

CODE = {
    "good.py": "import os, sys\nprint('arguments', sys.argv[1:])\nopen(os.environ['EM_MODEL_DIR'] + '/m', 'w').write('x')\n",
    "bad.py": "import sys\nprint('trying')\nsys.exit(3)\n",
    "nodes.py": "import json, os\nprint('I am', os.environ['RANK'], flush=True)\nprint('no line end', end='')\n",
    # Goes on when it is told to by a file in the input that it reads.
    "waits.py": (
        "import os, pathlib, time\nprint('waiting', flush=True)\n"
        "while not (pathlib.Path(os.environ['EM_DATASET_GATE']) / 'open').exists():\n    time.sleep(0.05)\nprint('went on')\n"
    ),
}


@pytest.fixture(autouse=True)
def _code(daemon: Appliance) -> None:
    daemon.put("code", CODE)
    (daemon.home / "storage/models").mkdir(exist_ok=True)


def options(entry: str, name: str, *more: str) -> list[str]:
    return [
        "--image", "plain", "--flavor", "m2.c1m2", "--source", "code", "--entry-point", entry, "--model-output",
        f"models/{name}", "--name", name, *more,
    ]  # fmt: skip


def run(cli: Cli, entry: str, name: str, *more: str) -> Result:
    return cli("training", "run", *options(entry, name, *more))


@pytest.fixture
def waiting(daemon: Appliance, cli: Cli, request: pytest.FixtureRequest) -> str:
    """The id of a training that runs until its gate is opened (by ``open_gate``)."""
    name = request.node.name[:40]
    (daemon.home / "storage" / f"gate-{name}").mkdir(parents=True)
    done = run(cli, "waits.py", name, "--dataset", f"gate=gate-{name}", "--detach")
    assert done.code == 0, done.err
    training_id = done.out.strip()
    daemon.await_status(training_id, "RUNNING")
    request.addfinalizer(lambda: open_gate(daemon, name))
    return training_id


def open_gate(daemon: Appliance, name: str) -> None:
    (daemon.home / "storage" / f"gate-{name}" / "open").write_text("")


def test_run_follows_to_the_end_and_stores_the_model(daemon: Appliance, cli: Cli) -> None:
    done = run(cli, "good.py", "run-good", "-p", "lr=0.1", "--tag", "team=a", "--experiment", "made by run")
    assert done.code == 0, done.err
    assert done.out == "arguments ['--lr', '0.1']\n"
    assert "COMPLETE" in done.err
    assert (daemon.home / "storage/models/run-good/m").read_text() == "x"
    shown = cli("training", "show", "run-good", "--json").json
    assert shown["experiment"]["experimentName"] == "made by run"
    assert shown["tagList"] == [{"tagKey": "team", "tagValue": "a"}]
    assert [e["statusCode"] for e in shown["eventList"] if e["statusCode"]][-1] == "COMPLETE"
    for text in (shown["trainingId"], shown["trainingId"][:8]):
        words = cli("training", "show", text).out
        assert "run-good" in words
        assert "m2.c1m2" in words
        assert "lr" in words


def test_run_of_what_fails_is_exit_code_1_with_the_reason(cli: Cli) -> None:
    done = run(cli, "bad.py", "run-bad")
    assert done.code == 1
    assert done.out == "trying\n"
    assert "FAIL_TRAIN" in done.err
    assert "exit code 3" in done.err


def test_lines_of_several_nodes_begin_with_the_node(cli: Cli) -> None:
    done = run(cli, "nodes.py", "run-nodes", "--nodes", "2")
    assert done.code == 0, done.err
    lines = ["[node-0] I am 0", "[node-0] no line end", "[node-1] I am 1", "[node-1] no line end"]
    assert sorted(done.out.splitlines()) == lines
    assert cli("training", "logs", "run-nodes").out.splitlines() == lines
    assert cli("training", "logs", "run-nodes", "--node", "1").out.splitlines() == lines[2:]
    assert cli("training", "logs", "run-nodes", "--node", "2").code == 3
    assert cli("training", "logs", "run-nodes", "--node", "x").code == 2


def test_a_raw_log_is_saved_as_it_was_written(cli: Cli, tmp_path: Path) -> None:
    run(cli, "nodes.py", "run-raw", "--nodes", "2")
    assert cli("training", "logs", "run-raw", "--node", "0", "--raw", tmp_path / "log").code == 0
    assert (tmp_path / "log").read_text() == "I am 0\nno line end"
    assert cli("training", "logs", "run-raw", "--raw", tmp_path / "log").code == 5


SPEC = """
name = "from file"
experiment = "default"
image = "Plain Python"
flavor = "m2.c1m2"
source_dir_uri = "code"
entry_point = "{entry}"
model_upload_uri = "models/spec"
timeout_minutes = 60
[parameters]
epochs = 3
"""


def test_create_from_a_file_wait_and_copy(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text(SPEC.format(entry="good.py"))
    cli("experiment", "create", "default")
    made = cli("training", "create", "-f", tmp_path / "spec.toml", "--json")
    assert made.code == 0, made.err
    training_id = made.json["trainingId"]
    waited = cli("training", "wait", training_id, "--json")
    assert waited.code == 0, waited.err
    assert waited.json[0]["trainingStatusCode"] == "COMPLETE"
    assert cli("training", "logs", training_id).out == "arguments ['--epochs', '3']\n"

    checked = cli("training", "copy", training_id, "--param", "epochs=4", "--check")
    assert (checked.code, checked.out) == (0, "")
    assert cli("training", "copy", training_id, "--entry-point", "none.py", "--check").code == 5
    copied = cli("training", "copy", training_id, "--param", "epochs=4", "--param", "lr=1", "--follow")
    assert copied.code == 0, copied.err
    assert copied.out == "arguments ['--epochs', '4', '--lr', '1']\n"
    assert cli("training", "show", "from file-copy").code == 0


def test_create_from_stdin_and_wait_for_a_failure(cli: Cli) -> None:
    cli("experiment", "create", "default")
    made = cli("training", "create", "-f", "-", stdin=SPEC.format(entry="bad.py"))
    assert made.code == 0, made.err
    waited = cli("training", "wait", made.out.strip())
    assert waited.code == 1
    assert "exit code 3" in waited.err


def test_faults_name_fields_of_the_file_and_options_of_the_command_line(cli: Cli, tmp_path: Path) -> None:
    spec = SPEC.format(entry="none.py").replace("m2.c1m2", "huge").replace("Plain Python", "nothing")
    (tmp_path / "spec.toml").write_text(spec)
    cli("experiment", "create", "default")
    done = cli("training", "create", "-f", tmp_path / "spec.toml")
    assert done.code == 5
    assert {"imageId", "flavorId", "entryPoint"} <= {line.strip().partition(":")[0] for line in done.err.splitlines()}
    done = run(cli, "none.py", "x", "--timeout-hours", "0.5")
    assert done.code == 5
    assert {"--entry-point", "--timeout-hours"} <= {line.strip().partition(":")[0] for line in done.err.splitlines()}
    assert cli("training", "create", "-f", tmp_path / "absent.toml").code == 2


def test_a_file_can_be_checked_before_it_is_used(cli: Cli, tmp_path: Path) -> None:
    """The same answer as its creation gives, and nothing is created."""
    (tmp_path / "spec.toml").write_text(SPEC.format(entry="good.py"))
    cli("experiment", "create", "default")
    before = cli("training", "list", "--all", "--json").json
    checked = cli("training", "create", "-f", tmp_path / "spec.toml", "--check")
    assert (checked.code, checked.out) == (0, "")
    assert "It could be created." in checked.err
    (tmp_path / "spec.toml").write_text(SPEC.format(entry="none.py"))
    refused = cli("training", "create", "-f", tmp_path / "spec.toml", "--check")
    assert refused.code == 5
    assert refused.err == cli("training", "create", "-f", tmp_path / "spec.toml").err
    assert cli("training", "list", "--all", "--json").json == before


def test_wait_runs_out_stop_then_delete(daemon: Appliance, cli: Cli, waiting: str) -> None:
    assert cli("training", "wait", waiting, "--timeout", "0.2").code == 124
    early = cli("training", "delete", waiting)
    assert early.code == 4
    assert "Stop it first." in early.err
    assert cli("training", "stop", waiting).code == 0
    ended = cli("training", "wait", waiting)
    assert ended.code == 1
    assert "STOPPED" in ended.err
    assert cli("training", "stop", waiting).code == 4
    assert cli("training", "delete", waiting, "no-such-training").code == 3
    assert cli("training", "show", waiting).code == 3


def test_list_filters(daemon: Appliance, cli: Cli, waiting: str) -> None:
    running = cli("training", "list", "--status", "running", "--json").json
    assert waiting in {t["trainingId"] for t in running}
    assert {t["trainingStatusCode"] for t in running} == {"RUNNING"}
    cli("experiment", "create", "of nobody")
    assert cli("training", "list", "--experiment", "of nobody", "--json").json == []
    assert waiting[:8] in cli("training", "list").out
    assert cli("training", "list", "--status", "bogus").code == 2


def test_a_name_that_several_have(cli: Cli) -> None:
    for _ in range(2):
        assert run(cli, "good.py", "twins").code == 0
    newest, older = [t["trainingId"] for t in cli("training", "list", "--json").json if t["trainingName"] == "twins"]
    shown = cli("training", "show", "twins", "--json")
    assert shown.json["trainingId"] == newest, "to look at, the newest is meant"
    assert "2 trainings are named 'twins'" in shown.err
    done = cli("training", "delete", "twins")
    assert done.code == 5
    assert "fits 2 trainings" in done.err
    assert older in done.err


def test_change(cli: Cli) -> None:
    assert run(cli, "good.py", "to change", "--tag", "a=1", "--tag", "b=2").code == 0
    done = cli("training", "change", "to change", "--name", "changed", "--tag", "c=3", "--untag", "a", "--json")
    assert done.code == 0, done.err
    assert done.json["trainingName"] == "changed"
    assert {tag["tagKey"]: tag["tagValue"] for tag in done.json["tagList"]} == {"b": "2", "c": "3"}
    assert cli("training", "change", "changed").code == 5


def test_ctrl_c_stops_only_the_watching(daemon: Appliance, waiting: str) -> None:
    command = [sys.executable, "-m", "easymaker_local", "training", "logs", waiting, "--follow"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=daemon.environment, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    os.kill(process.pid, signal.SIGINT)
    _, words = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"training logs {waiting} --follow" in words
    assert f"training stop {waiting}" in words
    assert "Traceback" not in words
    assert daemon.shown(waiting)["trainingStatusCode"] == "RUNNING"


@pytest.mark.parametrize("end", [Appliance.kill, Appliance.stop], ids=["killed", "stopped"])
def test_following_goes_on_over_a_restart_of_the_daemon(
    fresh: Appliance, daemon: Appliance, end: Callable[[Appliance], None]
) -> None:
    """The output continues at the byte where it stopped: nothing twice, nothing lost."""
    plain_image(fresh.home)
    (fresh.home / "environments").symlink_to((daemon.home / "environments").resolve())
    fresh.put("code", CODE)
    for name in ("models", "gate"):
        (fresh.home / "storage" / name).mkdir()
    fresh.start()
    command = [sys.executable, "-m", "easymaker_local", "training", "run"]
    process = subprocess.Popen(
        [*command, *options("waits.py", "survivor", "--dataset", "gate=gate")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=fresh.environment,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    end(fresh)
    (fresh.home / "storage/gate/open").write_text("")
    fresh.start()
    rest, words = process.communicate(timeout=60)
    assert (rest, process.returncode) == ("went on\n", 0), words


def test_a_daemon_that_stays_away_ends_the_following(
    daemon: Appliance, waiting: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(follow, "AWAY_SECONDS", 0.0)
    training: Any = daemon.shown(waiting)
    with connect(Settings(home=tmp_path, port=free_port())) as client, pytest.raises(DaemonUnreachable):
        follow.follow_to_end(client, training)


def test_completion_offers_ids_and_is_silent_without_a_daemon(
    daemon: Appliance, waiting: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EASYMAKER_LOCAL_HOME", str(daemon.home))
    monkeypatch.setenv("EASYMAKER_LOCAL_PORT", str(daemon.port))
    assert [offer[0] for offer in completion.trainings(waiting[:10])] == [waiting]
    assert "plain" in [offer[0] for offer in completion.images("pl")]
    assert "m2.c1m2" in [offer[0] for offer in completion.flavors("")]
    monkeypatch.setenv("EASYMAKER_LOCAL_PORT", "9")
    assert completion.trainings("") == []


def test_what_waits_says_why(daemon: Appliance, cli: Cli, waiting: str) -> None:
    """GN-26: the reason stands beside the status."""
    vcpus = daemon.call("GET", "/system")["system"]["vcpus"]
    whole = next(flavor["name"] for flavor in cli("flavor", "list", "--json").json if flavor["vcpus"] == vcpus)
    queued = run(cli, "good.py", "queued", "--flavor", whole, "--detach")
    assert queued.code == 0, queued.err
    training_id = queued.out.strip()
    until(lambda: daemon.shown(training_id)["statusReason"], "a reason")
    assert "Waits for" in cli("training", "list").out
    waited = cli("training", "wait", training_id, "--timeout", "0")
    assert waited.code == 124
    assert f"held by training {waiting}" in waited.err
    assert cli("training", "stop", training_id).code == 0
    assert cli("training", "wait", training_id).code == 1


def test_several_runs_at_once_make_one_experiment(cli: Cli, daemon: Appliance, monkeypatch: pytest.MonkeyPatch) -> None:
    """EX-03: a run makes its experiment. Between the look for it and its creation another run makes it."""
    look = Client.experiments

    def late(client: Client, *arguments: Any, **options: Any) -> list[Any]:
        found = look(client, *arguments, **options)
        daemon.experiment("together")
        return found

    monkeypatch.setattr(Client, "experiments", late)
    done = run(cli, "good.py", "together", "--experiment", "together")
    assert done.code == 0, done.err


def test_lists_show_the_newest_and_say_so(daemon: Appliance, cli: Cli, waiting: str) -> None:
    """The rest is a page away; whoever wants all of it gets it."""
    experiments = [cli("experiment", "create", f"listed-{number}").out.strip() for number in range(3)]
    newest = cli("experiment", "list", "--limit", "2", "--json")
    assert [e["experimentId"] for e in newest.json] == experiments[:0:-1]
    assert "the newest 2" in newest.err
    everything = cli("experiment", "list", "--all", "--json")
    assert [e["experimentId"] for e in everything.json][:3] == experiments[::-1]
    assert "newest" not in everything.err
    assert len(everything.json) == len(daemon.call("GET", "/experiments")["experimentList"])
    running = cli("training", "list", "--status", "running", "--status", "complete-in-progress", "--json").json
    assert waiting in [t["trainingId"] for t in running]
    assert {t["trainingStatusCode"] for t in running} <= {"RUNNING", "COMPLETE_IN_PROGRESS"}
    assert len(cli("training", "list", "--limit", "1", "--json").json) == 1


def test_lists_are_searched_and_sorted(cli: Cli) -> None:
    """GN-13: a part of the name in any case, in the order that is wanted."""
    for name in ("sorted b", "Sorted A", "sorted c", "other"):
        cli("experiment", "create", name)
    found = cli("experiment", "list", "--search", "SORTED", "--sort", "name", "--limit", "2", "--json")
    assert [e["experimentName"] for e in found.json] == ["Sorted A", "sorted b"]
    assert "the first 2" in found.err
    back = cli("experiment", "list", "--search", "SORTED", "--sort", "name", "--reverse", "--json")
    assert [e["experimentName"] for e in back.json] == ["sorted c", "sorted b", "Sorted A"]
    oldest = cli("experiment", "list", "--search", "SORTED", "--reverse", "--limit", "1", "--json")
    assert [e["experimentName"] for e in oldest.json] == ["sorted b"]
    assert "the oldest 1" in oldest.err
    by_status = cli("training", "list", "--sort", "status", "--all", "--json").json
    statuses = [t["trainingStatusCode"] for t in by_status]
    assert statuses == sorted(statuses)
    assert cli("training", "list", "--search", "nothing is called so", "--json").json == []


def test_the_client_asks_for_as_many_pages_as_it_takes(daemon: Appliance, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        cli("experiment", "create", f"paged-{number}")
    whole = daemon.call("GET", "/experiments")["experimentList"]
    monkeypatch.setattr("easymaker_local.client.client.PAGE_ROWS", 2)
    assert cli("experiment", "list", "--all", "--json").json == whole
    assert cli("experiment", "list", "--limit", "3", "--json").json == whole[:3]
