"""Values by number, drawn with characters: how a tuning gets on, and how a metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from rich.text import Text

_ROWS = 10
_COLUMNS = 60
# Values that differ by more than that are told apart by their powers of ten.
_WIDE = 100.0


class Drawing:
    """An empty one, at most ``columns`` wide, for these values: the numbers from left to right, the highest value on top."""

    def __init__(self, values: Sequence[float], first: int, last: int, columns: int) -> None:
        lowest, highest = min(values), max(values)
        self.is_wide = lowest > 0 and highest / lowest > _WIDE
        self._scale: Callable[[float], float] = math.log10 if self.is_wide else float
        self._low, self._high = self._scale(lowest), self._scale(highest)
        self._labels = {0: f"{highest:.4g}", _ROWS - 1: f"{lowest:.4g}"}
        self._margin = max(map(len, self._labels.values()))
        self._first, self._last = first, last
        self.width = max(1, min(_COLUMNS, columns - self._margin - 2, 4 * (last - first + 1)))
        self._grid = [[" "] * self.width for _ in range(_ROWS)]

    def column(self, number: int) -> int:
        """Return where a number is."""
        return 0 if self._last == self._first else (number - self._first) * (self.width - 1) // (self._last - self._first)

    def put(self, column: int, value: float, sign: str) -> None:
        """Draw a value, over what is there."""
        # By halves: the distance of two numbers may be larger than any number.
        span = self._high / 2 - self._low / 2
        row = 0 if not span else round((self._high / 2 - self._scale(value) / 2) / span * (_ROWS - 1))
        self._grid[row][column] = sign

    def append_to(self, drawn: Text, line: str | None = None) -> Text:
        """Append it to its heading; the sign of a ``line`` is green."""
        for i, cells in enumerate(self._grid):
            drawn.append(f"{self._labels.get(i, ''):>{self._margin}} ┤", style="not bold dim")
            for cell in cells:
                drawn.append(cell, style="not bold green" if cell == line else "not bold")
            drawn.append("\n")
        first, last = str(self._first), str(self._last) if self._last > self._first else ""
        axis = f"{'':>{self._margin}}  {first}{last:>{max(0, self.width - len(first))}}"
        return drawn.append(axis, style="not bold dim")
