"""The gateway's application around a server that is a stand-in: who gets in, what is passed on, what people are shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from easymaker_local.api.gateway import Behind
from easymaker_local.api.tensorboard.app import TensorboardApp
from easymaker_local.controllers.web_servers import Broken, Ready, Starting, State
from easymaker_local.domain import job_token
from easymaker_local.domain.job_token import Job
from easymaker_local.domain.tensorboard import Board
from easymaker_local.drivers.base import Address
from easymaker_local.errors import NotFound
from easymaker_local.kit.loops import HomeLoop
from easymaker_local.services.credentials import CODE_SECONDS, Credentials, Origin
from easymaker_local.testing.context import Bench, open_bench

pytestmark = pytest.mark.anyio

HERE = "https://127.0.0.1:10443"
PATH = "/tensorboard/experiment/abc123/"
TOKEN = {"X-EasyMaker-Token": "token"}
HTML = {"Accept": "text/html,*/*"}
NAVIGATION = {**HTML, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@dataclass
class Servers:
    """Answers ``use`` with what the test says, one after the other, the last for ever."""

    states: list[State | NotFound]
    kind = "tensorboard"
    title = "TensorBoard"
    used: list[tuple[Board, float]] = field(default_factory=list)
    was_lost: int = 0

    async def use(self, board: Board, wait_seconds: float = 0.0) -> State:
        self.used.append((board, wait_seconds))
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, NotFound):
            raise state
        return state

    def lost(self, board: Board, found: Ready) -> None:
        self.was_lost += 1


@dataclass
class Upstream:
    """A server that keeps what it was asked and answers with ``answer``."""

    port: int
    asked: list[bytes] = field(default_factory=list)
    answer: bytes = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nSet-Cookie: a=b\r\nServer: inner\r\nContent-Length: 5\r\n"
        b"Cache-Control: max-age=60\r\nConnection: close\r\n\r\nhello"
    )

    @property
    def ready(self) -> Ready:
        return Ready(Address("127.0.0.1", self.port), "the-key")


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line), 0)
        made.asked.append(head + await reader.readexactly(length))
        writer.write(made.answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made = Upstream(server.sockets[0].getsockname()[1])
    async with server:
        yield made


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        yield made


@dataclass
class Door:
    """The application and a browser at it."""

    app: TensorboardApp
    http: httpx.AsyncClient
    credentials: Credentials
    servers: Servers


Open = Callable[..., Door]


@pytest.fixture
async def door(bench: Bench) -> AsyncIterator[Open]:
    clients: list[httpx.AsyncClient] = []
    apps: list[TensorboardApp] = []

    def make(*states: State | NotFound) -> Door:
        servers, credentials = Servers(list(states)), Credentials(bench.context, "token")
        app = TensorboardApp(servers, credentials, bench.context.settings, HomeLoop())  # type: ignore[arg-type]
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HERE)
        clients.append(client)
        apps.append(app)
        return Door(app, client, credentials, servers)

    yield make
    for client in clients:
        await client.aclose()
    for app in apps:
        if app._proxy._client is not None:
            await app._proxy._client.aclose()


async def sign_in(door: Door, **headers: str) -> httpx.Response:
    code = door.credentials.issue_code(Origin.GATEWAY).code
    return await door.http.get(f"{PATH}login?code={code}", headers=headers)


async def test_a_request_is_passed_on_without_what_is_the_users(door: Open, upstream: Upstream) -> None:
    """GN-20: nothing secret reaches the workload, and nothing of the workload's sets a cookie here."""
    opened = door(upstream.ready)
    await sign_in(opened)
    secrets = {
        **TOKEN, "Authorization": "Bearer token", "X-Secret-Key": "token", "X-NHN-Authorization": "Bearer token",
        "X-Auth-Token": "storage", "Cookie": "easymaker-session-10090=page", "Referer": f"{HERE}{PATH}?x=secret",
        "X-EasyMaker-Key": "forged", "X-Forwarded-For": "10.0.0.1",
    }  # fmt: skip
    answer = await opened.http.get(f"{PATH}data/a%2Fb?tag=x%20y&run=.", headers={**secrets, "If-None-Match": '"v1"'})
    assert (answer.status_code, answer.text) == (200, "hello")
    (asked,) = upstream.asked
    assert asked.startswith(b"GET " + PATH.encode() + b"data/a%2Fb?tag=x%20y&run=. HTTP/1.1\r\n")
    names = {line.split(b":")[0].lower() for line in asked.split(b"\r\n")[1:] if line}
    allowed = {b"host", b"accept", b"accept-encoding", b"user-agent", b"connection", b"if-none-match", b"x-easymaker-key"}
    assert names <= allowed
    assert b"x-easymaker-key: the-key" in asked.lower()
    for secret in (b"token", b"storage", b"page", b"forged"):
        assert secret not in asked
    assert "set-cookie" not in answer.headers
    assert "server" not in answer.headers
    assert answer.headers["cache-control"] == "max-age=60"
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert "the-key" not in str(answer.headers)


