"""``search``: resources of every kind by what one remembers of them."""

from __future__ import annotations

from typing import Annotated

import typer

from easymaker_local.cli import output
from easymaker_local.cli.lookup import SHORT_ID
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(search)


def search(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Part of a name, tag or description, or the beginning of an id.")],
    limit: Annotated[int, typer.Option(min=1, max=100, metavar="N", help="The best N.")] = 20,
    as_json: Json = False,
) -> None:
    """Find resources of every kind. An exact name comes first, then names that begin so, then names with it, then the rest."""
    found = client_of(ctx).search(text, limit)
    if as_json:
        output.print_json(found)
    elif found:
        output.table(
            ["ID", "KIND", "NAME", "STATUS", "CREATED", "IN"],
            [
                [
                    one["resourceId"] if one["kind"] == "image" else one["resourceId"][:SHORT_ID], one["kind"], one["name"],
                    None if one["statusCode"] is None else output.status(one["statusCode"]), output.ago(one["createdDatetime"]),
                    one["parentName"],
                ]
                for one in found
            ],
        )  # fmt: skip
    else:
        output.note("Nothing fits.")
