"""What every answer has to look like."""

from __future__ import annotations

import httpx


def assert_envelope(answer: httpx.Response) -> None:
    """rest-api §1.4: every answer says whether it succeeded, and a failure why."""
    answer_body = answer.json()
    header = answer_body["header"]
    assert header["isSuccessful"] is answer.is_success
    assert header["resultCode"] == (0 if answer.is_success else answer.status_code)
    if not answer.is_success:
        assert header["resultMessage"], answer_body
        assert answer_body["errorCode"], answer_body
        assert answer.status_code not in {413, 429, 503}, "the SDK would retry and hide the message"
