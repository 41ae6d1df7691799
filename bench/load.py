"""Load on one server, by wrk and h2load, with the CPU time that the server took."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

WRK, H2LOAD = shutil.which("wrk"), shutil.which("h2load")

_SCRIPT = """
wrk.method = "POST"
local file = io.open("{body}", "rb")
wrk.body = file:read("*a")
{headers}
done = function(summary, latency)
  local e = summary.errors
  print(string.format('{{"requests":%d,"microseconds":%d,"failed":%d,"p50":%d,"p99":%d}}', summary.requests, summary.duration,
    e.status + e.connect + e.read + e.write + e.timeout, latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Result:
    """Requests per second, latencies in ms, and the server's CPU time per request in µs."""

    rate: float
    p50: float
    p99: float
    cpu: float


@dataclass(frozen=True)
class Body:
    """What is sent: a file and the headers that belong to it."""

    path: Path
    headers: Mapping[str, str]


def over_http(process: psutil.Process, url: str, body: Body, clients: int, seconds: float) -> Result:
    """Send ``body`` over and over from as many clients; raises RuntimeError if a single answer is no success."""
    assert WRK is not None
    script = body.path.with_suffix(".lua")
    headers = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in body.headers.items())
    script.write_text(_SCRIPT.format(body=body.path, headers=headers))
    before = _cpu_seconds(process)
    command = [WRK, "-t1", f"-c{clients}", f"-d{seconds:.0f}s", "--latency", "-s", str(script), url]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    taken = _cpu_seconds(process) - before
    found = json.loads(output.splitlines()[-1])
    if found["failed"] or not found["requests"]:
        raise RuntimeError(f"{url}: {found['failed']} of {found['requests']} requests failed.")
    rate = found["requests"] / found["microseconds"] * 1e6
    return Result(rate, found["p50"] / 1000, found["p99"] / 1000, taken / found["requests"] * 1e6)


def over_grpc(process: psutil.Process, address: str, message: Path, clients: int, seconds: float) -> Result:
    """Call ModelInfer with the framed message in a file, one call at a time per connection."""
    assert H2LOAD is not None
    command = [
        H2LOAD, "-t1", f"-c{clients}", "-m1", f"-D{seconds:.0f}", "-d", str(message), "-H", "content-type: application/grpc",
        "-H", "te: trailers", f"http://{address}/inference.GRPCInferenceService/ModelInfer",
    ]  # fmt: skip
    before = _cpu_seconds(process)
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    taken = _cpu_seconds(process) - before
    good = int(_match(r"status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx", output))
    rate = float(_match(r"finished in .*?, ([\d.]+) req/s", output))
    # Trailers with a failure would make it 200 as well; whoever builds the message has called once with a real client.
    return Result(rate, 0.0, 0.0, taken / max(1, good) * 1e6)


def _match(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise RuntimeError(f"h2load says: {text}")
    return found[1]


def _cpu_seconds(process: psutil.Process) -> float:
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def resident_mib(process: psutil.Process) -> float:
    """Return the resident memory of a process and its children."""
    found = [process, *process.children(recursive=True)]
    return sum(each.memory_info().rss for each in found) / (1 << 20)
