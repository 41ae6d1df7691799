"""Where an endpoint, its stages and their models answer (EP-L01, OI-01…OI-12, OI-L01)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from easymaker_local.domain.gateway import Api

_V1 = ("v1", "v2", "openai")
NOT_FOR_MODELS = frozenset({".", "..", *_V1})
"""Names that a model on a stage cannot have, as its paths begin with its name."""
NOT_FOR_STAGES = frozenset(_V1)
"""Names that a stage cannot have: the default stage answers below the endpoint's own name."""

_ROUTES = (
    (Api.MODELS, "GET", "v1/models"),
    (Api.MODEL, "GET", "v1/models/{name}"),
    (Api.PREDICT, "POST", "v1/models/{name}/predict"),
    (Api.EXPLAIN, "POST", "v1/models/{name}/explain"),
    (Api.SERVER, "GET", "v2"),
    (Api.LIVE, "GET", "v2/health/live"),
    (Api.READY, "GET", "v2/health/ready"),
    (Api.METADATA, "GET", "v2/models/{name}"),
    (Api.MODEL_READY, "GET", "v2/models/{name}/ready"),
    (Api.INFER, "POST", "v2/models/{name}/infer"),
    (Api.COMPLETIONS, "POST", "openai/v1/completions"),
    (Api.CHAT, "POST", "openai/v1/chat/completions"),
)


@dataclass(frozen=True)
class Route:
    """A path below a stage's URL, and what it is for."""

    api: Api
    method: str
    path: str


def endpoint_path(endpoint_name: str) -> str:
    """Return the path of an endpoint, where its default stage answers; it begins with "/"."""
    return f"/{quote(endpoint_name, safe='')}"


def stage_path(endpoint_name: str, stage_name: str) -> str:
    """Return the path of a stage."""
    return f"{endpoint_path(endpoint_name)}/{stage_name}"


def routes_of(model_name: str, own_path: str = "") -> list[Route]:
    """Return the routes of a model below its stage's path, its own resource path first if it has one (VX-06)."""
    name = quote(model_name, safe="")
    own = [Route(Api.CUSTOM, "POST", own_path)] if own_path else []
    return own + [Route(api, method, f"/{name}/{path.format(name=name)}") for api, method, path in _ROUTES]


def resource_path(model_name: str, own_path: str = "") -> str:
    """Return the path that people are shown for a model: its own, or that of OI-03 (SR-13, OI-L01)."""
    return own_path or next(route.path for route in routes_of(model_name) if route.api is Api.PREDICT)


def name_clash(stage_names: Iterable[str], model_names: Iterable[str]) -> str | None:
    """Return a name that a stage and a model of one endpoint share: below the endpoint it could mean either."""
    return next(iter(sorted(set(stage_names) & set(model_names))), None)
