"""The gateway beside nginx and HAProxy: the same backend, certificate, path rewriting and number of threads, in turns.

All three answer by https on kept connections and ask the backend on kept ones. What a gateway adds is its p50 with one client
less that of the backend asked directly; its share is what comes through of what the backend answers directly to eight clients.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.load import WRK, Body, Result, over_http
from bench.row import Row
from easymaker_local.domain.gateway import Backend, GatewayService, GatewayStage, RoutedModel
from easymaker_local.gateway.gateway import EnvoyGateway
from easymaker_local.kit.clock import SystemClock
from easymaker_local.settings import Settings
from easymaker_local.testing.appliance import free_port, until

HERE = Path(__file__).parent / "peers"
THREADS = 2
LATENCY, THROUGHPUT = 1, 8
DIRECT, OURS = "direct", "ours"

_NGINX = """\
daemon off; {user} worker_processes {threads}; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}/1; proxy_temp_path {folder}/2;
  fastcgi_temp_path {folder}/3; uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  upstream model {{ server 127.0.0.1:{backend}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} ssl; ssl_certificate {tls}/leaf.pem; ssl_certificate_key {tls}/leaf.key;
    location /iris/default/ {{ proxy_pass http://model/; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""
_HAPROXY = """\
global
  nbthread {threads}
  maxconn 1024
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  http-reuse always
frontend gateway
  bind 127.0.0.1:{port} ssl crt {folder}/both.pem
  http-request replace-path /iris/default/(.*) /\\1
  default_backend model
backend model
  server pod 127.0.0.1:{backend}
"""


@dataclass(frozen=True)
class _Place:
    """Who is asked, and whose CPU time it is."""

    url: str
    process: psutil.Process


def rows(folder: Path, rounds: int, seconds: float) -> list[Row]:
    """Return the rows; none without wrk, nginx and haproxy."""
    programs = {name: shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in ("nginx", "haproxy")}
    if WRK is None or None in programs.values():
        print("wrk, nginx or haproxy is not installed: the rows of the gateway are left out.", file=sys.stderr)
        return []
    folder.mkdir(parents=True)
    return asyncio.run(_measure(folder, {name: str(path) for name, path in programs.items()}, rounds, seconds))


async def _measure(folder: Path, programs: Mapping[str, str], rounds: int, seconds: float) -> list[Row]:
    content = folder / "iris.json"
    content.write_text(
        json.dumps({"inputs": [{"name": "x", "datatype": "FP64", "shape": [1, 4], "data": [5.1, 3.5, 1.4, 0.2]}]})
    )
    body = Body(content, {"content-type": "application/json"})
    found: dict[tuple[str, int], list[Result]] = defaultdict(list)
    settings = Settings(home=folder / "home", gateway_port=free_port(), gateway_workers=THREADS)
    backend = free_port()
    async with AsyncExitStack() as stack:
        echo = stack.enter_context(_running([sys.executable, HERE / "echo.py", str(backend)], backend))
        ours = await stack.enter_async_context(_ours(settings, backend))
        places = {
            DIRECT: _Place(f"http://127.0.0.1:{backend}/v2/models/iris/infer", echo),
            OURS: ours,
            "nginx": stack.enter_context(_nginx(folder, programs["nginx"], settings, backend)),
            "HAProxy": stack.enter_context(_haproxy(folder, programs["haproxy"], settings, backend)),
        }
        for _ in range(rounds):
            for name, place in places.items():
                for clients in (LATENCY, THROUGHPUT):
                    result = await asyncio.to_thread(over_http, place.process, place.url, body, clients, seconds)
                    found[name, clients].append(result)
    return _rows(found)


def _rows(found: Mapping[tuple[str, int], Sequence[Result]]) -> list[Row]:
    def median(name: str, clients: int, value: Callable[[Result], float]) -> float:
        return statistics.median(value(result) for result in found[name, clients])

    def added(name: str) -> float:
        return median(name, LATENCY, lambda result: result.p50) - median(DIRECT, LATENCY, lambda result: result.p50)

    def rate(name: str) -> float:
        return median(name, THROUGHPUT, lambda result: result.rate)

    added_by_us, our_rate = added(OURS), rate(OURS)
    return [
        *(
            Row(f"gateway: added at p50, 1 client ({peer})", added_by_us, added(peer), "ms", "≤ 0.3 ms", added_by_us <= 0.3)
            for peer in ("nginx", "HAProxy")
        ),
        # A bare echo answers more than any model server does: what counts is that no model is kept waiting.
        *(
            Row(f"gateway: 8 clients ({peer})", our_rate, rate(peer), "1/s", "≥ 5,000 1/s", our_rate >= 5000)
            for peer in (DIRECT, "nginx", "HAProxy")
        ),
    ]


@asynccontextmanager
async def _ours(settings: Settings, backend: int) -> AsyncIterator[_Place]:
    gateway = EnvoyGateway(settings, SystemClock())
    await gateway.open()
    try:
        stage = GatewayStage("s1", "default", (RoutedModel("m1", "iris"),))
        await gateway.put_service(GatewayService("e1", "iris", (stage,), "s1"))
        await gateway.set_backends("s1", "m1", [Backend("pod", "127.0.0.1", backend)])
        process = psutil.Process(int(gateway.epoch.partition("-")[0]))
        yield _Place(f"https://127.0.0.1:{settings.gateway_port}/iris/default/v2/models/iris/infer", process)
    finally:
        await gateway.close()
        await gateway.end()


@contextmanager
def _nginx(folder: Path, program: str, settings: Settings, backend: int) -> Iterator[_Place]:
    port, config = free_port(), folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(_NGINX.format(user=user, threads=THREADS, folder=folder, tls=settings.tls, port=port, backend=backend))
    with _running([program, "-c", config, "-p", folder, "-e", folder / "error.log"], port) as process:
        yield _Place(f"https://127.0.0.1:{port}/iris/default/v2/models/iris/infer", process)


@contextmanager
def _haproxy(folder: Path, program: str, settings: Settings, backend: int) -> Iterator[_Place]:
    port, config = free_port(), folder / "haproxy.cfg"
    (folder / "both.pem").write_text((settings.tls / "leaf.pem").read_text() + (settings.tls / "leaf.key").read_text())
    config.write_text(_HAPROXY.format(threads=THREADS, folder=folder, port=port, backend=backend))
    with _running([program, "-f", config], port) as process:
        yield _Place(f"https://127.0.0.1:{port}/iris/default/v2/models/iris/infer", process)


@contextmanager
def _running(command: Sequence[str | Path], port: int) -> Iterator[psutil.Process]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        until(lambda: _listens(port), what=f"{Path(command[0]).name}'s start")
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(c.laddr and c.laddr.port == port and c.status == psutil.CONN_LISTEN for c in psutil.net_connections("tcp"))
    return False