async def test_a_body_is_passed_on_up_to_a_limit(door: Open, upstream: Upstream) -> None:
    opened = door(upstream.ready)
    sent = {**TOKEN, "Content-Type": "application/x-www-form-urlencoded"}
    assert (await opened.http.post(f"{PATH}data", headers=sent, content=b"tag=loss")).status_code == 200
    assert upstream.asked[0].endswith(b"\r\n\r\ntag=loss")
    assert TensorboardApp.maximum_body_bytes is not None
    large = b"x" * (TensorboardApp.maximum_body_bytes + 1)
    assert (await opened.http.post(f"{PATH}data", headers=sent, content=large)).status_code == 413
    assert len(upstream.asked) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401), ({"X-EasyMaker-Token": "wrong"}, 401), ({"Cookie": "easymaker-tensorboard-10443=forged"}, 401),
        ({**TOKEN, "Host": "evil.example"}, 403), ({**TOKEN, "Origin": "https://evil.example"}, 403),
        ({**TOKEN, "Sec-Fetch-Site": "cross-site"}, 403),
        ({**TOKEN, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
        (TOKEN, 200), ({"Authorization": "Bearer token"}, 200),
    ],
)  # fmt: skip
async def test_who_gets_in(door: Open, upstream: Upstream, headers: dict[str, str], status: int) -> None:
    """GN-20, GN-L04: the same questions as the API asks."""
    opened = door(upstream.ready)
    assert (await opened.http.get(f"{PATH}data/runs", headers=headers)).status_code == status
    assert len(upstream.asked) == (status == 200)
    assert len(opened.servers.used) == (status == 200), "nothing is started for a stranger"


async def test_a_jobs_token_does_not_open_it(bench: Bench, door: Open, upstream: Upstream) -> None:
    training = await bench.pass_(await bench.create())
    token = job_token.sign(Job("training", training.id, training.attempt), bench.context.secret_key)
    answer = await door(upstream.ready).http.get(PATH, headers={"X-EasyMaker-Token": token})
    assert answer.status_code == 403


async def test_a_link_signs_in_once_and_for_here_only(bench: Bench, door: Open, upstream: Upstream) -> None:
    """GN-20."""
    opened = door(upstream.ready)
    code = opened.credentials.issue_code(Origin.GATEWAY).code
    assert await opened.credentials.redeem(code) is None, "a code for TensorBoard opens no page of the API"
    page = opened.credentials.issue_code().code
    assert (await opened.http.get(f"{PATH}login?code={page}")).status_code == 401
    ahead = await opened.http.get(f"{PATH}login?code={code}", headers={"Sec-Purpose": "prefetch"})
    assert ahead.status_code == 204, "loading ahead does not use it up"
    done = await opened.http.get(f"{PATH}login?code={code}")
    assert (done.status_code, done.headers["location"]) == (303, PATH)
    for word in ("HttpOnly", "Secure", "SameSite=lax", "Path=/tensorboard/"):
        assert word in done.headers["set-cookie"]
    # In from another site's link, out of another site's page.
    assert (await opened.http.get(PATH, headers={**NAVIGATION, "Sec-Fetch-Site": "cross-site"})).status_code == 200
    assert (await opened.http.get(PATH, headers={"Sec-Fetch-Site": "same-site"})).status_code == 401
    assert (await opened.http.post(PATH, headers={"Sec-Fetch-Site": "same-site"})).status_code == 403
    assert (await opened.http.post(PATH, headers={"Sec-Fetch-Site": "same-origin", "Origin": HERE})).status_code == 200
    assert (await opened.http.post(PATH, headers={"Origin": "https://127.0.0.1:8888"})).status_code == 401
    (cookie,) = opened.http.cookies.jar
    assert cookie.value is not None
    assert not await opened.credentials.is_session(cookie.value)
    opened.http.cookies.clear()
    assert (await opened.http.get(f"{PATH}login?code={code}")).status_code == 401
    late = opened.credentials.issue_code(Origin.GATEWAY).code
    bench.clock.advance(CODE_SECONDS + 1)
    assert (await opened.http.get(f"{PATH}login?code={late}")).status_code == 401


