"""What trainings, hyperparameter tunings, models and endpoints have in common: wait for them, stop, change, delete them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from easymaker_local.cli import completion, output
from easymaker_local.cli.exits import for_each
from easymaker_local.cli.job_spec import merge_pairs, split_pairs
from easymaker_local.cli.lookup import find_endpoint, find_experiment, find_model, find_stage, find_training, find_tuning
from easymaker_local.errors import NotFound

if TYPE_CHECKING:
    from easymaker_local.client import Client

Experiment = Annotated[str | None, typer.Option(help="Only those of this experiment.", autocompletion=completion.experiments)]
Find = Callable[..., Any]
Wish = Callable[[str], None]

Name = Annotated[str | None, typer.Option(help="At most 50 characters.")]
Description = Annotated[str | None, typer.Option(help="At most 255 characters.")]
Tag = Annotated[list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="Set a tag; repeat for more.")]
Untag = Annotated[list[str] | None, typer.Option("--untag", metavar="KEY", help="Remove a tag.")]
Statuses = Annotated[list[str] | None, typer.Option(help="Only those with this status; repeat for more.")]
Timeout = Annotated[float | None, typer.Option(metavar="SECONDS", min=0, help="Exit code 124 if it runs out.")]

Check = Annotated[
    bool, typer.Option("--check", help="Only say whether it could be created, and what is wrong.", show_default=False)
]

Node = Annotated[str, typer.Option(metavar="N|all", help="Number of a node.")]
FollowLog = Annotated[bool, typer.Option("-f", "--follow", help="Go on until the training ends.", show_default=False)]
Raw = Annotated[
    Path | None,
    typer.Option(metavar="FILE", dir_okay=False, allow_dash=True, help="Save a node's log as it was written; - is stdout."),
]

_STARTING_SECONDS, _POLL_SECONDS = 30.0, 1.0
BROKEN = "BROKEN"
"""What the daemon shows in place of a status if a record cannot be read."""


@dataclass(frozen=True)
class Kind:
    """A kind of job: its ``word`` in commands, the beginning of its fields, and the client's calls.

    ``stop`` None: it cannot be stopped. ``done`` is the status that a user waits for.
    """

    word: str
    prefix: str
    find: Find
    get: Callable[[Client], Callable[[str], Any]]
    change: Callable[[Client], Callable[[str, dict[str, Any]], Any]]
    delete: Callable[[Client], Wish]
    stop: Callable[[Client], Wish] | None = None
    done: str = "COMPLETE"

    def id(self, job: Mapping[str, Any]) -> str:
        """Return the id of one."""
        return str(job[f"{self.prefix}Id"])

    def name(self, job: Mapping[str, Any]) -> str:
        """Return the name of one."""
        return str(job[f"{self.prefix}Name"])

    def status(self, job: Mapping[str, Any]) -> str:
        """Return the status code of one."""
        return str(job[f"{self.prefix}StatusCode"])

    def has_ended(self, job: Mapping[str, Any]) -> bool:
        """True if nothing happens with one or its models any more, also because its record cannot be read."""
        rest = all(one["isFinished"] for one in job.get("endpointModelList", []))
        return bool(job["isFinished"] and rest) or self.status(job) == BROKEN

    def shown_status(self, job: Mapping[str, Any]) -> str:
        """Return the status of one, with the detail of one that is complete (HP-51)."""
        code, detail = self.status(job), job.get(f"{self.prefix}StatusReason")
        return f"{code} ({detail})" if code == "COMPLETE" and detail else code

    def summary(self, job: Mapping[str, Any]) -> str:
        """Return how one stands, in a line for logs and progress."""
        reason = job["statusReason"]
        return self.shown_status(job) + (f": {reason['message']}" if reason else "")

    def title(self, job: Mapping[str, Any]) -> str:
        """Return how messages call one."""
        return f"{self.word.capitalize()} {self.name(job)!r} ({self.id(job)})"


TRAINING = Kind(
    "training", "training", find_training, lambda client: client.training, lambda client: client.change_training,
    lambda client: client.delete_training, lambda client: client.stop_training,
)  # fmt: skip
TUNING = Kind(
    "tuning", "hyperparameterTuning", find_tuning, lambda client: client.tuning, lambda client: client.change_tuning,
    lambda client: client.delete_tuning, lambda client: client.stop_tuning,
)  # fmt: skip
MODEL = Kind(
    "model", "model", find_model, lambda client: client.model, lambda client: client.change_model,
    lambda client: client.delete_model, done="ACTIVE",
)  # fmt: skip
ENDPOINT = Kind(
    "endpoint", "endpoint", find_endpoint, lambda client: client.endpoint, lambda client: client.change_endpoint,
    lambda client: client.delete_endpoint, done="ACTIVE",
)  # fmt: skip
STAGE = Kind(
    "stage", "endpointStage", find_stage, lambda client: client.stage, lambda client: client.change_stage,
    lambda client: client.delete_stage, done="ACTIVE",
)  # fmt: skip


def wait(kind: Kind, client: Client, which: Sequence[str], timeout: float | None, as_json: bool) -> None:
    """Wait until all have ended, and end the command: exit code 0 if all are as their user wants them, otherwise 1."""
    from easymaker_local.cli.follow import wait as wait_for

    ids = [kind.id(kind.find(client, text, newest=True)) for text in which]
    jobs, code = wait_for(kind, client, ids, timeout)
    if as_json:
        output.print_json(jobs)
    raise typer.Exit(code)


def tell_checked(check: Callable[[dict[str, Any]], None], body: dict[str, Any]) -> None:
    """Say that a body would be taken, by a call of the client's; raises what the creation would raise."""
    check(body)
    output.note("It could be created.")


