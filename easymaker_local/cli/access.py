"""``open`` and ``token``: the user's browser and the user's token."""

from __future__ import annotations

import os
import webbrowser
from html import escape
from typing import TYPE_CHECKING, Annotated

import typer

from easymaker_local.cli import output
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import session_of
from easymaker_local.errors import Conflict
from easymaker_local.kit.files import write_atomically
from easymaker_local.kit.lock import ProcessLock
from easymaker_local.kit.secret_files import PRIVATE, ensure_token, renew_token

if TYPE_CHECKING:
    from pathlib import Path

    from easymaker_local.cli.session import Session
    from easymaker_local.client.shapes import WebLogin

token_app = typer.Typer(no_args_is_help=True, help="The token that opens the API, for you and nobody else.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("open")(open_page)
    app.add_typer(token_app, name="token")


def open_page(
    ctx: typer.Context,
    only_print: Annotated[bool, typer.Option("--print", help="Print the link, open nothing.", show_default=False)] = False,
    as_json: Json = False,
) -> None:
    """Sign a browser in with a link that works once and for five minutes; opens it if there is a screen."""
    session = session_of(ctx)
    login = session.client.create_login()
    url = session.settings.api_url + login["path"]
    if as_json:
        output.print_json({"url": url, "expiresDatetime": login["expiresDatetime"]})
        return
    _offer(session, url, only_print)
    output.note("It works once, until it is used or five minutes have passed.")


@token_app.command("show")
def show_token(ctx: typer.Context, as_json: Json = False) -> None:
    """Print the token. Whoever has it may do whatever you may do here."""
    token = ensure_token(session_of(ctx).settings.token_file)
    if as_json:
        output.print_json({"token": token})
        return
    typer.echo(token)


@token_app.command("rotate")
def rotate_token(ctx: typer.Context, as_json: Json = False) -> None:
    """Replace the token: the old one and signed-in browsers are out at once, jobs go on."""
    session = session_of(ctx)
    settings = session.settings
    lock = ProcessLock(settings.lock_file)
    # While the daemon runs, it alone writes the token; nobody can start one as long as this command has its lock.
    if lock.holder() is not None:
        session.client.rotate_token()
    elif lock.acquire():
        try:
            renew_token(settings.token_file)
        finally:
            lock.release()
    else:
        raise Conflict("A daemon is starting.", hint="Repeat it in a moment.")
    if as_json:
        output.print_json({"file": str(settings.token_file)})
        return
    output.out().print(f"The new token is in {settings.token_file}.", style="green")
    output.note('Shells and programs that use the old one need it anew:  eval "$(easymaker-local env)"')


def show_link(session: Session, login: WebLogin, *, only_print: bool, as_json: bool) -> None:
    """Open or print a one-time link to a page at the gateway's port."""
    if as_json:
        output.print_json(login)
        return
    _offer(session, login["loginUri"], only_print)
    authority = session.settings.tls / "ca.pem"
    output.note(f"It works once, within five minutes. A browser that warns of the certificate does not know {authority} yet.")


def _offer(session: Session, url: str, only_print: bool) -> None:
    if not only_print and has_screen() and open_link(session.settings.home / "open.html", url):
        output.note("Your browser opens. If it does not, visit this address:")
    typer.echo(url)


def has_screen() -> bool:
    """True if a browser could show something."""
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def open_link(file: Path, url: str) -> bool:
    """Open a private ``file`` that leads on to ``url``; True if a browser was found.

    On the browser's command line everybody on this machine could read the link.
    """
    link = escape(url)
    text = f'<!doctype html><meta http-equiv="refresh" content="0;url={link}"><a href="{link}">easymaker-local</a>\n'
    write_atomically(file, text.encode(), mode=PRIVATE, durable=False)
    return webbrowser.open(file.as_uri())