async def test_a_new_token_ends_its_sessions(door: Open, upstream: Upstream) -> None:
    opened = door(upstream.ready)
    await sign_in(opened)
    assert (await opened.http.get(PATH)).status_code == 200
    await opened.credentials.rotate()
    assert (await opened.http.get(PATH)).status_code == 401


async def test_people_are_told_how_to_come_in(door: Open, upstream: Upstream) -> None:
    page = await door(upstream.ready).http.get(PATH, headers=HTML)
    assert page.status_code == 401
    assert "<code>easymaker-local tensorboard abc123</code>" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    other = await door(upstream.ready).http.get("/tensorboard/experiment/<script>/", headers=HTML)
    assert other.status_code == 404
    assert "<script>" not in other.text


async def test_progress_is_shown_until_it_answers(door: Open, upstream: Upstream) -> None:
    """EX-L02: the page comes again by itself; a program waits."""
    opened = door(Starting("Preparing: <numpy>"), Starting("soon"), upstream.ready)
    page = await opened.http.get(PATH, headers={**TOKEN, **HTML})
    assert (page.status_code, page.headers["retry-after"]) == (503, "1")
    assert '<meta http-equiv="refresh" content="1">' in page.text
    assert "Preparing: &lt;numpy&gt;" in page.text
    line = await opened.http.get(f"{PATH}data/runs", headers=TOKEN)
    assert (line.status_code, line.text) == (503, "soon\n")
    assert (await opened.http.get(PATH, headers={**TOKEN, **HTML})).text == "hello"
    assert [wait > 0 for _, wait in opened.servers.used] == [False, True, False]


async def test_what_cannot_start_shows_its_last_lines(door: Open) -> None:
    opened = door(Broken("It ended while it was being started.", "Traceback\n<b>ImportError</b>\n"))
    page = await opened.http.get(PATH, headers={**TOKEN, **HTML})
    assert page.status_code == 502
    assert "It ended while it was being started." in page.text
    assert "&lt;b&gt;ImportError&lt;/b&gt;" in page.text
    assert "refresh" not in page.text


async def test_one_that_has_ended_is_started_again(door: Open, upstream: Upstream) -> None:
    gone = Ready(Address("127.0.0.1", 1), "the-key")
    opened = door(gone, upstream.ready)
    assert (await opened.http.get(PATH, headers=TOKEN)).text == "hello"
    assert opened.servers.was_lost == 1
    hopeless = door(gone)
    assert (await hopeless.http.get(PATH, headers=TOKEN)).status_code == 503


async def test_what_is_not_there(door: Open) -> None:
    opened = door(NotFound("There is no experiment 'abc123'."))
    assert (await opened.http.get(PATH, headers=TOKEN)).status_code == 404
    for path in (
        "/tensorboard",
        "/tensorboard/",
        "/tensorboard/model/x/",
        "/tensorboard/experiment/",
        "/tensorboard/experiment//",
    ):
        assert (await opened.http.get(path, headers=TOKEN)).status_code == 404
    moved = await opened.http.get(PATH.rstrip("/"))
    assert (moved.status_code, moved.headers["location"]) == (301, PATH)
    assert (await opened.http.delete(PATH, headers=TOKEN)).status_code == 405


async def test_the_port_is_shared_by_the_beginning_of_the_path() -> None:
    def app(name: str) -> Any:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": name.encode()})

        return answer

    gateway = Behind(app("storage"), {"tensorboard": app("tensorboard")})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=gateway), base_url=HERE) as client:
        found = {path: (await client.get(path)).text for path in ("/", "/tensorboard", PATH, "/v1/AUTH_local/tensorboard/x")}
    assert found == {
        "/": "storage", "/tensorboard": "tensorboard", PATH: "tensorboard", "/v1/AUTH_local/tensorboard/x": "storage",
    }  # fmt: skip
