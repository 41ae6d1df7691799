"""``template``: values for trainings and tunings, made in advance (TT)."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from easymaker_local.cli import completion, listing, output
from easymaker_local.cli.exits import for_each
from easymaker_local.cli.job_options import NAME_LIMIT, by_option, field_of, given, overridden, with_form
from easymaker_local.cli.job_spec import TEMPLATE, Body, faults_named, parse, read_file, resolve
from easymaker_local.cli.lookup import WHICH, find_template
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of, session_of
from easymaker_local.errors import FieldError, InvalidRequest

if TYPE_CHECKING:
    from easymaker_local.client.shapes import SavedTrainingTemplate

app = typer.Typer(no_args_is_help=True, help="Training templates: values for trainings, made in advance.")

Which = Annotated[str, typer.Argument(metavar="TEMPLATE", help=WHICH, autocompletion=completion.templates)]
Several = Annotated[list[str], typer.Argument(metavar="TEMPLATE...", help=WHICH, autocompletion=completion.templates)]


@app.command("create")
@with_form()
def create(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Option("-f", "--file", help="TOML as for training create; - reads stdin. Options replace it.")
    ] = None,
    *,
    as_json: Json = False,
    **form: Any,
) -> None:
    """Create a template. Only its name is required; what could not be used as it stands now is a warning."""
    body: Body = {} if file is None else parse(*read_file(file), TEMPLATE)
    if form["name"] is not None:
        body["trainingTemplateName"] = form["name"]
    _create(ctx, overridden(body, given(form)), as_json, from_options=file is None)


@app.command("list")
def list_templates(
    ctx: typer.Context,
    search: listing.Search = None,
    sort: listing.SortWithoutStatus = listing.ByWithoutStatus.CREATED,
    reverse: listing.Reverse = False,
    limit: listing.Limit = listing.ROWS,
    everything: listing.All = False,
    as_json: Json = False,
) -> None:
    """List templates, newest first unless sorted otherwise."""
    found = listing.rows(client_of(ctx).training_templates, search, sort, limit, reverse=reverse, everything=everything)
    if as_json:
        output.print_json(found)
    elif found:
        from easymaker_local.cli.template_views import print_templates

        print_templates(found)
    else:
        output.note("There are none. Make one: easymaker-local template create --help")


@app.command("show")
def show(ctx: typer.Context, which: Which, as_json: Json = False) -> None:
    """Show everything that a template holds, and which of its references lead nowhere."""
    client = client_of(ctx)
    template = find_template(client, which, newest=True)
    unresolved = []
    if template["problem"] is None:
        unresolved = client.training_template_values(template["trainingTemplateId"])["unresolvedFieldList"]
    if as_json:
        output.print_json({**template, "unresolvedFieldList": unresolved})
        return
    from easymaker_local.cli.template_views import print_template

    print_template(template, unresolved)


@app.command("change")
@with_form()
def change(
    ctx: typer.Context,
    which: Which,
    clear: Annotated[
        list[str] | None, typer.Option(metavar="OPTION", help="Empty what an option fills: --clear flavor. Repeat for more.")
    ] = None,
    *,
    as_json: Json = False,
    **form: Any,
) -> None:
    """Change a template; what is not given stays, pairs are merged by key. What was made with it stays as it is."""
    client = client_of(ctx)
    removed = [field_of(option) for option in clear or []]
    options = given(form)
    template = find_template(client, which)
    pairs = {
        field: cast(dict[str, Any], template)[field] or []
        for field, value in options.items() if isinstance(value, dict) and field not in removed
    }  # fmt: skip
    body = overridden(pairs, options)
    if form["name"] is not None:
        body["trainingTemplateName"] = form["name"]
    if removed:
        body["removedFieldList"] = removed
    with faults_named(by_option):
        body = resolve(client, body, session_of(ctx).settings.tenant_id)
        _tell(client.change_training_template(template["trainingTemplateId"], body), as_json, "changed")


@app.command("copy")
@with_form()
def copy(
    ctx: typer.Context,
    which: Which,
    *,
    as_json: Json = False,
    **form: Any,
) -> None:
    """Create a template with what another one holds; options replace it, pairs are merged by key."""
    client = client_of(ctx)
    original = client.training_template_copy_source(find_template(client, which, newest=True)["trainingTemplateId"])
    title = form["name"] or f"{original['trainingTemplateName'][: NAME_LIMIT - 5]}-copy"
    _create(ctx, overridden({**original, "trainingTemplateName": title}, given(form)), as_json, from_options=True)


@app.command("delete")
def delete(ctx: typer.Context, which: Several) -> None:
    """Delete templates, which cannot be undone; what was made with them stays as it is."""
    client = client_of(ctx)

    def act(text: str) -> None:
        template = find_template(client, text)
        client.delete_training_template(template["trainingTemplateId"])
        output.note(f"Template {template['trainingTemplateName']!r} ({template['trainingTemplateId']}) is deleted.")

    for_each(which, act)


@app.command("export")
def export(
    ctx: typer.Context, which: Which,
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="- is stdout.", show_default=False)] = Path("-"),
    secrets: Annotated[
        bool, typer.Option("--secrets", help="Keep hyperparameters whose names look secret.", show_default=False)
    ] = False,
) -> None:  # fmt: skip
    """Write a template as a JSON document, for "template import" on this or another machine.

    Values of hyperparameters whose names look secret (a token, a password) are left empty, and it is said which.
    """
    client = client_of(ctx)
    document = client.training_template_copy_source(find_template(client, which, newest=True)["trainingTemplateId"])
    if not secrets:
        _empty_secrets(document)
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if str(file) == "-":
        sys.stdout.write(text)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be written: {error}.", param_hint="FILE") from error


@app.command("import")
def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What template export wrote; - reads stdin.")],
    name: Annotated[str | None, typer.Option(help="Instead of the name in the file.")] = None,
    as_json: Json = False,
) -> None:
    """Create a template from an exported document. What this machine does not have is a warning."""
    document = _document(*read_file(file))
    if name is not None:
        document["trainingTemplateName"] = name
    _tell(client_of(ctx).create_training_template(document), as_json, "created")


def _create(ctx: typer.Context, body: Body, as_json: bool, *, from_options: bool) -> None:
    client = client_of(ctx)
    with faults_named(by_option) if from_options else nullcontext():
        saved = client.create_training_template(resolve(client, body, session_of(ctx).settings.tenant_id))
    _tell(saved, as_json, "created")


def _tell(saved: SavedTrainingTemplate, as_json: bool, what: str) -> None:
    template = saved["trainingTemplate"]
    if as_json:
        output.print_json({**template, "warningList": saved["warningList"]})
        return
    if what == "created":
        output.out().print(template["trainingTemplateId"])
    output.note(f"Template {template['trainingTemplateName']!r} is {what}.")
    if saved["warningList"]:
        output.note("Used as it stands it would be refused:", "yellow")
    for warning in saved["warningList"]:
        output.note(f"  {warning['field']}: {warning['message']}", "yellow")


def _empty_secrets(document: Body) -> None:
    from easymaker_local.domain.masking import looks_secret

    emptied = [
        row for row in document.get("hyperparameterList", []) if row["parameterValue"] and looks_secret(row["parameterName"])
    ]
    for row in emptied:
        row["parameterValue"] = ""
    if emptied:
        names = ", ".join(row["parameterName"] for row in emptied)
        output.note(f"Left empty, since the names look secret: {names}. To keep the values: --secrets", "yellow")


def _document(text: str, file: str) -> Body:
    """Return an exported document; the daemon judges its fields."""

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is no JSON")

    try:
        found = json.loads(text, parse_constant=refuse)
        # What JSON may hold and HTTP may not: halves of characters.
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{file} is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise InvalidRequest(f"{file} holds no template: a JSON object is wanted.")
    if "schemaVersion" not in found:
        raise InvalidRequest([FieldError("schemaVersion", "required in a file")], hint=f"In {file}.")
    return found
