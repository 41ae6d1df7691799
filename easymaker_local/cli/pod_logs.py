"""``stage logs``: what the model servers of a stage have written, also those of pods that are gone."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import typer

from easymaker_local.cli import output
from easymaker_local.cli.exits import INTERRUPTED
from easymaker_local.cli.follow import Writer, patiently
from easymaker_local.cli.lookup import SHORT_ID
from easymaker_local.errors import EasyMakerError, NotFound

if TYPE_CHECKING:
    from easymaker_local.client import Client
    from easymaker_local.client.endpoint_shapes import PodLog, Stage

_WAIT_SECONDS = 20.0
_Piece = tuple[int, str | EasyMakerError | None]


def print_pod_logs(client: Client, stage: Stage, model: str | None, pod: str | None, *, follow: bool) -> None:
    """Write the output of a stage's model servers to stdout: what is there, or with ``follow`` until their pods are gone."""
    stage_id = stage["endpointStageId"]
    logs = chosen(client.pod_logs(stage_id), model, pod)
    if not logs:
        output.note("Nothing was written yet.")
        return
    labels = {i: f"{log['modelName'] or '-'} {log['podId'][:SHORT_ID]}" for i, log in enumerate(logs)}
    writer = Writer(labels if len(logs) > 1 else {})
    if follow:
        try:
            _follow(client, stage_id, logs, writer)
        except KeyboardInterrupt as error:
            raise typer.Exit(INTERRUPTED) from error
        return
    for i, log in enumerate(logs):
        offset = 0
        while (piece := client.pod_log(stage_id, log["podId"], offset))["content"]:
            writer.write(i, piece["content"])
            offset = piece["nextOffset"]
        writer.end(i)


def chosen(logs: Sequence[PodLog], model: str | None, pod: str | None) -> list[PodLog]:
    """Return the logs that are meant; without a pod those of pods that exist, or else the last one. Raises NotFound."""
    if model is not None:
        found = [log for log in logs if log["modelName"] == model]
        if not found:
            known = ", ".join(sorted({log["modelName"] or "-" for log in logs})) or "none"
            raise NotFound(f"There is no log of a model {model!r}.", hint=f"There are: {known}")
        logs = found
    if pod is not None:
        found = [log for log in logs if pod and log["podId"].startswith(pod)]
        if not found:
            known = ", ".join(f"{log['podId'][:SHORT_ID]} ({log['podStatusCode']})" for log in logs) or "none"
            raise NotFound(f"There is no log of a pod {pod!r}.", hint=f"There are: {known}")
        return found
    return [log for log in logs if log["podStatusCode"] != "GONE"] or [*logs[-1:]]


def _follow(client: Client, stage_id: str, logs: Sequence[PodLog], writer: Writer) -> None:
    pieces: queue.Queue[_Piece] = queue.Queue()

    def read(number: int, pod_id: str) -> None:
        offset = 0
        try:
            while True:
                log = patiently(partial(client.pod_log, stage_id, pod_id, offset, _WAIT_SECONDS))
                offset = log["nextOffset"]
                if log["content"]:
                    pieces.put((number, log["content"]))
                if log["isComplete"]:
                    break
            pieces.put((number, None))
        except NotFound:
            pieces.put((number, None))  # the stage was deleted, and its logs with it
        except EasyMakerError as error:
            pieces.put((number, error))

    for number, log in enumerate(logs):
        # Daemon threads: after Ctrl-C nobody waits for the answer that they wait for.
        threading.Thread(target=read, args=(number, log["podId"]), daemon=True).start()
    left = set(range(len(logs)))
    while left:
        number, piece = pieces.get()
        if isinstance(piece, EasyMakerError):
            raise piece
        if piece is None:
            writer.end(number)
            left.discard(number)
        else:
            writer.write(number, piece)
