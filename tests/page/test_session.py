"""Signing in and out, and a page whose daemon goes away and comes back (GN-L04, architecture 12)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from easymaker_local.testing.appliance import Appliance
from tests.page.conftest import SignedIn, address

pytestmark = pytest.mark.xdist_group("page-session")


def test_a_browser_that_nobody_signed_in_is_told_how(browser: Browser, appliance: Appliance) -> None:
    page = browser.new_page()
    page.goto(address(appliance, "/trainings"))
    expect(page.get_by_role("heading", name="Not signed in")).to_be_visible()
    expect(page.get_by_text("easymaker-local open")).to_be_visible()
    page.goto(address(appliance, "/login?code=wrong"))
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
