"""``tensorboard``: the user's browser on the TensorBoard of an experiment, training or tuning (EX-05, TR-34, HP-52)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from easymaker_local.cli.access import show_link
from easymaker_local.cli.lookup import find_experiment, find_training, find_tuning
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import session_of
from easymaker_local.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from easymaker_local.client import Client


class Kind(StrEnum):
    """What a name may mean."""

    EXPERIMENT = "experiment"
    TRAINING = "training"
    TUNING = "tuning"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("tensorboard")(open_tensorboard)


def open_tensorboard(
    ctx: typer.Context,
    which: Annotated[
        str, typer.Argument(metavar="EXPERIMENT|TRAINING|TUNING", help="Id, beginning of an id, or name; of a name the newest.")
    ],
    kind: Annotated[Kind | None, typer.Option(help="What is meant, if several fit.")] = None,
    only_print: Annotated[bool, typer.Option("--print", help="Print the link, open nothing.", show_default=False)] = False,
    as_json: Json = False,
) -> None:
    """Show TensorBoard in a browser: of an experiment, a training, or a tuning. The link works once and for five minutes."""
    session = session_of(ctx)
    scope, resource_id = _find(session.client, which, kind)
    login = session.client.create_tensorboard_login(scope, resource_id)
    show_link(session, login, only_print=only_print, as_json=as_json)


def _find(client: Client, text: str, kind: Kind | None) -> tuple[Kind, str]:
    finders: dict[Kind, Callable[[], str]] = {
        Kind.EXPERIMENT: lambda: find_experiment(client, text)["experimentId"],
        Kind.TRAINING: lambda: find_training(client, text, newest=True)["trainingId"],
        Kind.TUNING: lambda: find_tuning(client, text, newest=True)["hyperparameterTuningId"],
    }
    found: list[tuple[Kind, str]] = []
    for one in Kind if kind is None else [kind]:
        with suppress(NotFound):
            found.append((one, finders[one]()))
    if not found:
        what = kind or "experiment, training or tuning"
        raise NotFound(f"There is no {what} {text!r}.", hint="See: easymaker-local experiment list, training list, tuning list")
    if len(found) > 1:
        kinds = " and ".join(f"{'an' if one is Kind.EXPERIMENT else 'a'} {one}" for one, _ in found)
        raise InvalidRequest(f"{text!r} fits {kinds}.", hint="Say which: --kind experiment, training or tuning.")
    return found[0]
