"""Envoy's life: it goes on without the daemon, is found again, replaced, and started again when it was killed."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from easymaker_local.domain.gateway import Api, ApiKey, GatewayService, GatewayStage, GatewayStatus
from easymaker_local.errors import DaemonError
from easymaker_local.gateway import config, route_store
from easymaker_local.gateway.gateway import EnvoyGateway
from easymaker_local.gateway.process import EnvoyProcess
from easymaker_local.gateway.resources import Layout
from easymaker_local.gateway.user_resources import UserResource
from easymaker_local.kit.certificates import ensure_certificates
from easymaker_local.kit.clock import SystemClock
from easymaker_local.kit.files import write_atomically, write_json
from easymaker_local.settings import Settings
from easymaker_local.testing.appliance import free_port
from tests.gateway.conftest import IRIS, Pods, connect, end, one_stage, until

pytestmark = pytest.mark.anyio


def running(settings: Settings) -> list[int]:
    return [each.pid for each in EnvoyProcess(Layout(settings.home), 1).find()]


def shared_memory(base_id: str) -> list[Path]:
    return list(Path("/dev/shm").glob(f"envoy_shared_memory_{base_id}*"))


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[EnvoyGateway]:
    gateway = EnvoyGateway(settings, SystemClock())
    await gateway.open()
    try:
        yield gateway
    finally:
        await gateway.close()


@pytest.fixture(autouse=True)
async def _nothing_is_left(settings: Settings) -> AsyncIterator[None]:
    yield
    shared = Layout(settings.home).run / "base-id"
    base_id = shared.read_text().strip() if shared.exists() else "none"
    await end(settings)
    assert running(settings) == []
    assert shared_memory(base_id) == []


async def test_it_serves_while_nobody_looks_after_it_and_is_taken_over(settings: Settings, pods: Pods) -> None:
    async with opened(settings) as gateway:
        await gateway.put_service(one_stage())
        await gateway.set_backends("s1", "m1", [pods.start("p").backend])
        epoch, before = gateway.epoch, running(settings)
    clusters = Layout(settings.home).file("clusters").read_bytes()
    async with connect(settings) as client:
        assert (await client.get("/flowers/v2")).status_code == 200
        async with opened(settings) as gateway:
            assert (gateway.epoch, running(settings)) == (epoch, before)
            # Pods for gRPC are known again as well.
            assert Layout(settings.home).file("clusters").read_bytes() == clusters
            assert (await gateway.status("s1")).status is GatewayStatus.ACTIVE
            assert (await gateway.put_service(one_stage()))["s1"].version == 1
            assert (await client.get("/flowers/v2")).status_code == 200
            assert (await gateway.counts())[ApiKey("s1", "m1", Api.SERVER)].classes == {"2xx": 2}


async def test_it_ends_with_the_daemon_where_there_is_nothing_to_serve(settings: Settings) -> None:
    async with opened(settings):
        assert len(running(settings)) == 1
    assert running(settings) == []


async def test_it_outlives_a_killed_daemon(settings: Settings, pods: Pods) -> None:
    """Not even its starter's sudden end reaches it, though it asks the kernel to be told of that."""
    program = f"""
import asyncio, os, signal
from pathlib import Path
from easymaker_local.gateway.gateway import EnvoyGateway
from easymaker_local.kit.clock import SystemClock
from easymaker_local.settings import Settings
from easymaker_local.testing.appliance import free_port
from tests.gateway.conftest import one_stage

async def main():
    home = Path({str(settings.home)!r})
    gateway = EnvoyGateway(Settings(home=home, gateway_port={settings.gateway_port}), SystemClock())
    await gateway.open()
    await gateway.put_service(one_stage())
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    ended = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program], cwd=Path(__file__).parents[2])
    assert ended.returncode == -signal.SIGKILL
    (pid,) = running(settings)
    async with connect(settings) as client:
        assert (await client.get("/flowers/v2")).status_code == 503
    async with opened(settings.model_copy(update={"gateway_http_port": 0})) as gateway:
        assert gateway.epoch.startswith(f"{pid}-")
        await gateway.set_backends("s1", "m1", [pods.start("p").backend])
        async with connect(settings) as client:
            assert (await client.get("/flowers/v2")).status_code == 200


async def test_a_deployment_that_was_spoilt_outside_keeps_nobody_else_out(settings: Settings, pods: Pods) -> None:
    """GW-06, GW-17: the daemon starts, the other endpoint answers, and the spoilt one is deployed anew by hand."""
    async with opened(settings) as gateway:
        await gateway.put_service(one_stage())
        trees = GatewayService("e2", "trees", (GatewayStage("t1", "a", (IRIS,)),), "t1")
        await gateway.put_service(trees)
        await gateway.put_resource(UserResource("mine", "/mine", stage_id="s1"))
        pod = pods.start("p").backend
        for stage_id in ("s1", "t1"):
            await gateway.set_backends(stage_id, "m1", [pod])
    file = Layout(settings.home).root / "deployments" / "s1.json"
    file.write_text(file.read_text().replace('"rewrite": "/"', '"rewrite": "/x\\n"'))
    os.kill(running(settings)[0], signal.SIGKILL)
    async with opened(settings) as gateway, connect(settings) as client:
        assert (await client.get("/trees/v2")).status_code == 200
        deployed = await gateway.status("s1")
        assert (deployed.status, "rewrite" in str(deployed.message).lower()) == (GatewayStatus.STAGE_DEPLOY_FAIL, True)
        assert (await gateway.put_service(replace(trees, api_key="k")))["t1"].status is GatewayStatus.ACTIVE
        assert (await gateway.deploy_stage("s1")).status is GatewayStatus.ACTIVE
        await gateway.set_backends("s1", "m1", [pod])
        assert (await client.post("/flowers/mine", json={})).status_code == 200


class _Killed(BaseException):
    """The daemon's end in the middle: nothing is tidied up, and nothing is written any more."""


