"""tensorboard: a link for the browser, found by what people type (EX-05, TR-34, HP-52, TB-05)."""

from __future__ import annotations

import ssl

import httpx
import pytest

from easymaker_local.testing.appliance import Appliance
from tests.cli.cli_runner import Cli


@pytest.fixture(scope="module")
def ids(daemon: Appliance) -> dict[str, str]:
    """Ids of what is looked for by name."""
    (daemon.home / "storage" / "models").mkdir(parents=True, exist_ok=True)
    daemon.put("code", {"train.py": ""})
    experiment = daemon.experiment("boards")
    made = {"experiment": experiment, "both": daemon.experiment("same name")}
    for name in ("looked at", "same name"):
        training = daemon.training(trainingName=name, experimentId=experiment)
        made[name] = training["trainingId"]
        daemon.await_status(training["trainingId"])
    tuning = daemon.tuning(hyperparameterTuningName="a tuning", experimentId=experiment, maxFailedTrialCount=1)
    made["a tuning"] = tuning["hyperparameterTuningId"]
    daemon.await_tuning(made["a tuning"])
    return made


def test_a_printed_link_signs_a_browser_in(daemon: Appliance, cli: Cli, ids: dict[str, str]) -> None:
    """GN-20, GN-L04."""
    done = cli("tensorboard", "boards", "--print")
    assert done.code == 0
    url = done.out.strip()
    place = f"https://127.0.0.1:{daemon.gateway_port}/tensorboard/experiment/{ids['experiment']}/"
    assert url.startswith(f"{place}login?code=")
    assert daemon.token not in done.out + done.err
    assert "ca.pem" in done.err
    trust = ssl.create_default_context(cafile=str(daemon.home / "tls" / "ca.pem"))
    with httpx.Client(verify=trust, trust_env=False) as browser:
        assert browser.get(place).status_code == 401
        answer = browser.get(url)
        assert (answer.status_code, f"https://127.0.0.1:{daemon.gateway_port}{answer.headers['location']}") == (303, place)


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (["looked at"], "training/{looked at}"), (["boards"], "experiment/{experiment}"),
        (["a tuning"], "tuning/{a tuning}"), (["a tuning", "--kind", "tuning"], "tuning/{a tuning}"),
        (["same name", "--kind", "training"], "training/{same name}"),
        (["same name", "--kind", "experiment"], "experiment/{both}"),
    ],
)  # fmt: skip
def test_what_is_meant(cli: Cli, ids: dict[str, str], arguments: list[str], path: str) -> None:
    found = cli("tensorboard", *arguments, "--json").json
    assert set(found) == {"accessUri", "loginUri", "expiresDatetime"}
    assert found["accessUri"].endswith(f"/tensorboard/{path.format(**ids)}/")


def test_by_the_beginning_of_an_id(cli: Cli, ids: dict[str, str]) -> None:
    for kind, wanted in (("training", ids["looked at"]), ("experiment", ids["experiment"]), ("tuning", ids["a tuning"])):
        found = cli("tensorboard", wanted[:10], "--json").json
        assert found["accessUri"].endswith(f"/tensorboard/{kind}/{wanted}/")


def test_what_is_unclear_or_not_there(cli: Cli, ids: dict[str, str]) -> None:
    unclear = cli("tensorboard", "same name", "--print")
    assert (unclear.code, unclear.out) == (5, "")
    assert "fits an experiment and a training" in unclear.err
    assert "--kind" in unclear.err
    assert cli("tensorboard", "looked at", "--kind", "tuning").code == 3
    missing = cli("tensorboard", "nothing of the kind")
    assert missing.code == 3
    assert "There is no experiment, training or tuning" in missing.err
