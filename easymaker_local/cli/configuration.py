"""``config`` and ``env``: what is set, and what other programs need to be told."""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from easymaker_local.cli import output
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import session_of

if TYPE_CHECKING:
    from easymaker_local.settings import Settings

# Defaults that other programs' variables decide.
_BORROWED = {"docker_host": "DOCKER_HOST", "wheelhouse": "PIP_FIND_LINKS"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(config)
    app.command()(env)


def config(
    ctx: typer.Context,
    explain: Annotated[bool, typer.Option("--explain", help="Say what each setting means.", show_default=False)] = False,
    as_json: Json = False,
) -> None:
    """Show every setting, its value and where that comes from. Secrets are not shown."""
    settings = session_of(ctx).settings
    from easymaker_local.settings import PREFIX, config_file

    file = config_file()
    in_file = _keys_of(file.read_text()) if file.is_file() else set()
    rows = []
    for name, field in type(settings).model_fields.items():
        source = _source(name, in_file, PREFIX)
        value = _masked(settings.model_dump(mode="json")[name])
        rows.append({"name": name, "value": value, "source": source, "description": field.description})
    if as_json:
        output.print_json({"file": str(file), "fileExists": file.is_file(), "settings": rows})
        return
    columns = ["SETTING", "VALUE", "SOURCE"] + (["MEANING"] if explain else [])
    lines = []
    for row in rows:
        style = "dim" if row["source"] == "default" else ""
        line = [row["name"], output.cell(_shown(row["value"]), style), output.cell(row["source"], style)]
        lines.append([*line, row["description"]] if explain else line)
    output.table(columns, lines)
    exists = "" if file.is_file() else " (does not exist)"
    output.note(f"\nFile: {file}{exists}. Variables: {PREFIX}<SETTING> override it. The daemon reads both when it starts.")


def env(
    ctx: typer.Context,
    storage: Annotated[
        bool, typer.Option("--storage", help="Also point swift and rclone (remote easymaker:) here.", show_default=False)
    ] = False,
    mlflow: Annotated[bool, typer.Option("--mlflow", help="Also point clients of MLflow here.", show_default=False)] = False,
    as_json: Json = False,
) -> None:
    """Print shell commands that point the easymaker SDK here: eval "$(easymaker-local env)"."""
    settings = session_of(ctx).settings
    from easymaker_local.domain.mlflow import client_environment
    from easymaker_local.domain.sdk_environment import sdk_environment
    from easymaker_local.gateway.hosts import certified_hosts
    from easymaker_local.kit.certificates import ensure_bundle
    from easymaker_local.kit.secret_files import ensure_token

    token = ensure_token(settings.token_file)
    bundle = str(ensure_bundle(settings.tls, certified_hosts(settings)))
    values = {**sdk_environment(settings, token, os.environ), "REQUESTS_CA_BUNDLE": bundle}
    if storage:
        values |= storage_environment(settings, token, bundle)
    if mlflow:
        values |= client_environment(settings, token)
    if as_json:
        output.print_json(values)
        return
    for name, value in values.items():
        line = f"unset {name}" if value is None else f"export {name}={shlex.quote(value)}"
        typer.echo(line)


def storage_environment(settings: Settings, token: str, bundle: str) -> dict[str, str | None]:
    """Return the variables with which python-swiftclient and rclone log in (TempAuth) and trust the certificate."""
    api = settings.api_url.removeprefix("http://").rpartition(":")[0]
    login = f"https://{api}:{settings.gateway_port}/auth/v1.0"
    user = f"{settings.tenant_id}:{settings.user_id}"
    remote = {"TYPE": "swift", "AUTH": login, "AUTH_VERSION": "1", "USER": user, "KEY": token}
    return {
        "ST_AUTH": login, "ST_USER": user, "ST_KEY": token, "OS_CACERT": bundle, "RCLONE_CA_CERT": bundle,
        **{f"RCLONE_CONFIG_EASYMAKER_{name}": value for name, value in remote.items()},
    }  # fmt: skip


def _keys_of(text: str) -> set[str]:
    # The settings were read from it before, so it is TOML.
    return set(tomllib.loads(text))


def _source(name: str, in_file: set[str], prefix: str) -> str:
    variable = f"{prefix}{name}".upper()
    for key in sorted(os.environ):
        if key.upper() == variable or key.upper().startswith(f"{variable}__"):
            return f"env {key}"
    if name in in_file:
        return "file"
    borrowed = _BORROWED.get(name)
    return f"env {borrowed}" if borrowed is not None and os.environ.get(borrowed) else "default"


def _masked(value: Any) -> Any:
    """Hide passwords in addresses; no setting holds another secret (the token is a file of its own)."""
    return re.sub(r"//[^/@\s]+@", "//***@", value) if isinstance(value, str) else value


def _shown(value: Any) -> str | None:
    if isinstance(value, dict):
        return ", ".join(f"{key}={_shown(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(str(_shown(item)) for item in value)
    return None if value is None else str(value)
