"""Following trainings: the output of their nodes as it is written, or their statuses until the end.

Each node has a thread that asks for the next piece and waits in the daemon until there is one; the main thread writes.
A daemon that restarts meanwhile is waited for, and the output goes on at the byte where it stopped.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import typer

from easymaker_local.cli import output
from easymaker_local.cli.exits import FAILED, INTERRUPTED, TIMED_OUT
from easymaker_local.cli.progress import Progress
from easymaker_local.cli.training_views import summary
from easymaker_local.errors import DaemonUnreachable, EasyMakerError

if TYPE_CHECKING:
    from easymaker_local.client import Client
    from easymaker_local.client.shapes import Training

_WAIT_SECONDS = 20.0
_STATUS_SECONDS = 1.0
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
            output.note(
                f"\nStopped watching; training {training_id} goes on.\n"
                f"Watch again:  easymaker-local training logs {training_id} --follow\n"
                f"Stop it:      easymaker-local training stop {training_id}"
            )
            raise typer.Exit(INTERRUPTED) from error
        return
    writer = _Writer(prefixed=training["instanceCount"] > 1)
    for node in nodes:
        offset = 0
        while (piece := client.training_log(training["trainingId"], node, offset))["content"]:
            writer.write(node, piece["content"])
            offset = piece["nextOffset"]
        writer.end(node)


def follow_to_end(client: Client, training: Training) -> int:
    """Show output and status until the end; returns the exit code."""
    print_log(client, training, range(training["instanceCount"]), follow=True)
    return tell_end(_patiently(partial(client.training, training["trainingId"])))


def wait(client: Client, training_ids: Sequence[str], timeout: float | None) -> tuple[list[Training], int]:
    """Wait for the end of all; returns how they stand and the exit code."""
    deadline = None if timeout is None else time.monotonic() + timeout
    ended: dict[str, Training] = {}
    with Progress() as progress:
        while True:
            seen = {i: ended.get(i) or _patiently(partial(client.training, i)) for i in training_ids}
            for training_id, training in seen.items():
                if training["isFinished"] and training_id not in ended:
                    ended[training_id] = training
                    progress.clear()
                    tell_end(training)
            left = [training for training in seen.values() if not training["isFinished"]]
            if not left:
                completed = all(t["trainingStatusCode"] == "COMPLETE" for t in seen.values())
                return list(seen.values()), 0 if completed else FAILED
            if deadline is not None and time.monotonic() >= deadline:
                progress.clear()
                for training in left:
                    name = f"{training['trainingName']} ({training['trainingId']})"
                    output.note(f"{name} has not ended in time: {summary(training)}", "yellow")
                return list(seen.values()), TIMED_OUT
            more = f" (and {len(left) - 1} more)" if len(left) > 1 else ""
            progress.show(f"{left[0]['trainingName']}: {summary(left[0])}{more}")
            time.sleep(_STATUS_SECONDS if deadline is None else min(_STATUS_SECONDS, max(0.0, deadline - time.monotonic())))


def tell_end(training: Training) -> int:
    """Say how a training ended; returns the exit code."""
    code = training["trainingStatusCode"]
    took = f" after {output.duration(training['elapsedTimeSeconds'])}" if training["startedDatetime"] else ""
    reason = training["statusReason"]
    why = f": {reason['message']}" if reason else ""
    output.note(f"{training['trainingName']} ({training['trainingId']}): {code}{took}{why}", output.STATUS_STYLES.get(code, ""))
    if code == "COMPLETE":
        output.note(f"Model: {training['modelUploadUri']}")
        return 0
    return FAILED


class _Follower:
    """One run of following one training."""

    def __init__(self, client: Client, training: Training, nodes: Sequence[int]) -> None:
        self._client = client
        self._training = training
        self._nodes = nodes
        self._pieces: queue.Queue[_Piece] = queue.Queue()
        self._writer = _Writer(prefixed=training["instanceCount"] > 1)

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
                    next_look = time.monotonic() + _STATUS_SECONDS
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
            progress.show(summary(training))

    def _read(self, node: int) -> None:
        offset = 0
        try:
            while True:
                training_id = self._training["trainingId"]
                log = _patiently(partial(self._client.training_log, training_id, node, offset, _WAIT_SECONDS))
                offset = log["nextOffset"]
                if log["content"]:
                    self._pieces.put((node, log["content"]))
                if log["isComplete"]:
                    self._pieces.put((node, None))
                    return
        except EasyMakerError as error:
            self._pieces.put((node, error))


class _Writer:
    """Writes pieces to stdout. With several nodes whole lines only, each with its node."""

    def __init__(self, *, prefixed: bool) -> None:
        self._prefixed = prefixed
        self._begun: dict[int, str] = {}
        self.has_written = False
        self.is_at_line_start = True

    def write(self, node: int, text: str) -> None:
        if self._prefixed:
            *lines, self._begun[node] = (self._begun.get(node, "") + text).split("\n")
            text = "".join(f"[node-{node}] {line}\n" for line in lines)
        self._put(text)

    def end(self, node: int) -> None:
        rest = self._begun.pop(node, "")
        if rest:
            self._put(f"[node-{node}] {rest}\n")

    def _put(self, text: str) -> None:
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()
            self.has_written = True
            self.is_at_line_start = text.endswith("\n")


def _patiently(ask: Callable[[], T]) -> T:
    """Ask again while the daemon is away, up to AWAY_SECONDS."""
    deadline = time.monotonic() + AWAY_SECONDS
    while True:
        try:
            return ask()
        except DaemonUnreachable:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_RETRY_SECONDS)
