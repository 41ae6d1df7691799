"""Signing in and out, a daemon that goes away and comes back, files that fail on the way (GN-L04, architecture 12)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Route, expect

from easymaker_local.testing.appliance import Appliance
from tests.page.conftest import SignedIn, address, go

pytestmark = pytest.mark.xdist_group("page-session")


def test_a_browser_that_nobody_signed_in_is_told_how(browser: Browser, appliance: Appliance) -> None:
    page = browser.new_page()
    go(page, address(appliance, "/trainings"))
    expect(page.get_by_role("heading", name="Not signed in")).to_be_visible()
    expect(page.get_by_text("easymaker-local open")).to_be_visible()
    go(page, address(appliance, "/login?code=wrong"))
    expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()
    page.close()


def test_a_link_signs_in_once_and_out_again(signed_in: SignedIn) -> None:
    page = signed_in("/trainings")
    expect(page.get_by_role("heading", name="Trainings")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Not signed in")).to_be_visible()


def test_a_page_goes_on_by_itself_when_the_daemon_comes_back(signed_in: SignedIn, appliance: Appliance) -> None:
    page = signed_in("/experiments")
    expect(page.get_by_role("heading", name="Experiments")).to_be_visible()
    appliance.stop()
    expect(page.get_by_text("The daemon does not answer.")).to_be_visible()
    appliance.start()
    expect(page.get_by_text("The daemon does not answer.")).to_be_hidden()
    appliance.call("POST", "/experiments", json={"experimentName": "made meanwhile"})
    expect(page.get_by_text("made meanwhile")).to_be_visible()


def test_a_session_that_ends_shows_how_to_sign_in(signed_in: SignedIn, appliance: Appliance) -> None:
    page = signed_in("/trainings")
    expect(page.get_by_role("heading", name="Trainings")).to_be_visible()
    appliance.call("PUT", "/system/token")
    expect(page.get_by_role("heading", name="Not signed in")).to_be_visible()


@pytest.mark.parametrize(
    ("file", "language", "heading"),
    [
        (r"/index-[^/]+\.js$", "en-US", "Trainings"),
        (r"/index-[^/]+\.css$", "en-US", "Trainings"),
        (r"/mutation-[^/]+\.js$", "en-US", "Trainings"),
        (r"/list-[^/]+\.js$", "en-US", "Trainings"),
        (r"/ja-[^/]+\.js$", "ja-JP", "学習"),
    ],
    ids=["the script", "the styles", "what the script imports", "a page", "texts"],
)
def test_a_file_that_fails_on_the_way_is_loaded_again(
    signed_in: SignedIn, appliance: Appliance, said: list[str], file: str, language: str, heading: str
) -> None:
    """As when the machine's networks change, which each container does that starts or ends."""
    page = signed_in("/disk", locale=language)
    failed: set[str] = set()

    def fail_once(route: Route) -> None:
        if route.request.url in failed:
            route.continue_()
        else:
            failed.add(route.request.url)
            route.abort("connectionfailed")

    page.context.route(re.compile(file), fail_once)
    with page.expect_event("requestfinished", lambda request: request.url in failed):
        go(page, address(appliance, "/trainings"))
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    said.clear()


def test_a_page_that_cannot_be_loaded_says_so(signed_in: SignedIn, appliance: Appliance, said: list[str]) -> None:
    page = signed_in("/disk")
    asked: list[str] = []

    def fail(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    page.context.route(re.compile(r"/index-[^/]+\.js$"), fail)
    go(page, address(appliance, "/trainings"))
    expect(page.get_by_text("The page's files could not be loaded.")).to_be_visible()
    assert len(asked) == 6, "five times more, then no more"
    said.clear()


def test_a_part_of_the_page_that_cannot_be_loaded_says_so(signed_in: SignedIn, appliance: Appliance, said: list[str]) -> None:
    page = signed_in("/disk")
    page.context.route(re.compile(r"/list-[^/]+\.js$"), lambda route: route.abort())
    go(page, address(appliance, "/trainings"))
    expect(page.get_by_text("Failed to fetch dynamically imported module")).to_be_visible()
    page.context.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Trainings")).to_be_visible()
    said.clear()
