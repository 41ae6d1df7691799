"""``stage path``: paths of users' own below the URL of a stage, beside those that are generated (EP-15)."""

from __future__ import annotations

from typing import Annotated

import typer

from easymaker_local.cli import completion, output
from easymaker_local.cli.exits import for_each
from easymaker_local.cli.lookup import find_stage, find_stage_resource
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of

app = typer.Typer(no_args_is_help=True, help="Paths of your own below a stage's URL, beside the generated ones.")

Which = Annotated[
    str, typer.Argument(metavar="STAGE", help="ENDPOINT/STAGE, id, or beginning of an id.", autocompletion=completion.stages)
]


@app.command("add")
def add(
    ctx: typer.Context,
    which: Which,
    name: Annotated[str, typer.Argument(metavar="NAME", help="1 to 50 letters, digits, hyphens and underscores.")],
    path: Annotated[str, typer.Argument(metavar="PATH", help="Below the stage's URL, not below a generated path: /classify.")],
    model: Annotated[
        str | None, typer.Option("--model", "-m", metavar="MODEL", help="Who answers; default: the stage's first model.")
    ] = None,
    rewrite: Annotated[str, typer.Option(metavar="PATH", help="Path of the model server that is asked.")] = "/",
    method: Annotated[
        list[str] | None, typer.Option(metavar="METHOD", help="POST unless another is given; repeat for more.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Add a path to a stage; requests to it are answered from now on."""
    client = client_of(ctx)
    stage = find_stage(client, which)
    body: dict[str, object] = {
        "resourceName": name, "resourcePath": path, "rewritePath": rewrite, "methodList": method or ["POST"]
    }  # fmt: skip
    if model is not None:
        body["modelId"] = find_stage_resource(client, stage, model)["model"]["modelId"]
    made = client.create_gateway_resource(stage["endpointStageId"], body)
    if as_json:
        output.print_json(made)
    else:
        output.note(f"{' '.join(made['methodList'])} {made['resourcePath']} leads to {made['rewritePath']} of the model.")


@app.command("list")
def list_(ctx: typer.Context, which: Which, as_json: Json = False) -> None:
    """List the paths of a stage that were added; "stage gateway" shows all."""
    client = client_of(ctx)
    stage = find_stage(client, which)
    found = client.gateway_resources(stage["endpointStageId"])
    if as_json:
        output.print_json(found)
        return
    names = {r["model"]["modelId"]: r["model"]["modelName"] for r in stage["endpointModelList"]}
    rows: list[list[object]] = [
        [r["resourceName"], " ".join(r["methodList"]), r["resourcePath"], names.get(r["modelId"] or ""), r["rewritePath"]]
        for r in found
    ]
    output.table(["NAME", "METHOD", "PATH", "MODEL", "LEADS TO"], rows)


@app.command("delete")
def delete(
    ctx: typer.Context, which: Which, name: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names of paths.")]
) -> None:
    """Take paths away that were added."""
    client = client_of(ctx)
    stage_id = find_stage(client, which)["endpointStageId"]

    def act(text: str) -> None:
        client.delete_gateway_resource(stage_id, text)
        output.note(f"Path {text} is gone.")

    for_each(name, act)
