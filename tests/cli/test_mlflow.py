"""mlflow: a link for the browser, to all experiments or to the run of a training."""

from __future__ import annotations

import ssl

import httpx

from easymaker_local.domain.mlflow import place_of
from easymaker_local.testing.appliance import Appliance
from tests.cli.cli_runner import Cli


def test_a_printed_link_signs_a_browser_in(daemon: Appliance, cli: Cli) -> None:
    """GN-20, GN-L04."""
    done = cli("mlflow", "--print")
    assert done.code == 0
    place = f"https://127.0.0.1:{daemon.gateway_port}/mlflow/"
    assert done.out.startswith(f"{place}login?code=")
    assert daemon.token not in done.out + done.err
    assert "ca.pem" in done.err
    trust = ssl.create_default_context(cafile=str(daemon.home / "tls" / "ca.pem"))
    with httpx.Client(verify=trust, trust_env=False) as browser:
        assert browser.get(place).status_code == 401
        answer = browser.get(done.out.strip())
        assert (answer.status_code, answer.headers["location"]) == (303, "/mlflow/")


def test_the_run_of_a_training(daemon: Appliance, cli: Cli) -> None:
    (daemon.home / "storage" / "models").mkdir(parents=True, exist_ok=True)
    daemon.put("code", {"train.py": ""})
    training = daemon.training(trainingName="tracked")["trainingId"]
    for which in ("tracked", training, training[:10]):
        found = cli("mlflow", which, "--json").json
        assert set(found) == {"accessUri", "loginUri", "expiresDatetime"}
        assert found["accessUri"].endswith(f"/mlflow/{place_of(training)}")
        assert found["loginUri"].endswith(place_of(training))
    missing = cli("mlflow", "nothing of the kind")
    assert (missing.code, missing.out) == (3, "")
    daemon.await_status(training)
