"""The daemon dies with SIGKILL, again and again, and every training ends as if nothing had happened (architecture 7, GN-L02).

Two ways of dying. *Around every effect*: the daemon ends itself right before or after the n-th commit, driver call, engine
call or move of a file since its start, so that every gap between two effects is met, whatever the machine's speed. *From
outside*: it is killed as soon as the database shows a chosen status, and at random moments.
"""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest

from easymaker_local.testing.appliance import Appliance, until
from tests.faults.fault_jobs import (
    COUNTED,
    FAILS,
    GANG,
    INSTANT,
    KINDS,
    STOPPED,
    SUCCEEDS,
    Kind,
    assert_ended_as,
    assert_nothing_left,
    history,
    select,
)

MakeAppliance = Callable[..., Appliance]

ARMED = """import functools, os, signal
import docker
from easymaker_local.artifacts import publish
from easymaker_local.controllers import training_files
from easymaker_local.drivers import docker as docker_driver, process
from easymaker_local.store import Store, trainings

# A number: that many effects from now. A name: as soon as it is met.
wanted = os.environ["KILL_AT_EFFECT"]
left = int(wanted) if wanted.isdigit() else -1

def effect(name):
    global left
    left -= 1
    if left == 0 or name == wanted:
        os.kill(os.getpid(), signal.SIGKILL)

def around(owner, name):
    original = getattr(owner, name)
    label = f"{owner.__name__.rpartition('.')[2]}.{name}"
    @functools.wraps(original)
    def synchronous(*arguments, **keywords):
        effect(f"before {label}")
        result = original(*arguments, **keywords)
        effect(f"after {label}")
        return result
    @functools.wraps(original)
    async def asynchronous(*arguments, **keywords):
        effect(f"before {label}")
        result = await original(*arguments, **keywords)
        effect(f"after {label}")
        return result
    is_coroutine = original.__code__.co_flags & 0x80
    setattr(owner, name, asynchronous if is_coroutine else synchronous)

noted = ""
write, transition = Store._transaction, trainings.transition

def transaction(store, work):
    global noted
    noted = "something"
    effect("before a commit")
    result = write(store, work)
    effect(f"after the commit of {noted}")
    return result

def note(*arguments, to, **keywords):
    global noted
    noted = to
    transition(*arguments, to=to, **keywords)

Store._transaction, trainings.transition = transaction, note
docker_driver.DockerDriver.__name__ = process.ProcessDriver.__name__ = "Driver"
for driver in (process.ProcessDriver, docker_driver.DockerDriver):
    for verb in ("start", "stop", "remove", "open_network", "close_network"):
        around(driver, verb)
for call in ("create_container", "start", "remove_container"):
    around(docker.APIClient, call)
for step in ("prepare", "collect", "clean"):
    around(training_files.TrainingFiles, step)
move = publish.publish
training_files.publish = lambda *arguments, **keywords: move(*arguments, **keywords, step=effect)
around(publish, "_save")

import asyncio, logging
from easymaker_local.daemon import serve
from easymaker_local.settings import load_settings
logging.basicConfig(level=logging.INFO)
asyncio.run(serve(load_settings()))
"""

# Trainings go on from one daemon to the next, so the same number falls into ever other places on their way.
EFFECTS = range(1, 17)


@dataclass
class Posted:
    """Trainings that were asked for: label -> kind; ids are looked up, since the answer may have died with the daemon."""

    appliance: Appliance
    kinds: dict[str, Kind] = field(default_factory=dict)

    def post_rarest(self) -> None:
        """Ask for one of the kind of which fewest were accepted: those whose request died are asked for again."""
        accepted = Counter(self.kinds[row["name"]] for row in self.rows())
        self.post(min(KINDS, key=lambda kind: accepted[kind]))

    def post(self, kind: Kind) -> None:
        """Ask for one; calm if the daemon dies meanwhile."""
        label = f"{kind.name}-{len(self.kinds)}"
        self.kinds[label] = kind
        with contextlib.suppress(httpx.TransportError, json.JSONDecodeError):
            self.appliance.training(**kind.body(self.appliance, label))

    def stop(self) -> None:
        """Stop what is to be stopped and runs; calm if the daemon dies meanwhile."""
        with contextlib.suppress(httpx.TransportError, json.JSONDecodeError):
            for row in self.rows("status = 'RUNNING' AND desired = 'RUN'"):
                if self.kinds[row["name"]].is_stopped:
                    self.appliance.call("PUT", f"/trainings/{row['id']}/stop")

    def rows(self, condition: str = "1") -> list[sqlite3.Row]:
        """Return the trainings that exist and fulfil an SQL condition."""
        return select(self.appliance, f"SELECT * FROM trainings WHERE {condition} ORDER BY created_at")

    def await_all(self) -> None:
        """Wait for the end of all, stopping what has to be stopped."""

        def ended() -> bool:
            self.stop()
            return not self.rows("is_finished = 0")

        until(ended, 120, "the end of all trainings")

    def check(self) -> None:
        """All that were accepted ended as they had to, and nothing is left."""
        found = self.rows()
        assert found, "none was accepted"
        for row in found:
            assert_ended_as(self.appliance, row["id"], self.kinds[row["name"]], row["name"])
        assert_nothing_left(self.appliance)


