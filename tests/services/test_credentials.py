"""Tokens, one-time codes and sessions, on a real database and a clock that is moved."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from easymaker_local.domain import job_token
from easymaker_local.domain.job_token import Job
from easymaker_local.domain.training import TrainingStatus
from easymaker_local.kit.secret_files import ensure_token, renew_token
from easymaker_local.services.credentials import CODE_SECONDS, SESSION_SECONDS, Caller, Credentials, Failures
from easymaker_local.testing.context import Bench, open_bench
from easymaker_local.testing.fakes import FakeClock

pytestmark = pytest.mark.anyio
S = TrainingStatus


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        yield made


@pytest.fixture
def credentials(bench: Bench) -> Credentials:
    return Credentials(bench.context, "the token")


async def test_the_users_token_and_nothing_near_it(credentials: Credentials) -> None:
    """SD-04."""
    assert await credentials.caller("the token") is Caller.USER
    for wrong in ("", "the toke", "the token ", "The token", "the tokeñ", "\xff", "x" * 10_000):
        assert await credentials.caller(wrong) is None


async def test_a_jobs_token_ends_with_the_job(bench: Bench, credentials: Credentials) -> None:
    """Architecture 12: asked of the store, so that no clock and no copy of the token keeps it alive."""
    training = await bench.create()
    token = job_token.sign(Job("training", training.id, training.attempt), bench.context.secret_key)
    assert await credentials.caller(token) is Caller.JOB
    training = await bench.pass_(training)
    assert training.status is S.RUNNING
    [workload] = bench.driver.workloads.values()
    assert workload.env["EM_TOKEN"] == token
    bench.driver.end(workload.name, 0)
    training = await bench.pass_(training)
    assert training.status is S.COMPLETE
    assert await credentials.caller(token) is None
    await bench.services.trainings.delete(training.id)
    assert await credentials.caller(token) is None


@pytest.mark.parametrize("job", [("training", "none", 1), ("training", None, 2), ("experiment", None, 1), ("system", "1", 1)])
async def test_no_token_for_what_does_not_run(bench: Bench, credentials: Credentials, job: tuple[str, str | None, int]) -> None:
    training = await bench.create()
    kind, resource_id, attempt = job
    token = job_token.sign(Job(kind, resource_id or training.id, attempt), bench.context.secret_key)
    assert await credentials.caller(token) is None


async def test_a_code_opens_one_session(bench: Bench, credentials: Credentials) -> None:
    """GN-L04: one local user, sessions."""
    code = credentials.issue_code().code
    secret = await credentials.redeem(code)
    assert secret is not None
    assert await credentials.is_session(secret)
    assert await credentials.redeem(code) is None
    assert not await credentials.is_session(secret + "x")
    await credentials.end_session(secret)
    await credentials.end_session(secret)
    assert not await credentials.is_session(secret)


async def test_two_visits_at_once_open_one_session(credentials: Credentials) -> None:
    code = credentials.issue_code().code
    opened = await asyncio.gather(*(credentials.redeem(code) for _ in range(8)))
    assert len([secret for secret in opened if secret is not None]) == 1


async def test_codes_end_after_minutes_and_sessions_after_weeks(bench: Bench, credentials: Credentials) -> None:
    early, late = credentials.issue_code(), credentials.issue_code()
    bench.clock.advance(CODE_SECONDS - 1)
    secret = await credentials.redeem(early.code)
    assert secret is not None
    bench.clock.advance(1)
    assert await credentials.redeem(late.code) is None
    bench.clock.advance(SESSION_SECONDS - 2)
    assert await credentials.is_session(secret)
    bench.clock.advance(1)
    assert not await credentials.is_session(secret)


async def test_codes_that_nobody_uses_do_not_pile_up(credentials: Credentials) -> None:
    codes = [credentials.issue_code().code for _ in range(1000)]
    assert len(credentials._codes) <= 8
    assert await credentials.redeem(codes[0]) is None
    assert await credentials.redeem(codes[-1]) is not None


async def test_expired_sessions_do_not_pile_up(bench: Bench, credentials: Credentials) -> None:
    for _ in range(3):
        assert await credentials.redeem(credentials.issue_code().code)
        bench.clock.advance(SESSION_SECONDS)

    def count(db: sqlite3.Connection) -> int:
        return int(db.execute("SELECT count(*) FROM sessions").fetchone()[0])

    assert await bench.context.store.read(count) == 1


async def test_sessions_outlive_the_daemon_and_the_database_holds_no_secret(bench: Bench, credentials: Credentials) -> None:
    secret = await credentials.redeem(credentials.issue_code().code)
    assert secret is not None
    again = Credentials(bench.context, "the token")
    assert await again.is_session(secret)
    rows = await bench.context.store.read(lambda db: [tuple(row) for row in db.execute("SELECT * FROM sessions")])
    assert len(rows) == 1
    assert secret not in str(rows)
    # Also if somebody put a row back: the digest belongs to the token of then.
    assert not await Credentials(bench.context, "another token").is_session(secret)


async def test_a_new_token_ends_the_old_one_sessions_and_codes_but_no_job(bench: Bench, credentials: Credentials) -> None:
    training = await bench.create()
    job = job_token.sign(Job("training", training.id, training.attempt), bench.context.secret_key)
    secret = await credentials.redeem(credentials.issue_code().code)
    code = credentials.issue_code().code
    await asyncio.gather(*(credentials.rotate() for _ in range(5)))
    token = bench.context.settings.token_file.read_text().strip()
    assert await credentials.caller("the token") is None
    assert await credentials.caller(token) is Caller.USER, "file and daemon agree, however many ask at once"
    assert secret is not None
    assert not await credentials.is_session(secret)
    assert await credentials.redeem(code) is None
    assert await credentials.caller(job) is Caller.JOB


async def test_a_crash_after_the_token_was_written_lets_nobody_stay(
    bench: Bench, credentials: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is replaced, the sessions' rows are still there: the next daemon believes the file."""
    secret = await credentials.redeem(credentials.issue_code().code)
    assert secret is not None

    def crash(db: sqlite3.Connection) -> None:
        raise RuntimeError("the power is gone")

    monkeypatch.setattr("easymaker_local.store.sessions.end_all", crash)
    with pytest.raises(RuntimeError):
        await credentials.rotate()
    restarted = Credentials(bench.context, ensure_token(bench.context.settings.token_file))
    assert await restarted.caller("the token") is None
    assert not await restarted.is_session(secret)


