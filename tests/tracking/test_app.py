"""The gateway's application around a server that is a stand-in: what jobs may ask for, and bodies of any size."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from easymaker_local.api.mlflow.app import MlflowApp, is_open_to_jobs
from easymaker_local.controllers.web_servers import Ready, Starting, State
from easymaker_local.domain import job_token
from easymaker_local.domain.job_token import Job
from easymaker_local.domain.mlflow import SERVER
from easymaker_local.drivers.base import Address
from easymaker_local.kit.loops import HomeLoop
from easymaker_local.services.credentials import Credentials
from easymaker_local.testing.context import Bench, open_bench

pytestmark = pytest.mark.anyio

HERE = "https://127.0.0.1:10443"
API = "/mlflow/api/2.0/mlflow"
TOKEN = {"X-EasyMaker-Token": "token"}


@dataclass
class Servers:
    """Ready, and remembers for whom it was used; ``address`` of a server that has ended comes first if there is one."""

    address: Address
    ended: list[Address] = field(default_factory=list)
    used_for: list[str | None] = field(default_factory=list)
    kind = "mlflow"
    title = "MLflow"

    async def use(self, site: object, wait_seconds: float = 0.0) -> State:
        self.used_for.append(None)
        return Ready(self.ended[0] if self.ended else self.address, "the-key")

    async def use_for(self, training_id: str, wait_seconds: float) -> State:
        self.used_for.append(training_id)
        return Ready(self.address, "the-key")

    def lost(self, site: object, found: Ready) -> None:
        self.ended.clear()


@dataclass
class Upstream:
    """A server that reads a request to its end and answers with its size."""

    heads: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        left = length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line), 0)
        while left:
            left -= len(await reader.read(left))
        said = str(length).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(said), said))
        await writer.drain()
        writer.close()


@dataclass
class Door:
    """The application and a client at it."""

    http: httpx.AsyncClient
    servers: Servers
    upstream: Upstream


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        yield made


@pytest.fixture
async def door(bench: Bench) -> AsyncIterator[Door]:
    upstream = Upstream()
    listener = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    servers = Servers(Address(*listener.sockets[0].getsockname()[:2]))
    app = MlflowApp(servers, Credentials(bench.context, "token"), bench.context.settings, HomeLoop())  # type: ignore[arg-type]
    async with listener, httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HERE) as client:
        yield Door(client, servers, upstream)
        if app._proxy._client is not None:
            await app._proxy._client.aclose()


async def job_headers(bench: Bench) -> tuple[str, dict[str, str]]:
    training = await bench.pass_(await bench.create())
    token = job_token.sign(Job("training", training.id, training.attempt), bench.context.secret_key)
    return training.id, {"Authorization": f"Bearer {token}"}


async def test_a_job_reaches_the_tracking_api_and_its_run_is_there_first(bench: Bench, door: Door) -> None:
    training_id, headers = await job_headers(bench)
    assert (await door.http.post(f"{API}/runs/log-metric", headers=headers, content=b"{}")).status_code == 200
    assert door.servers.used_for == [training_id]
    assert b"x-easymaker-key: the-key" in door.upstream.heads[0].lower()
    assert b"bearer" not in door.upstream.heads[0].lower()
    assert (await door.http.get(f"{API}/runs/get", headers=TOKEN)).status_code == 200
    assert door.servers.used_for == [training_id, None]


async def test_a_job_that_has_ended_reaches_nothing(bench: Bench, door: Door) -> None:
    _, headers = await job_headers(bench)
    await bench.context.store.write(lambda db: db.execute("UPDATE trainings SET is_finished = 1"))
    assert (await door.http.get(f"{API}/runs/get", headers=headers)).status_code == 401
    assert door.servers.used_for == []


@pytest.mark.parametrize(
    ("path", "is_open"),
    [
        ("/api/2.0/mlflow/runs/create", True), ("/api/2.0/mlflow/experiments/get-by-name", True),
        ("/api/2.0/mlflow-artifacts/artifacts/1/abc/artifacts/model/MLmodel", True), ("/api/3.0/mlflow/traces/x", True),
        ("/api/2.0/mlflow/logged-models/m-1", True), ("/version", True), ("/health", True),
        ("/", False), ("/ajax-api/2.0/mlflow/runs/search", False), ("/graphql", False), ("/get-artifact", False),
        ("/api/2.0/mlflow/webhooks/list", False), ("/api/3.0/mlflow/gateway/secrets/list", False),
        ("/static-files/a.js", False),
        ("/api/2.0/mlflow/runs/../webhooks/list", False), ("/api/2.0/mlflow-artifacts/../mlflow/webhooks", False),
        ("/api/2.0/mlflow//webhooks/list", False), ("/login", False),
    ],
)  # fmt: skip
async def test_what_is_open_to_jobs(bench: Bench, door: Door, path: str, is_open: bool) -> None:
    assert is_open_to_jobs(path) is is_open
    _, headers = await job_headers(bench)
    answer = await door.http.get(httpx.URL(HERE, raw_path=f"/mlflow{path}".encode()), headers=headers)
    assert (answer.status_code == 200) is is_open
    assert bool(door.upstream.heads) is is_open


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {**TOKEN, "Origin": "https://evil.example"}])
async def test_strangers_start_nothing(door: Door, headers: dict[str, str]) -> None:
    """GN-20, GN-L04."""
    assert (await door.http.get(f"{API}/runs/get", headers=headers)).status_code in {401, 403}
    assert door.servers.used_for == []


async def test_nobody_says_what_the_daemon_alone_may_say(door: Door) -> None:
    """The id that a run is to have, and that a request is nobody's."""
    forged = {**TOKEN, "X-EasyMaker-Run": "f" * 32, "X-EasyMaker-Quiet": "1", "X-EasyMaker-Key": "forged"}
    await door.http.post(f"{API}/runs/create", headers=forged, content=b"{}")
    head = door.upstream.heads[0].lower()
    assert b"x-easymaker-run" not in head
    assert b"x-easymaker-quiet" not in head
    assert b"forged" not in head


