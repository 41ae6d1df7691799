"""Job tokens: what was signed comes back, nothing else is believed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.job_token import Job, sign, verify

KEY = b"k" * 32
JOBS = st.builds(
    Job,
    st.sampled_from(["training", "notebook", "pipeline-run"]),
    st.text("0123456789abcdef", min_size=16, max_size=16),
    st.integers(1, 999),
)


@given(JOBS)
def test_what_was_signed_is_recognised(job: Job) -> None:
    token = sign(job, KEY)
    assert verify(token, KEY) == job
    assert sign(job, KEY) == token, "a node that is started again after a crash gets the same"
    assert verify(token, b"l" * 32) is None
    assert token.isascii()
    assert not set(token) & set(" \t\n\"'\\$`;,"), "fits a header and a shell"


@given(JOBS, JOBS)
def test_a_signature_holds_for_one_job(job: Job, other: Job) -> None:
    claim, _, _ = sign(other, KEY).rpartition(".")
    forged = f"{claim}.{sign(job, KEY).rpartition('.')[2]}"
    assert (verify(forged, KEY) is not None) == (job == other)


@given(JOBS, st.data())
def test_any_change_spoils_it(job: Job, data: st.DataObject) -> None:
    token = sign(job, KEY)
    place = data.draw(st.integers(0, len(token) - 1))
    changed = token[:place] + data.draw(st.characters(blacklist_characters=token[place])) + token[place + 1 :]
    assert verify(changed, KEY) is None
    assert verify(token[:place], KEY) is None
    assert verify(token + data.draw(st.text(min_size=1, max_size=3)), KEY) is None


@given(st.text(max_size=80) | st.text("job.training.0123456789abcdef-_", max_size=80))
def test_noise_is_nobody(text: str) -> None:
    assert verify(text, KEY) is None
