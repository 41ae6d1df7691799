"""One appliance for all clients of object storage; each test has a bucket of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from easymaker_local.testing.appliance import Appliance

_NUMBERS = count(1)


@dataclass(frozen=True)
class Bucket:
    """A bucket as a client of the Swift API sees it, and as a directory."""

    appliance: Appliance
    http: httpx.Client
    name: str

    @property
    def path(self) -> Path:
        return self.appliance.home / "storage" / self.name

    def url(self, name: str = "", *, container: str | None = None) -> str:
        return f"/v1/AUTH_local/{quote(container or self.name)}" + (f"/{quote(name)}" if name else "")

    def call(self, method: str, name: str = "", **arguments: Any) -> httpx.Response:
        return self.http.request(method, self.url(name), **arguments)

    def put(self, name: str, content: bytes = b"", **headers: str) -> httpx.Response:
        fields = {key.replace("_", "-"): value for key, value in headers.items()}
        answer = self.call("PUT", name, content=content, headers=fields)
        assert answer.status_code == 201, answer.text
        return answer

    def names(self, **query: Any) -> list[str]:
        answer = self.call("GET", params=query)
        assert answer.status_code == 200, answer.text
        return answer.text.split("\n")[:-1]


def storage_client(appliance: Appliance) -> httpx.Client:
    """Return a client that trusts the appliance's bundle and nothing else, with a token of the SDK's route."""
    with appliance.client() as api:
        root = f"http://127.0.0.1:{appliance.port}"
        token = api.get(f"{root}/token/v1.0/appkeys/local/groups/local/iaas-token").json()["access"]["token"]["id"]
    return appliance.gateway_client({"X-Auth-Token": token})


@pytest.fixture(scope="session")
def appliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    made = Appliance(tmp_path_factory.mktemp("swift") / "home", "process")
    made.start()
    yield made
    made.discard()


@pytest.fixture(scope="session")
def http(appliance: Appliance) -> Iterator[httpx.Client]:
    with storage_client(appliance) as client:
        yield client


@pytest.fixture
def bucket(appliance: Appliance, http: httpx.Client) -> Bucket:
    made = Bucket(appliance, http, f"bucket-{next(_NUMBERS)}")
    assert made.call("PUT").status_code == 201
    return made
