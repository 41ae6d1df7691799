"""Whole journeys of a person at the page, by what is shown: from a training to an answer of its model, and away with it all.

A real daemon, the process driver, a real browser. The parts follow each other, as a person's do (GN-13…GN-17).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from easymaker_local.testing.appliance import Appliance
from tests.page.conftest import SignedIn, unexpected

pytestmark = [pytest.mark.xdist_group("page-journey"), pytest.mark.environment]

# Loss goes down with every step, and is least where the factor is 4; what it stores is a model that multiplies by the factor.
CODE = """
import os, pathlib, sys
factor = int(sys.argv[sys.argv.index("--factor") + 1])
for step in range(20):
    print(f"[{step}] loss={abs(factor - 4) + 1 / (step + 1):.4f}")
model = pathlib.Path(os.environ["EM_MODEL_DIR"])
predict = f"return [row * {factor} for row in rows]"
(model / "predict.py").write_text(f"class Model:\\n    def predict(self, rows):\\n        {predict}\\n")
print("done")
"""
LONG_MS = 180_000


@pytest.fixture(scope="module", autouse=True)
def code(appliance: Appliance) -> Iterator[str]:
    appliance.put("code", {"multiplying/train.py": CODE})
    yield appliance.uri("code", "multiplying")


def field(place: Page | Locator, name: str) -> Locator:
    return place.get_by_role("textbox", name=name, exact=True)


def choose(page: Page, field: str, option: str | re.Pattern[str]) -> None:
    """Open a list and take an entry, as one does with a mouse."""
    page.get_by_role("combobox", name=field, exact=True).click()
    page.get_by_role("option", name=option).first.click()


def press(page: Page, label: str) -> None:
    """Press a button of the page itself."""
    page.get_by_role("main").get_by_role("button", name=label, exact=True).click()


def create(page: Page) -> None:
    """Begin with the form; an empty list offers it twice."""
    page.get_by_role("main").get_by_role("link", name="Create", exact=True).first.click()


def see(page: Page, name: str, status: str) -> None:
    """Wait until the page of that name has the status beside it."""
    expect(page.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible()
    said = page.get_by_role("main").get_by_role("status").filter(has_text=re.compile(f"^{status}"))
    expect(said).to_be_visible(timeout=LONG_MS)


def go(page: Page, label: str) -> None:
    """Go where the navigation leads."""
    page.get_by_role("navigation", name="Navigation").get_by_role("link", name=label, exact=True).click()
    expect(page.get_by_role("heading", name=label, exact=True, level=1)).to_be_visible()


def confirm(page: Page, question: str, label: str = "Delete") -> None:
    """Say yes in the dialogue that asks."""
    dialogue = page.get_by_role("dialog", name=question, exact=True)
    dialogue.get_by_role("button", name=label, exact=True).click()
    expect(dialogue).to_be_hidden()


def delete_all(page: Page, label: str, question: str, nothing: str) -> None:
    """Delete all that a list shows, until it says that there is nothing."""
    go(page, label)
    page.get_by_role("checkbox", name="Select all rows that are shown", exact=True).check()
    press(page, "Delete")
    confirm(page, question)
    expect(page.get_by_role("heading", name=nothing)).to_be_visible()


def try_it(page: Page, answer: int) -> None:
    """Ask what 21 times the model's factor is, and be answered."""
    page.get_by_role("tab", name="Try it").click()
    field(page, "Body").fill('{"instances": [21]}')
    press(page, "Send")
    expect(page.get_by_role("region", name="Answer")).to_contain_text(re.compile(rf'"predictions":\s*\[\s*{answer}\s*\]'))