def stop(kind: Kind, client: Client, which: Sequence[str]) -> None:
    """Ask all of them to end."""
    stop_one = kind.stop
    assert stop_one is not None

    def act(text: str) -> None:
        job = kind.find(client, text)
        # One that is being created can be stopped as soon as it runs, which takes a moment.
        deadline = time.monotonic() + _STARTING_SECONDS
        while kind.status(job) == "CREATE_IN_PROGRESS" and time.monotonic() < deadline:
            time.sleep(0.1)
            job = kind.get(client)(kind.id(job))
        stop_one(client)(kind.id(job))
        output.note(f"{kind.title(job)} is asked to stop.")

    for_each(which, act)


def change(
    kind: Kind, client: Client, which: str, name: str | None, description: str | None, tag: Sequence[str] | None,
    untag: Sequence[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """Change name, description or tags of one; None stays."""
    job = kind.find(client, which)
    wanted: dict[str, Any] = {f"{kind.prefix}Name": name, "description": description}
    body = {field: value for field, value in wanted.items() if value is not None}
    if tag or untag:
        kept = [row for row in job["tagList"] if row["tagKey"] not in (untag or [])]
        body["tagList"] = merge_pairs("tagList", kept, split_pairs("--tag", tag or []))
    changed = kind.change(client)(kind.id(job), body)
    if as_json:
        output.print_json(changed)
    else:
        output.note(f"{kind.word.capitalize()} {kind.name(changed)!r} is changed.")


def delete(kind: Kind, client: Client, which: Sequence[str]) -> None:
    """Delete all of them."""

    def act(text: str) -> None:
        job = kind.find(client, text)
        kind.delete(client)(kind.id(job))
        output.note(f"{kind.title(job)} is deleted.")

    for_each(which, act)


def begin_deletion(kind: Kind, client: Client, which: Sequence[str], follow: bool) -> None:
    """Ask that all of them go, which takes its time; with ``follow`` wait for it."""

    def act(text: str) -> None:
        job = kind.find(client, text)
        kind.delete(client)(kind.id(job))
        output.note(f"{kind.title(job)} is being deleted.")
        if follow:
            _await_gone(kind, client, job)

    for_each(which, act)


def _await_gone(kind: Kind, client: Client, job: Mapping[str, Any]) -> None:
    """Wait until one is gone, and say so; meanwhile what it waits for."""
    from easymaker_local.cli.progress import Progress

    id_, title = kind.id(job), kind.title(job)
    with Progress() as progress:
        while True:
            try:
                found = kind.get(client)(id_)
            except NotFound:
                progress.clear()
                output.note(f"{title} is deleted.")
                return
            progress.show(f"{kind.name(found)}: {kind.summary(found)}")
            time.sleep(_POLL_SECONDS)


def within(client: Client, experiment: str | None) -> str | None:
    """Return the id of the experiment that a list is of; None: of all."""
    return None if experiment is None else find_experiment(client, experiment)["experimentId"]


def status_codes(texts: Sequence[str], known: type[StrEnum]) -> list[str]:
    """Return the status codes that people mean; raises BadParameter."""
    codes = [re.sub(r"[\s-]+", "_", text.strip()).upper() for text in texts]
    for text, code in zip(texts, codes, strict=True):
        if code not in set(known):
            raise typer.BadParameter(f"{text!r} is none of {', '.join(known)}.", param_hint="--status")
    return codes
