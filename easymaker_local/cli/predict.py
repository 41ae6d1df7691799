"""Asking an endpoint, as its users do: over https at the gateway, trusting the local certificate authority (EP-39, §6.13)."""

from __future__ import annotations

import json
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from easymaker_local.cli.endpoint_views import url
from easymaker_local.errors import DaemonUnreachable, InvalidRequest, NotFound

if TYPE_CHECKING:
    from easymaker_local.client.endpoint_shapes import Endpoint, Stage, StageResource
    from easymaker_local.domain.gateway import Api
    from easymaker_local.settings import Settings

_SECONDS = 600.0
_STYLES = ("auto", "v1", "v2", "completion", "chat")


def read_body(text: str) -> Any:
    """Return JSON that was written down, or that stands in a file or, "-", on stdin."""
    if text == "-":
        text = sys.stdin.read()
    elif not text.lstrip().startswith(("{", "[")):
        try:
            text = Path(text.removeprefix("@")).read_text()
        except OSError as error:
            raise InvalidRequest(f"{text} is neither JSON nor a file that can be read: {error.strerror}.") from error
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidRequest(f"The request is not JSON: {error}.") from error


def choose_resource(stage: Stage, model: str | None) -> StageResource:
    """Return the stage resource of a model by its name or id, or the only one; raises InvalidRequest or NotFound."""
    found: dict[str, StageResource] = {r["modelId"]: r for r in reversed(stage["endpointModelList"])}
    names = ", ".join(sorted(r["model"]["modelName"] for r in found.values()))
    if model is None:
        if len(found) != 1:
            raise InvalidRequest(f"The stage has several models: {names}.", hint="Choose one: --model NAME")
        return next(iter(found.values()))
    for resource in found.values():
        if model in {resource["modelId"], resource["model"]["modelName"]}:
            return resource
    raise NotFound(f"The stage has no model {model!r}.", hint=f"There are {names}.")


def default_stage(endpoint: Endpoint) -> Stage:
    """Return the default stage; raises NotFound."""
    for stage in endpoint["endpointStageList"]:
        if stage["isDefaultStage"]:
            return stage
    raise NotFound(f"Endpoint {endpoint['endpointName']!r} has no default stage.")


def api_of(style: str, body: Any) -> Api:
    """Return which API a request is for; ``auto`` tells by its keys, as the SDK does (rest-api §6.13)."""
    from easymaker_local.domain.gateway import Api

    if style not in _STYLES:
        raise typer.BadParameter(f"{style!r} is none of {', '.join(_STYLES)}.", param_hint="--api")
    chosen = {"v1": Api.PREDICT, "v2": Api.INFER, "completion": Api.COMPLETIONS, "chat": Api.CHAT}
    keys = set(body) if isinstance(body, dict) else set()
    if style != "auto":
        return chosen[style]
    if "instances" in keys:
        return Api.PREDICT
    if "inputs" in keys:
        return Api.INFER
    if {"model", "messages"} <= keys:
        return Api.CHAT
    return Api.COMPLETIONS if {"model", "prompt"} <= keys else Api.PREDICT


def model_url(base: str, model_name: str, api: Api) -> str:
    """Return where an API of a model answers, below the URL of a stage or endpoint without scheme."""
    from easymaker_local.domain.endpoint_urls import routes_of

    return url(base) + next(route.path for route in routes_of(model_name) if route.api is api)


def ask(settings: Settings, method: str, address: str, key: str | None, body: Any = None) -> tuple[int, str]:
    """Return status and text of an answer; raises DaemonUnreachable if nothing answers."""
    import httpx

    headers = {} if key is None else {"x-nhn-apikey": key}
    try:
        trust = ssl.create_default_context(cafile=str(settings.ca_bundle))
        with httpx.Client(verify=trust, trust_env=False, timeout=_SECONDS, headers=headers) as client:
            answer = client.request(method, address, **({} if body is None else {"json": body}))
    except (httpx.TransportError, OSError) as error:
        raise DaemonUnreachable(
            f"The gateway does not answer at {address}: {error}.", hint="See: easymaker-local doctor"
        ) from error
    return answer.status_code, answer.text
