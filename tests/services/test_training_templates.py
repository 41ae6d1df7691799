"""Training templates by REST: create, list, change, load, copy, delete; rows that cannot be read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from easymaker_local.api import create_app
from easymaker_local.api.training_templates import TrainingTemplateView
from easymaker_local.cli.findings import Level
from easymaker_local.cli.state_checks import check_records
from easymaker_local.domain.training_spec import TrainingForm
from easymaker_local.testing.context import Bench, open_bench
from easymaker_local.testing.factories import TEMPLATE

pytestmark = pytest.mark.anyio

ROOT = "/training-templates"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        yield made


class Api:
    """Calls that succeed, or are refused with a status."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> dict[str, Any]:
        answer = (await self._client.request(method, path, json=body, params=query)).json()
        assert answer["header"]["isSuccessful"], answer
        found: dict[str, Any] = answer
        return found

    async def refused(self, method: str, path: str, status: int, body: Any = None) -> dict[str, str]:
        """Return the fields at fault."""
        answer = await self._client.request(method, path, json=body)
        assert answer.status_code == status, answer.text
        return {fault["field"]: fault["message"] for fault in answer.json()["fieldErrors"]}

    async def create(self, **body: Any) -> dict[str, Any]:
        answer = await self("POST", ROOT, {"trainingTemplateName": "template", **body})
        template: dict[str, Any] = answer["trainingTemplate"]
        return template


@pytest.fixture
async def api(bench: Bench) -> AsyncIterator[Api]:
    app = create_app(bench.services, bench.preparation, "token", started_at=bench.clock.now(), stop=lambda: None)
    transport = httpx.ASGITransport(app=app)
    url = "http://127.0.0.1/v1.0/appkeys/key"
    async with httpx.AsyncClient(transport=transport, base_url=url, headers={"X-EasyMaker-Token": "token"}) as client:
        yield Api(client)


def place(template: dict[str, Any]) -> str:
    return f"{ROOT}/{template['trainingTemplateId']}"


async def test_a_complete_template_shows_all_it_holds(bench: Bench, api: Api) -> None:
    """TT-02, TT-06, TT-08, TT-11, GN-01, GN-03: there at once, without a status."""
    tags = [{"tagKey": "team", "tagValue": "a"}]
    body = {**TEMPLATE, "experimentId": bench.experiment.id, "description": "words", "tagList": tags}
    answer = await api("POST", ROOT, body)
    assert answer["warningList"] == []
    shown = answer["trainingTemplate"]
    assert {field: shown[field] for field in body} == body
    assert shown["instanceCount"] is None, "what it does not hold is null"
    assert [parameter["parameterName"] for parameter in shown["hyperparameterList"]] == ["lr"]
    assert (await api("GET", place(shown)))["trainingTemplate"] == shown
    assert (await api("GET", ROOT))["trainingTemplateList"] == [shown]
    assert set(TrainingForm.model_fields) < set(TrainingTemplateView.model_fields)


async def test_what_could_not_be_used_is_a_warning_when_saved(api: Api) -> None:
    """TT-03: with the words that a training would be refused with; it is saved all the same."""
    body = {
        "trainingTemplateName": "odd", "experimentId": "none", "imageId": "none", "flavorId": "none", "algorithmId": "none",
        "sourceDirUri": "obs://local/v1/AUTH_local/code", "entryPoint": "none.py", "timeoutMinutes": 1,
        "modelUploadUri": "obs://local/v1/AUTH_local/none/m", "instanceCount": 2,
    }  # fmt: skip
    answer = await api("POST", ROOT, body)
    warned = {warning["field"]: warning["message"] for warning in answer["warningList"]}
    fields = {"experimentId", "imageId", "flavorId", "algorithmId", "entryPoint", "timeoutMinutes", "modelUploadUri"}
    assert set(warned) == fields
    assert warned["experimentId"] == "there is no experiment 'none'"
    assert (await api("GET", place(answer["trainingTemplate"])))["trainingTemplate"]["imageId"] == "none"
    changed = await api("PATCH", place(answer["trainingTemplate"]), {"removedFieldList": sorted(fields - {"imageId"})})
    assert [warning["field"] for warning in changed["warningList"]] == ["imageId"]
    refused = await api.refused("POST", "/trainings", 422, {**body, "trainingName": "t"})
    assert {field: refused[field] for field in warned} == warned, "all of it at once"


