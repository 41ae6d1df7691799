"""``image`` and ``flavor``: what jobs run in and on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from easymaker_local.cli import completion, output
from easymaker_local.cli.exits import FAILED
from easymaker_local.cli.lookup import find_image
from easymaker_local.cli.output import Json
from easymaker_local.cli.progress import Progress
from easymaker_local.cli.session import client_of
from easymaker_local.errors import EnvironmentFailed

if TYPE_CHECKING:
    from easymaker_local.client import Client
    from easymaker_local.client.shapes import Preparation

image_app = typer.Typer(no_args_is_help=True, help="Environments in which code runs.")
flavor_app = typer.Typer(no_args_is_help=True, help="Instance types: what a node of a job may use.")

_POLL_SECONDS = 0.5

ImageName = Annotated[str, typer.Argument(metavar="IMAGE", help="Id or name.", autocompletion=completion.images)]
ImageNames = Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Ids or names.", autocompletion=completion.images)]


@image_app.command("list")
def list_images(
    ctx: typer.Context,
    group: Annotated[str | None, typer.Option(help="TRAINING or NOTEBOOK.")] = None,
    as_json: Json = False,
) -> None:
    """List the catalogue and what of it is built on this machine."""
    client = client_of(ctx)
    images = client.images(None if group is None else group.upper())
    states = {image["imageId"]: client.preparation(image["imageId"]) for image in images}
    if as_json:
        output.print_json([{**image, "preparation": states[image["imageId"]]} for image in images])
        return
    output.table(
        ["ID", "NAME", "FRAMEWORK", "CORE", "STATE"],
        [
            [
                image["imageId"], image["imageName"], f"{image['frameworkCode'].lower()} {image['frameworkVersion']}",
                image["coreTypeCode"], _state(states[image["imageId"]]),
            ]
            for image in images
        ],
    )  # fmt: skip


@image_app.command("show")
def show_image(ctx: typer.Context, name: ImageName, as_json: Json = False) -> None:
    """Show an image."""
    client = client_of(ctx)
    image = find_image(client, name)
    state = client.preparation(image["imageId"])
    if as_json:
        output.print_json({**image, "preparation": state})
        return
    output.details([
        ("Id", image["imageId"]), ("Name", image["imageName"]), ("Description", image["description"]),
        ("Kind", image["groupTypeCode"].lower()),
        ("Framework", f"{image['frameworkCode'].lower()} {image['frameworkVersion']}"), ("Core", image["coreTypeCode"]),
        ("Python", image["pythonVersion"]), ("In the cloud", image["address"]), ("State", _state(state)),
        *([("Progress", state["progress"])] if state["progress"] else []),
        *([("Error", output.cell(state["error"], "red"))] if state["error"] else []),
    ])  # fmt: skip


@image_app.command("build")
def build_images(ctx: typer.Context, names: ImageNames, as_json: Json = False) -> None:
    """Build images now, so that the first job need not wait. Ctrl-C stops watching, not the build."""
    client = client_of(ctx)
    images = [find_image(client, name) for name in names]
    results, failed = [], False
    for image in images:
        began = time.monotonic()
        try:
            results.append(_build(client, image["imageId"]))
        except EnvironmentFailed as error:
            failed = True
            results.append({"imageId": image["imageId"], "isReady": False, "progress": None, "error": str(error)})
            output.note(f"{image['imageId']} failed: {error}", "red")
        else:
            output.note(f"{image['imageId']} is ready ({output.duration(time.monotonic() - began)}).", "green")
    if as_json:
        output.print_json(results)
    if failed:
        raise typer.Exit(FAILED)


@flavor_app.command("list")
def list_flavors(ctx: typer.Context, as_json: Json = False) -> None:
    """List instance types. Those that are larger than this machine exist too, but no job on them can run."""
    client = client_of(ctx)
    flavors = client.flavors()
    if as_json:
        output.print_json(flavors)
        return
    machine = client.machine()
    rows = []
    for flavor in flavors:
        fits = flavor["vcpus"] <= machine["vcpus"] and flavor["ram"] <= machine["memoryMib"]
        fits = fits and flavor["gpuCount"] <= sum(flavor["gpuModel"] in {None, g["model"]} for g in machine["gpuList"])
        style = "" if fits else "dim"
        gpus = None
        if flavor["gpuCount"]:
            memory = f", {flavor['gpuMemory'] / 1024:.3g} GiB" if flavor["gpuMemory"] else ""
            gpus = f"{flavor['gpuCount']} × {flavor['gpuModel'] or 'any'}{memory}"
        cells = [flavor["name"], flavor["vcpus"], f"{flavor['ram'] / 1024:g} GiB", gpus]
        rows.append(
            [*(output.cell(value, style) for value in cells), output.cell("" if fits else "larger than this machine", style)]
        )
    output.table(["NAME", "VCPUS", "MEMORY", "GPUS", "NOTE"], rows, right=["VCPUS", "MEMORY"])


def _build(client: Client, image_id: str) -> Preparation:
    state = client.prepare(image_id)
    with Progress() as progress:
        while not state["isReady"]:
            if state["progress"] is None:
                raise EnvironmentFailed(state["error"] or "The builder ended without a word; see the daemon's log.")
            progress.show(state["progress"])
            time.sleep(_POLL_SECONDS)
            state = client.preparation(image_id)
    return state


def _state(state: Preparation) -> object:
    if state["isReady"]:
        return output.cell("ready", "green")
    if state["progress"] is not None:
        return output.cell("building", "cyan")
    return output.cell("failed", "red") if state["error"] else output.cell("not built", "dim")
