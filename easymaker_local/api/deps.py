"""What routes depend on, as named types."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from easymaker_local.services.credentials import Credentials
from easymaker_local.services.preparation import Preparation
from easymaker_local.services.services import Services


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _credentials(request: Request) -> Credentials:
    credentials: Credentials = request.app.state.credentials
    return credentials


def _preparation(request: Request) -> Preparation:
    preparation: Preparation = request.app.state.preparation
    return preparation


# Any text is accepted: the SDK sends ``None`` where init() got no key (rest-api §1.1).
Appkey = Annotated[str, Path(description="Application key. One appliance is one project, so any text is accepted.")]
After = Annotated[int, Query(ge=0, lt=1 << 63, description="Id of the last event that is known.")]
ServicesDep = Annotated[Services, Depends(_services)]
CredentialsDep = Annotated[Credentials, Depends(_credentials)]
PreparationDep = Annotated[Preparation, Depends(_preparation)]
