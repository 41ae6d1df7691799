"""image, flavor, experiment."""

from __future__ import annotations

import shutil

from easymaker_local.testing.appliance import Appliance, plain_image
from tests.cli.cli_runner import Cli, in_this_process


def test_images_are_listed_and_shown_by_id_prefix_or_name(cli: Cli) -> None:
    listed = {image["imageId"]: image for image in cli("image", "list", "--json").json}
    assert {"plain", "pytorch-train-2.13.0-cpu"} <= set(listed)
    assert {i["groupTypeCode"] for i in cli("image", "list", "--group", "notebook", "--json").json} == {"NOTEBOOK"}
    for text in ("plain", "pla", "Plain Python"):
        assert cli("image", "show", text, "--json").json["imageId"] == "plain"
    assert "Plain Python" in cli("image", "show", "plain").out
    several = cli("image", "show", "pytorch")
    assert several.code == 5
    assert "fits" in several.err
    unknown = cli("image", "show", "nothing")
    assert unknown.code == 3
    assert "image list" in unknown.err


def test_an_image_is_built_and_then_ready(cli: Cli) -> None:
    done = cli("image", "build", "Plain Python", "--json")
    assert done.code == 0, done.err
    assert done.json == [{"imageId": "plain", "isReady": True, "progress": None, "error": None}]
    assert "plain is ready" in done.err
    assert "ready" in cli("image", "show", "plain").out


def test_an_image_that_cannot_be_built_fails_the_command_but_not_the_others(fresh: Appliance, daemon: Appliance) -> None:
    plain_image(fresh.home)
    broken = fresh.home / "images" / "broken"
    shutil.copytree(fresh.home / "images" / "plain", broken)
    text = (broken / "image.toml").read_text().replace("Plain Python", "Broken").replace("easymaker/plain", "easymaker/broken")
    (broken / "image.toml").write_text(text)
    (broken / "requirements.txt").write_text("--not-an-option-of-pip\n")
    (fresh.home / "environments").symlink_to((daemon.home / "environments").resolve())
    fresh.start()
    done = in_this_process(fresh.environment)("image", "build", "broken", "plain")
    assert done.code == 1
    assert "broken failed" in done.err
    assert "not-an-option-of-pip" in done.err
    assert "plain is ready" in done.err


def test_flavors_say_which_are_too_large(cli: Cli) -> None:
    names = [flavor["name"] for flavor in cli("flavor", "list", "--json").json]
    shown = cli("flavor", "list").out
    assert "m2.c1m2" in names
    assert all(name in shown for name in names)


def test_experiments_from_creation_to_deletion(cli: Cli) -> None:
    made = cli("experiment", "create", "first try", "--description", "of many")
    assert made.code == 0, made.err
    experiment_id = made.out.strip()
    shown = cli("experiment", "show", "first try", "--json").json
    assert (shown["experimentId"], shown["description"]) == (experiment_id, "of many")
    assert "ACTIVE" in cli("experiment", "show", experiment_id[:6]).out
    taken = cli("experiment", "create", "first try")
    assert taken.code == 4
    assert cli("experiment", "rename", "first try", "second try").code == 0
    assert cli("experiment", "list", "--json").json[0]["experimentName"] == "second try"
    assert "second try" in cli("experiment", "list").out
    assert cli("experiment", "retry", "second try").code == 4
    assert cli("experiment", "delete", "second try").code == 0
    assert cli("experiment", "show", experiment_id).code == 3


def test_a_name_goes_before_the_beginning_of_an_id(cli: Cli) -> None:
    first = cli("experiment", "create", "plain one").out.strip()
    second = cli("experiment", "create", first[:5]).out.strip()
    assert cli("experiment", "show", first[:5], "--json").json["experimentId"] == second
    assert cli("experiment", "show", first[:6], "--json").json["experimentId"] == first


def test_an_invalid_name_names_the_field(cli: Cli) -> None:
    done = cli("experiment", "create", "x" * 51)
    assert done.code == 5
    assert "experimentName" in done.err
