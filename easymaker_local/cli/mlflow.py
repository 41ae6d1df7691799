"""``mlflow``: the user's browser on MLflow."""

from __future__ import annotations

from typing import Annotated

import typer

from easymaker_local.cli.access import show_link
from easymaker_local.cli.lookup import find_training
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import session_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("mlflow")(open_mlflow)


def open_mlflow(
    ctx: typer.Context,
    which: Annotated[
        str | None,
        typer.Argument(metavar="TRAINING", help="Show its run first: id, beginning of an id, or name; of a name the newest."),
    ] = None,
    only_print: Annotated[bool, typer.Option("--print", help="Print the link, open nothing.", show_default=False)] = False,
    as_json: Json = False,
) -> None:
    """Show MLflow in a browser: every training as a run of its experiment. The link works once and for five minutes."""
    session = session_of(ctx)
    training_id = None if which is None else find_training(session.client, which, newest=True)["trainingId"]
    show_link(session, session.client.create_mlflow_login(training_id), only_print=only_print, as_json=as_json)
