"""The page's files over HTTP: what a browser gets before and after somebody has signed in (architecture 12, 14)."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from easymaker_local.api import create_app, page_files
from easymaker_local.api.page_files import PAGE_PARTS
from easymaker_local.domain.reason import Reason
from easymaker_local.testing.context import open_bench

pytestmark = pytest.mark.anyio

PAGES = Path(__file__).parents[2] / "web" / "src" / "app" / "pages.ts"
MOST_BYTES = 400_000
"""What the first load may take, compressed."""


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Sends no token, and no cookie until it is signed in."""
    async with open_bench(tmp_path / "home") as bench:
        app = create_app(bench.services, bench.preparation, "token", started_at=bench.clock.now(), stop=lambda: None)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:10090") as made:
            yield made


async def sign_in(browser: httpx.AsyncClient) -> None:
    made = await browser.post("/v1.0/appkeys/key/system/login", headers={"X-EasyMaker-Token": "token"})
    assert (await browser.get(made.json()["login"]["path"])).status_code == 303


def assets_of(page: str) -> list[str]:
    """What the document itself loads."""
    return re.findall(r'(?:src|href)="/assets/([^"]+)"', page)


@pytest.mark.parametrize("path", ["/", *(f"/{part}" for part in sorted(PAGE_PARTS)), "/trainings/1234/some/thing"])
async def test_each_path_of_the_page_is_the_page(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert answer.headers["cache-control"] == "no-store"
    await sign_in(browser)
    assert (await browser.get(path)).status_code == 200


async def test_the_policy_lets_nothing_in_but_the_page_itself(browser: httpx.AsyncClient) -> None:
    pages = [(await browser.get("/")) for _ in range(2)]
    policies = [page.headers["content-security-policy"] for page in pages]
    numbers = [re.findall(r"'nonce-([^']+)'", policy) for policy in policies]
    assert len({number for found in numbers for number in found}) == 2, "a number is good for one answer"
    for page, policy, (number,) in zip(pages, policies, numbers, strict=True):
        assert f'content="{number}"' in page.text
        assert "{{" not in page.text
        rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
        assert rules["default-src"] == "'none'"
        assert rules["connect-src"] == "'self'"
        (script,) = re.findall("<script>(.*?)</script>", page.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert rules["script-src"] == f"'self' 'sha256-{digest}'", "its own script is named by what is in it"
        assert rules["frame-ancestors"] == rules["base-uri"] == "'none'"
        assert "unsafe" not in policy


async def test_assets_are_compressed_and_kept_for_ever(browser: httpx.AsyncClient) -> None:
    names = assets_of((await browser.get("/")).text)
    script = next(name for name in names if name.endswith(".js"))
    whole = await browser.get(f"/assets/{script}", headers={"accept-encoding": "identity"})
    assert whole.headers["content-type"].startswith("text/javascript")
    assert "content-encoding" not in whole.headers
    for accepted, used in (("gzip", "gzip"), ("gzip, deflate, br", "br"), ("br;q=1.0, gzip;q=0.5", "br")):
        async with browser.stream("GET", f"/assets/{script}", headers={"accept-encoding": accepted}) as answer:
            sent = b"".join([block async for block in answer.aiter_raw()])
        assert answer.headers["content-encoding"] == used
        assert answer.headers["vary"] == "accept-encoding"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert len(sent) < len(whole.content) / 2
    unpacked = await browser.get(f"/assets/{script}", headers={"accept-encoding": "gzip"})
    assert unpacked.content == whole.content


async def test_the_first_load_is_small(browser: httpx.AsyncClient) -> None:
    """Everything that the document asks for at once, and what those scripts import at once."""
    wanted, seen = set(assets_of((await browser.get("/")).text)), set()
    while wanted:
        name = wanted.pop()
        seen.add(name)
        path = page_files.FOLDER / "assets" / name
        if name.endswith(".js"):
            wanted |= set(re.findall(r'(?:from|import)\s*"\./([^"]+\.js)"', path.read_text())) - seen
    sizes = {
        name: min(path.stat().st_size for path in (page_files.FOLDER / "assets").iterdir() if path.name.startswith(name))
        for name in seen
    }
    assert len(sizes) >= 3
    assert sum(sizes.values()) < MOST_BYTES, sizes


@pytest.mark.parametrize("name", ["nothing.js", "..%2Findex.html", "..%2f..%2fapi%2fapp.py", "%2e%2e/app.py", "index.html"])
async def test_nothing_else_is_an_asset(browser: httpx.AsyncClient, name: str) -> None:
    answer = await browser.get(f"/assets/{name}")
    assert answer.status_code in {401, 404}
    assert answer.json()["header"]["isSuccessful"] is False


async def test_a_page_on_another_site_gets_no_asset(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/assets/icon.svg", headers={"host": "evil.example"})
    assert answer.status_code == 403


async def test_an_installation_without_its_page_says_so(browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_files, "_document", lambda: None)
    answer = await browser.get("/")
    assert answer.status_code == 404
    assert "make page" in answer.text


def test_the_daemon_and_the_page_know_the_same_paths() -> None:
    """A path that only the page knows would be lost by reloading it."""
    known = set(re.findall(r'^  "([a-z]+)[/"]', PAGES.read_text(), re.MULTILINE))
    assert known == PAGE_PARTS


def test_the_page_has_words_for_each_reason() -> None:
    """GN-26; a text that is missing in another language does not compile."""
    words = (PAGES.parents[1] / "locales" / "en" / "reasons.ts").read_text()
    assert set(re.findall("^  ([A-Z_]+):", words, re.MULTILINE)) == set(Reason)