async def test_nothing_is_warned_of_what_is_absent(api: Api) -> None:
    """TT-03: an incomplete template is no fault."""
    assert (await api("POST", ROOT, {"trainingTemplateName": "empty"}))["warningList"] == []


async def test_faults_are_named_and_nothing_is_kept(api: Api) -> None:
    """TT-03, GN-02."""
    faults = await api.refused("POST", ROOT, 422, {"flavour": "x", "instanceCount": 11, "schemaVersion": 2})
    assert set(faults) == {"trainingTemplateName", "flavour", "instanceCount", "schemaVersion"}
    assert "reads version 1 of templates, not 2" in faults["schemaVersion"]
    assert (await api("GET", ROOT))["trainingTemplateList"] == []


async def test_lists_go_in_pages_and_are_searched(bench: Bench, api: Api) -> None:
    """TT-06, GN-13: newest first; the same name may be used again."""
    made = []
    for name in ("a", "b", "a"):
        bench.clock.advance(1)
        made.append(await api.create(trainingTemplateName=name))
    made.reverse()
    first = await api("GET", ROOT, limit=2)
    rest = await api("GET", ROOT, limit=2, cursor=first["nextCursor"])
    assert first["trainingTemplateList"] + rest["trainingTemplateList"] == made
    assert rest["nextCursor"] is None
    assert (await api("GET", ROOT, trainingTemplateName="a"))["trainingTemplateList"] == [made[0], made[2]]
    prefix = made[1]["trainingTemplateId"][:12]
    assert (await api("GET", ROOT, trainingTemplateIdPrefix=prefix))["trainingTemplateList"] == [made[1]]


async def test_a_change_takes_effect_at_once(bench: Bench, api: Api) -> None:
    """TT-06, TT-07, TT-11: what is not given stays."""
    template = await api.create(flavorId="m2.c1m2", instanceCount=2, tagList=[{"tagKey": "a", "tagValue": "1"}])
    bench.clock.advance(5)
    body = {"trainingTemplateName": "renamed", "instanceCount": 3, "removedFieldList": ["flavorId"]}
    changed = (await api("PATCH", place(template), body))["trainingTemplate"]
    want = {"trainingTemplateName": "renamed", "instanceCount": 3, "flavorId": None}
    assert changed == {**template, **want, "changedDatetime": changed["changedDatetime"]}
    assert changed["changedDatetime"] > template["changedDatetime"]
    assert (await api("GET", ROOT, trainingTemplateName="renamed"))["trainingTemplateList"] == [changed]
    assert "trainingTemplateName" in await api.refused("PATCH", place(template), 422, {})
    assert "instanceCount" in await api.refused("PATCH", place(template), 422, {"instanceCount": 0, "useLog": True})
    assert (await api("GET", place(template)))["trainingTemplate"] == changed


async def test_a_training_made_with_a_template_knows_nothing_of_it(bench: Bench, api: Api) -> None:
    """TR-02, TT-01, TT-05, TT-10, DP-04: values are copied; change and deletion do not reach what was made with them."""
    template = await api.create(**{**TEMPLATE, "experimentId": bench.experiment.id})
    loaded = await api("GET", f"{place(template)}/values")
    assert loaded["unresolvedFieldList"] == []
    made = (await api("POST", "/trainings", {**loaded["values"], "trainingName": "made"}))["training"]
    assert made["hyperparameterList"] == template["hyperparameterList"]
    await api("PATCH", place(template), {"hyperparameterList": [], "flavorId": "m2.c2m4"})
    await api("DELETE", place(template))
    again = (await api("GET", f"/trainings/{made['trainingId']}"))["training"]
    assert again == made
    source = (await api("GET", f"/trainings/{made['trainingId']}/copy-source"))["copySource"]
    assert source["hyperparameterList"] == template["hyperparameterList"]
    await api.refused("GET", place(template), 404)
    await api.refused("DELETE", place(template), 404)
    await api.refused("GET", f"{place(template)}/values", 404)


