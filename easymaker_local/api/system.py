"""The appliance itself: is it there, what does it offer, end it."""

from __future__ import annotations

import os

from fastapi import APIRouter, Request

from easymaker_local import __version__
from easymaker_local.api.deps import Appkey, CredentialsDep, ServicesDep
from easymaker_local.api.envelope import Envelope
from easymaker_local.api.models import LoginAnswer, LoginView, SystemAnswer, SystemView
from easymaker_local.domain.ledger import NOTHING
from easymaker_local.kit.clock import to_iso
from easymaker_local.settings import config_file
from easymaker_local.store import endpoints, ledger, stages, trainings

router = APIRouter(tags=["system"])
open_router = APIRouter(tags=["system"])


@open_router.get("/nhn-api-gateway")
async def probe_gateway() -> Envelope:
    """Answer the SDK's probe (rest-api §1.2); needs no token."""
    return Envelope()


@open_router.get("/health")
async def check_health() -> Envelope:
    """Answer while the daemon serves; needs no token and tells nothing."""
    return Envelope()


@router.get("/system")
async def get_system(appkey: Appkey, request: Request, services: ServicesDep) -> SystemAnswer:
    """Show version, driver, addresses, places, capacity and the system account."""
    context, settings = services.context, services.context.settings
    held = sum((b.amount for b in await context.store.read(ledger.booked)), NOTHING)
    unfinished = await context.store.read(trainings.unfinished_ids)
    return SystemAnswer(
        system=SystemView(
            version=__version__, driver=context.driver.name, pid=os.getpid(),
            started_datetime=to_iso(request.app.state.started_at),
            app_key=settings.appkey, region=settings.region, tenant_id=settings.tenant_id, user_id=settings.user_id,
            api_url=settings.api_url, gateway_url=settings.gateway_url, home=str(settings.home),
            config_file=str(config_file()), token_file=str(settings.token_file),
            vcpus=context.capacity.cpu_milli / 1000, memory_mib=context.capacity.memory_mib,
            booked_vcpus=held.cpu_milli / 1000, booked_memory_mib=held.memory_mib, unfinished_trainings=len(unfinished),
            endpoint_count=await context.store.read(endpoints.count),
            model_server_count=await context.store.read(stages.pod_count),
        )
    )  # fmt: skip


@router.put("/system/stop")
async def stop_system(appkey: Appkey, request: Request) -> Envelope:
    """End the daemon; what runs goes on and is adopted by the next one."""
    request.app.state.stop()
    return Envelope()


@router.post("/system/login")
async def create_login(appkey: Appkey, credentials: CredentialsDep) -> LoginAnswer:
    """Make a one-time code that signs a browser in; for the user's token and sessions, not for jobs."""
    made = credentials.issue_code()
    view = LoginView(path=f"/login?code={made.code}", expires_datetime=to_iso(made.expires_at))
    return LoginAnswer(login=view)


@router.put("/system/token")
async def rotate_token(appkey: Appkey, credentials: CredentialsDep) -> Envelope:
    """Replace the user's token; the new one is in its file. The old one and all sessions end, jobs keep theirs."""
    await credentials.rotate()
    return Envelope()
