"""The link that opens MLflow in a browser. Jobs get none: it would open what is the user's."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from easymaker_local.api.deps import Appkey, CredentialsDep, ServicesDep
from easymaker_local.api.envelope import Envelope
from easymaker_local.api.web_servers.login import WebLoginView, issue_login
from easymaker_local.domain.mlflow import SERVER, place_of

router = APIRouter(tags=["mlflow"])


class MlflowLoginAnswer(Envelope):
    """A one-time link."""

    mlflow_login: WebLoginView


@router.post("/mlflow/login")
async def create_mlflow_login(
    appkey: Appkey, services: ServicesDep, credentials: CredentialsDep,
    training_id: Annotated[str | None, Query(alias="trainingId", description="Whose run is shown first.")] = None,
) -> MlflowLoginAnswer:  # fmt: skip
    """Make a link to MLflow that signs a browser in, once and within minutes."""
    if training_id is not None:
        await services.trainings.find(training_id)
    place = place_of(training_id)
    view = issue_login(credentials, services.context.settings, SERVER.path, "MLflow")
    # A browser keeps the place when it is sent on.
    return MlflowLoginAnswer(
        mlflow_login=WebLoginView(
            access_uri=view.access_uri + place, login_uri=view.login_uri + place, expires_datetime=view.expires_datetime
        )
    )
