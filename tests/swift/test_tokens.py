"""Who may come in: tokens by both routes, certificates that clients trust (rest-api §7, §1.5)."""

from __future__ import annotations

import http.client
import ssl
import stat
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from easymaker_local.domain import storage_token
from easymaker_local.testing.appliance import Appliance
from tests.swift.conftest import Bucket


def test_the_route_of_the_sdk(appliance: Appliance) -> None:
    """rest-api §7.1: a fraction and a zone, an hour at least; without EM_GROUP_ID the group is the text None."""
    url = f"http://127.0.0.1:{appliance.port}/token/v1.0/appkeys/None/groups/None/iaas-token"
    answer = httpx.get(url, headers={"X-EasyMaker-Token": appliance.token}, trust_env=False).json()
    assert answer["header"]["isSuccessful"] is True
    token = answer["access"]["token"]
    expires = datetime.strptime(token["expires"], "%Y-%m-%dT%H:%M:%S.%f%z")
    assert timedelta(hours=1) < expires - datetime.now(UTC) <= timedelta(seconds=storage_token.LIFETIME_SECONDS)
    assert appliance.token not in token["id"]
    for wrong in ({}, {"X-EasyMaker-Token": "wrong"}, {"X-EasyMaker-Token": token["id"]}):
        refused = httpx.get(url, headers=wrong, trust_env=False)
        assert (refused.status_code, refused.json()["header"]["isSuccessful"]) == (401, False)


def test_keystone(bucket: Bucket) -> None:
    """rest-api §7.2: exactly that form of time, no envelope, and a catalogue for clients that ask where."""
    credentials = {"username": "me", "password": bucket.appliance.token}
    body = {"auth": {"tenantId": "local", "passwordCredentials": credentials}}
    answer = bucket.http.post("/v2.0/tokens", json=body)
    access = answer.json()["access"]
    datetime.strptime(access["token"]["expires"], "%Y-%m-%dT%H:%M:%SZ")
    (service,) = access["serviceCatalog"]
    assert service["type"] == "object-store"
    endpoint = service["endpoints"][0]["publicURL"]
    assert endpoint == f"https://127.0.0.1:{bucket.appliance.gateway_port}/v1/AUTH_local"
    found = bucket.http.get(f"{endpoint}/{bucket.name}", headers={"X-Auth-Token": access["token"]["id"]})
    assert found.status_code == 200
    body["auth"]["passwordCredentials"] = {"username": "me", "password": "wrong"}
    assert bucket.http.post("/v2.0/tokens", json=body).status_code == 401
    for other in ({}, {"auth": {}}, {"auth": {"passwordCredentials": "x"}}, []):
        assert bucket.http.post("/v2.0/tokens", json=other).status_code == 400


def test_temp_auth(bucket: Bucket) -> None:
    answer = bucket.http.get("/auth/v1.0", headers={"X-Auth-User": "local:me", "X-Auth-Key": bucket.appliance.token})
    assert answer.status_code == 200
    headers = {"X-Auth-Token": answer.headers["x-auth-token"]}
    assert bucket.http.get(answer.headers["x-storage-url"], headers=headers).status_code == 200
    assert bucket.http.get("/auth/v1.0", headers={"X-Auth-User": "me", "X-Auth-Key": "wrong"}).status_code == 401


@pytest.mark.parametrize("token", ["", "wrong", "emst_", "emst_AAAA", "emst_" + "A" * 54, "é"])
def test_nobody_comes_in_without_a_token_of_ours(bucket: Bucket, token: str) -> None:
    bucket.put("a", b"x")
    for method, name in (("GET", ""), ("GET", "a"), ("PUT", "b"), ("DELETE", "a"), ("POST", "a"), ("HEAD", "a"), ("COPY", "a")):
        assert bucket.call(method, name, headers={"X-Auth-Token": token.encode()}).status_code == 401
    # The API's own token is none either: it opens more than the storage.
    assert bucket.call("GET", headers={"X-Auth-Token": bucket.appliance.token}).status_code == 401
    assert bucket.http.get("/v1/AUTH_local", headers={"X-Auth-Token": token.encode()}).status_code == 401
    assert bucket.names() == ["a"]


def test_a_refused_body_is_not_asked_for(bucket: Bucket) -> None:
    """A client that waits to be asked (Expect: 100-continue) is told at once, and that the connection ends."""
    headers = {"X-Auth-Token": "wrong", "Expect": "100-continue", "Content-Length": str(1 << 40)}
    connection = http.client.HTTPSConnection(
        "127.0.0.1", bucket.appliance.gateway_port, timeout=30,
        context=ssl.create_default_context(cafile=str(bucket.appliance.home / "tls" / "bundle.pem")),
    )  # fmt: skip
    connection.request("PUT", bucket.url("a"), headers=headers)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["connection"]) == (401, "close")
    connection.close()


def test_tokens_expire_and_belong_to_one_api_token() -> None:
    key = storage_token.derive_key("secret")
    token, expires = storage_token.issue(key, 1000.0)
    assert storage_token.is_valid(key, token, 1000.0)
    assert storage_token.is_valid(key, token, expires - 1)
    assert not storage_token.is_valid(key, token, expires)
    assert not storage_token.is_valid(storage_token.derive_key("other"), token, 1000.0)
    assert not storage_token.is_valid(key, token[:-1] + ("A" if token[-1] != "A" else "B"), 1000.0)


def test_secrets_are_in_no_log(appliance: Appliance, bucket: Bucket) -> None:
    log = (appliance.home / "serve.log").read_text()
    assert appliance.token not in log
    assert bucket.http.headers["x-auth-token"] not in log


def test_keys_are_private_and_names_are_certified(appliance: Appliance) -> None:
    folder = appliance.home / "tls"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("ca.key", "leaf.key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    trust = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    for host in ("localhost", "127.0.0.1"):
        url = f"https://{host}:{appliance.gateway_port}/info"
        assert httpx.get(url, verify=trust, trust_env=False).status_code == 200
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"https://127.0.0.1:{appliance.gateway_port}/info", verify=ssl.create_default_context(), trust_env=False)
