"""The files of a pod: the folder of its model server, and its log, which outlives its starts and itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from easymaker_local.controllers.stage_view import work_folder
from easymaker_local.domain import contract
from easymaker_local.domain.endpoint import Pod
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.kit.files import read_json
from easymaker_local.kit.textfile import read_text
from easymaker_local.services.context import Context
from easymaker_local.services.pod_logs import NAME_SUFFIX, log_folder

_START_SUFFIX = ".start"
# What the server of ours says when all is well, which explains no end.
_LISTENING = "Listening on http://"
_LOG_BYTES = 4096
_LOG_LINES = 5
_KEPT_LOGS = 20


@dataclass(frozen=True)
class PodFiles:
    """Where a pod's folder and its log are, which outlive its starts."""

    folder: Path
    log: Path

    @classmethod
    def of(cls, context: Context, pod: Pod) -> PodFiles:
        """Return them."""
        settings = context.settings
        return cls(work_folder(settings, pod.stage_id) / pod.id, log_folder(settings, pod.stage_id) / f"{pod.id}.log")

    def report(self) -> Cause | None:
        """Return what the launcher said about not reaching the model server; None: it said nothing."""
        try:
            found = read_json(self.folder / "control" / contract.FAILURE_FILE)
        except (OSError, ValueError):
            return None  # not the launcher's: the model can write there too
        if not isinstance(found, dict):
            return None
        is_known = str(found.get("reason")) == "REQUIREMENTS"
        reason = Reason.REQUIREMENTS_FAILED if is_known else Reason.START_FAILED
        return Cause(reason, str(found.get("message", "The model server was not reached.")))

    def keep_recent(self, pod_ids: Collection[str]) -> None:
        """Remove the oldest logs of pods that are gone: scaling makes new ones for ever. ``pod_ids`` are those that exist."""
        gone = [path for path in self.log.parent.glob("*.log") if path.stem not in pod_ids]
        for path in sorted(gone, key=lambda path: path.stat().st_mtime)[:-_KEPT_LOGS]:
            path.unlink(missing_ok=True)
            for suffix in (NAME_SUFFIX, _START_SUFFIX):
                path.with_suffix(suffix).unlink(missing_ok=True)

    def begin(self, model_name: str) -> None:
        """Make room for a start, and note whose output the log is and where that of this start begins."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.with_suffix(NAME_SUFFIX).write_text(model_name)
        self.log.with_suffix(_START_SUFFIX).write_text(str(self._size()))
        (self.folder / "control" / contract.FAILURE_FILE).unlink(missing_ok=True)

    def last_words(self) -> str:
        """Return the last lines that the last start wrote, for people; "" without any."""
        try:
            begin = int(self.log.with_suffix(_START_SUFFIX).read_text())
        except (OSError, ValueError):
            begin = 0  # of a start before there were such notes
        try:
            size = self._size()
            text = read_text(self.log, max(0, size - _LOG_BYTES, begin if begin <= size else 0), _LOG_BYTES, final=True)[0]
        except FileNotFoundError:
            return ""
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(_LISTENING)]
        return " | ".join(lines[-_LOG_LINES:])

    def _size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0
