"""``storage``: containers and files. They are plain directories below the home too; these commands suit any client."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from easymaker_local.cli import output
from easymaker_local.cli.addresses import FORMS, base_name, container_of, expand, is_container
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of, session_of
from easymaker_local.errors import InvalidRequest, StorageError

app = typer.Typer(no_args_is_help=True, help="Files that jobs read and write.")

Uri = Annotated[str, typer.Argument(metavar="URI", help=f"{FORMS}")]


class Switch(StrEnum):
    """Given or not."""

    ON = "on"
    OFF = "off"


Recursive = Annotated[bool, typer.Option("-r", "--recursive", help="With everything below it.", show_default=False)]


@app.command("ls")
def ls(
    ctx: typer.Context,
    uri: Annotated[str | None, typer.Argument(metavar="[URI]", help="Without it: all containers.")] = None,
    recursive: Recursive = False,
    as_json: Json = False,
) -> None:
    """List containers, or what lies at a location."""
    client = client_of(ctx)
    if uri is None:
        names = client.containers()
        if as_json:
            output.print_json([{"name": name} for name in names])
        elif names:
            for name in names:
                output.out().print(f"{output.clean(name)}/", style="blue")
        else:
            output.note("There are no containers yet. Make one: easymaker-local storage mb NAME")
        return
    found = client.objects(_full(ctx, uri), recursive=recursive)
    if as_json:
        output.print_json(found)
        return
    rows = [
        [None if o["isDirectory"] else output.size(o["size"]), output.ago(o["modifiedDatetime"]),
         output.cell(o["name"] + "/", "blue") if o["isDirectory"] else o["name"]]
        for o in found
    ]  # fmt: skip
    if rows:
        output.table(["SIZE", "CHANGED", "NAME"], rows, right=["SIZE"])
    else:
        output.note("Nothing is there.")


@app.command("mb")
def mb(ctx: typer.Context, container: Annotated[str, typer.Argument(metavar="CONTAINER")]) -> None:
    """Make a container; one that exists stays as it is."""
    client_of(ctx).create_container(container.rstrip("/"))


@app.command("put")
def put(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="FILE|DIR", exists=True, readable=True, help="A directory's content.")],
    uri: Uri,
    as_json: Json = False,
) -> None:
    """Upload a file, or what is in a directory. A container that is not there yet is made."""
    from easymaker_local.cli import transfer

    client, target = client_of(ctx), _full(ctx, uri)
    container = container_of(target)
    if container is not None and container not in client.containers():
        client.create_container(container)
        output.note(f"Made the container {container!r}.")
    uploads = transfer.plan_upload(client, path, target)
    transfer.upload(client, uploads)
    if as_json:
        output.print_json([{"file": str(u.path), "uri": u.uri, "size": u.size} for u in uploads])
    else:
        total = output.size(sum(u.size for u in uploads))
        where = uploads[0].uri if len(uploads) == 1 else target
        output.note(f"Stored {len(uploads)} file(s), {total}, at {where}")


@app.command("get")
def get(
    ctx: typer.Context,
    uri: Uri,
    path: Annotated[
        Path | None, typer.Argument(metavar="[PATH]", help="Default: its name, here. - writes a file to stdout.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Download a file, or a directory with everything below it."""
    from easymaker_local.cli import transfer

    client, source = client_of(ctx), _full(ctx, uri)
    if path == Path("-"):
        transfer.to_stdout(client, source)
        return
    downloads = transfer.plan_download(client, source, path if path is not None else Path(base_name(source).rstrip(":")))
    transfer.download(client, downloads)
    if as_json:
        output.print_json([{"uri": d.uri, "file": str(d.path), "size": d.size} for d in downloads])
    else:
        total = output.size(sum(d.size for d in downloads))
        output.note(f"Fetched {len(downloads)} file(s), {total}.")


@app.command("access")
def access(
    ctx: typer.Context,
    container: Annotated[
        str | None, typer.Argument(metavar="[CONTAINER]", help="Without it: the system account and all containers.")
    ] = None,
    read: Annotated[Switch | None, typer.Option(help="Let jobs read it.")] = None,
    write: Annotated[Switch | None, typer.Option(help="Let jobs write it.")] = None,
    as_json: Json = False,
) -> None:
    """Show or change what jobs may do in a container. They use it in the name of the system account."""
    client = client_of(ctx)
    if container is None:
        if read is not None or write is not None:
            raise InvalidRequest("Name the container.")
        overview = client.all_container_access()
        found, account = overview["containerAccessList"], overview["systemAccount"]
    else:
        name = container.rstrip("/")
        if read is not None or write is not None:
            changes = {key: None if value is None else value is Switch.ON for key, value in (("read", read), ("write", write))}
            found = [client.change_container_access(name, **changes)]
        else:
            found = [client.container_access(name)]
        account = None
    if as_json:
        output.print_json(found[0] if account is None else {"systemAccount": account, "containers": found})
        return
    if account is not None:
        output.note(f"System account (tenant id:user id): {account}")
    rows = [
        [
            a["containerName"],
            _word(a["isReadable"]),
            _word(a["isWritable"]),
            _entries(a["readAcl"]),
            _entries(a["writeAcl"]),
        ]
        for a in found
    ]
    if rows:
        output.table(["CONTAINER", "READ", "WRITE", "READ LIST", "WRITE LIST"], rows)


@app.command("rm")
def rm(ctx: typer.Context, uri: Uri, recursive: Recursive = False) -> None:
    """Delete a file; with -r a directory or a whole container."""
    target = _full(ctx, uri)
    if is_container(target) and not recursive:
        raise InvalidRequest(f"{uri} is a whole container.", hint="Delete it with everything in it: storage rm -r")
    try:
        client_of(ctx).delete_object(target, recursive=recursive)
    except StorageError as error:
        if "is a directory" in error.message:
            raise StorageError(error.message, hint="Delete it with everything below it: storage rm -r") from error
        raise


def _word(is_allowed: bool) -> str:
    return "yes" if is_allowed else "no"


def _entries(text: str | None) -> str | None:
    """An empty list names nobody, which is not the same as no list."""
    return "(empty)" if text == "" else text


def _full(ctx: typer.Context, uri: str) -> str:
    return expand(uri, session_of(ctx).settings.tenant_id)
