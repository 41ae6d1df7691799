"""The application: explicit lists of routers, middleware and handlers."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI
from fastapi.routing import APIRoute

from easymaker_local import __version__
from easymaker_local.api import (
    api_statistics,
    catalogue,
    changes,
    dashboard,
    disk,
    endpoint_routes,
    experiments,
    gateway_resources,
    logs,
    metric_check,
    model_routes,
    monitoring,
    pages,
    queue,
    resource_search,
    stage_routes,
    storage,
    system,
    tokens,
    training_metrics,
    training_templates,
    trainings,
    tryout,
    tunings,
)
from easymaker_local.api.access import Access
from easymaker_local.api.envelope import Failure, install_error_handlers
from easymaker_local.api.event_stream import Streams
from easymaker_local.api.mlflow import routes as mlflow
from easymaker_local.api.tensorboard import routes as tensorboard
from easymaker_local.services.credentials import Credentials
from easymaker_local.services.preparation import Preparation
from easymaker_local.services.services import Services

BASE = "/v1.0/appkeys/{appkey}"


def _operation_name(route: APIRoute) -> str:
    return route.name


def bare_app() -> FastAPI:
    """Build the routes alone, without anything that answers them: enough to describe the API."""
    app = FastAPI(
        title="easymaker-local",
        version=__version__,
        summary="AI EasyMaker on one workstation",
        # The interactive pages load scripts from elsewhere; nothing here leaves the machine (architecture 13).
        docs_url=None, redoc_url=None,
        generate_unique_id_function=_operation_name,
        responses={status: {"model": Failure} for status in (400, 401, 403, 404, 409, 422, 500)},
    )  # fmt: skip
    app.include_router(pages.router)
    app.include_router(system.open_router)
    for router in (monitoring.scrape_router, logs.root_router, tokens.router):
        app.include_router(router)
    for resource in (
        system, dashboard, resource_search, catalogue, experiments, trainings, training_metrics, training_templates,
        metric_check, tunings, model_routes, endpoint_routes, stage_routes, gateway_resources, tryout, storage, logs,
        monitoring, changes, disk, queue, tensorboard, mlflow, api_statistics,
    ):  # fmt: skip
        app.include_router(resource.router, prefix=BASE)
    return app


def create_app(
    services: Services, preparation: Preparation, token: str, *, started_at: float, stop: Callable[[], None]
) -> FastAPI:
    """Build the application on a context. ``token`` is the user's; ``stop`` ends the daemon."""
    app = bare_app()
    credentials = Credentials(services.context, token)
    app.state.services = services
    app.state.credentials = credentials
    app.state.preparation = preparation
    app.state.started_at = started_at
    app.state.stop = stop
    app.state.streams = Streams()
    install_error_handlers(app)
    app.add_middleware(Access, credentials=credentials, settings=services.context.settings)
    return app
