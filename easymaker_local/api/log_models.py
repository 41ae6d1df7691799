"""Answers of the log store."""

from __future__ import annotations

import json
from typing import Any

from easymaker_local.api.envelope import Envelope, Wire
from easymaker_local.domain.log_entry import StoredEntry
from easymaker_local.kit.clock import to_utc


class LogEntryView(Wire):
    """An entry with the product's field names (LG-06…LG-19); ``time`` in UTC, ``fields``: what else its sender gave it."""

    log_id: int
    easymaker_app_key: str | None
    category: str | None
    log_level: str
    body: str
    log_type: str
    time: str
    training_id: str | None
    hyperparameter_tuning_id: str | None
    endpoint_id: str | None
    endpoint_stage_id: str | None
    inference_id: str | None
    action: str | None
    model_name: str | None
    batch_inference_id: str | None
    pipeline_run_id: str | None
    node: str | None
    host: str | None
    project_name: str | None
    fields: dict[str, Any]

    @classmethod
    def of(cls, stored: StoredEntry) -> LogEntryView:
        """Show an entry."""
        entry = stored.entry
        return cls(
            log_id=stored.id, time=to_utc(entry.time), body=entry.body, inference_id=entry.inference_id,
            fields={} if entry.fields is None else json.loads(entry.fields), **entry.source._asdict(),
        )  # fmt: skip


class LogSearchAnswer(Envelope):
    """A page of a search; see the route."""

    log_list: list[LogEntryView]
    next_cursor: int | None
    has_more: bool
    latest_cursor: int
