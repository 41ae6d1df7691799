"""The log store through the API (LG; rest-api §9), against a daemon with jobs."""

from __future__ import annotations

import json
import threading
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from easymaker_local.testing.appliance import Appliance, until
from tests.api.envelope_check import assert_envelope
from tests.api.test_operations import JSON, Call

LINES = "print('epoch 1 loss=0.5')\nprint('WARNING: hot')\nprint('재학습 완료')\nprint('[ERROR] no', end='')\n"


@pytest.fixture(scope="module")
def logged(appliance: Appliance) -> dict[str, Any]:
    """An ended training with log management, all of which is in the store."""
    appliance.put("code", {"lines.py": LINES})
    training = appliance.training(
        trainingName="logged", entryPoint="lines.py", useLog=True, experimentId=appliance.experiment("contract")
    )  # fmt: skip
    training = appliance.await_status(training["trainingId"], "COMPLETE")
    query = f'trainingId:{training["trainingId"]} AND "is COMPLETE"'
    until(lambda: appliance.call("GET", "/logs", params={"query": query})["logList"], what="the last entry")
    return training


def post(appliance: Appliance, body: Any) -> httpx.Response:
    url = f"http://127.0.0.1:{appliance.port}/v2/log"
    headers = {"X-EasyMaker-Token": appliance.token, "Content-Type": "application/json"}
    answer = httpx.post(url, content=json.dumps(body).encode(), headers=headers, trust_env=False, timeout=90)
    assert_envelope(answer)
    return answer


def search(call: Call, query: str, **options: Any) -> list[dict[str, Any]]:
    answer = call("GET", "/logs", params={"query": query, **options})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["logList"]
    return found


def test_the_seeds_queries(call: Call, logged: dict[str, Any]) -> None:
    """LG-03, LG-04, LG-05, LG-06…LG-12: literally these queries and names."""
    rows = search(call, 'category:"easymaker.training"', limit=1000)
    bodies = [row["body"] for row in rows if row["node"] == "0"]
    assert bodies[::-1] == ["epoch 1 loss=0.5", "WARNING: hot", "재학습 완료", "[ERROR] no"]
    assert search(call, 'logType:"NHNCloud-AIEasyMaker"', limit=1000)[: len(rows)] == rows
    assert search(call, 'category:"easymaker.inference"') == []
    last = next(row for row in rows if row["body"] == "[ERROR] no")
    assert {name: last[name] for name in ("easymakerAppKey", "category", "logLevel", "logType", "trainingId")} == {
        "easymakerAppKey": "local", "category": "easymaker.training", "logLevel": "ERROR",
        "logType": "NHNCloud-AIEasyMaker", "trainingId": logged["trainingId"],
    }  # fmt: skip
    assert last["time"].endswith("Z")


def test_what_is_off_is_not_there(call: Call, ended: dict[str, Any]) -> None:
    """GN-22, LG-L03."""
    assert search(call, f"trainingId:{ended['trainingId']}") == []


@pytest.mark.parametrize(
    ("query", "position"), [('category:"easymaker', 10), ("(a OR b", 1), ("a AND", 6), ("time:[x TO *]", 7), ("가나 다*라", 5)]
)
def test_fault_with_its_position(call: Call, query: str, position: int) -> None:
    """LG-L02."""
    answer = call("GET", "/logs", params={"query": query})
    assert answer.status_code == 422
    (fault,) = answer.json()["fieldErrors"]
    assert (fault["field"], fault["message"].split(":")[0]) == ("query", f"position {position}")


@pytest.mark.parametrize(
    "options",
    [{"from": "noon"}, {"to": "2026-13-01"}, {"limit": 0}, {"limit": 1001}, {"before": -1}, {"before": 1, "after": 1}],
)
def test_other_faults(call: Call, options: dict[str, Any]) -> None:
    answer = call("GET", "/logs", params=options)
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["fieldErrors"]] == [next(iter(options))]


PIECES = st.sampled_from(['"', "(", ")", "a", "NOT", "*", "k:", "x\0y", "AND", " ", "%", "'"])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(max_size=60) | st.lists(PIECES).map("".join))
@example("a\0b")
@example('k:"\0"')
@example("'; DROP TABLE entries; --")
@example('body:"x" OR trainingId:"\' OR 1=1 --"')
@example('")) OR (search MATCH "a"')
def test_any_query_gets_an_answer(call: Call, query: str) -> None:
    answer = call("GET", f"/logs?query={quote(query, errors='replace')}")
    assert answer.status_code in {200, 422}, answer.text


def test_users_send_entries(appliance: Appliance, call: Call) -> None:
    """LG-21: an object or an array, known fields and others; nothing of a bad request is kept."""
    assert post(appliance, {"body": "one sent", "logLevel": "WARNING", "stage": "prod", "run": 7}).status_code == 200
    assert post(appliance, [{"body": "two sent", "projectName": "p"}, {"body": "three sent"}]).status_code == 200
    rows = search(call, "sent")
    assert [row["body"] for row in rows] == ["three sent", "two sent", "one sent"]
    assert rows[2]["fields"] == {"stage": "prod", "run": 7}
    assert [row["body"] for row in search(call, "stage:prod AND logLevel:warning AND run:7")] == ["one sent"]
    assert [row["body"] for row in search(call, "projectName:p")] == ["two sent"]
    refused = post(appliance, [{"body": "four sent"}, {"host": "no body"}])
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json()["fieldErrors"]] == ["1.body"]
    assert search(call, '"four sent"') == []


