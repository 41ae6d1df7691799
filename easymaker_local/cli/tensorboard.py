"""``tensorboard``: the user's browser on the TensorBoard of an experiment or training (EX-05, TR-34)."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from easymaker_local.cli.access import show_link
from easymaker_local.cli.lookup import find_experiment, find_training
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import session_of
from easymaker_local.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from easymaker_local.client import Client


class Kind(StrEnum):
    """What a name may mean."""

    EXPERIMENT = "experiment"
    TRAINING = "training"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("tensorboard")(open_tensorboard)


def open_tensorboard(
    ctx: typer.Context,
    which: Annotated[
        str, typer.Argument(metavar="EXPERIMENT|TRAINING", help="Id, beginning of an id, or name; of a name the newest.")
    ],
    kind: Annotated[Kind | None, typer.Option(help="What is meant, if an experiment and a training fit.")] = None,
    only_print: Annotated[bool, typer.Option("--print", help="Print the link, open nothing.", show_default=False)] = False,
    as_json: Json = False,
) -> None:
    """Show TensorBoard in a browser: all trainings of an experiment, or one. The link works once and for five minutes."""
    session = session_of(ctx)
    scope, resource_id = _find(session.client, which, kind)
    login = session.client.create_tensorboard_login(scope, resource_id)
    show_link(session, login, only_print=only_print, as_json=as_json)


def _find(client: Client, text: str, kind: Kind | None) -> tuple[Kind, str]:
    found: list[tuple[Kind, str]] = []
    if kind is not Kind.TRAINING:
        with suppress(NotFound):
            found.append((Kind.EXPERIMENT, find_experiment(client, text)["experimentId"]))
    if kind is not Kind.EXPERIMENT:
        with suppress(NotFound):
            found.append((Kind.TRAINING, find_training(client, text, newest=True)["trainingId"]))
    if not found:
        what = kind or "experiment or training"
        raise NotFound(f"There is no {what} {text!r}.", hint="See: easymaker-local experiment list, training list")
    if len(found) > 1:
        raise InvalidRequest(f"{text!r} fits an experiment and a training.", hint="Say which: --kind experiment or training.")
    return found[0]
