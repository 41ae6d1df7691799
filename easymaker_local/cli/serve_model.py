"""``serve-model``: try a model in the foreground, with or without the daemon."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from easymaker_local.cli import output
from easymaker_local.cli.addresses import expand
from easymaker_local.cli.exits import FAILED
from easymaker_local.cli.session import session_of
from easymaker_local.errors import InvalidRequest, NotFound, StorageError

if TYPE_CHECKING:
    from easymaker_local.domain.image import Image
    from easymaker_local.domain.model import Examination
    from easymaker_local.settings import Settings

_POLL_SECONDS = 0.2
_LOOK_SECONDS = 5.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve-model")(serve_model)


def serve_model(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(metavar="PATH", help="A directory or file of this machine, or an address in storage.")],
    framework: Annotated[
        str | None, typer.Option(help="tensorflow, pytorch, sklearn, hugging-face or python; told from the files otherwise.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Its name in URLs; that of the file otherwise.")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where it answers by HTTP, on this machine alone.")] = 8080,
    grpc_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Where it answers by gRPC as well.")] = None,
    parameters: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Given to the model; repeat for more.")
    ] = None,
) -> None:
    """Serve a model here until Ctrl-C, as an endpoint would, and show how to ask it. The daemon need not run."""
    from easymaker_local.artifacts.models.detection import detect
    from easymaker_local.artifacts.models.requirements import requirements_of
    from easymaker_local.domain.model import ModelFormat

    settings = session_of(ctx).settings
    try:
        chosen = None if framework is None else ModelFormat(framework.upper().replace("-", "_"))
    except ValueError:
        known = "tensorflow, pytorch, sklearn, hugging-face and python"
        raise InvalidRequest(f"{framework!r} is no framework.", hint=f"There are {known}.") from None
    given = _pairs(parameters or [])
    artifact = _local(path, settings)
    title, examination = detect(artifact, chosen, name)
    _show(title, examination)
    requirements = requirements_of(artifact, examination)
    image = _image(examination, settings)
    environment = Path(asyncio.run(_prepared(image, settings)))
    with tempfile.TemporaryDirectory(prefix="easymaker-serve-") as folder_name:
        folder = Path(folder_name)
        for part in ("source", "work", "control"):
            (folder / part).mkdir()
        if requirements is not None:
            (folder / "source" / "requirements.txt").write_bytes(requirements)
        command = _command(title, examination, artifact, environment, port, grpc_port, given)
        code = _run(command, _variables(folder, settings), title, port)
    if code != 0:
        raise typer.Exit(FAILED)


def _local(path: str, settings: Settings) -> Path:
    """Return where the artifact lies on this machine: a path of it, or else an address in storage, as in other commands."""
    from easymaker_local.artifacts.storage import Storage

    found = Path(path).expanduser().resolve()
    if "://" in path or not found.exists():
        try:
            found = Storage(settings.storage, settings.nas).resolve(expand(path, settings.tenant_id)).path
        except (InvalidRequest, StorageError, NotFound):
            if "://" in path:
                raise
    if not found.exists():
        raise StorageError(f"There is nothing at {path}.")
    return found


def _pairs(parameters: list[str]) -> dict[str, str]:
    from easymaker_local.domain.model_spec import is_secret, variable_name

    found = {}
    for text in parameters:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise InvalidRequest(f"{text!r} is no parameter.", hint="Give it as NAME=VALUE.")
        if is_secret(key):
            raise InvalidRequest(
                f"{key!r} is a secret, which every user of this machine could read from a command line.",
                hint=f"Set it as a variable of the environment instead, {variable_name(key)}.",
            )
        found[key] = value
    return found


def _show(title: str, examination: Examination) -> None:
    output.note(f"{title}: {examination.format}, {len(examination.files)} files, {output.size(examination.bytes)}")
    for remark in examination.remarks:
        output.note(remark, "yellow")


def _image(examination: Examination, settings: Settings) -> Image:
    from easymaker_local.artifacts.catalogue import Catalogue
    from easymaker_local.domain.image import CoreType
    from easymaker_local.domain.serving import serving_image
    from easymaker_local.kit.bundled import bundled

    image = Catalogue([bundled("images"), settings.images]).by_id(serving_image(examination.format, CoreType.CPU))
    assert image is not None, "an image of our own catalogue"
    return image


async def _prepared(image: Image, settings: Settings) -> str:
    from easymaker_local.drivers.environments import VirtualEnvironments

    environments = VirtualEnvironments(settings.environments, settings.wheelhouse)
    return await environments.ready(image) or await environments.prepare(image, output.note)


def _command(
    title: str, examination: Examination, artifact: Path, environment: Path, port: int, grpc_port: int | None,
    parameters: Mapping[str, str],
) -> list[str]:  # fmt: skip
    from pathlib import PurePosixPath

    from easymaker_local.domain.serving import Place, serving_arguments, serving_start
    from easymaker_local.kit.bundled import bundled

    runtimes = bundled("runtimes")
    place = Place(PurePosixPath(artifact), port, grpc_port)
    python = str(environment / "bin" / "python")
    return [python, *serving_start(runtimes), *serving_arguments(examination.format, title, place, parameters)]


def _variables(folder: Path, settings: Settings) -> dict[str, str]:
    from easymaker_local.domain import contract

    own = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}}
    return {
        **own,
        "EM_SOURCE_DIR": str(folder / "source"),
        contract.WORK_DIR_VARIABLE: str(folder / "work"),
        contract.CONTROL_DIR_VARIABLE: str(folder / "control"),
        **({} if settings.wheelhouse is None else {"PIP_FIND_LINKS": str(settings.wheelhouse)}),
    }


def _run(command: list[str], variables: Mapping[str, str], title: str, port: int) -> int:
    """Run the server until it ends or the user does not want it any longer; returns its exit code."""
    process = subprocess.Popen(command, env=variables)
    ended = threading.Event()
    looking = threading.Thread(target=_show_examples, args=(title, port, ended))
    looking.start()
    # Ctrl-C reaches the server as well, which then finishes what it has begun.
    previous = {number: signal.signal(number, lambda *_: process.terminate()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return process.wait()
    finally:
        ended.set()
        looking.join()
        for number, handler in previous.items():
            signal.signal(number, handler)


def _show_examples(title: str, port: int, ended: threading.Event) -> None:
    """Show, once it is ready, where it answers and what to ask."""
    import httpx

    from easymaker_local.domain.inference_example import curl, example_instances, example_tensors

    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, trust_env=False, timeout=_LOOK_SECONDS) as client:
        while not ended.wait(_POLL_SECONDS):
            try:
                if client.get("/v2/health/ready").status_code != 200:
                    continue
                metadata = client.get(f"/v2/models/{title}").json()
            except (httpx.TransportError, ValueError):
                continue
            output.note(f"{title} is ready at {url}; Ctrl-C ends it.", "green")
            # A handler or class of the user's may not say what it takes.
            instances = example_instances(metadata) or ["…"]
            output.note(curl(f"{url}/v1/models/{title}/predict", {"instances": instances}), "")
            if (tensors := example_tensors(metadata)) is not None:
                output.note(curl(f"{url}/v2/models/{title}/infer", {"inputs": tensors}), "")
            return
