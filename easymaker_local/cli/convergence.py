"""How a tuning gets on, drawn with characters: the value of each trial, and the best so far."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from easymaker_local.client.shapes import History

_TRIAL, _BEST = "•", "─"
_ROWS = 10
_COLUMNS = 60
# Values that differ by more than that are told apart by their powers of ten.
_WIDE = 100.0


def convergence(history: Sequence[History], title: str, columns: int) -> Text:
    """Return the drawing, at most ``columns`` wide: trials by number from left to right, the best so far as a line."""
    values = [entry["value"] for entry in history]
    is_wide = min(values) > 0 and max(values) / min(values) > _WIDE
    scale: Callable[[float], float] = math.log10 if is_wide else float
    low, high = scale(min(values)), scale(max(values))
    labels = {0: f"{max(values):.4g}", _ROWS - 1: f"{min(values):.4g}"}
    margin = max(map(len, labels.values()))
    last = history[-1]["number"]
    width = max(1, min(_COLUMNS, columns - margin - 2, 4 * last))

    def row(value: float) -> int:
        # By halves: the distance of two numbers may be larger than any number.
        span = high / 2 - low / 2
        return 0 if not span else round((high / 2 - scale(value) / 2) / span * (_ROWS - 1))

    def column(number: int) -> int:
        return 0 if last == 1 else (number - 1) * (width - 1) // (last - 1)

    grid = [[" "] * width for _ in range(_ROWS)]
    ends = [column(entry["number"]) for entry in history[1:]] + [width]
    for entry, end in zip(history, ends, strict=True):
        for place in range(column(entry["number"]), end):
            grid[row(entry["bestValue"])][place] = _BEST
    for entry in history:
        grid[row(entry["value"])][column(entry["number"])] = _TRIAL
    drawn = Text(f"{title}{', by powers of ten' if is_wide else ''}   ", style="bold")
    drawn.append(f"{_TRIAL} a trial  ", style="not bold").append(f"{_BEST}{_BEST} best so far\n", style="not bold green")
    for i, cells in enumerate(grid):
        drawn.append(f"{labels.get(i, ''):>{margin}} ┤", style="not bold dim")
        for cell in cells:
            drawn.append(cell, style="not bold green" if cell == _BEST else "not bold")
        drawn.append("\n")
    first, final = "1", str(last) if last > 1 else ""
    drawn.append(f"{'':>{margin}}  {first}{final:>{max(0, width - len(first))}}", style="not bold dim")
    return drawn
