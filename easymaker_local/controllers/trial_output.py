"""Reads metrics out of what trials print (HP-39): each line once, whatever dies in between.

Values, what they come to, and how far was read are one transaction. The log file stays, so that every value can be traced to
its line (HP-L04).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from easymaker_local.domain.log_entry import cut_lines
from easymaker_local.domain.metric_lines import MetricRegex, Read, read_lines
from easymaker_local.domain.training import TrainingStatus
from easymaker_local.domain.trial import Metric, Trial
from easymaker_local.domain.tuning import Tuning
from easymaker_local.domain.tuning_spec import TuningSpec
from easymaker_local.kit.textfile import read_piece
from easymaker_local.services.context import Context
from easymaker_local.store import metric_points, trials
from easymaker_local.store.trials import Progress

# Small, so that requests come in between: a piece may hold tens of thousands of values.
_PIECE_BYTES = 1 << 18
# Nobody waits for one that prints faster than that is read: not the other trials, not who wants to stop the tuning.
_PIECES_PER_STEP = 8
_SILENT = {TrainingStatus.CREATE_REQUESTED, TrainingStatus.CREATE_IN_PROGRESS}


@dataclass(frozen=True)
class _Piece:
    """Whole lines of the output: what they hold, how many bytes they are, when they were written at the latest, and whether
    there are no more now."""

    read: Read
    taken: int
    written_at: float
    is_last: bool


async def read_output(context: Context, tuning: Tuning, trial: Trial) -> Trial:
    """Read on in what node 0 of a trial has printed; returns the trial with what was found.

    Of one whose training has ended nothing more is written. Raises StaleRecord if somebody else has read on.
    """
    training_status = trial.training_status
    if trial.status.is_finished or training_status is None or training_status in _SILENT:
        return trial
    path = context.log_directory(trial.id) / "node-0.log"
    seen = await context.store.read(lambda db: trials.progress(db, trial.id))
    for _ in range(_PIECES_PER_STEP):
        piece = await asyncio.to_thread(_read_piece, path, seen.position, tuning.spec, training_status.is_finished)
        if piece is None:
            return trial
        if piece.taken:
            trial, seen = await _keep(context, tuning, trial, seen, piece)
        if piece.is_last:
            return trial
    return replace(trial, is_read=False)


async def _keep(context: Context, tuning: Tuning, trial: Trial, seen: Progress, piece: _Piece) -> tuple[Trial, Progress]:
    to = Progress(seen.position + piece.taken, seen.almost or piece.read.almost)
    at = min(context.clock.now(), piece.written_at)

    def write(db: sqlite3.Connection) -> Mapping[str, Metric]:
        trials.advance(db, trial.id, seen, to)
        return metric_points.add(db, trial.id, piece.read.found, at, tuning.spec.early_stopping_start_step)

    return replace(trial, metrics=await context.store.write(write), almost=to.almost), to


def _read_piece(path: Path, position: int, spec: TuningSpec, is_final: bool) -> _Piece | None:
    """Return the next whole lines, which may be none; None if there is no output yet. Blocks."""
    try:
        data, at_end, written_at = read_piece(path, position, _PIECE_BYTES)
    except FileNotFoundError:
        return None
    lines, taken = cut_lines(data, final=is_final and at_end)
    read = read_lines(lines, _regex(spec.metric_regex), spec.metric_names, spec.objective)
    return _Piece(read, taken, written_at, at_end)


@lru_cache(maxsize=64)
def _regex(text: str) -> MetricRegex:
    return MetricRegex(text)
