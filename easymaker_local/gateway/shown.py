"""What is deployed to a stage, as its settings page shows it (GW-03)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from easymaker_local.domain.endpoint_urls import routes_of
from easymaker_local.domain.gateway import Api, Backend, GatewayResource, RoutedModel
from easymaker_local.gateway.routes import Deployment


def shown_resources(deployment: Deployment, backends_of: Callable[[str], Sequence[Backend]]) -> list[GatewayResource]:
    """Return the generated resources of each model, then the user's own; ``backends_of`` tells the pods of a model's id."""
    found: list[GatewayResource] = []
    for model in deployment.stage.models:
        backends = _urls(model, backends_of)
        found += [
            GatewayResource(route.path, (route.method,), backends, model.model_id, route.api)
            for route in routes_of(model.model_name, model.path)
        ]  # fmt: skip
    for resource in deployment.resources:
        models = [m for m in deployment.stage.models if m.model_id == resource.model_id] or deployment.stage.models[:1]
        for model in models:
            urls = tuple(f"{url}{resource.rewrite}" for url in _urls(model, backends_of))
            shown = GatewayResource(resource.path, resource.methods, urls, model.model_id, Api.CUSTOM, resource.name)
            found.append(shown)
    return found


def _urls(model: RoutedModel, backends_of: Callable[[str], Sequence[Backend]]) -> tuple[str, ...]:
    return tuple(f"http://{backend.host}:{backend.port}" for backend in backends_of(model.model_id))
