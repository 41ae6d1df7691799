"""A real browser on a real daemon, signed in by a one-time link as a person is."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

from easymaker_local.settings import PREFIX
from easymaker_local.testing.appliance import Appliance
from easymaker_local.testing.shared import running_appliance

# A browser of a test talks to the daemon and to nobody else.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PICTURES = Path(os.environ.get(PREFIX + "TEST_PICTURES", Path(__file__).parents[2] / "build" / "pictures"))
"""Where screenshots of every page are kept after a run."""
PATIENCE_MS = 30_000

# What a browser says of answers that are no success: a daemon that is away, a session that has ended, what a form is told while
# somebody types. Containers of other tests change the machine's networks, for which Chromium drops what it is about to ask for.
EXPECTED = (
    "ERR_CONNECTION_REFUSED", "status of 401", "status of 422", "status of 409", "ERR_NETWORK_CHANGED",
    "Failed to fetch dynamically imported module",
)  # fmt: skip
expect.set_options(timeout=PATIENCE_MS)

SignedIn = Callable[..., Page]
"""Opens a page that is signed in; the keywords are those of the browser's context (size, colours, language)."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for a module, and ended with it: its client keeps an event loop in this thread, beside which no other may run."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        if os.environ.get(PREFIX + "REQUIRE_BROWSER") == "1":
            pytest.fail("a browser is required and there is none: apt install chromium")
        pytest.skip("needs a browser: apt install chromium")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield made
        made.close()


@pytest.fixture(scope="module")
def appliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    """Jobs are local processes: what is tested here is the page."""
    # In a thread of its own, because of the browser's event loop.
    with ThreadPoolExecutor(1) as thread:
        running = running_appliance(tmp_path_factory.mktemp("home"), "process")
        yield thread.submit(running.__enter__).result()
        thread.submit(running.__exit__, None, None, None).result()


def address(appliance: Appliance, path: str = "/") -> str:
    return f"http://127.0.0.1:{appliance.port}{path}"


def go(page: Page, url: str) -> None:
    """Load an address; again, if the machine's networks changed just then."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while True:
        try:
            page.goto(url)
        except Error as error:
            # Chromium loads such a page again by itself, and that may come first.
            changed = "ERR_NETWORK_CHANGED" in error.message or "interrupted by another navigation" in error.message
            if not changed or time.monotonic() > deadline:
                raise
        else:
            return


def open_page(browser: Browser, appliance: Appliance, said: list[str], **more: object) -> Page:
    """Return a page that is signed in, in a context of its own; what goes wrong on its console is added to ``said``."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en-US", **more})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    link = appliance.call("POST", "/system/login")["login"]["path"]
    go(page, address(appliance, link))
    return page


def unexpected(said: list[str]) -> list[str]:
    """Return what a browser should not have said."""
    return [text for text in said if not any(word in text for word in EXPECTED)]


@pytest.fixture
def said() -> list[str]:
    """What browsers say on their consoles while a test runs; a test takes away what it expects."""
    return []


@pytest.fixture
def signed_in(browser: Browser, appliance: Appliance, said: list[str]) -> Iterator[SignedIn]:
    """What a browser says on its console while a test runs is a failure of the test, unless the test takes it away."""
    pages: list[Page] = []

    def opened(path: str = "/", **more: object) -> Page:
        pages.append(page := open_page(browser, appliance, said, **more))
        go(page, address(appliance, path))
        return page

    yield opened
    for page in pages:
        page.context.close()
    assert unexpected(said) == []
