"""Whole journeys of a person at the page, by what is shown: from a training to an answer of its model, and away with it all.

A real daemon, the process driver, a real browser. The parts follow each other, as a person's do (GN-13…GN-17).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from easymaker_local.testing.appliance import Appliance
from tests.page.conftest import SignedIn

pytestmark = [pytest.mark.xdist_group("page-journey"), pytest.mark.environment]

# Loss goes down with every step; what it stores is a model that doubles.
CODE = """
import os, pathlib, sys
rate = float(sys.argv[sys.argv.index("--rate") + 1])
for step in range(20):
    print(f"[{step}] loss={1 / (step + 1) * rate:.4f}")
model = pathlib.Path(os.environ["EM_MODEL_DIR"])
(model / "predict.py").write_text("class Model:\\n    def predict(self, rows):\\n        return [row * 2 for row in rows]\\n")
print("done")
"""
LONG_MS = 180_000


@pytest.fixture(scope="module", autouse=True)
def code(appliance: Appliance) -> Iterator[str]:
    appliance.put("code", {"doubling/train.py": CODE})
    yield appliance.uri("code", "doubling")


def field(place: Page | Locator, name: str) -> Locator:
    return place.get_by_role("textbox", name=name, exact=True)


def choose(page: Page, field: str, option: str | re.Pattern[str]) -> None:
    """Open a list and take an entry, as one does with a mouse."""
    page.get_by_role("combobox", name=field, exact=True).click()
    page.get_by_role("option", name=option).first.click()


def status(page: Page, name: str) -> Locator:
    """What is said beside the page's name."""
    return page.get_by_role("main").get_by_role("status").filter(has_text=re.compile(f"^{name}"))


def confirm(page: Page, label: str) -> None:
    """Say yes in the dialogue that asks."""
    dialogue = page.get_by_role("dialog")
    dialogue.get_by_role("button", name=label).click()
    expect(dialogue).to_be_hidden()


def test_from_a_training_to_an_answer_and_away(signed_in: SignedIn, appliance: Appliance, code: str) -> None:
    """TR, MD, EP and ST as their pages offer them."""
    page = signed_in("/trainings")
    page.get_by_role("link", name="Create").first.click()
    field(page, "Name").fill("doubling")
    page.get_by_role("button", name="Add", exact=True).click()
    add = page.get_by_role("dialog")
    field(add, "Name").fill("journey")
    add.get_by_role("button", name=re.compile("Create|Add")).click()
    expect(add).to_be_hidden()
    field(page, "Algorithm path").fill(code)
    field(page, "Entry point").fill("train.py")
    page.get_by_role("button", name="Add a hyperparameter").click()
    page.get_by_role("group", name="Hyperparameters").get_by_role("textbox").nth(0).fill("rate")
    page.get_by_role("group", name="Hyperparameters").get_by_role("textbox").nth(1).fill("0.5")
    choose(page, "Image", re.compile("Plain", re.IGNORECASE))
    choose(page, "Instance type", re.compile("m1.c1m1"))
    field(page, "Output data").fill(appliance.uri("models", "doubling"))
    page.get_by_role("main").get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", name="doubling")).to_be_visible()
    expect(status(page, "COMPLETE")).to_be_visible(timeout=LONG_MS)
    page.get_by_role("tab", name="Logs").click()
    expect(page.get_by_text("[19] loss=0.0250")).to_be_visible()
    expect(page.get_by_text("done", exact=True)).to_be_visible()

    page.get_by_role("button", name="Copy", exact=True).click()
    expect(field(page, "Entry point")).to_have_value("train.py")
    field(page, "Name").fill("doubling again")
    page.get_by_role("main").get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", name="doubling again")).to_be_visible()
    expect(status(page, "COMPLETE")).to_be_visible(timeout=LONG_MS)

    page.get_by_role("button", name="Create model").click()
    field(page, "Name").fill("doubles")
    choose(page, "Framework", re.compile("Python", re.IGNORECASE))
    page.get_by_role("main").get_by_role("button", name="Create a model").click()
    expect(page.get_by_role("heading", name="doubles")).to_be_visible()
    expect(status(page, "ACTIVE")).to_be_visible(timeout=LONG_MS)

    page.get_by_role("button", name="Create an endpoint").or_(page.get_by_role("link", name="Create an endpoint")).click()
    field(page, "Endpoint name").fill("doubles")
    choose(page, "Instance type", re.compile("m2.c1m2"))
    page.get_by_role("main").get_by_role("button", name="Create an endpoint").click()
    expect(page.get_by_role("heading", name="doubles")).to_be_visible()
    expect(status(page, "ACTIVE")).to_be_visible(timeout=LONG_MS)
    page.get_by_role("tab", name="Try it").click()
    field(page, "Body").fill('{"instances": [21]}')
    page.get_by_role("main").get_by_role("button", name="Send").click()
    expect(page.get_by_text(re.compile(r"predictions.*\b42\b", re.DOTALL))).to_be_visible()

    page.get_by_role("button", name="Create a stage").click()
    field(page, "Stage name").fill("second")
    choose(page, "Instance type", re.compile("m2.c1m2"))
    choose(page, "Model", re.compile("doubles"))
    page.get_by_role("main").get_by_role("button", name="Create a stage").click()
    expect(page.get_by_role("heading", name="second")).to_be_visible()
    expect(status(page, "ACTIVE")).to_be_visible(timeout=LONG_MS)
