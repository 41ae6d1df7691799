"""A list of which many pages are loaded: what a change costs it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from easymaker_local.testing.appliance import Appliance
from tests.page.conftest import SignedIn

pytestmark = pytest.mark.xdist_group("page-long-list")

EXPERIMENTS = 260  # nine pages
HANDFUL = 4
# Frame by frame, as more comes, until the oldest is drawn.
SCROLL_TO_END = """() => new Promise((resolve) => {
  const frame = document.querySelector("[role=table]");
  const step = () => {
    if ([...frame.querySelectorAll("a")].some((link) => link.textContent === "number 0")) return resolve();
    frame.scrollTop = frame.scrollHeight;
    requestAnimationFrame(step);
  };
  step();
})"""


@pytest.fixture(scope="module", autouse=True)
def oldest(appliance: Appliance) -> str:
    """The id of the oldest of many experiments, which are soon made."""
    with appliance.client() as client:
        made = [
            client.post("/experiments", json={"experimentName": f"number {number}"}).json()["experiment"]["experimentId"]
            for number in range(EXPERIMENTS)
        ]
    return str(made[0])


def test_a_change_asks_for_a_row_and_not_for_every_page(signed_in: SignedIn, appliance: Appliance, oldest: str) -> None:
    """GN-13 with thousands of rows: nobody waits for pages that did not change."""
    page = signed_in("/experiments")
    expect(page.get_by_role("table")).to_be_visible()
    page.evaluate(SCROLL_TO_END)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    appliance.call("PATCH", f"/experiments/{oldest}", json={"experimentName": "the oldest"})
    expect(page.get_by_role("link", name="the oldest", exact=True)).to_be_visible()
    # A second change is told after everything that the first one asked for was begun.
    appliance.call("PATCH", f"/experiments/{oldest}", json={"experimentName": "the very oldest"})
    expect(page.get_by_role("link", name="the very oldest", exact=True)).to_be_visible()
    lists = [url for url in asked if "/experiments?" in url]
    assert 0 < len(lists) <= 2 * HANDFUL, lists
