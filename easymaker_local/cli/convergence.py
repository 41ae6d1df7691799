"""How a tuning gets on, drawn with characters: the value of each trial, and the best so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from easymaker_local.cli.drawing import Drawing

if TYPE_CHECKING:
    from easymaker_local.client.shapes import History

_TRIAL, _BEST = "•", "─"


def convergence(history: Sequence[History], title: str, columns: int) -> Text:
    """Return the drawing, at most ``columns`` wide: trials by number from left to right, the best so far as a line."""
    drawing = Drawing([entry["value"] for entry in history], 1, history[-1]["number"], columns)
    ends = [drawing.column(entry["number"]) for entry in history[1:]] + [drawing.width]
    for entry, end in zip(history, ends, strict=True):
        for place in range(drawing.column(entry["number"]), end):
            drawing.put(place, entry["bestValue"], _BEST)
    for entry in history:
        drawing.put(drawing.column(entry["number"]), entry["value"], _TRIAL)
    drawn = Text(f"{title}{', by powers of ten' if drawing.is_wide else ''}   ", style="bold")
    drawn.append(f"{_TRIAL} a trial  ", style="not bold").append(f"{_BEST}{_BEST} best so far\n", style="not bold green")
    return drawing.append_to(drawn, line=_BEST)
