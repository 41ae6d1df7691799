"""Every page with something on it loads, says nothing on the console, can be used by all, and fits a telephone (GN-13, GN-27).

The page is looked at on a real daemon that has one of everything. Screenshots are kept in `PICTURES`, for eyes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from easymaker_local.testing.appliance import Appliance, until
from easymaker_local.testing.event_writer import FILE, log
from easymaker_local.testing.factories import TEMPLATE
from tests.page.conftest import PICTURES, address, go, open_page, unexpected

pytestmark = [pytest.mark.xdist_group("page-pages"), pytest.mark.environment]

TRAIN = """
import os, pathlib, shutil, sys
rate = float(sys.argv[sys.argv.index("--lr") + 1])
print("Reading 1,200 rows")
for epoch in range(40):
    print(f"epoch {epoch + 1}/40: loss={rate + 2 / (epoch + 1):.4f} accuracy={1 - 1 / (epoch + 2):.3f}")
events = pathlib.Path("events", str(rate))
if events.exists():  # trials try rates of their own
    shutil.copytree(events, os.environ["EM_TENSORBOARD_LOG_DIR"], dirs_exist_ok=True)
print("WARNING: the last batch was smaller than the others", file=sys.stderr)
model = pathlib.Path(os.environ["EM_MODEL_DIR"])
(model / "predict.py").write_text("class Model:\\n    def predict(self, rows):\\n        return [row * 2 for row in rows]\\n")
print("Saved the model")
"""
FAIL = "raise FileNotFoundError('There is no labels.csv beside the images')\n"
WAIT = "import threading\nthreading.Event().wait()\n"
LR = {"hyperparameterList": [{"parameterName": "lr", "parameterValue": "0.1"}]}

TABS = {
    "/trainings/{training}": "overview logs metrics hyperparameters files monitoring events configuration",
    "/trainings/{failed}": "overview logs",
    "/trainings/{waiting}": "overview",
    "/tunings/{tuning}": "overview trials pictures metrics logs monitoring events configuration",
    "/templates/{template}": "overview hyperparameters change configuration",
    "/experiments/{experiment}": "trainings tunings overview events",
    "/models/{model}": "overview examination events configuration",
    "/endpoints/{endpoint}": "overview stages try statistics events configuration",
    "/endpoints/{endpoint}/stages/{stage}": (
        "overview resources pods try logs monitoring statistics gateway events configuration"
    ),
}
LISTS = ("experiments", "trainings", "templates", "tunings", "models", "endpoints")
PATHS = (
    "/",
    *(f"/{kind}" for kind in LISTS),
    *(f"/{kind}?keyword=nothing-has-this-name" for kind in LISTS),
    *(f"/{kind}/new" for kind in LISTS),
    "/trainings/compare", "/trainings/compare?id={training}&id={faster}&id={failed}",
    "/trainings/new?copy={training}", "/models/new?training={training}", "/endpoints/new?model={model}",
    "/endpoints/{endpoint}/stages/new",
    # The last one is loaded by its address, the others are opened as a person does.
    *(f"{path}?tab={tab}" for path, tabs in TABS.items() for tab in reversed(tabs.split())),
    "/storage", "/storage?uri={code}", "/storage?uri={code}&file=train.py",
    "/images", "/queue", "/logs", "/monitoring", "/disk", "/settings",
    "/trainings/there-is-none", "/trainings/no/such/page",
)  # fmt: skip

# Counts questions without an answer. What streams is no question.
COUNT = """
window.unanswered = 0;
const fetched = window.fetch;
window.fetch = async (...asked) => {
  window.unanswered += 1;
  try { return await fetched(...asked); } finally { window.unanswered -= 1; }
};
"""
# True once the page has stood still for a while: nothing is asked, nothing is a place holder, nothing moves.
STILL = """async (frames) => {
  const busy = () => window.unanswered > 0 || document.querySelector("main h1, main h2, main h3") === null
    || document.body.textContent.includes("Loading…")
    || document.querySelector("[aria-busy=true], .mantine-Skeleton-root, .mantine-Loader-root") !== null
    || document.getAnimations().some((one) => one.playState === "running"
      && Number.isFinite(one.effect.getComputedTiming().endTime));
  const until = performance.now() + 20000;
  for (let still = 0; still < frames; still = busy() ? 0 : still + 1) {
    if (performance.now() > until) return false;
    await new Promise(requestAnimationFrame);
  }
  return true;
}"""
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
EXAMINE = """async () => (await axe.run({ resultTypes: ["violations"] })).violations
  .filter(({ impact }) => impact === "serious" || impact === "critical")
  .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 300)}: ${failureSummary}`))"""
# What a page is wider than its window by, and what sticks out of the window without anything that scrolls around it.
OVERFLOW = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (one) => one !== null && (getComputedStyle(one).overflowX !== "visible" || scrolls(one.parentElement));
  const out = [...document.querySelectorAll("main *")]
    .filter((one) => one.getBoundingClientRect().right > width + 1 && !scrolls(one.parentElement));
  return document.documentElement.scrollWidth > width ? ["the page", ...out.map((one) => one.outerHTML.slice(0, 160))] : [];
}"""


@pytest.fixture(scope="module")
def seeded(appliance: Appliance, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One of everything that the page shows, by the names in ``PATHS``."""
    code = appliance.put("code", {"train.py": TRAIN, "fail.py": FAIL, "wait.py": WAIT, "lib/rows.py": "ROWS = 1200\n"})
    for rate in (0.1, 0.4):
        events = log(tmp_path_factory.mktemp("events"), "loss", [rate + 2 / (epoch + 1) for epoch in range(40)])
        log(events.parent, "accuracy", [1 - rate / (epoch + 2) for epoch in range(40)])
        appliance.put(f"code/events/{rate}/train", {FILE: events})
    flowers = appliance.experiment("flowers")

    def training(name: str, **body: Any) -> str:
        upload = appliance.uri("models", name)
        made = appliance.training(trainingName=name, experimentId=flowers, modelUploadUri=upload, **{**LR, **body})
        return str(made["trainingId"])

    complete, failed = training("flowers-resnet"), training("flowers-without-labels", entryPoint="fail.py")
    faster = training("flowers-resnet-faster", hyperparameterList=[{"parameterName": "lr", "parameterValue": "0.4"}])
    tuning = appliance.tuning(hyperparameterTuningName="flowers-search", experimentId=flowers)["hyperparameterTuningId"]
    body = {**TEMPLATE, "trainingTemplateName": "flowers-daily", "experimentId": flowers, "sourceDirUri": code}
    template = appliance.call("POST", "/training-templates", json=body)["trainingTemplate"]["trainingTemplateId"]
    assert appliance.await_status(failed)["trainingStatusCode"] == "FAIL_TRAIN"
    appliance.complete(complete, 120)
    appliance.complete(faster, 120)
    assert appliance.await_tuning(tuning)["hyperparameterTuningStatusCode"] == "COMPLETE"
    model = appliance.model(modelName="flowers", modelUploadUri=appliance.uri("models", "flowers-resnet"))["modelId"]
    endpoint = appliance.endpoint(model, endpointName="flowers")
    # With what serves and what runs, the machine has no room for the largest.
    running = training("flowers-all-night", entryPoint="wait.py")
    appliance.await_status(running, "RUNNING")
    flavors = appliance.call("GET", "/flavors")["flavorList"]
    largest = max((one for one in flavors if not one["gpuFlavor"]), key=lambda one: (one["vcpus"], one["ram"]))
    waiting = training("flowers-large", flavorId=largest["id"])
    until(lambda: appliance.shown(waiting)["statusReason"], what="the reason why it waits")
    return {
        "training": complete, "faster": faster, "failed": failed, "waiting": waiting, "tuning": tuning, "template": template,
        "model": model, "experiment": flowers, "endpoint": endpoint["endpointId"], "code": code,
        "stage": endpoint["endpointStageList"][0]["endpointStageId"],
    }  # fmt: skip


@pytest.fixture(scope="module")
def said() -> list[str]:
    """What the browser says on its console."""
    return []


@pytest.fixture(scope="module")
def page(browser: Browser, appliance: Appliance, seeded: dict[str, str], said: list[str]) -> Iterator[Page]:
    """One page for all: each test goes somewhere else with it."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    opened = open_page(browser, appliance, said, reduced_motion="reduce")
    opened.add_init_script(COUNT)
    opened.add_init_script(AXE.read_text())
    yield opened
    opened.context.close()


def visit(page: Page, url: str) -> None:
    """Load an address; of a page that is open, press the tab."""
    place, _, tab = url.partition("?tab=")
    if tab and page.url.partition("?")[0] == place:
        page.locator(f"main [role=tab][id$='-tab-{tab}']").click()
        page.locator(f"main [role=tab][id$='-tab-{tab}'][aria-selected=true]").wait_for()
    else:
        go(page, url)
        # A page whose files were dropped on the way loads itself anew.
        page.locator("main h1").first.wait_for()


def look(page: Page, path: str, width: int, colors: str, frames: int = 2) -> None:
    """Let the page stand still in that size and colours, and keep a picture."""
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=colors, reduced_motion="reduce")
    assert page.evaluate(STILL, frames), "it goes on loading"
    name = re.sub(r"\W+", "-", path).strip("-") or "dashboard"
    # Less work for the browser than PNG, as large as the page is.
    page.screenshot(path=PICTURES / f"{name}-{width}-{colors}.jpeg", full_page=True, quality=80)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_whole(page: Page, appliance: Appliance, seeded: dict[str, str], said: list[str], path: str) -> None:
    """It loads quietly, axe finds nothing serious in either colours, and nothing is wider than a telephone."""
    said.clear()
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    visit(page, address(appliance, path.format(**seeded)))
    faults: list[str] = []
    for colors, frames in (("light", 8), ("dark", 2)):
        look(page, path, 1280, colors, frames)
        faults += [f"{colors}: {fault}" for fault in page.evaluate(EXAMINE)]
    for colors in ("dark", "light"):
        look(page, path, 400, colors)
    assert not faults, "\n".join(sorted(set(faults)))
    assert page.evaluate(OVERFLOW) == []
    missing = "none" if "there-is-none" not in path else "status of 404"
    assert [text for text in unexpected(said) if missing not in text] == []