def make_stage(page: Page, name: str, model: str) -> None:
    """Add a stage from the endpoint's page; it becomes ACTIVE later."""
    press(page, "Create a stage")
    field(page, "Stage name").fill(name)
    choose(page, "Instance type", re.compile("m2.c1m2"))
    choose(page, "Model", model)
    press(page, "Create a stage")
    expect(page.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible()


def train(page: Page, code: str, output: str) -> None:
    """A training from the form, with an experiment made on the way, its log, and another like it (TR-01, EX-03)."""
    go(page, "Trainings")
    create(page)
    field(page, "Name").fill("doubling")
    press(page, "Add")
    add = page.get_by_role("dialog")
    field(add, "Name").fill("journey")
    add.get_by_role("button", name="Create", exact=True).click()
    expect(add).to_be_hidden()
    field(page, "Algorithm path").fill(code)
    field(page, "Entry point").fill("train.py")
    press(page, "Add a hyperparameter")
    field(page, "Key 1").fill("factor")
    field(page, "Value 1").fill("2")
    choose(page, "Image", re.compile("Plain", re.IGNORECASE))
    choose(page, "Instance type", re.compile("m1.c1m1"))
    field(page, "Output data").fill(output)
    press(page, "Create")
    see(page, "doubling", "COMPLETE")
    page.get_by_role("tab", name="Logs").click()
    expect(page.get_by_text("[19] loss=2.0500", exact=True)).to_be_visible()
    expect(page.get_by_text("done", exact=True)).to_be_visible()

    press(page, "Copy")
    expect(field(page, "Entry point")).to_have_value("train.py")
    field(page, "Name").fill("doubling again")
    press(page, "Create")
    see(page, "doubling again", "COMPLETE")


def serve(page: Page) -> None:
    """A model of the training, and an endpoint that answers by it (MD-01, EP-01, EP-39)."""
    press(page, "Create model")
    field(page, "Name").fill("doubles")
    choose(page, "Framework", re.compile("Python", re.IGNORECASE))
    press(page, "Create a model")
    see(page, "doubles", "ACTIVE")
    press(page, "Create an endpoint")
    field(page, "Endpoint name").fill("multiplies")
    choose(page, "Instance type", re.compile("m2.c1m2"))
    press(page, "Create an endpoint")
    see(page, "multiplies", "ACTIVE")
    try_it(page, 42)


def tune(page: Page, code: str, output: str) -> None:
    """A tuning from the form tries a grid of three; its best trial becomes a model (HP-01, HP-40, HP-49)."""
    go(page, "Hyperparameter tunings")
    create(page)
    field(page.get_by_role("group", name="Basics", exact=True), "Name").fill("which factor")
    choose(page, "Experiment", "journey")
    field(page, "Algorithm path").fill(code)
    field(page, "Entry point").fill("train.py")
    choose(page, "Strategy", "GRID")
    factor = page.get_by_role("group", name="Hyperparameter 1", exact=True)
    field(factor, "Name").fill("factor")
    choose(page, "Type", "INT")
    for label, value in (("Min", "3"), ("Max", "5"), ("Step", "1")):
        field(factor, label).fill(value)
    page.get_by_role("combobox", name="Metrics", exact=True).fill("loss")
    page.get_by_role("combobox", name="Metrics", exact=True).press("Enter")
    field(page, "Parallel trials").fill("3")
    choose(page, "Image", re.compile("Plain", re.IGNORECASE))
    choose(page, "Instance type", re.compile("m1.c1m1"))
    field(page, "Output data").fill(output)
    press(page, "Create")
    see(page, "which factor", "COMPLETE")
    expect(page.get_by_role("link", name="SUCCEEDED 3", exact=True)).to_be_visible()
    page.get_by_role("tab", name="Trials").click()
    best = page.get_by_role("row").filter(has=page.get_by_role("img", name="Best trial"))
    expect(best.get_by_role("cell", name="0.05", exact=True)).to_be_visible()
    expect(best.get_by_role("cell", name="4", exact=True)).to_be_visible()

    press(page, "Create model")
    field(page, "Name").fill("quadruples")
    choose(page, "Framework", re.compile("Python", re.IGNORECASE))
    press(page, "Create a model")
    see(page, "quadruples", "ACTIVE")


def replace(page: Page) -> None:
    """A stage that nobody needs goes; another one takes over from the default stage, which ends (ST-03, EP-32…EP-35)."""
    go(page, "Endpoints")
    page.get_by_role("link", name="multiplies", exact=True).click()
    make_stage(page, "needless", "doubles")
    press(page, "Delete")
    confirm(page, "Delete the stage needless?")
    page.get_by_role("link", name="needless", exact=True).wait_for(state="hidden")

    make_stage(page, "second", "quadruples")
    see(page, "second", "ACTIVE")
    page.get_by_role("main").get_by_role("link", name="multiplies", exact=True).click()
    try_it(page, 42)
    press(page, "Change the default stage")
    change = page.get_by_role("dialog", name="Change the default stage of multiplies", exact=True)
    expect(change.get_by_role("radio", name="second")).to_be_checked()
    change.get_by_role("button", name="Change the default stage", exact=True).click()
    expect(change).to_be_hidden()
    page.get_by_role("tab", name="Stages").click()
    stages = page.get_by_role("tabpanel").get_by_role("row")
    expect(stages).to_have_count(2, timeout=LONG_MS)
    expect(stages.nth(1)).to_contain_text("second")
    expect(stages.nth(1)).to_contain_text("Default stage")
    try_it(page, 84)


def clear(page: Page) -> None:
    """Everything is deleted where the page offers it, until each list says that there is nothing (GN-16)."""
    press(page, "Delete")
    confirm(page, "Delete multiplies?")
    expect(page.get_by_role("heading", name="Endpoints bring models live")).to_be_visible(timeout=LONG_MS)
    delete_all(page, "Models", "Delete quadruples, doubles?", "Models are what endpoints serve")
    go(page, "Hyperparameter tunings")
    page.get_by_role("link", name="which factor", exact=True).click()
    press(page, "More actions")
    page.get_by_role("menuitem", name="Delete").click()
    confirm(page, "Delete which factor?")
    expect(page.get_by_role("heading", name="No tunings yet")).to_be_visible()
    delete_all(page, "Trainings", "Delete 2 trainings?", "No training yet")
    go(page, "Experiments")
    page.get_by_role("link", name="journey", exact=True).click()
    press(page, "Delete")
    confirm(page, "Delete the experiment?")
    expect(page.get_by_role("heading", name="No experiment yet")).to_be_visible()


def test_from_a_training_to_an_answer_and_away(signed_in: SignedIn, appliance: Appliance, said: list[str], code: str) -> None:
    """TR, HP, MD, EP, ST and EX as their pages offer them, by their buttons and links alone."""
    page = signed_in()
    train(page, code, appliance.uri("models", "doubling"))
    serve(page)
    tune(page, code, appliance.uri("models", "tuned"))
    assert unexpected(said) == []
    replace(page)
    clear(page)
    # A page may hear that what it shows is gone, and ask for it once more, in the moment before it is left.
    said[:] = [text for text in said if "status of 404" not in text]