async def test_two_new_tokens_at_once_leave_file_and_daemon_agreeing(
    credentials: Credentials, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first request's thread is held up after its write: the second must not overtake it."""
    second_done = threading.Event()
    calls: list[str] = []

    def slow_at_first(path: Path) -> str:
        token = renew_token(path)
        calls.append(token)
        if len(calls) == 1:
            second_done.wait(0.3)
        else:
            second_done.set()
        return token

    monkeypatch.setattr("easymaker_local.services.credentials.renew_token", slow_at_first)
    await asyncio.gather(credentials.rotate(), credentials.rotate())
    assert len(calls) == 2
    assert await credentials.caller(bench.context.settings.token_file.read_text().strip()) is Caller.USER


def test_failures_are_counted_in_a_window_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    failures = Failures(clock)
    with caplog.at_level(logging.WARNING):
        assert [failures.count() for _ in range(Failures.LIMIT + 2)] == [False] * (Failures.LIMIT - 1) + [True] * 3
        assert len(caplog.records) == 1
        clock.advance(Failures.SECONDS)
        assert not failures.count(), "the window moves on"
        for _ in range(10_000):
            failures.count()
        assert len(caplog.records) == 2
    assert len(failures._times) == Failures.LIMIT
    clock.advance(-3600)
    assert not failures.count(), "a clock that was set back accuses nobody"
