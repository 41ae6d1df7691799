"""How the vendor's SDK 2.1.5 reaches the appliance: tokens, paths, probes (rest-api §1)."""

from __future__ import annotations

import httpx
import pytest

from easymaker_local.testing.appliance import Appliance
from easymaker_local.testing.sdk import Script

LIST = """
import easymaker
from easymaker.common.exceptions import EasyMakerError

easymaker.init(**json.loads(sys.argv[2]))
try:
    answer(found=len(easymaker.Experiment.get_list()))
except EasyMakerError as error:
    answer(header=error.args[0]["header"])
"""


def test_wrong_token_is_told_in_the_sdks_own_error(sdk: Script) -> None:
    seen = sdk(LIST, '{"appkey": "local", "region": "local"}', EM_TOKEN="wrong")
    assert seen["header"]["isSuccessful"] is False
    assert "token is wrong" in seen["header"]["resultMessage"]


def test_no_token_at_all(sdk: Script) -> None:
    # The SDK then sends the text "Bearer None" (rest-api §1.3).
    seen = sdk(LIST, '{"appkey": "local", "region": "local"}', EM_TOKEN="")
    assert seen["header"]["isSuccessful"] is False


def test_bearer_token(sdk: Script, appliance: Appliance) -> None:
    # SD-04: what init() is given travels as x-nhn-authorization.
    arguments = f'{{"appkey": "local", "region": "local", "access_token": "{appliance.token}"}}'
    assert "found" in sdk(LIST, arguments, EM_TOKEN="")


def test_init_without_appkey(sdk: Script) -> None:
    # The path is then /appkeys/None/… (rest-api §1.1).
    assert "found" in sdk(LIST, "{}")


def test_trailing_and_doubled_slashes(sdk: Script, appliance: Appliance) -> None:
    assert "found" in sdk(LIST, "{}", EM_API_URL=f"http://127.0.0.1:{appliance.port}///")
    headers = {"X-EasyMaker-Token": appliance.token}
    url = f"http://127.0.0.1:{appliance.port}//v1.0//appkeys/local/experiments"
    answer = httpx.get(url, headers=headers, trust_env=False)
    assert answer.json()["header"]["isSuccessful"] is True


def test_gateway_probe_needs_no_token(appliance: Appliance) -> None:
    answer = httpx.get(f"http://127.0.0.1:{appliance.port}/nhn-api-gateway", trust_env=False)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/no-such-thing"), ("PATCH", "/experiments"), ("POST", "/trainings"), ("GET", "/trainings/x")]
)
def test_every_refusal_is_an_envelope(appliance: Appliance, method: str, path: str) -> None:
    # SD-02; 413, 429 and 503 would be retried and hidden (rest-api §1.5).
    with appliance.client() as client:
        answer = client.request(method, path, content=b"{ no json")
    header = answer.json()["header"]
    assert header["isSuccessful"] is False
    assert header["resultMessage"]
    assert answer.status_code in {404, 405, 422}
