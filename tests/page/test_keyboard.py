"""Who uses no mouse sees where the keyboard is, and comes everywhere; who wants nothing to move is left in peace (GN-27)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from easymaker_local.testing.appliance import Appliance
from tests.page.conftest import SignedIn

pytestmark = [pytest.mark.xdist_group("page-keyboard"), pytest.mark.environment]

MODEL = "class Model:\n    def predict(self, rows):\n        return rows\n"
PAGES = (
    "/", "/trainings", "/trainings/{training}", "/trainings/{training}?tab=logs", "/tunings/new",
    "/endpoints/{endpoint}?tab=try",
)  # fmt: skip
MOST_STOPS = 150

# What has the focus, whether all of it is drawn that says so, and how it and what is around it looks.
# `marks`: of the element, of what is drawn in its stead beside it, and of what it is a part of.
LOOK = """() => {
  const one = document.activeElement;
  const bright = (color) => color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0.05);
  const contrast = (a, b) => Math.max(bright(a), bright(b)) / Math.min(bright(a), bright(b));
  const ground = getComputedStyle(document.body).backgroundColor;
  const ringOf = (part) => {
    const { outlineStyle, outlineWidth, outlineColor, outlineOffset } = getComputedStyle(part);
    const { left, top, right, bottom, width } = part.getBoundingClientRect();
    if (outlineStyle === "none" || parseFloat(outlineWidth) < 1 || width < 1 || contrast(outlineColor, ground) < 3) return null;
    const room = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
    for (let around = part.parentElement; around !== document.body; around = around.parentElement) {
      if (getComputedStyle(around).overflowX === "visible") continue;
      const box = around.getBoundingClientRect();
      for (const side of ["left", "top"]) room[side] = Math.max(room[side], box[side]);
      for (const side of ["right", "bottom"]) room[side] = Math.min(room[side], box[side]);
    }
    const out = parseFloat(outlineWidth) + parseFloat(outlineOffset) - 0.5;
    // A ring of which two opposite sides are drawn is seen; less of it may be a stroke among others.
    const isWide = left - out >= room.left && right + out <= room.right;
    return isWide || (top - out >= room.top && bottom + out <= room.bottom) ? `${outlineColor} ${outlineWidth}` : null;
  };
  const around = (element) => [element.nextElementSibling, element.parentElement, element.parentElement?.parentElement];
  const marksOf = (element) => [element, ...around(element)]
    .map((part) => (part && part !== document.body && getComputedStyle(part).opacity !== "0" ? ringOf(part) : null));
  const left = window.focused === undefined ? null : marksOf(window.focused);
  const isOut = one === document.body || window.visited?.has(one);
  (window.visited ??= new Set()).add(one);
  window.focused = isOut ? undefined : one;
  return {
    left, isOut, marks: isOut ? [] : marksOf(one),
    what: `${one.tagName.toLowerCase()} "${one.getAttribute("aria-label") ?? one.textContent.slice(0, 60)}" ${one.className}`,
  };
}"""
# Links and buttons of the page that nobody came to. A tab that is not chosen is reached by arrows.
MISSED = """() => [...document.querySelectorAll("a[href], button, input:not([type=radio]), textarea")]
  .filter((one) => !one.disabled && one.tabIndex >= 0 && one.checkVisibility({ visibilityProperty: true }))
  .filter((one) => !window.visited.has(one))
  .map((one) => one.outerHTML.slice(0, 160))"""
IN_MAIN = "document.activeElement.closest('main') !== null"
RESTLESS = """() => document.getAnimations().map((one) => `${one.animationName ?? one.transitionProperty} of `
  + one.effect.target.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def seeded(appliance: Appliance) -> dict[str, str]:
    """What pages with something on them need, by the names in ``PAGES``."""
    appliance.put("code", {"train.py": "print('loss=0.5')\n"})
    appliance.put("models", {"python/predict.py": MODEL})
    training = appliance.training()["trainingId"]
    endpoint = appliance.endpoint(appliance.model()["modelId"])["endpointId"]
    appliance.complete(training, 120)
    return {"training": training, "endpoint": endpoint}


def stops(page: Page) -> Iterator[dict[str, Any]]:
    """Press Tab until the page is left; each stop has what it looked like with the focus and without."""
    stop: dict[str, Any] | None = None
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        seen = page.evaluate(LOOK)
        if stop is not None:
            yield {**stop, "without": seen["left"]}
        if seen["isOut"]:
            return
        stop = seen
    raise AssertionError(f"Tab does not come to an end: {stop}")


@pytest.mark.parametrize("colors", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_the_focus_is_seen_wherever_tab_leads(signed_in: SignedIn, seeded: dict[str, str], path: str, colors: str) -> None:
    """Each stop has a ring, in a colour that is seen, which it has not without the focus; no link or button is left out."""
    page = signed_in(path.format(**seeded), color_scheme=colors, reduced_motion="reduce")
    expect(page.get_by_role("main").get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)
    page.wait_for_load_state("networkidle")
    faults = [
        stop["what"] for stop in stops(page)
        if not any(mark is not None and mark != without for mark, without in zip(stop["marks"], stop["without"], strict=True))
    ]  # fmt: skip
    assert faults == []
    assert page.evaluate(MISSED) == []


def test_the_first_stop_skips_the_navigation(signed_in: SignedIn, seeded: dict[str, str]) -> None:
    page = signed_in("/trainings")
    expect(page.get_by_role("link", name="training", exact=True)).to_be_visible()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate(IN_MAIN)


def test_nothing_moves_for_who_asked_for_that(signed_in: SignedIn, appliance: Appliance) -> None:
    """The icon of what is being worked on turns, a dialogue fades in; neither with `prefers-reduced-motion`."""
    appliance.put("code", {"wait.py": "import threading\nthreading.Event().wait()\n"})
    running = appliance.training(trainingName="running", entryPoint="wait.py")["trainingId"]
    appliance.await_status(running, "RUNNING")
    for motion, moves in (("no-preference", True), ("reduce", False)):
        page = signed_in(f"/trainings/{running}", reduced_motion=motion)
        expect(page.get_by_role("main").get_by_role("status").filter(has_text="RUNNING")).to_be_visible()
        assert bool(page.evaluate(RESTLESS)) == moves
        page.get_by_role("button", name="Stop", exact=True).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert bool(page.evaluate(RESTLESS)) == moves