async def test_references_that_no_longer_resolve_are_left_out_and_named(bench: Bench, api: Api) -> None:
    """TT-L01: of all four kinds; a data location is no reference and stays."""
    gone = (await api("POST", "/experiments", {"experimentName": "gone"}))["experiment"]["experimentId"]
    body = {**TEMPLATE, "experimentId": gone, "imageId": "old", "flavorId": "big", "algorithmId": "none"}
    body["sourceDirUri"] = "nas://gone:/"
    template = await api.create(**body)
    await api("DELETE", f"/experiments/{gone}")
    loaded = await api("GET", f"{place(template)}/values")
    named = {entry["field"]: (entry["value"], entry["message"]) for entry in loaded["unresolvedFieldList"]}
    assert named == {
        "experimentId": (gone, f"there is no experiment {gone!r}"), "imageId": ("old", "there is no image 'old'"),
        "flavorId": ("big", "There is no flavor 'big'."), "algorithmId": ("none", "there is no algorithm 'none'"),
    }  # fmt: skip
    left = {"modelUploadUri", "sourceDirUri", "entryPoint", "timeoutMinutes", "hyperparameterList"}
    assert set(loaded["values"]) == left
    shown = (await api("GET", place(template)))["trainingTemplate"]
    assert shown["imageId"] == "old", "the template itself is not touched"


async def test_values_for_a_tuning(bench: Bench, api: Api) -> None:
    """TT-04."""
    template = await api.create(**{**TEMPLATE, "experimentId": bench.experiment.id, "imageId": "none"})
    loaded = await api("GET", f"{place(template)}/values", **{"for": "tuning"})
    assert loaded["values"]["hyperparameterSpecList"] == [{"hyperparameterName": "lr"}]
    assert not {"hyperparameterList", "imageId"} & set(loaded["values"])
    assert [entry["field"] for entry in loaded["unresolvedFieldList"]] == ["imageId"]
    assert "for" in await api.refused("GET", f"{place(template)}/values?for=dinner", 422)


async def test_a_copy_is_independent(api: Api) -> None:
    """TT-09, GN-14: all settings of the original, to be changed; the original is not touched."""
    template = await api.create(instanceCount=2, description="words", tagList=[{"tagKey": "a", "tagValue": "1"}])
    source = (await api("GET", f"{place(template)}/copy-source"))["copySource"]
    assert source["schemaVersion"] == 1
    copied = await api.create(**{**source, "trainingTemplateName": "copy"})
    await api("PATCH", place(copied), {"removedFieldList": ["tagList"]})
    assert (copied["instanceCount"], copied["description"]) == (2, "words")
    assert (await api("GET", place(template)))["trainingTemplate"] == template


@pytest.mark.parametrize(
    ("document", "words"),
    [("{secret", "Invalid JSON"), ('{"schemaVersion": 7, "trainingTemplateName": "secret"}', "reads version 1"), ("[]", "")],
    ids=["no JSON", "of a later version", "no object"],
)
async def test_a_row_that_cannot_be_read_is_shown_and_may_be_deleted(
    bench: Bench, api: Api, document: str, words: str
) -> None:  # fmt: skip
    """TT-10, GN-L02: the list is as ever, the row is refused for all else; doctor finds it."""
    broken, whole = await api.create(trainingTemplateName="broken"), await api.create()
    settings = bench.context.settings
    assert check_records(settings).level is Level.OK
    spoil = "UPDATE training_templates SET document = ? WHERE id = ?"
    await bench.context.store.write(lambda db: db.execute(spoil, (document, broken["trainingTemplateId"])))
    listed = {t["trainingTemplateId"]: t for t in (await api("GET", ROOT))["trainingTemplateList"]}
    assert listed[whole["trainingTemplateId"]] == whole
    shown = listed[broken["trainingTemplateId"]]
    assert shown == (await api("GET", place(broken)))["trainingTemplate"]
    assert (shown["trainingTemplateName"], shown["problem"]["code"]) == ("broken", "BROKEN_RECORD")
    assert words in shown["problem"]["message"]
    assert "secret" not in shown["problem"]["message"], "what stands in the row is not repeated"
    for path in ("values", "copy-source"):
        await api.refused("GET", f"{place(broken)}/{path}", 409)
    await api.refused("PATCH", place(broken), 409, {"useLog": True})
    finding = check_records(settings)
    assert finding.level is Level.PROBLEM
    assert broken["trainingTemplateId"] in finding.message
    await api("DELETE", place(broken))
    assert check_records(settings).level is Level.OK
