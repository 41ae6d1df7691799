"""Who gets in: browsers with sessions, jobs with their own tokens, sockets; and what foreign pages may do: nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, MutableMapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, WebSocket

from easymaker_local.api import create_app
from easymaker_local.api.access import JOB_RESOURCES
from easymaker_local.domain import job_token
from easymaker_local.domain.job_token import Job
from easymaker_local.domain.training import TrainingStatus
from easymaker_local.services.credentials import CODE_SECONDS, Failures
from easymaker_local.settings import Settings
from easymaker_local.testing.context import Bench, open_bench
from tests.api.envelope_check import assert_envelope

pytestmark = pytest.mark.anyio

BASE = "/v1.0/appkeys/key"
HERE = "http://127.0.0.1:10090"
TOKEN = {"X-EasyMaker-Token": "token"}


class Stop:
    asked = 0

    def __call__(self) -> None:
        self.asked += 1


def build(bench: Bench, stop: Stop | None = None) -> FastAPI:
    return create_app(bench.services, bench.preparation, "token", started_at=bench.clock.now(), stop=stop or Stop())


def client_of(app: FastAPI, url: str = HERE) -> httpx.AsyncClient:
    # raise_app_exceptions: what would be a 500 for a client fails the test with its traceback.
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=url)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        yield made


@pytest.fixture
async def browser(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    """Keeps cookies, sends no token."""
    async with client_of(build(bench)) as made:
        yield made


async def link(client: httpx.AsyncClient) -> str:
    answer = await client.post(f"{BASE}/system/login", headers=TOKEN)
    assert_envelope(answer)
    path: str = answer.json()["login"]["path"]
    return path


async def sign_in(client: httpx.AsyncClient) -> None:
    assert (await client.get(await link(client))).status_code == 303


# --- sessions ---------------------------------------------------------------------------------------------------------


async def test_a_link_signs_a_browser_in_once(browser: httpx.AsyncClient) -> None:
    """GN-L04."""
    assert (await browser.get("/")).status_code == 401
    path = await link(browser)
    answer = await browser.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "token" not in cookie
    assert path.partition("=")[2] not in answer.headers["set-cookie"], "the cookie is a secret of its own"
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    home = await browser.get("/")
    assert home.status_code == 200
    assert 'id="root"' in home.text
    assert (await browser.get(f"{BASE}/system")).status_code == 200
    async with client_of(browser._transport.app) as other:  # type: ignore[attr-defined]
        used = await other.get(path)
        assert used.status_code == 401
        assert "easymaker-local open" in used.text
        assert used.headers["content-type"].startswith("text/html")
        assert "set-cookie" not in used.headers
        assert (await other.get(f"{BASE}/system")).status_code == 401


@pytest.mark.parametrize("query", ["", "?code=", "?code=wrong", "?code=%00%ff", "?code=<script>", "?code=a&code=b", "?other=1"])
async def test_links_that_do_not_work_say_what_to_do(browser: httpx.AsyncClient, query: str) -> None:
    await link(browser)
    answer = await browser.get(f"/login{query}")
    assert answer.status_code == 401
    assert "easymaker-local open" in answer.text
    assert "<script>" not in answer.text


async def test_a_link_ends_after_minutes(bench: Bench, browser: httpx.AsyncClient) -> None:
    path = await link(browser)
    bench.clock.advance(CODE_SECONDS)
    assert (await browser.get(path)).status_code == 401


async def test_loading_ahead_does_not_use_a_link_up(browser: httpx.AsyncClient) -> None:
    path = await link(browser)
    for header in ({"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}):
        assert "set-cookie" not in (await browser.get(path, headers=header)).headers
    assert (await browser.get(path)).status_code == 303


async def test_a_link_on_another_page_leads_in_without_a_redirection(browser: httpx.AsyncClient) -> None:
    """A browser holds a strict cookie back on a redirection that a foreign page, or a file, began."""
    for site in ("cross-site", "same-site"):
        answer = await browser.get(await link(browser), headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"})
        assert answer.status_code == 200
        assert 'http-equiv="refresh"' in answer.text
        assert "set-cookie" in answer.headers


async def test_signing_out_ends_the_session_for_good(browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    kept = dict(browser.cookies)
    assert (await browser.post("/logout", headers={"Origin": "http://127.0.0.1:1"})).status_code == 403
    assert (await browser.get("/")).status_code == 200
    assert (await browser.get("/logout", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 405, "no link signs out"
    answer = await browser.post("/logout", headers={"Origin": HERE, "Sec-Fetch-Site": "same-origin"})
    assert "Signed out" in answer.text
    assert not browser.cookies
    browser.cookies.update(kept)
    ended = await browser.get(f"{BASE}/system")
    assert ended.status_code == 401
    assert "easymaker-local open" in ended.json()["header"]["resultMessage"]


async def test_pages_run_no_script_and_cannot_be_framed(browser: httpx.AsyncClient) -> None:
    for path in ("/", "/login?code=x"):
        policy = (await browser.get(path)).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy


# What a browser says of a request, and whether a session's cookie counts then: (headers, read, write).
BROWSERS: list[tuple[dict[str, str], int, int]] = [
    ({}, 200, 403),
    ({"Sec-Fetch-Site": "same-origin"}, 200, 200),
    ({"Sec-Fetch-Site": "same-origin", "Origin": HERE}, 200, 200),
    ({"Origin": HERE}, 200, 200),
    ({"Sec-Fetch-Site": "none"}, 200, 403),
    # Another port of this machine: a notebook, TensorBoard, whatever else runs here.
    ({"Sec-Fetch-Site": "same-site"}, 403, 403),
    ({"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:8888"}, 403, 403),
    ({"Origin": "http://127.0.0.1:8888"}, 403, 403),
    ({"Origin": "http://localhost:10090"}, 403, 403),
    ({"Origin": "https://127.0.0.1:10090"}, 403, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403, 403),
    ({"Sec-Fetch-Site": "cross-site", "Origin": HERE}, 403, 403),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}, 403, 403),
    ({"Origin": "https://evil.example"}, 403, 403),
    ({"Origin": "null"}, 403, 403),
    ({"Sec-Fetch-Site": "odd"}, 403, 403),
]


@pytest.mark.parametrize(("headers", "read", "write"), BROWSERS)
async def test_a_cookie_counts_for_the_page_itself_only(bench: Bench, headers: dict[str, str], read: int, write: int) -> None:
    stop = Stop()
    async with client_of(build(bench, stop)) as browser:
        await sign_in(browser)
        for method, path, expected in (("GET", "/system", read), ("PUT", "/system/stop", write)):
            answer = await browser.request(method, BASE + path, headers=headers)
            assert answer.status_code == expected, answer.text
            assert_envelope(answer)
    assert stop.asked == (write == 200)


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 200), ({"Sec-Fetch-Site": "none"}, 200), ({"Sec-Fetch-Site": "cross-site"}, 403),
     ({"Sec-Fetch-Site": "same-site"}, 403), ({"Origin": "https://evil.example"}, 403)],
)  # fmt: skip
async def test_a_token_does_not_help_a_foreign_page(browser: httpx.AsyncClient, headers: dict[str, str], status: int) -> None:
    assert (await browser.put(f"{BASE}/system/stop", headers={**TOKEN, **headers})).status_code == status


async def test_no_page_elsewhere_is_told_that_it_may_ask(browser: httpx.AsyncClient) -> None:
    """Without these headers browsers send no request with a token from another page."""
    asking = {"Origin": "http://127.0.0.1:8888", "Access-Control-Request-Method": "PUT"}
    for path in ("/health", f"{BASE}/system"):
        answer = await browser.options(path, headers=asking)
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_every_answer_is_for_its_asker_alone(browser: httpx.AsyncClient) -> None:
    for path, headers in (("/health", {}), (f"{BASE}/system", TOKEN), (f"{BASE}/system", {}), (f"{BASE}/none", TOKEN)):
        answer = await browser.get(path, headers=headers)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"


# --- hosts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "host", "status"),
    [
        ({}, "box.lan", 403), ({}, "192.168.0.7", 403), ({}, "0.0.0.0", 403), ({}, "u@127.0.0.1", 403),
        ({"allowed_hosts": ["box.lan", "[fd00::7]"]}, "BOX.lan:10090", 200),
        ({"allowed_hosts": ["box.lan", "[fd00::7]"]}, "[fd00:0::7]:1", 200),
        ({"allowed_hosts": ["box.lan"]}, "x.box.lan", 403), ({"allowed_hosts": ["box.lan"]}, "box.lan.", 403),
        ({"allowed_hosts": ["box.lan"]}, "127.0.0.1", 200),
        ({"host": "192.168.0.7"}, "192.168.0.7:10090", 200), ({"host": "192.168.0.7"}, "192.168.0.8", 403),
        ({"host": "fd00::7"}, "[fd00::7]", 200), ({"host": "0.0.0.0"}, "0.0.0.0", 403), ({"host": "::"}, "[::]", 403),
        ({"host": "0.0.0.0"}, "192.168.0.7", 403),
    ],
)  # fmt: skip
async def test_hosts_that_the_settings_add(tmp_path: Path, settings: dict[str, Any], host: str, status: int) -> None:
    async with open_bench(tmp_path / "home", **settings) as bench, client_of(build(bench)) as client:
        answer = await client.get(f"{BASE}/system", headers={**TOKEN, "Host": host})
        assert answer.status_code == status
        assert (await client.get("/health", headers={"Host": host})).status_code == status, "open paths are no way around"
        origin = await client.get(f"{BASE}/system", headers={**TOKEN, "Origin": f"http://{host}"})
        assert origin.status_code == status


@pytest.mark.parametrize("host", ["", "*", "http://box", "box:80", "[::1]:80", "box/", "1.2.3", "a b"])
def test_allowed_hosts_are_checked_at_the_start(host: str) -> None:
    with pytest.raises(ValueError, match="allowed_hosts"):
        Settings(allowed_hosts=(host,))


@pytest.mark.parametrize("hosts", [[], ["127.0.0.1", "127.0.0.1"], ["127.0.0.1", "evil.example"]])
async def test_exactly_one_host_is_named(bench: Bench, hosts: list[str]) -> None:
    headers = [*((b"host", host.encode()) for host in hosts), (b"x-easymaker-token", b"token")]
    scope = {
        "type": "http",
        "method": "GET",
        "path": f"{BASE}/system",
        "query_string": b"",
        "headers": headers,
        "scheme": "http",
    }
    assert (await answers(build(bench), scope))[0]["status"] == 403


# --- sockets ----------------------------------------------------------------------------------------------------------


async def answers(app: FastAPI, scope: dict[str, Any]) -> list[MutableMapping[str, Any]]:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"} if scope["type"] == "websocket" else {"type": "http.request", "body": b""}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


@pytest.mark.parametrize(
    ("headers", "opened"),
    [
        ({}, False),
        ({"x-easymaker-token": "wrong"}, False),
        ({"x-easymaker-token": "token"}, True),
        ({"x-easymaker-token": "token", "host": "evil.example"}, False),
        ({"x-easymaker-token": "token", "origin": "https://evil.example"}, False),
        ({"cookie": "SESSION"}, False),
        ({"cookie": "SESSION", "origin": HERE}, True),
        ({"cookie": "SESSION", "origin": "http://127.0.0.1:8888"}, False),
        ({"cookie": "SESSION", "origin": HERE, "sec-fetch-site": "same-site"}, False),
        ({"cookie": "SESSION", "sec-fetch-site": "none"}, False),
        ({"cookie": "easymaker-session-10090=wrong", "origin": HERE}, False),
    ],
)
@pytest.mark.parametrize("path", ["/socket", "/", "/health"])
async def test_sockets_are_closed_to_whoever_has_no_right(
    bench: Bench, headers: dict[str, str], opened: bool, path: str
) -> None:
    """No route speaks WebSocket today; the check must not wait for the first that does."""
    app = build(bench)

    async def accept(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    app.add_api_websocket_route(path, accept)
    async with client_of(app) as browser:
        await sign_in(browser)
        [(name, secret)] = browser.cookies.items()
    headers = {"host": "127.0.0.1:10090", **headers}
    pairs = [(key.encode(), value.replace("SESSION", f"{name}={secret}").encode()) for key, value in headers.items()]
    scope = {"type": "websocket", "path": path, "query_string": b"", "headers": pairs, "scheme": "ws", "subprotocols": []}
    sent = await answers(app, scope)
    assert sent[0]["type"] == ("websocket.accept" if opened else "websocket.close")


# --- jobs -------------------------------------------------------------------------------------------------------------


async def test_a_jobs_token_opens_what_the_sdk_calls_and_nothing_else(bench: Bench) -> None:
    training = await bench.create()
    job = {"X-EasyMaker-Token": job_token.sign(Job("training", training.id, 1), bench.context.secret_key)}
    stop = Stop()
    app = build(bench, stop)
    refused = []
    async with client_of(app) as client:
        for path, methods in app.openapi()["paths"].items():
            for method in methods:
                filled = path.replace("{appkey}", "key").replace("{", "no-").replace("}", "")
                answer = await client.request(method, filled, headers=job)
                if path in {"/health", "/nhn-api-gateway"}:
                    continue
                resource = path.removeprefix("/v1.0/appkeys/{appkey}/").split("/")[0]
                is_listed = resource in JOB_RESOURCES and not path.endswith("/api-key")
                is_open = is_listed or path == "/v2/log" or path.startswith("/token/")
                assert (answer.status_code == 403) == (not is_open), (method, path, answer.text)
                if answer.status_code == 403:
                    assert answer.json()["errorCode"] == "NOT_FOR_JOBS"
                    refused.append(f"{method} {path.removeprefix('/v1.0/appkeys/{appkey}')}")
        assert {"put /system/stop", "put /system/token", "post /system/login", "delete /storage/objects"} <= set(refused)
        for path in ("/openapi.json", f"{BASE}/trainings/../system", f"{BASE}//system", "/v1.0/appkeys/a%2Ftrainings/system"):
            assert (await client.get(path, headers=job)).status_code in {403, 404}
        made = await client.post(f"{BASE}/experiments", json={"experimentName": "by a job"}, headers=job)
        assert made.status_code == 200
        assert (await client.get(f"{BASE}/trainings/{training.id}", headers=job)).status_code == 200
        # Long enough for the SDK (rest-api §7.1), and no longer: the storage does not hear of the job's end.
        answer = await client.get("/token/v1.0/appkeys/a/groups/g/iaas-token", headers=job)
        expires = datetime.fromisoformat(answer.json()["access"]["token"]["expires"]).timestamp()
        assert 3600 <= expires - bench.clock.now() <= 4200
        # The end of the job is the end of its token.
        await bench.services.trainings.stop(training.id)
        assert (await bench.pass_(training)).status is TrainingStatus.STOPPED
        ended = await client.get(f"{BASE}/experiments", headers=job)
        assert ended.status_code == 401
    assert stop.asked == 0


# --- failures ---------------------------------------------------------------------------------------------------------


async def test_many_wrong_tokens_get_words_and_lock_nobody_out(bench: Bench, browser: httpx.AsyncClient) -> None:
    """Always 401: the SDK would retry a 429 and hide the message (rest-api §1.5)."""
    said = []
    for attempt in range(Failures.LIMIT + 5):
        answer = await browser.get(f"{BASE}/system", headers={"X-EasyMaker-Token": f"guess-{attempt}"})
        assert answer.status_code == 401
        assert_envelope(answer)
        said.append("many" in answer.json()["header"]["resultMessage"])
        assert (await browser.get(f"{BASE}/system", headers=TOKEN)).status_code == 200
    assert said == [False] * (Failures.LIMIT - 1) + [True] * 6
    assert (await browser.get(await link(browser))).status_code == 303, "nor out of signing in"
    bench.clock.advance(Failures.SECONDS)
    answer = await browser.get(f"{BASE}/system", headers={"X-EasyMaker-Token": "guess"})
    assert "many" not in answer.json()["header"]["resultMessage"]


async def test_a_new_token_counts_at_once(bench: Bench, browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    answer = await browser.put(f"{BASE}/system/token", headers=TOKEN)
    assert_envelope(answer)
    token = bench.context.settings.token_file.read_text().strip()
    assert token not in answer.text
    assert (await browser.get(f"{BASE}/system", headers=TOKEN)).status_code == 401
    assert (await browser.get(f"{BASE}/system")).status_code == 401, "the session is over too"
    assert (await browser.get(f"{BASE}/system", headers={"Authorization": f"Bearer {token}"})).status_code == 200
