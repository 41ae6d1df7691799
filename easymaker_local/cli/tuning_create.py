"""``tuning create``, ``run`` and ``copy``: three ways to ask for a hyperparameter tuning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from easymaker_local.cli import completion, jobs, output
from easymaker_local.cli.job_options import NAME_LIMIT, Follow, RunExperiment, Template, from_template, made_name, with_form
from easymaker_local.cli.job_spec import Body, faults_named, overlaid, parse, read_file, resolve
from easymaker_local.cli.lookup import WHICH, find_tuning
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of, session_of
from easymaker_local.cli.tuning_options import SEARCH, given, overridden
from easymaker_local.cli.tuning_spec import SPECS, TUNING, by_key, by_option, completed, merge_specs, per_trial

if TYPE_CHECKING:
    from collections.abc import Callable

    from easymaker_local.client import Client
    from easymaker_local.client.shapes import Tuning
    from easymaker_local.errors import FieldError

_NODES = Annotated[int | None, typer.Option(min=1, help="Number of nodes of a trial; with those of the parallel ones 1 to 10.")]
_FORM = {"nodes": _NODES, **SEARCH}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (create, run, copy):
        app.command()(command)


def create(
    ctx: typer.Context,
    file: Annotated[Path, typer.Option("-f", "--file", help="TOML; - reads stdin.")],
    template: Template = None,
    follow: Follow = False,
    check: jobs.Check = False,
    as_json: Json = False,
) -> None:
    """Create a hyperparameter tuning from a TOML file.

    Keys are the API's (metricRegex) or the same with underscores (metric_regex); short for theirs are name, experiment, image,
    flavor, nodes (of a trial), metrics, regex, objective, direction, goal, strategy, random_state, parallel, max_trials,
    max_failed_trials, early_stopping, min_trials, start_step and the tables [datasets], [tags] and [hyperparameters.NAME] with
    type, min, max and step, or values. Experiment, image and flavor may be given by name.
    """
    client = client_of(ctx)
    body = parse(*read_file(file), TUNING)
    if template is not None:
        values = per_trial(from_template(client, template, body, "tuning"))
        if "instanceCount" in body:
            values.pop("nodes", None)
        specs = merge_specs(values.get(SPECS, []), body.get(SPECS, []))
        body = {**overlaid(values, body), **({SPECS: specs} if specs else {})}
    _ask(ctx, body, by_key, check=check, follow=follow, as_json=as_json)


@with_form(without=["param"], experiment=RunExperiment, **_FORM)
def run(
    ctx: typer.Context, template: Template = None, *, follow: Follow = True, as_json: Json = False, **form: Any
) -> None:  # fmt: skip
    """Create a hyperparameter tuning and watch it to the end: exit code 0 if it completes, 1 if not.

    The experiment is made if need be. A template gives the names of hyperparameters; what they may be is given beside it.
    """
    client = client_of(ctx)
    options = given(form)
    values = from_template(client, template, options, "tuning") if template is not None else {}
    body: Body = {"experimentId": "default", **per_trial(values)}
    body["hyperparameterTuningName"] = made_name(form, body)
    _ask(ctx, overridden(body, options), by_option, make_experiment=True, follow=follow, as_json=as_json)


@with_form(without=["param"], **_FORM)
def copy(
    ctx: typer.Context,
    which: Annotated[str, typer.Argument(metavar="TUNING", help=WHICH, autocompletion=completion.tunings)],
    *,
    follow: Follow = False,
    check: jobs.Check = False,
    as_json: Json = False,
    **form: Any,
) -> None:
    """Create a hyperparameter tuning with the settings of another one; options replace them.

    Hyperparameters are merged by name, data sets and tags by key.
    """
    client = client_of(ctx)
    original = per_trial(client.tuning_copy_source(find_tuning(client, which, newest=True)["hyperparameterTuningId"]))
    title = form["name"] or f"{original['hyperparameterTuningName'][: NAME_LIMIT - 5]}-copy"
    body = overridden({**original, "hyperparameterTuningName": title}, given(form))
    _ask(ctx, body, by_option, check=check, follow=follow, as_json=as_json)


def _ask(
    ctx: typer.Context, body: Body, names: Callable[[Body], Callable[[FieldError], FieldError]], *,
    check: bool = False, make_experiment: bool = False, follow: bool, as_json: bool,
) -> None:  # fmt: skip
    """Create it and tell, or only say whether it could be created; faults go by the ``names`` of what was written."""
    client = client_of(ctx)
    body = completed(body)
    with faults_named(names(body)):
        body = resolve(client, body, session_of(ctx).settings.tenant_id, make_experiment=make_experiment)
        if check:
            jobs.tell_checked(client.check_tuning, body)
            return
        tuning = client.create_tuning(body)
    _tell(client, tuning, follow and not as_json, as_json)


def _tell(client: Client, tuning: Tuning, follow: bool, as_json: bool) -> None:
    tuning_id = tuning["hyperparameterTuningId"]
    for warning in tuning["warningList"]:
        output.note(warning, "yellow")
    if as_json:
        output.print_json(tuning)
        return
    if tuning["gridSize"] is not None and not tuning["warningList"]:
        output.note(f"The grid has {tuning['gridSize']} combinations.")
    if follow:
        output.note(f"Tuning {tuning['hyperparameterTuningName']!r}: {tuning_id}")
        from easymaker_local.cli.tuning_follow import follow_to_end

        raise typer.Exit(follow_to_end(client, tuning))
    output.out().print(tuning_id)
    output.note(f"Watch it: easymaker-local tuning follow {tuning_id}")