async def test_a_large_file_is_passed_on_as_it_comes(door: Door) -> None:
    block, count = b"x" * (1 << 20), 40

    async def blocks() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield block

    headers = {**TOKEN, "Content-Length": str(count << 20)}
    path = "/mlflow/api/2.0/mlflow-artifacts/artifacts/1/a/artifacts/large"
    answer = await door.http.put(path, headers=headers, content=blocks())
    assert (answer.status_code, answer.text) == (200, str(count << 20))
    assert b"transfer-encoding" not in door.upstream.heads[0].lower()


async def test_what_can_be_sent_again_is_sent_to_the_server_that_comes_after(door: Door) -> None:
    gone = Address("127.0.0.1", 1)
    door.servers.ended = [gone]
    assert (await door.http.post(f"{API}/runs/log-batch", headers=TOKEN, content=b"{}")).text == "2"

    async def blocks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * (1 << 20)

    door.servers.ended = [gone]
    answer = await door.http.put("/mlflow/api/2.0/mlflow-artifacts/artifacts/large", headers=TOKEN, content=blocks())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1"), "a client of MLflow tries again"


async def test_people_are_told_how_to_come_in(door: Door) -> None:
    page = await door.http.get(SERVER.path, headers={"Accept": "text/html"})
    assert page.status_code == 401
    assert "<code>easymaker-local mlflow</code>" in page.text
    moved = await door.http.get("/mlflow")
    assert (moved.status_code, moved.headers["location"]) == (301, "/mlflow/")
    assert (await door.http.get("/mlflowers/", headers=TOKEN)).status_code == 404


async def test_a_job_waits_while_it_starts(bench: Bench, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def use_for(training_id: str, wait_seconds: float) -> State:
        waits.append(wait_seconds)
        return Starting("Preparing.")

    monkeypatch.setattr(door.servers, "use_for", use_for)
    _, headers = await job_headers(bench)
    answer = await door.http.get(f"{API}/runs/get", headers=headers)
    assert (answer.status_code, answer.text) == (503, "Preparing.\n")
    assert waits[0] > 0
