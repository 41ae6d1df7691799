"""template: every command, and trainings that begin with one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from easymaker_local.cli import completion
from easymaker_local.testing.appliance import Appliance
from tests.cli.cli_runner import Cli

PRINTS = "import sys\nprint(sys.argv[1:])\n"
SPEC = """
name = "from file"
image = "Plain Python"
timeout_minutes = 60
[parameters]
epochs = 3
[datasets]
gate = "code"
"""


@pytest.fixture(autouse=True)
def _code(daemon: Appliance) -> None:
    daemon.put("code", {"prints.py": PRINTS})
    (daemon.home / "storage/models").mkdir(exist_ok=True)


@pytest.fixture
def complete(cli: Cli, request: pytest.FixtureRequest) -> str:
    """The name of a template that lacks nothing but an experiment."""
    name = f"complete {request.node.name}"[:40]
    made = cli(
        "template", "create", "--name", name, "--image", "Plain Python", "--flavor", "m2.c1m2", "--source", "code",
        "--entry-point", "prints.py", "--model-output", f"models/{request.node.name}", "--timeout-hours", "1", "-p", "lr=0.1",
        "-p", "epochs=1", "--tag", "team=a", "--description", "words",
    )  # fmt: skip
    assert made.code == 0, made.err
    assert "refused" not in made.err
    return name


def test_create_list_show(daemon: Appliance, cli: Cli, complete: str) -> None:
    """TT-02, TT-06, TT-08: names become ids, short addresses full ones."""
    shown = cli("template", "show", complete, "--json").json
    assert (shown["imageId"], shown["timeoutMinutes"]) == ("plain", 60)
    assert shown["sourceDirUri"] == daemon.uri("code")
    assert shown["datasetList"] is None
    assert shown["unresolvedFieldList"] == []
    assert cli("template", "list", "--json").json[0] == {k: v for k, v in shown.items() if k != "unresolvedFieldList"}
    assert shown["trainingTemplateId"][:8] in cli("template", "list").out
    for text in (shown["trainingTemplateId"], shown["trainingTemplateId"][:8]):
        words = cli("template", "show", text).out
        assert {"lr", "epochs", "team", "prints.py"} <= set(words.split())
    assert cli("template", "show", "nobody").code == 3


def test_only_the_name_is_required_and_what_is_missing_here_is_a_warning(cli: Cli) -> None:
    """TT-03, TT-L01."""
    assert "--name: field required" in cli("template", "create").err
    refused = cli("template", "create", "--name", "x", "--nodes", "11", "--entry-point", "../x")
    assert refused.code == 5
    assert {"--nodes", "--entry-point"} <= {line.strip().partition(":")[0] for line in refused.err.splitlines()}
    made = cli("template", "create", "--name", "odd", "--flavor", "g9", "--experiment", "nobody's", "--no-torchrun", "--json")
    assert made.code == 0, made.err
    assert [warning["field"] for warning in made.json["warningList"]] == ["flavorId", "experimentId"]
    assert made.json["useTorchrun"] is False
    assert "There is no flavor 'g9'" in cli("template", "create", "--name", "odd", "--flavor", "g9").err
    assert "There is no flavor 'g9'" in cli("template", "show", "odd").out


def test_create_from_a_file(daemon: Appliance, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text(SPEC)
    made = cli("template", "create", "-f", tmp_path / "spec.toml", "-p", "lr=1", "--json").json
    assert (made["trainingTemplateName"], made["imageId"], made["timeoutMinutes"]) == ("from file", "plain", 60)
    assert {p["parameterName"]: p["parameterValue"] for p in made["hyperparameterList"]} == {"epochs": "3", "lr": "1"}
    assert made["datasetList"] == [{"datasetName": "gate", "dataUri": daemon.uri("code")}]
    named = cli("template", "create", "-f", "-", "--name", "mine", "--json", stdin=SPEC).json
    assert named["trainingTemplateName"] == "mine"
    slip = cli("template", "create", "-f", "-", stdin='flavour = "x"\ntraining_name = "y"')
    assert slip.code == 5
    assert {"flavour", "training_name"} <= {line.strip().partition(":")[0] for line in slip.err.splitlines()}
    odd = cli("template", "create", "-f", "-", "-p", "lr=1", stdin='name = "x"\nparameters = [3]')
    assert (odd.code, "hyperparameterList" in odd.err) == (5, True)


def test_run_with_a_template(cli: Cli, complete: str) -> None:
    """TR-02, TT-01, TT-05: options replace, pairs are merged by key; the training stays when the template goes."""
    done = cli("training", "run", "--template", complete, "-p", "epochs=2", "--name", "templated", "--tag", "more=b")
    assert done.code == 0, done.err
    assert done.out == "['--lr', '0.1', '--epochs', '2']\n"
    shown = cli("training", "show", "templated", "--json").json
    assert {tag["tagKey"] for tag in shown["tagList"]} == {"team", "more"}
    assert shown["description"] is None, "the description is the template's own"
    assert shown["experiment"]["experimentName"] == "default"
    assert cli("template", "change", complete, "--clear", "param", "--name", "gone").code == 0
    assert cli("template", "delete", "gone").code == 0
    assert cli("training", "show", "templated", "--json").json == shown
    assert cli("training", "run", "--template", complete).code == 3


def test_a_template_gives_the_training_its_name_and_experiment(cli: Cli, complete: str) -> None:
    cli("experiment", "create", "of the template")
    assert cli("template", "change", complete, "--experiment", "of the template").code == 0
    made = cli("training", "run", "--template", complete, "--detach", "--json").json
    assert made["trainingName"].startswith("prints-")
    assert made["experiment"]["experimentName"] == "of the template"
    other = cli("training", "run", "--template", complete, "--experiment", "of the option", "--detach", "--json").json
    assert other["experiment"]["experimentName"] == "of the option"
    assert cli("training", "wait", made["trainingId"], other["trainingId"]).code == 0


def test_a_file_goes_before_a_template(cli: Cli, complete: str) -> None:
    """TR-02."""
    cli("experiment", "create", "default")
    file = 'name = "from both"\nexperiment = "default"\n[parameters]\nepochs = 7\n'
    made = cli("training", "create", "--template", complete, "-f", "-", "--follow", stdin=file)
    assert made.code == 0, made.err
    assert made.out == "['--lr', '0.1', '--epochs', '7']\n"
    twice = 'name = "x"\nexperiment = "default"\nhyperparameter_list = [{parameter_name = "a"}, {parameter_name = "a"}]'
    refused = cli("training", "create", "--template", complete, "-f", "-", stdin=twice)
    assert (refused.code, "would both become the variable" in refused.err) == (5, True)


def test_what_no_longer_resolves_is_said_unless_it_is_replaced(cli: Cli, complete: str) -> None:
    """TT-L01: the field is left empty."""
    assert cli("template", "change", complete, "--flavor", "g9", "--experiment", "nobody's").code == 0
    refused = cli("training", "run", "--template", complete)
    assert refused.code == 5
    assert f"flavorId of template {complete!r} is left out: There is no flavor 'g9'." in refused.err
    assert "--flavor: field required" in refused.err
    done = cli("training", "run", "--template", complete, "--flavor", "m2.c1m2")
    assert done.code == 0, done.err
    assert "flavorId" not in done.err
    assert "experimentId of template" in done.err


def test_change(cli: Cli, complete: str) -> None:
    """TT-07: what is not given stays."""
    before = cli("template", "show", complete, "--json").json
    done = cli(
        "template", "change", complete, "-p", "lr=1", "--tag", "b=2", "--clear", "tag", "--clear", "--timeout-hours", "--json"
    )
    assert done.code == 0, done.err
    changed = {
        "hyperparameterList": [
            {"parameterName": "lr", "parameterValue": "1"}, {"parameterName": "epochs", "parameterValue": "1"},
        ],
        "tagList": [{"tagKey": "b", "tagValue": "2"}], "timeoutMinutes": None,
    }  # fmt: skip
    kept = {k: v for k, v in before.items() if k not in {"unresolvedFieldList", "changedDatetime", *changed}}
    assert {**kept, **changed} == {k: v for k, v in done.json.items() if k not in {"warningList", "changedDatetime"}}
    wrong = cli("template", "change", complete, "--clear", "nonsense")
    assert (wrong.code, "processes-per-node" in wrong.err) == (2, True)
    assert cli("template", "change", complete).code == 5


def test_copy(cli: Cli, complete: str) -> None:
    """TT-09, GN-14."""
    original = cli("template", "show", complete, "--json").json
    copied = cli("template", "copy", complete, "-p", "lr=9", "--json").json
    assert copied["trainingTemplateName"] == f"{complete}-copy"
    assert copied["trainingTemplateId"] != original["trainingTemplateId"]
    assert copied["hyperparameterList"][0] == {"parameterName": "lr", "parameterValue": "9"}
    assert (copied["tagList"], copied["description"]) == (original["tagList"], "words")
    assert cli("template", "show", complete, "--json").json == original


def test_export_and_import(cli: Cli, complete: str, tmp_path: Path) -> None:
    """TT-L01: what comes in is what went out, by a file or by pipes."""
    file = tmp_path / "template.json"
    assert cli("template", "export", complete, file).code == 0
    document = json.loads(file.read_text())
    assert next(iter(document.items())) == ("schemaVersion", 1)
    assert document["hyperparameterList"][0] == {"parameterName": "lr", "parameterValue": "0.1"}
    piped = cli("template", "export", complete).out
    assert piped == file.read_text()
    moved = cli("template", "import", file, "--name", "moved in")
    assert moved.code == 0, moved.err
    assert json.loads(cli("template", "export", moved.out.strip()).out) == {**document, "trainingTemplateName": "moved in"}
    again = cli("template", "import", "-", "--json", stdin=piped).json
    assert cli("template", "export", again["trainingTemplateId"]).out == piped
    assert cli("template", "export", complete, tmp_path / "no" / "folder").code == 2


def test_what_looks_secret_is_exported_on_demand_only(cli: Cli) -> None:
    cli("template", "create", "--name", "secret", "-p", "hub_token=abc123", "-p", "lr=1", "-p", "password=")
    done = cli("template", "export", "secret")
    values = {p["parameterName"]: p["parameterValue"] for p in done.json["hyperparameterList"]}
    assert values == {"hub_token": "", "lr": "1", "password": ""}
    assert "hub_token" in done.err
    assert "abc123" not in done.out + done.err
    kept = cli("template", "export", "secret", "--secrets")
    assert (kept.json["hyperparameterList"][0]["parameterValue"], kept.err) == ("abc123", "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not JSON"), ("{", "is not JSON"), ("[" * 100_000, "is not JSON"), ('{"a": NaN}', "NaN is no JSON"),
        ('{"schemaVersion": 1, "trainingTemplateName": "\\ud800"}', "is not JSON"), ("[]", "holds no template"),
        ('{"trainingTemplateName": "x"}', "schemaVersion: required in a file"),
        ('{"schemaVersion": 2, "trainingTemplateName": "x"}', "schemaVersion: this version of easymaker-local reads version 1"),
        ('{"schemaVersion": 1, "trainingTemplateName": "x", "flavour": 1}', "flavour: "),
        ('{"schemaVersion": 1, "trainingTemplateName": "x", "tagList": [{"tagKey": ""}]}', "tagList.0.tagKey: "),
        ('{"schemaVersion": 1, "instanceCount": 99}', "instanceCount: "),
    ],
)  # fmt: skip
def test_what_is_no_template_is_refused_by_name(cli: Cli, text: str, words: str) -> None:
    """TT-L01, TT-03: nothing is kept of it."""
    before = cli("template", "list", "--all", "--json").json
    done = cli("template", "import", "-", stdin=text)
    assert done.code == 5, done.err
    assert words in done.err
    assert cli("template", "list", "--all", "--json").json == before


def test_delete(cli: Cli, complete: str) -> None:
    """TT-10, DP-04: always; what cannot be found is said after the others were deleted."""
    assert cli("template", "delete", "no such template", complete).code == 3
    assert cli("template", "show", complete).code == 3


def test_a_name_that_several_have(cli: Cli) -> None:
    newest = [cli("template", "create", "--name", "twins").out.strip() for _ in range(2)][-1]
    shown = cli("template", "show", "twins", "--json")
    assert shown.json["trainingTemplateId"] == newest, "to look at, the newest is meant"
    assert "2 templates are named 'twins'" in shown.err
    assert "fits 2 templates" in cli("template", "delete", "twins").err
    assert cli("template", "delete", newest).code == 0


def test_lists_show_the_newest_and_say_so(cli: Cli) -> None:
    """TT-06, GN-13."""
    made = [cli("template", "create", "--name", f"listed {number}").out.strip() for number in range(3)]
    newest = cli("template", "list", "--limit", "2", "--json")
    assert [t["trainingTemplateId"] for t in newest.json] == made[:0:-1]
    assert "the newest 2" in newest.err
    assert [t["trainingTemplateId"] for t in cli("template", "list", "--all", "--json").json][:3] == made[::-1]


def test_completion_offers_names(daemon: Appliance, complete: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASYMAKER_LOCAL_HOME", str(daemon.home))
    monkeypatch.setenv("EASYMAKER_LOCAL_PORT", str(daemon.port))
    assert complete in [offer[0] for offer in completion.templates("complete")]
