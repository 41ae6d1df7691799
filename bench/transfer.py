"""Object storage by https beside Debian's nginx serving and taking the same files with the same certificate."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from easymaker_local.testing.appliance import Appliance, free_port, until

PARALLEL, SMALL = 8, 200

_NGINX = """\
daemon off; {user} worker_processes auto; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; client_max_body_size 0; client_body_temp_path {root}/.easymaker-tmp-nginx; root {root};
  proxy_temp_path {folder}/1; fastcgi_temp_path {folder}/2; uwsgi_temp_path {folder}/3; scgi_temp_path {folder}/4;
  server {{
    listen 127.0.0.1:{port} ssl; ssl_certificate {tls}/leaf.pem; ssl_certificate_key {tls}/leaf.key;
    location / {{ dav_methods PUT DELETE; create_full_put_path on; }}
  }}
}}
"""


@dataclass(frozen=True)
class Pair:
    """The same transfer to both: a rate, and how much of the reference's ours has to be."""

    name: str
    unit: str
    budget: float
    ours: Callable[[], float]
    reference: Callable[[], float]


@contextmanager
def transfers(appliance: Appliance, large_mib: int) -> Iterator[Sequence[Pair]]:
    """Yield what can be measured; nothing where nginx or curl is not installed."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None or shutil.which("curl") is None:
        yield ()
        return
    folder, root = appliance.home / "nginx", appliance.home / "storage"
    folder.mkdir()
    port = free_port()
    config = folder / "nginx.conf"
    # Started by root, its workers would be somebody who may not read a home.
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(_NGINX.format(user=user, folder=folder, root=root, tls=appliance.home / "tls", port=port))
    process = subprocess.Popen([nginx, "-c", config, "-p", folder, "-e", folder / "error.log"])
    try:
        _fill(root / "bench", large_mib)
        with appliance.client() as client:
            url = f"http://127.0.0.1:{appliance.port}/token/v1.0/appkeys/local/groups/local/iaas-token"
            token = client.get(url).json()["access"]["token"]["id"]
        ours = _Curl(appliance, f"https://127.0.0.1:{appliance.gateway_port}/v1/AUTH_local/bench", token, large_mib)
        reference = _Curl(appliance, f"https://127.0.0.1:{port}/bench", token, large_mib)
        until(lambda: _answers(reference), what="nginx's start")
        # The checksum of a file that was dropped in is computed once.
        ours.get(["large"])
        ours.small()
        large, many = ["large"], ["large"] * PARALLEL
        yield (
            Pair("storage: GET, a large file (nginx)", "MiB/s", 0.7, lambda: ours.get(large), lambda: reference.get(large)),
            Pair("storage: GET, 8 at once (nginx)", "MiB/s", 0.7, lambda: ours.get(many), lambda: reference.get(many)),
            Pair("storage: GET, small files (nginx)", "1/s", 0.1, ours.small, reference.small),
            Pair("storage: PUT, a large file (nginx)", "MiB/s", 0.5, ours.put, reference.put),
        )
    finally:
        process.terminate()
        process.wait()


def _fill(folder: Path, large_mib: int) -> None:
    (folder / "small").mkdir(parents=True)
    block = os.urandom(1 << 20)
    with (folder / "large").open("wb") as file:
        for _ in range(large_mib):
            file.write(block)
    for number in range(SMALL):
        (folder / "small" / str(number)).write_bytes(block[: 16 << 10])


class _Curl:
    """One client program for both, which is faster than either server."""

    def __init__(self, appliance: Appliance, base: str, token: str, large_mib: int) -> None:
        self.base = base
        self._large_mib = large_mib
        self._source = appliance.home / "storage" / "bench" / "large"
        self._options = [
            "curl", "--silent", "--no-progress-meter", "--show-error", "--fail", "--http1.1", "--noproxy", "*",
            "--cacert", str(appliance.home / "tls" / "bundle.pem"), "--header", f"X-Auth-Token: {token}",
        ]  # fmt: skip

    def run(self, *arguments: str) -> float:
        began = time.perf_counter()
        subprocess.run([*self._options, *arguments], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began

    def get(self, names: Sequence[str]) -> float:
        wanted = [text for name in names for text in ("--output", "/dev/null", f"{self.base}/{name}")]
        options = ["--parallel", "--parallel-immediate"] if len(names) > 1 else []
        return self._large_mib * len(names) / self.run(*options, *wanted)

    def small(self) -> float:
        seconds = self.run("--output", "/dev/null", f"{self.base}/small/[0-{SMALL - 1}]")
        return SMALL / seconds

    def put(self) -> float:
        return self._large_mib / self.run("--header", "Expect:", "--upload-file", str(self._source), f"{self.base}/uploaded")


def _answers(curl: _Curl) -> bool:
    try:
        return httpx.get(curl.base, verify=False, trust_env=False).status_code > 0  # noqa: S501 (our own nginx)
    except httpx.TransportError:
        return False
