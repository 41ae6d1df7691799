"""What goes on now: one line that changes on a terminal; elsewhere a line for every change."""

from __future__ import annotations

import time
from types import TracebackType

from rich.status import Status

from easymaker_local.cli import output


class Progress:
    """A remark on stderr with the time that it has taken; gone when closed."""

    def __init__(self) -> None:
        self._console = output.errors()
        self._began = time.monotonic()
        self._shown: str | None = None
        self._line: Status | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.clear()

    @property
    def is_live(self) -> bool:
        """True if the line changes, false if every change is a line of its own."""
        return self._console.is_terminal

    def show(self, text: str) -> None:
        """Replace the remark."""
        text = output.clean(text.replace("\n", " "))
        if self.is_live:
            text = f"{text} [{output.duration(time.monotonic() - self._began)}]"
            if self._line is None:
                self._line = self._console.status(text, spinner_style="cyan")
                self._line.start()
            else:
                self._line.update(text)
        elif text != self._shown:
            self._console.print(text)
        self._shown = text

    def clear(self) -> None:
        """Take the line off the terminal."""
        if self._line is not None:
            self._line.stop()
            self._line = None