@pytest.fixture
def appliance(make_appliance: MakeAppliance) -> Appliance:
    made = make_appliance(stop_grace_seconds="5")
    made.put("code", {"train.py": COUNTED})
    made.start()  # the environment is prepared, tables are made: from here on trainings are what happens
    made.experiment()
    return made


# Gaps that a number meets by luck only.
GAPS = {
    "after the commit of CREATE_IN_PROGRESS": GANG, "after TrainingFiles.prepare": SUCCEEDS,
    "before Driver.start": GANG, "before APIClient.start": SUCCEEDS, "after APIClient.start": SUCCEEDS,
    "after Driver.start": GANG, "after the commit of RUNNING": INSTANT,
    "after the commit of STOP_IN_PROGRESS": STOPPED, "after Driver.stop": STOPPED, "after the commit of STOPPED": STOPPED,
    "after the commit of COMPLETE_IN_PROGRESS": INSTANT, "before TrainingFiles.collect": INSTANT,
    "after publish._save": SUCCEEDS, "after the commit of FAIL_TRAIN_IN_PROGRESS": FAILS, "after TrainingFiles.collect": FAILS,
    "after APIClient.remove_container": SUCCEEDS, "after Driver.remove": GANG, "after Driver.close_network": GANG,
    "after TrainingFiles.clean": FAILS, "after the commit of FAIL_TRAIN": FAILS, "after the commit of COMPLETE": INSTANT,
}  # fmt: skip


def _restart_armed(appliance: Appliance, effect: int | str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start a daemon that dies at its n-th effect; it may die before it answers."""
    monkeypatch.setenv("KILL_AT_EFFECT", str(effect))
    with monkeypatch.context() as patch:
        patch.setattr(appliance, "command", [sys.executable, "-c", ARMED])
        try:
            appliance.start()
        except AssertionError as error:
            assert "ended with -9" in str(error), error


def test_killed_around_every_effect(appliance: Appliance, monkeypatch: pytest.MonkeyPatch, kills: Counter[str]) -> None:
    posted = Posted(appliance)
    appliance.kill()
    for effect in EFFECTS:
        _restart_armed(appliance, effect, monkeypatch)

        def died() -> bool:
            if appliance.has_ended:
                return True
            posted.stop()
            if len(posted.rows("is_finished = 0")) < 3:
                posted.post_rarest()
            return False

        until(died, 60, f"effect {effect}")
        kills["around an effect"] += 1
    appliance.start()
    posted.await_all()
    posted.check()


def test_killed_in_every_known_gap(appliance: Appliance, monkeypatch: pytest.MonkeyPatch, kills: Counter[str]) -> None:
    posted = Posted(appliance)
    appliance.kill()
    for gap, kind in GAPS.items():
        if "APIClient" in gap and appliance.driver != "docker":
            continue
        _restart_armed(appliance, gap, monkeypatch)
        if not appliance.has_ended:
            posted.post(kind)

        def died() -> bool:
            posted.stop()
            return appliance.has_ended

        until(died, 60, gap)
        kills[gap] += 1
    appliance.start()
    posted.await_all()
    posted.check()


def _sees(posted: Posted, status: str, seconds: float = 20.0) -> bool:
    """Look into the database as fast as it answers, for some statuses last milliseconds; False if it was not met."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if posted.rows(f"status = '{status}'"):
            return True
        if status == "STOP_IN_PROGRESS" and not posted.rows("desired = 'STOP' AND is_finished = 0"):
            posted.stop()
    return False


def test_killed_from_outside(appliance: Appliance, kills: Counter[str]) -> None:
    posted = Posted(appliance)
    seed = 20_240_501
    chance = random.Random(seed)
    for status, kind in (
        ("CREATE_REQUESTED", SUCCEEDS), ("CREATE_IN_PROGRESS", GANG), ("RUNNING", FAILS), ("COMPLETE_IN_PROGRESS", INSTANT),
        ("FAIL_TRAIN_IN_PROGRESS", FAILS), ("STOP_IN_PROGRESS", STOPPED),
    ):  # fmt: skip
        posted.post(kind)
        is_seen = _sees(posted, status)
        appliance.kill()
        kills[f"as soon as {status} is seen" if is_seen else f"{status} was too short to be seen"] += 1
        appliance.start()
    for kind in (*KINDS, *KINDS):
        posted.post(kind)
        posted.stop()
        # A moment is what is tested here; any will do, and the next run of the same seed takes the same.
        time.sleep(chance.uniform(0, 0.8))
        appliance.kill()
        kills["at a random moment"] += 1
        if chance.random() < 0.4:
            appliance.start(wait=False)
            time.sleep(chance.uniform(0, 1.2))
            appliance.kill()
            kills["while it starts"] += 1
        appliance.start()
    posted.await_all()
    posted.check()
    ways = {tuple(history(appliance, row["id"])) for row in posted.rows()}
    assert {way[-1] for way in ways} == {"COMPLETE", "FAIL_TRAIN", "STOPPED"}
