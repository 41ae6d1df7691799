"""Following jobs: the output of a training's nodes as it is written, or the statuses of several until the end.

Each node has a thread that asks for the next piece and waits in the daemon until there is one; the main thread writes.
A daemon that restarts meanwhile is waited for, and the output goes on at the byte where it stopped.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from easymaker_local.cli import jobs, output
from easymaker_local.cli.exits import FAILED, INTERRUPTED, TIMED_OUT
from easymaker_local.cli.progress import Progress
from easymaker_local.errors import DaemonUnreachable, EasyMakerError, InvalidRequest, NotFound

if TYPE_CHECKING:
    from easymaker_local.client import Client
    from easymaker_local.client.shapes import Training

_WAIT_SECONDS = 20.0
STATUS_SECONDS = 1.0
_RETRY_SECONDS = 0.5
# How long a daemon may be away before a follower gives up.
AWAY_SECONDS = 60.0

T = TypeVar("T")
_Piece = tuple[int, str | EasyMakerError | None]


def print_log(client: Client, training: Training, nodes: Sequence[int], *, follow: bool) -> None:
    """Write the output of nodes to stdout: what is there, or with ``follow`` everything until the training's end.

    Ctrl-C stops only the watching, and says so; it ends the command.
    """
    if follow:
        try:
            _Follower(client, training, nodes).run()
        except KeyboardInterrupt as error:
            training_id = training["trainingId"]
            ends = f"tuning stop {training['hyperparameterTuningId']}" if training["hyperparameterTuningId"] else None
            tell_watch(jobs.TRAINING, training_id, f"training logs {training_id} --follow", ends)
            raise typer.Exit(INTERRUPTED) from error
        return
    writer = Writer(_labels(training))
    for node in nodes:
        offset = 0
        while (piece := client.training_log(training["trainingId"], node, offset))["content"]:
            writer.write(node, piece["content"])
            offset = piece["nextOffset"]
        writer.end(node)


def show_log(client: Client, training: Training, node: str, *, follow: bool, raw: Path | None) -> None:
    """Write the log of a node or of all to stdout, or that of one as it was written to a file."""
    nodes = _nodes(node, training["instanceCount"])
    if raw is None:
        print_log(client, training, nodes, follow=follow)
        return
    if len(nodes) > 1:
        raise InvalidRequest("A file holds the log of one node.", hint="Choose it: --node 0")
    with client.download_training_log(training["trainingId"], nodes[0]) as (_, blocks):
        if str(raw) == "-":
            sys.stdout.buffer.writelines(blocks)
            return
        with raw.open("wb") as file:
            file.writelines(blocks)


def follow_to_end(client: Client, training: Training) -> int:
    """Show output and status until the end; returns the exit code."""
    print_log(client, training, range(training["instanceCount"]), follow=True)
    return tell_end(jobs.TRAINING, patiently(partial(client.training, training["trainingId"])))


def wait(kind: jobs.Kind, client: Client, ids: Sequence[str], timeout: float | None) -> tuple[list[Any], int]:
    """Wait for the end of all; returns how they stand and the exit code."""
    deadline = None if timeout is None else time.monotonic() + timeout
    ended: dict[str, Any] = {}
    with Progress() as progress:
        while True:
            seen = {i: ended.get(i) or patiently(partial(kind.get(client), i)) for i in ids}
            for id_, job in seen.items():
                if kind.has_ended(job) and id_ not in ended:
                    ended[id_] = job
                    progress.clear()
                    tell_end(kind, job)
            left = [job for job in seen.values() if not kind.has_ended(job)]
            if not left:
                completed = all(kind.status(job) == kind.done for job in seen.values())
                return list(seen.values()), 0 if completed else FAILED
            if deadline is not None and time.monotonic() >= deadline:
                progress.clear()
                for job in left:
                    output.note(f"{kind.name(job)} ({kind.id(job)}) has not ended in time: {kind.summary(job)}", "yellow")
                return list(seen.values()), TIMED_OUT
            more = f" (and {len(left) - 1} more)" if len(left) > 1 else ""
            progress.show(f"{kind.name(left[0])}: {kind.summary(left[0])}{more}")
            time.sleep(STATUS_SECONDS if deadline is None else min(STATUS_SECONDS, max(0.0, deadline - time.monotonic())))


def tell_end(kind: jobs.Kind, job: Mapping[str, Any]) -> int:
    """Say how a job ended; returns the exit code."""
    code = kind.status(job)
    took = f" after {output.duration(job['elapsedTimeSeconds'])}" if job.get("startedDatetime") else ""
    reason = job["statusReason"]
    why = f": {reason['message']}" if reason else ""
    style = output.STATUS_STYLES.get(code, "")
    output.note(f"{kind.name(job)} ({kind.id(job)}): {kind.shown_status(job)}{took}{why}", style)
    if kind is jobs.TUNING:
        from easymaker_local.cli.tuning_views import tell_best

        tell_best(job)
    elif kind is jobs.TRAINING and code == "COMPLETE":
        output.note(f"Model: {job['modelUploadUri']}")
    return 0 if code == kind.done else FAILED


def tell_watch(kind: jobs.Kind, id_: str, again: str, ends: str | None = None) -> None:
    """Say that a job goes on that nobody watches any more, and how to watch it ``again``; ``ends``: how to end it."""
    output.note(
        f"\nStopped watching; {kind.word} {id_} goes on.\n"
        f"Watch again:  easymaker-local {again}\n"
        f"Stop it:      easymaker-local {ends or f'{kind.word} stop {id_}'}"
    )


def _nodes(text: str, count: int) -> list[int]:
    if text == "all":
        return list(range(count))
    if not text.isdecimal():
        raise typer.BadParameter(f"write a number or all, not {text!r}.", param_hint="--node")
    if int(text) >= count:
        raise NotFound(f"The training has the nodes 0 to {count - 1}, not {text}.")
    return [int(text)]


class _Follower:
    """One run of following one training."""

    def __init__(self, client: Client, training: Training, nodes: Sequence[int]) -> None:
        self._client = client
        self._training = training
        self._nodes = nodes
        self._pieces: queue.Queue[_Piece] = queue.Queue()
        self._writer = Writer(_labels(training))

    def run(self) -> None:
        for node in self._nodes:
            # Daemon threads: after Ctrl-C nobody waits for the answer that they wait for.
            threading.Thread(target=self._read, args=(node,), daemon=True).start()
        open_nodes = set(self._nodes)
        next_look = 0.0
        with Progress() as progress:
            while open_nodes:
                if time.monotonic() >= next_look:
                    self._tell_status(progress)
                    next_look = time.monotonic() + STATUS_SECONDS
                try:
                    node, piece = self._pieces.get(timeout=max(0.01, next_look - time.monotonic()))
                except queue.Empty:
                    continue
                if isinstance(piece, EasyMakerError):
                    raise piece
                if piece is None:
                    self._writer.end(node)
                    open_nodes.discard(node)
                else:
                    progress.clear()
                    self._writer.write(node, piece)
        if sys.stdout.isatty() and not self._writer.is_at_line_start:
            sys.stdout.write("\n")  # what comes next must not stand behind the program's last words

    def _tell_status(self, progress: Progress) -> None:
        """Show how it stands while nothing is written; once the program writes, its own output speaks."""
        try:
            training = self._client.training(self._training["trainingId"])
        except DaemonUnreachable:
            return  # the readers wait for it, and give up in time
        is_writing = training["trainingStatusCode"] == "RUNNING" and self._writer.has_written
        if not is_writing and not training["isFinished"] and self._writer.is_at_line_start:
            progress.show(jobs.TRAINING.summary(training))

    def _read(self, node: int) -> None:
        offset = 0
        try:
            while True:
                training_id = self._training["trainingId"]
                log = patiently(partial(self._client.training_log, training_id, node, offset, _WAIT_SECONDS))
                offset = log["nextOffset"]
                if log["content"]:
                    self._pieces.put((node, log["content"]))
                if log["isComplete"]:
                    self._pieces.put((node, None))
                    return
        except EasyMakerError as error:
            self._pieces.put((node, error))


def _labels(training: Training) -> dict[int, str]:
    count = training["instanceCount"]
    return {node: f"node-{node}" for node in range(count)} if count > 1 else {}


class Writer:
    """Writes pieces to stdout. With ``labels``, one for each source, whole lines only, each with its own."""

    def __init__(self, labels: Mapping[int, str]) -> None:
        self._labels = labels
        self._begun: dict[int, str] = {}
        self.has_written = False
        self.is_at_line_start = True

    def write(self, node: int, text: str) -> None:
        """Write what one of them has written."""
        if self._labels:
            *lines, self._begun[node] = (self._begun.get(node, "") + text).split("\n")
            text = "".join(f"[{self._labels[node]}] {line}\n" for line in lines)
        self._put(text)

    def end(self, node: int) -> None:
        """Write what is left of a line that nobody goes on with."""
        rest = self._begun.pop(node, "")
        if rest:
            self._put(f"[{self._labels[node]}] {rest}\n")

    def _put(self, text: str) -> None:
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()
            self.has_written = True
            self.is_at_line_start = text.endswith("\n")


def patiently(ask: Callable[[], T]) -> T:
    """Ask again while the daemon is away, up to AWAY_SECONDS."""
    deadline = time.monotonic() + AWAY_SECONDS
    while True:
        try:
            return ask()
        except DaemonUnreachable:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_RETRY_SECONDS)
