"""All commands, in the order in which help shows them."""

from __future__ import annotations

from typing import Annotated

import typer

from easymaker_local.cli import (
    access,
    api_statistics,
    configuration,
    daemon,
    dashboard,
    disk,
    doctor,
    endpoints,
    experiments,
    images,
    logs,
    mlflow,
    models,
    queue,
    search,
    serve_model,
    stages,
    storage,
    templates,
    tensorboard,
    trainings,
    tunings,
    usage,
)
from easymaker_local.cli.exits import Group
from easymaker_local.cli.session import Session

_EPILOG = (
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 conflict, 5 invalid request, 6 no daemon or wrong token, "
    "124 wait timed out, 130 interrupted."
)

HELP_NAMES = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="easymaker-local", cls=Group, no_args_is_help=True, pretty_exceptions_enable=False, epilog=_EPILOG,
    context_settings=HELP_NAMES, help="AI EasyMaker on this machine.",
)  # fmt: skip


def _show_version(wanted: bool) -> None:
    if wanted:
        from easymaker_local import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    if ctx.obj is None:
        ctx.obj = Session()
        ctx.call_on_close(ctx.obj.close)


daemon.register(app)
configuration.register(app)
access.register(app)
doctor.register(app)
dashboard.register(app)
search.register(app)
queue.register(app)
usage.register(app)
disk.register(app)
tensorboard.register(app)
mlflow.register(app)
app.add_typer(images.image_app, name="image")
app.add_typer(images.flavor_app, name="flavor")
app.add_typer(storage.app, name="storage")
app.add_typer(experiments.app, name="experiment")
app.add_typer(trainings.app, name="training")
app.add_typer(templates.app, name="template")
app.add_typer(tunings.app, name="tuning")
app.add_typer(models.app, name="model")
api_statistics.register(endpoints.app, stages.app)
app.add_typer(endpoints.app, name="endpoint")
app.add_typer(stages.app, name="stage")
app.add_typer(logs.app, name="logs")
serve_model.register(app)
