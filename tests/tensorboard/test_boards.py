"""TensorBoard itself behind the gateway, with trainings that log: what is shown, how long, and to whom."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from easymaker_local.testing.appliance import Appliance, until
from easymaker_local.testing.engine import containers, docker_host
from tests.tensorboard.boards import (
    PREPARATION_SECONDS,
    WRITER,
    await_runs,
    complete,
    gateway,
    new_appliance,
    path_of,
    release,
    runs,
    start,
    supervisors,
)

pytestmark = [pytest.mark.environment, pytest.mark.timeout(2 * PREPARATION_SECONDS)]


@pytest.fixture(scope="module")
def appliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    made = new_appliance(tmp_path_factory.mktemp("boards") / "home", "process")
    made.start()
    yield made
    made.discard()


@pytest.fixture
def http(appliance: Appliance) -> Iterator[httpx.Client]:
    with gateway(appliance) as client:
        yield client


def show_experiment(appliance: Appliance, name: str) -> dict[str, str]:
    found: dict[str, str] = appliance.call("GET", f"/experiments/{appliance.experiment(name)}")["experiment"]
    return found


def test_an_experiment_shows_one_run_per_training_while_they_run(appliance: Appliance, http: httpx.Client) -> None:
    """TB-01, TB-04, TB-05, EX-05, EX-L02, TR-34."""
    board = path_of(show_experiment(appliance, "one"), appliance)
    assert runs(http, board) == []
    first = start(appliance, "the first", "one", until="told")
    appliance.await_status(first, "RUNNING", "CREATE_FAILED", "FAIL_TRAIN", seconds=PREPARATION_SECONDS)
    await_runs(http, board, {f"the-first-{first}"})
    assert appliance.shown(first)["trainingStatusCode"] == "RUNNING"
    # A renamed training is the same run (TB-L01).
    appliance.call("PATCH", f"/trainings/{first}", json={"trainingName": "renamed"})
    second = start(appliance, "second", "one", folder="train")
    await_runs(http, board, {f"the-first-{first}", f"second-{second}/train"})
    tags = http.get(f"{board}data/plugin/scalars/tags").json()
    assert set(tags[f"the-first-{first}"]) == {"loss"}
    query = {"tag": "loss", "run": f"the-first-{first}"}
    assert len(http.get(f"{board}data/plugin/scalars/scalars", params=query).json()) == 10
    # As TensorBoard's page asks, for several at once.
    asked = http.post(f"{board}data/plugin/scalars/scalars_multirun", data={"tag": "loss", "runs": [query["run"]]})
    assert len(asked.json()[query["run"]]) == 10

    of_training = path_of(appliance.shown(first), appliance)
    assert appliance.shown(first)["tensorboardAccessPath"] == of_training
    await_runs(http, of_training, {"."})
    release(appliance, first)
    complete(appliance, first)
    complete(appliance, second)
    assert set(runs(http, board)) == {f"the-first-{first}", f"second-{second}/train"}


def test_a_tuning_shows_all_its_trials(appliance: Appliance, http: httpx.Client) -> None:
    """HP-52, TB-05: and the experiment shows them beside its trainings."""
    tuning = appliance.tuning(
        hyperparameterTuningName="search", imageId=WRITER, experimentId=appliance.experiment("search"), maxTrialCount=2,
        hyperparameterSpecList=[
            {"hyperparameterName": "folder", "hyperparameterTypeCode": "categorical", "hyperparameterSpecifiedValues": "train"}
        ],
    )  # fmt: skip
    board = path_of(tuning, appliance)
    assert board == f"/tensorboard/tuning/{tuning['hyperparameterTuningId']}/"
    appliance.await_tuning(tuning["hyperparameterTuningId"], seconds=PREPARATION_SECONDS)
    trials = {f"{trial['trialName']}-{trial['trialId']}/train" for trial in appliance.trials(tuning["hyperparameterTuningId"])}
    assert len(trials) == 2
    await_runs(http, board, trials)
    experiment = path_of(show_experiment(appliance, "search"), appliance)
    await_runs(http, experiment, {f"search@{tuning['hyperparameterTuningId']}/{run}" for run in trials})


def test_only_who_has_the_token_sees_it(appliance: Appliance, http: httpx.Client) -> None:
    """GN-20, GN-L04."""
    board = path_of(show_experiment(appliance, "guarded"), appliance)
    assert runs(http, board) == []
    with gateway(appliance, token=False) as stranger:
        assert stranger.get(f"{board}data/runs").status_code == 401
        assert stranger.get(f"{board}data/runs", headers={"X-EasyMaker-Token": "guessed"}).status_code == 401
        page = stranger.get(board, headers={"Accept": "text/html"})
        assert page.status_code == 401
        assert f"easymaker-local tensorboard {appliance.experiment('guarded')}" in page.text
    page = http.get(board, headers={"Accept": "text/html"})
    assert "tensorboard" in page.text.lower()
    # Not around the gateway either: the server asks for a key that only the daemon has.
    (name,) = [name for name in supervisors(appliance) if appliance.experiment("guarded") in name]
    (network,) = appliance.home.glob(f"workloads/*/networks/tensorboard-{appliance.experiment('guarded')}-experiment.json")
    (port,) = [int(word) for word in network.read_text().replace("}", " ").split() if word.isdigit()]
    direct = httpx.get(f"http://127.0.0.1:{port}{board}data/runs", headers={"X-EasyMaker-Token": appliance.token})
    assert direct.status_code == 403
    command = Path(f"/proc/{supervisors(appliance)[name]}/cmdline").read_bytes().decode()
    assert appliance.token not in command
    assert "KEY" not in command


def test_a_link_from_the_command_line_signs_a_browser_in(appliance: Appliance) -> None:
    """GN-20: once, for TensorBoard alone."""
    experiment = appliance.experiment("linked")
    link = appliance.call("POST", f"/tensorboard/experiment/{experiment}/login")["tensorboardLogin"]
    with gateway(appliance, token=False) as browser:
        signed_in = browser.get(link["loginUri"])
        assert (signed_in.status_code, signed_in.headers["location"]) == (303, f"/tensorboard/experiment/{experiment}/")
        assert runs(browser, signed_in.headers["location"]) == []
        (cookie,) = browser.cookies.jar
        assert (cookie.path, cookie.secure, cookie.has_nonstandard_attr("HttpOnly")) == ("/tensorboard/", True, True)
        # What opens TensorBoard opens neither the API nor storage.
        session = {"Cookie": f"easymaker-session-{appliance.port}={cookie.value}"}
        url = f"http://127.0.0.1:{appliance.port}/v1.0/appkeys/local/system"
        assert httpx.get(url, headers=session, trust_env=False).status_code == 401
    with gateway(appliance, token=False) as other:
        assert other.get(link["loginUri"]).status_code == 401
    serve_log = (appliance.home / "serve.log").read_text()
    assert link["loginUri"].partition("code=")[2] not in serve_log


def test_deletion_takes_server_and_logs_along(appliance: Appliance, http: httpx.Client) -> None:
    """TB-L01, EX-L02."""
    training = start(appliance, "short-lived", "deleted")
    complete(appliance, training)
    board, whole = path_of(appliance.shown(training), appliance), path_of(show_experiment(appliance, "deleted"), appliance)
    await_runs(http, board, {"."})
    assert runs(http, whole)
    assert list(appliance.home.glob(f"tensorboard/*/*-{training}/events*"))
    appliance.call("DELETE", f"/trainings/{training}")
    assert http.get(f"{board}data/runs").status_code == 404
    until(lambda: f"tensorboard-{training}-1-training" not in supervisors(appliance), what="the server's end")
    assert not list(appliance.home.glob(f"tensorboard/*/*-{training}"))
    appliance.call("DELETE", f"/experiments/{appliance.experiment('deleted')}")
    until(lambda: not any(whole.split("/")[3] in name for name in supervisors(appliance)), what="the server's end")
    assert http.get(whole).status_code == 404
    assert not list(appliance.home.glob(f"logs/tensorboard/{training}*"))


def test_a_killed_daemon_finds_the_server_again(tmp_path: Path) -> None:
    """EX-L02, architecture 7: also one that was just being started. Fault: SIGKILL."""
    appliance = new_appliance(tmp_path / "home", "process")
    try:
        appliance.start()
        board = path_of(show_experiment(appliance, "killed"), appliance)
        with gateway(appliance) as http:
            assert http.get(board, headers={"Accept": "text/html"}).status_code == 503
            until(lambda: supervisors(appliance), "the server's start", PREPARATION_SECONDS)
        appliance.kill()
        appliance.start()
        with gateway(appliance) as http:
            assert runs(http, board) == []
        before = supervisors(appliance)
        assert len(before) == 1
        appliance.kill()
        # While nobody looks, what it shows is deleted by the next daemon, which then has to know the server.
        appliance.start()
        with gateway(appliance) as http:
            assert runs(http, board) == []
        assert supervisors(appliance) == before
        appliance.kill()
        appliance.start()
        appliance.call("DELETE", f"/experiments/{appliance.experiment('killed')}")
        until(lambda: not supervisors(appliance), what="the removal of a server that an earlier daemon started")
    finally:
        appliance.discard()


def test_a_server_that_nobody_asks_ends_and_comes_back(tmp_path: Path) -> None:
    """EX-L02."""
    appliance = new_appliance(tmp_path / "home", "process", tensorboard_idle_minutes="0.05")
    try:
        appliance.start()
        board = path_of(show_experiment(appliance, "idle"), appliance)
        with gateway(appliance) as http:
            assert runs(http, board) == []
            (first,) = supervisors(appliance).values()
            begun = time.monotonic()
            while time.monotonic() < begun + 6:  # twice as long as it may be idle, and it is not
                assert runs(http, board) == []
                time.sleep(0.2)
            assert list(supervisors(appliance).values()) == [first]
            until(lambda: not supervisors(appliance), what="the end of an idle server")
            assert runs(http, board) == []
            assert list(supervisors(appliance).values()) != [first]
    finally:
        appliance.discard()


@pytest.mark.docker
def test_containers(tmp_path: Path) -> None:
    """TB-04, TB-05, EX-L02, GN-L04: live, read-only, limited, without a published port."""
    docker_host()
    appliance = new_appliance(tmp_path / "home", "docker")
    try:
        appliance.start()
        training = start(appliance, "contained", until="told")
        appliance.await_status(training, "RUNNING", "CREATE_FAILED", "FAIL_TRAIN", seconds=PREPARATION_SECONDS)
        board = path_of(show_experiment(appliance, "experiment"), appliance)
        with gateway(appliance) as http:
            await_runs(http, board, {f"contained-{training}"})
            assert appliance.shown(training)["trainingStatusCode"] == "RUNNING"
            name = board.split("/")[3]
            (server,) = [found for found in containers("tensorboard") if name in found["Name"]]
            limits = server["HostConfig"]
            assert not limits["PortBindings"]
            assert limits["Memory"] == 2 << 30
            logs = [mount for mount in server["Mounts"] if mount["Destination"] == "/easymaker/tensorboard"]
            assert [mount["RW"] for mount in logs] == [False]
            assert appliance.token not in str(server)
            appliance.kill()
            appliance.start()
        with gateway(appliance) as http:
            assert runs(http, board) == [f"contained-{training}"]
            (again,) = [found for found in containers("tensorboard") if name in found["Name"]]
            assert again["Id"] == server["Id"]
            release(appliance, training)
            complete(appliance, training)
            appliance.call("DELETE", f"/trainings/{training}")
            await_runs(http, board, set())
            appliance.call("DELETE", f"/experiments/{name}")
            until(lambda: not [c for c in containers("tensorboard") if name in c["Name"]], what="the container's end")
    finally:
        appliance.discard()
