"""How soon the page answers, with very many trainings: from a click until what it asked for is painted, in a real browser."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

from bench.row import Row
from bench.scale import filled

PAGE_ROWS = 30
"""What the page asks for at once (web/src/components/listState.ts)."""
TYPING_MS = 200
"""How long it waits for another key (web/src/components/ListFilters.tsx)."""
BUDGET_MS = 100
_HANDFUL = 5
_QUIET_MS = 1000
_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip

# Two frames after the document has what is expected, it is on the screen.
_TIMED = """(act, expected) => new Promise((resolve, reject) => {
  const began = performance.now();
  const late = setTimeout(() => { observer.disconnect(); reject(new Error(`not within 20 s: ${expected}`)); }, 20000);
  let isThere = false;
  const look = () => {
    if (isThere || !expected()) return;
    isThere = true; observer.disconnect(); clearTimeout(late);
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - began)));
  };
  const observer = new MutationObserver(look);
  observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  act(); look();
})"""
_FRAME = "document.querySelector('[role=table]')"
_LINKS = "[...document.querySelectorAll('[role=rowgroup] [role=row]')].map((row) => row.querySelector('a'))"
# A tab that has its content: neither empty nor waiting.
_PANEL = "[...document.querySelectorAll('[role=tabpanel]')].find((panel) => panel.textContent.trim() !== '')"
_SETTLED = f"({_PANEL} && !/^Loading/.test({_PANEL}.textContent.trim()) && !{_PANEL}.querySelector('.mantine-Loader-root'))"


def rows(folder: Path, count: int, rounds: int) -> list[Row]:
    """Work through a list of ``count`` trainings as somebody would, ``rounds`` times."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        print("Chromium is not installed: the rows of the page are left out.", file=sys.stderr)
        return []
    with filled(folder, count) as client, sync_playwright() as playwright:
        # It makes a socket in the folder of temporary files, whose path may be too long for one.
        environment = {**os.environ, "TMPDIR": "/tmp"}  # noqa: S108
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS, env=environment)
        page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-US")
        page.goto(str(client.base_url.join(client.post("/system/login").json()["login"]["path"])))
        visit = _Visit(page, client, count)
        visit.work(-1)  # the browser has everything that it keeps
        visit.times.clear()
        for number in range(rounds):
            visit.work(number)
        found = [row for name, times in visit.times.items() for row in _rows(f"page, {count:,} trainings: {name}", times)]
        found += _whole_list(visit)
        browser.close()
    return found


def _rows(name: str, times: list[float]) -> list[Row]:
    """Median and worst. What the daemon is asked for waits for whatever else the machine does, so there the median counts."""
    middle, worst = statistics.median(times), max(times)
    counts = name.endswith("again") or name.endswith("back")
    of_all = f"worst of {len(times)}"
    return [
        Row(f"{name}, median", middle, None, "ms", f"≤ {BUDGET_MS} ms", middle <= BUDGET_MS),
        Row(f"{name}, {of_all}", worst, None, "ms", f"≤ {BUDGET_MS} ms" if counts else "", not counts or worst <= BUDGET_MS),
    ]