@pytest.mark.parametrize("written", range(12))
async def test_a_daemon_killed_while_it_deploys_has_neither_lost_nor_halved_anything(
    settings: Settings, pods: Pods, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    """GW-L03, architecture 7: after each number of files. What was in force answers; the same once more brings the rest."""
    stage = one_stage().stages[0]
    wanted = GatewayService("e1", "flowers", (replace(stage, log=True), GatewayStage("s2", "b", (IRIS,))), "s2")
    gateway = EnvoyGateway(settings, SystemClock())
    await gateway.open()
    await gateway.put_service(one_stage())
    pod = pods.start("p").backend
    for stage_id in ("s1", "s2"):
        await gateway.set_backends(stage_id, "m1", [pod])
    left = written

    def counted(write: Callable[..., None]) -> Callable[..., None]:
        def written_or_killed(*arguments: Any, **options: Any) -> None:
            nonlocal left
            if left == 0:
                raise _Killed
            left -= 1
            write(*arguments, **options)

        return written_or_killed

    with monkeypatch.context() as patched:
        patched.setattr(route_store, "write_json", counted(write_json))
        patched.setattr(config, "write_atomically", counted(write_atomically))
        with suppress(_Killed):
            await gateway.put_service(wanted)
    for part in (gateway._process, gateway._certificate, gateway._holding):
        await part.close()
    async with opened(settings) as gateway, connect(settings) as client:
        for path in ("/flowers/v2", "/flowers/a/v2"):
            assert (await client.get(path)).status_code == 200
        for stage_id in ("s1", "s2"):
            assert (await gateway.status(stage_id)).status in {GatewayStatus.ACTIVE, GatewayStatus.CREATE_IN_PROGRESS}
        found = await gateway.put_service(wanted)
        assert {deployed.status for deployed in found.values()} == {GatewayStatus.ACTIVE}
        assert (await client.get("/flowers/b/v2")).status_code == 200
        assert [each.service.default_stage_id for each in gateway._store.sites()] == ["s2"]


async def test_killed_it_comes_back_with_all_that_it_had(settings: Settings, pods: Pods) -> None:
    """Nobody asks for it: its end is noticed."""
    async with opened(settings) as gateway, connect(settings) as client:
        await gateway.put_service(one_stage())
        await gateway.set_backends("s1", "m1", [pods.start("p").backend])
        for _ in range(2):
            epoch = gateway.epoch
            os.kill(running(settings)[0], signal.SIGKILL)
            await until(lambda epoch=epoch: gateway.epoch not in {"", epoch})
            assert (await client.get("/flowers/v2")).status_code == 200
        os.kill(running(settings)[0], signal.SIGKILL)
        assert (await gateway.put_service(one_stage(log=True)))["s1"].status is GatewayStatus.ACTIVE


async def test_another_bootstrap_is_taken_on_without_a_failed_request(settings: Settings, pods: Pods) -> None:
    """An upgrade of Envoy or of what it is started with: a hot restart, the old one drains."""
    async with opened(settings) as gateway:
        await gateway.put_service(one_stage())
        await gateway.set_backends("s1", "m1", [pods.start("p").backend])
        epoch = gateway.epoch
    answers: list[int] = []
    done = asyncio.Event()

    async def ask() -> None:
        async with connect(settings) as client:
            while not done.is_set():
                answers.append((await client.get("/flowers/v2?wait=0.005")).status_code)

    asking = [asyncio.create_task(ask()) for _ in range(4)]
    await until(lambda: len(answers) > 50)
    async with opened(settings.model_copy(update={"gateway_workers": 1})) as gateway:
        assert gateway.epoch != epoch
        seen = len(answers)
        await until(lambda: len(answers) > seen + 100)
        assert (await gateway.put_service(one_stage(log=True)))["s1"].status is GatewayStatus.ACTIVE
        done.set()
        await asyncio.gather(*asking)
    assert set(answers) == {200}


async def test_a_renewed_certificate_is_shown_without_a_restart(settings: Settings) -> None:
    async with opened(settings) as gateway:
        await gateway.put_service(one_stage())

        def shown() -> str:
            return ssl.get_server_certificate(("127.0.0.1", settings.gateway_port))

        before = await asyncio.to_thread(shown)
        await asyncio.to_thread(ensure_certificates, settings.tls, ["localhost", "127.0.0.1", "::1", "10.0.0.9"])
        assert before not in (settings.tls / "leaf.pem").read_text()
        async with asyncio.timeout(60):
            while (after := await asyncio.to_thread(shown)) == before:  # noqa: ASYNC110 - Envoy looks when it is told
                await asyncio.sleep(0.01)
        assert after.strip() in (settings.tls / "leaf.pem").read_text()


async def test_another_port_is_taken_on_while_it_runs(settings: Settings) -> None:
    async with opened(settings) as gateway:
        await gateway.put_service(one_stage())
        epoch = gateway.epoch
    moved = settings.model_copy(update={"gateway_http_port": 0})
    async with opened(moved) as gateway:
        assert gateway.epoch == epoch
        async with httpx.AsyncClient(trust_env=False) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(f"http://127.0.0.1:{settings.gateway_http_port}/flowers/v2")


async def test_a_taken_port_is_named(settings: Settings) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", settings.gateway_port)
    async with server:
        with pytest.raises(
            DaemonError, match=f"127.0.0.1:{settings.gateway_port} cannot be listened on.*Address already in use"
        ):
            async with opened(settings):
                pass
    assert running(settings) == []


async def test_two_gateways_of_one_user_know_their_own(settings: Settings, tmp_path: Path) -> None:
    other = Settings(home=tmp_path / "other", gateway_port=free_port())
    async with opened(settings), opened(other):
        assert len(running(settings)) == len(running(other)) == 1
        assert running(settings) != running(other)


async def test_its_sockets_are_for_this_user_only(settings: Settings) -> None:
    async with opened(settings):
        run = Layout(settings.home).run
        assert run.stat().st_mode & 0o777 == 0o700
        for path in (run / "admin.sock", run / "hold.sock", settings.sockets / "gateway.sock"):
            assert path.is_socket()
            assert path.stat().st_mode & 0o777 == 0o600