def test_sending_needs_the_token(appliance: Appliance) -> None:
    answer = httpx.post(f"http://127.0.0.1:{appliance.port}/v2/log", json={"body": "x"}, trust_env=False)
    assert_envelope(answer)
    assert answer.status_code == 401


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON | st.dictionaries(st.sampled_from(["body", "sendTime", "host", "inferenceId", "x"]), JSON, max_size=4))
def test_any_json_gets_an_answer(appliance: Appliance, body: Any) -> None:
    assert post(appliance, body).status_code in {200, 400, 422}


def test_as_much_as_the_sdk_sends_at_once(appliance: Appliance, call: Call) -> None:
    """rest-api §9: its buffer holds up to 40 million characters."""
    rows = [{"body": f"bulk{number} " + "x" * 1000} for number in range(20_000)]
    assert post(appliance, rows).status_code == 200
    assert search(call, "bulk19999")[0]["body"].startswith("bulk19999 ")
    too_much = post(appliance, "x" * (53 << 20))
    assert (too_much.status_code, too_much.json()["errorCode"]) == (400, "BODY_TOO_LARGE")


def test_pages_in_both_directions(appliance: Appliance, call: Call) -> None:
    post(appliance, [{"body": f"page {number}"} for number in range(25)])
    expected = [f"page {number}" for number in range(25)]
    found: list[str] = []
    cursor: dict[str, int] = {}
    while True:
        page = call("GET", "/logs", params={"query": "page", "limit": 7, **cursor}).json()
        found += [row["body"] for row in page["logList"]]
        if not page["hasMore"]:
            assert page["nextCursor"] is None
            break
        cursor = {"before": page["nextCursor"]}
    assert found[::-1] == expected
    found, after = [], 0
    while True:
        page = call("GET", "/logs", params={"query": "page", "limit": 7, "after": after}).json()
        found += [row["body"] for row in page["logList"]]
        after = page["nextCursor"]
        if not page["hasMore"]:
            break
    assert found == expected
    assert after == page["latestCursor"]


def test_a_follower_waits_for_its_match(appliance: Appliance, call: Call) -> None:
    after = call("GET", "/logs").json()["latestCursor"]

    def send() -> None:
        post(appliance, {"body": "something else"})
        post(appliance, {"body": "awaited"})

    later = threading.Timer(0.3, send)
    later.start()
    page = call("GET", "/logs", params={"query": "awaited", "after": after, "waitSeconds": 30}).json()
    later.join()
    assert [row["body"] for row in page["logList"]] == ["awaited"]
    assert page["nextCursor"] >= page["logList"][0]["logId"]
    empty = call("GET", "/logs", params={"query": "never", "after": after, "waitSeconds": 0.3}).json()
    assert empty["logList"] == []
    assert empty["nextCursor"] > after, "what did not match is not looked at again"


def test_from_and_to(appliance: Appliance, call: Call) -> None:
    for year in (2001, 2002, 2003):
        seconds = 978307200 + (year - 2001) * 365 * 86400
        post(appliance, {"body": f"timed {year}", "sendTime": seconds})
    span = {"from": "2001-06-01", "to": "2002-06-01T00:00:00+09:00"}
    assert [row["body"] for row in search(call, "timed", **span)] == ["timed 2002"]
    assert [row["body"] for row in search(call, "timed time:[2002-06-01 TO *]")] == ["timed 2003"]


def test_raw_log_is_streamed_while_it_grows(appliance: Appliance) -> None:
    """The file as it was when it was asked for, and any part of it."""
    appliance.put("code", {"grows.py": "while True: print('x' * 4000)\n"})
    made = appliance.training(entryPoint="grows.py", trainingName="grows", experimentId=appliance.experiment("contract"))
    path = f"/trainings/{made['trainingId']}/logs/raw"
    log = appliance.home / "logs" / "training" / made["trainingId"] / "node-0.log"
    until(lambda: log.exists() and log.stat().st_size > 20 << 20, what="a large log")
    with appliance.client() as client:
        for _ in range(5):
            with client.stream("GET", path) as answer:
                announced = int(answer.headers["content-length"])
                assert sum(map(len, answer.iter_bytes(1 << 20))) == announced
        client.put(f"/trainings/{made['trainingId']}/stop")
        appliance.await_status(made["trainingId"], "STOPPED")
        part = client.get(path, headers={"Range": "bytes=3990-4010"})
        assert (part.status_code, part.content) == (206, b"x" * 10 + b"\n" + b"x" * 10)
        assert client.delete(f"/trainings/{made['trainingId']}").status_code == 200