class _Visit:
    """What somebody does at the page; ``times`` has the milliseconds of each kind of click."""

    def __init__(self, page: Page, client: httpx.Client, count: int) -> None:
        self.page = page
        self.client = client
        self.count = count
        self.times: dict[str, list[float]] = {}

    def timed(self, name: str, act: str, expected: str, *, less: float = 0) -> None:
        milliseconds = float(self.page.evaluate(f"() => ({_TIMED})(() => {{ {act}; }}, () => {expected})"))
        self.times.setdefault(name, []).append(milliseconds - less)

    def rest(self) -> None:
        self.page.evaluate("() => new Promise((resolve) => requestIdleCallback(() => resolve()))")

    def begin(self) -> None:
        """Show the dashboard with nothing in the page's memory."""
        self.page.goto(str(self.client.base_url.join("/")))
        self.page.get_by_role("heading", name="Dashboard").wait_for()
        self.page.wait_for_timeout(_QUIET_MS)  # its charts are drawn
        self.rest()

    def work(self, number: int) -> None:
        """Go through everything once; nothing that it asks for was asked before but in "again" and "back"."""
        newest, one = f"training-{self.count - 1}", f"training-{self.count // 2 + number}"
        listed = f"{_LINKS}[0]?.textContent === '{newest}'"
        self.begin()
        self.timed("open the list", _click('nav a[href="/trainings"]'), listed)
        self.rest()
        self.timed(
            "go to the dashboard again", _click('nav a[href="/"]'), "document.querySelector('h1')?.textContent === 'Dashboard'"
        )
        self.rest()
        self.timed("open the list again", _click('nav a[href="/trainings"]'), listed)
        self.rest()
        self.timed(
            "sort by name",
            "[...document.querySelectorAll('[role=columnheader] button')][0].click()",
            f"{_LINKS}[0]?.textContent === 'training-0'",
        )
        self.rest()
        typed = f"({_LINKS}.length > 0 && {_LINKS}.every((link) => link.textContent.includes('{one}')))"
        self.timed("keyword (after the last key)", _type(one), typed, less=TYPING_MS)
        self.rest()
        heading = f"document.querySelector('h1')?.textContent === '{one}' && {_SETTLED}"
        self.timed("open a training", f"{_LINKS}.find((link) => link.textContent === '{one}').click()", heading)
        self.rest()
        for tab in ("Logs", "Metrics", "Hyperparameters", "Files", "Events", "Configuration", "Overview"):
            button = f"[...document.querySelectorAll('[role=tab]')].find((tab) => tab.textContent === '{tab}')"
            self.timed("open a tab", f"{button}.click()", f"{button}.ariaSelected === 'true' && {_SETTLED}")
            self.rest()
        self.timed("back", "history.back()", typed)

    def load_all(self) -> None:
        """Scroll to the end of what is there until all is."""
        self.begin()
        self.page.get_by_role("link", name="Trainings", exact=True).click()
        self.page.get_by_role("table").wait_for()
        for loaded in range(PAGE_ROWS, self.count, PAGE_ROWS):
            # Rows are counted from the head, which is the first.
            row = f"document.querySelector('[role=row][aria-rowindex=\"{loaded + 2}\"]')"
            self.timed(
                "scroll to rows that are not there", f"const frame = {_FRAME}; frame.scrollTop = frame.scrollHeight", row
            )
        self.page.evaluate(f"() => {{ const frame = {_FRAME}; frame.scrollTop = frame.scrollHeight; }}")
        self.page.get_by_role("link", name="training-0", exact=True).wait_for()


def _whole_list(visit: _Visit) -> list[Row]:
    """All rows loaded by scrolling: what it takes, and what a change costs then."""
    page, name = visit.page, f"page, all {visit.count:,} rows loaded"
    empty = _heap_mib(page)
    visit.times.clear()
    visit.load_all()
    found = [row for what, times in visit.times.items() for row in _rows(f"page, {visit.count:,} trainings: {what}", times)]
    heap = _heap_mib(page)
    found.append(Row(f"{name}: heap (a list of {PAGE_ROWS})", heap, empty, "MiB", "≤ 150 MiB", heap <= 150))
    visit.times.clear()
    last = visit.client.get("/trainings?sortBy=createdDatetime&sortOrder=ASC&limit=1").json()["trainingList"][0]["trainingId"]
    asked = _requests(
        page,
        lambda: visit.client.patch(f"/trainings/{last}", json={"trainingName": "renamed"}).raise_for_status(),
        "renamed",
    )
    found.append(Row(f"{name}: requests after a change", asked, None, "", f"≤ {_HANDFUL}", asked <= _HANDFUL))
    visit.timed(
        "scroll within them",
        f"{_FRAME}.scrollTop = {visit.count // 2 * 42}",
        f"{_LINKS}.some((link) => link.textContent === 'training-{visit.count // 2}')",
    )
    visit.timed(
        "back to the top",
        f"{_FRAME}.scrollTop = 0",
        f"{_LINKS}.some((link) => link.textContent === 'training-{visit.count - 1}')",
    )
    for what, (time,) in visit.times.items():
        found.append(Row(f"{name}: {what}", time, None, "ms", f"≤ {BUDGET_MS} ms", time <= BUDGET_MS))
    return found


def _requests(page: Page, change: Callable[[], object], shown: str) -> int:
    """Return how many requests the page makes after a change, until it shows it and is quiet."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    change()
    page.get_by_text(shown, exact=True).first.wait_for()
    before = -1
    while len(asked) != before:
        before = len(asked)
        page.wait_for_timeout(_QUIET_MS)
    return len(asked)


def _heap_mib(page: Page) -> float:
    """Return what the page's objects take after everything that is let go of is collected."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = float(session.send("Runtime.getHeapUsage")["usedSize"])
    session.detach()
    return used / (1 << 20)


def _click(selector: str) -> str:
    return f"document.querySelector('{selector}').click()"


def _type(text: str) -> str:
    """Set the text of the search field as its browser does, so that React hears of it."""
    return (
        "const field = document.querySelector('input[type=search]');"
        f"Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, '{text}');"
        "field.dispatchEvent(new Event('input', { bubbles: true }))"
    )
