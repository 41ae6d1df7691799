"""HTTP/1.1 as clients use and misuse it (OI-13, OI-19)."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import socket
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from unittest.mock import Mock

import pytest
from easymaker_serving.connection import Connection, Limits
from easymaker_serving.connections import Connections
from easymaker_serving.exchange import Exchange
from easymaker_serving.metrics import Metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.serving.toys import Double, Gate, Mirror, Running, Talker, rows, serving, tensor, until

BODY = json.dumps({"inputs": [tensor("x", rows(1), "FP64")]}).encode()
POST = b"POST /v2/models/toy/infer HTTP/1.1\r\nHost: x\r\n"
LIVE = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def double() -> Iterator[Running]:
    with serving(Double()) as running:
        yield running


@contextmanager
def connected(running: Running) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.settimeout(30)
        yield connection


def talk(running: Running, *parts: bytes) -> bytes:
    """Send the parts, the last of which asks to close, and return all that comes back."""
    with connected(running) as connection:
        for part in parts:
            connection.sendall(part)
        return everything(connection)


def everything(connection: socket.socket) -> bytes:
    found = b""
    while data := connection.recv(1 << 16):
        found += data
    return found


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", answer)]


def with_length(body: bytes, *, close: bool = True) -> bytes:
    return POST + (b"Connection: close\r\n" if close else b"") + b"Content-Length: %d\r\n\r\n" % len(body) + body


def test_byte_by_byte(double: Running) -> None:
    """OI-13: however the request is cut up."""
    request = with_length(BODY)
    assert statuses(talk(double, *(request[i : i + 1] for i in range(len(request))))) == [200]


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        ([LIVE, LIVE], 2),
        ([LIVE[:-4], LIVE[-4:], LIVE[-4:], LIVE], 2),
        ([LIVE, POST + b"Content-Length: 11\r\n\r\n", LIVE], 1),
    ],
)
def test_a_head_that_came_before_is_one_only_where_a_request_may_begin(pieces: list[bytes], found: int) -> None:
    """OI-13: the rest of a head, come again, is no request; nor is one after a refusal."""

    async def heard() -> int:
        exchanges: list[Exchange] = []
        connection = Connection(exchanges.append, Limits(body=10), Metrics("toy"), Connections())
        connection.connection_made(Mock(asyncio.Transport))
        for piece in pieces:
            connection.data_received(piece)
        return len(exchanges)

    assert asyncio.run(heard()) == found


def test_chunked_body(double: Running) -> None:
    """OI-13."""
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(BODY[i : i + 7]), BODY[i : i + 7]) for i in range(0, len(BODY), 7))
    request = POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    assert b'"data":[0.0,2.0,4.0,6.0]' in talk(double, request)


def test_pipelined_answers_are_in_order(double: Running) -> None:
    """OI-13: quick ones wait for slow ones before them."""
    bodies = [json.dumps({"id": str(n), "inputs": [tensor("x", rows(1), "FP64")]}).encode() for n in range(100)]
    parts = [part for body in bodies for part in (with_length(body, close=False), LIVE)]
    answer = talk(double, b"".join(parts) + with_length(BODY))
    assert statuses(answer) == [200] * 201
    assert re.findall(rb'"id":"(\d+)"|(live)', answer) == [
        pair for n in range(100) for pair in ((b"%d" % n, b""), (b"", b"live"))
    ]


def test_expect_100_continue(double: Running) -> None:
    """OI-13: as curl asks before large bodies."""
    with connected(double) as connection:
        connection.sendall(POST + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(BODY))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        assert statuses(everything(connection)) == [200]


def test_expect_behind_another_request() -> None:
    """OI-13: the word comes once the answers before it are out, and not to HTTP/1.0, which does not know it."""
    gate = Gate()
    body = json.dumps({"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP64", "data": [1]}]}).encode()
    with serving(gate) as running, connected(running) as connection:
        expects = b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
        connection.sendall(with_length(body, close=False) + POST + b"Connection: close\r\n" + expects)
        assert gate.entered.acquire(timeout=30)
        gate.open.set()
        found = b""
        while not found.endswith(b"HTTP/1.1 100 Continue\r\n\r\n"):
            data = connection.recv(1 << 16)
            assert data
            found += data
        connection.sendall(body)
        assert statuses(found + everything(connection)) == [200, 100, 200]
        assert statuses(talk(running, POST.replace(b"1.1", b"1.0") + expects, body)) == [200]


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("cut", [0, 1, 60, -30])
def test_the_body_of_a_request_that_would_upgrade(double: Running, is_chunked: bool, cut: int) -> None:
    """OI-13: as Java's client sends it; the body is a body, not the next request, wherever packets end."""
    smuggled = b"GET /metrics HTTP/1.1\r\n\r\n"
    answers = []
    for body in (BODY, smuggled):
        upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"
        chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        request = POST + upgrade + (chunked if is_chunked else b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        answers.append(talk(double, request[:cut], request[cut:] + LIVE + with_length(BODY)))
    assert statuses(answers[0]) == [200, 200, 200]
    assert b'"data":[0.0,2.0,4.0,6.0]' in answers[0].partition(b"live")[0]
    assert statuses(answers[1]) == [400, 200, 200]


def test_a_tunnel_is_not_opened(double: Running) -> None:
    """OI-13: and what follows is not taken for requests."""
    assert statuses(talk(double, b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n" + LIVE)) == [405]


def test_whole_addresses(double: Running) -> None:
    """OI-13: RFC 9112, section 3.2.2."""
    close = b" HTTP/1.1\r\nConnection: close\r\n\r\n"
    assert statuses(talk(double, b"GET http://a:1/v2/health/live?x=http://b/" + close)) == [200]
    assert statuses(talk(double, b"GET http://a" + close)) == [200]
    assert statuses(talk(double, b"GET http://a/nothing" + close)) == [404]


def test_http_1_0_is_told_that_the_connection_stays(double: Running) -> None:
    """OI-13: for it, that is not the usual."""
    request = b"GET /v2/health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    answer = talk(double, request + LIVE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert b"Connection: keep-alive" in answer.partition(b"\r\n\r\n")[0]
    assert statuses(answer) == [200, 200]


def test_other_transfer_encodings(double: Running) -> None:
    """OI-17: refused, not taken for what they hold."""
    request = POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    assert statuses(talk(double, request)) == [501]


@pytest.mark.parametrize(
    ("head", "kept"),
    [
        (b"GET /v2/health/live HTTP/1.1\r\n\r\n", True),
        (b"GET /v2/health/live HTTP/1.1\r\nConnection: close\r\n\r\n", False),
        (b"GET /v2/health/live HTTP/1.0\r\n\r\n", False),
        (b"GET /v2/health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True),
        (b"GET /v2/health/live HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", True),
    ],
)
def test_whether_the_connection_stays(double: Running, head: bytes, kept: bool) -> None:
    """OI-13: of HTTP/1.0 and 1.1, and after an upgrade that is not offered."""
    answer = talk(double, head + LIVE + b"GET /v2/health/live HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert len(statuses(answer)) == (3 if kept else 1)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00", b"NONSENSE\r\n\r\n", b"GET / HTTP/3.0\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        POST + b"Content-Length: -1\r\n\r\n", POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", POST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        POST + b"Content-Length: 99999999999999999999999\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_not_http(double: Running, request_bytes: bytes) -> None:
    """OI-17: refused in the protocol's form, and the connection ends."""
    answer = talk(double, request_bytes)
    assert statuses(answer) == [400]
    assert list(json.loads(answer.partition(b"\r\n\r\n")[2])) == ["error"]


def test_limits_of_size() -> None:
    """OI-17: a body that is said to be, or turns out to be, too large; a head without an end."""
    with serving(Double(), limits=Limits(body=1000, head=2000)) as running:
        assert statuses(talk(running, POST + b"Content-Length: 1001\r\n\r\n")) == [413]
        assert statuses(talk(running, POST + b"Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n")) == [413]
        assert statuses(
            talk(
                running,
                POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"64\r\n" + b"x" * 100 + b"\r\n",
                *[b"64\r\n" + b"x" * 100 + b"\r\n"] * 10,
            )
        ) == [413]
        assert statuses(talk(running, b"GET /" + b"x" * 2001)) == [431]
        assert statuses(talk(running, b"GET / HTTP/1.1\r\n" + b"".join(b"a%d: b\r\n" % n for n in range(129)) + b"\r\n")) == [
            431
        ]
        chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"
        assert statuses(talk(running, chunked, b"a: " + b"b" * 600_000)) == [431]
        assert statuses(talk(running, with_length(BODY))) == [200]


def test_a_refused_client_that_goes_on_sending_reads_why() -> None:
    """OI-17: the answer is not lost in a reset."""
    with serving(Double(), limits=Limits(body=1000)) as running, connected(running) as connection:
        connection.sendall(POST + b"Content-Length: 5000000\r\n\r\n")
        for _ in range(50):
            connection.sendall(bytes(100000))
        assert statuses(everything(connection)) == [413]


def test_small_chunks_take_no_more_memory_than_their_bytes() -> None:
    """OI-17: a part of two bytes is not an object of its own."""
    with serving(Double()) as running, connected(running) as connection:
        connection.sendall(POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
        tracemalloc.start()
        try:
            for _ in range(100):
                connection.sendall(b"2\r\n  \r\n" * 2000)
            connection.sendall(b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))
            assert statuses(everything(connection)) == [200]
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 4_000_000, "400 kB of body"


def test_bombs_are_not_unpacked() -> None:
    """OI-17: the limit is that of what comes out."""
    with serving(Double(), limits=Limits(body=100_000)) as running:
        bomb = gzip.compress(bytes(50_000_000))
        status, answer, _ = running.ask("POST", "/v2/models/toy/infer", bomb, {"Content-Encoding": "gzip"})
        assert status == 413
        assert list(answer) == ["error"]


SHORT = Limits(head_seconds=0.5, body_seconds=0.5, idle_seconds=0.5, linger_seconds=0.5, sweep_seconds=0.05)
UNREAD = Limits(write_seconds=0.5, sweep_seconds=0.05)


@pytest.mark.parametrize(
    ("sent", "status"),
    [(b"", []), (b"GET /v2", [408]), (POST + b"Content-Length: 100\r\n\r\nabc", [408]), (LIVE, [200])],
)
def test_slow_clients_are_let_go(sent: bytes, status: list[int]) -> None:
    """OI-13: whether idle, in the head, or in the body."""
    with serving(Double(), limits=SHORT) as running:
        assert statuses(talk(running, sent)) == status


def test_a_client_that_does_not_read_is_let_go() -> None:
    """OI-13: with an answer of megabytes, and with a stream without end; the stream is closed."""
    talker = Talker()
    talker.endless = True
    with serving(talker, limits=UNREAD) as running, connected(running) as connection:
        body = json.dumps({"prompt": "a", "stream": True}).encode()
        connection.sendall(b"POST /openai/v1/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert talker.is_closed.wait(30)
    with serving(Mirror(), limits=UNREAD) as running, connected(running) as connection:
        text = ["x" * 1000] * 30000
        content = json.dumps({"inputs": [{"name": "x", "shape": [30000], "datatype": "BYTES", "data": text}]}).encode()
        connection.sendall(with_length(content, close=False))
        until(lambda: b"gone" in running.ask("GET", "/metrics")[1] or connection_is_dead(connection), "it is let go")


def test_a_client_that_reads_slowly_is_not_let_go() -> None:
    """OI-13: however long it takes, if it goes on."""
    text = ["x" * 1000] * 30000
    content = json.dumps({"inputs": [{"name": "x", "shape": [30000], "datatype": "BYTES", "data": text}]}).encode()
    limits = Limits(write_seconds=0.5, sweep_seconds=0.05)
    with serving(Mirror(), limits=limits) as running, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", running.port))
        connection.sendall(with_length(content))
        found = connection.recv(1 << 16)
        began = time.monotonic()
        while time.monotonic() - began < 4 * limits.write_seconds:
            part = connection.recv(1 << 16)
            assert part
            found += part
            time.sleep(0.01)  # a client that is slow: this is what is tested
        found += everything(connection)
    assert len(found) > 30_000_000


def connection_is_dead(connection: socket.socket) -> bool:
    try:
        connection.sendall(LIVE)
    except OSError:
        return True
    return False


def test_a_stream_ends_with_its_client() -> None:
    """OI-19: what generates is told, by the closing of its chunks."""
    talker = Talker()
    talker.endless = True
    with serving(talker) as running:
        with connected(running) as connection:
            body = json.dumps({"prompt": "hello", "stream": True}).encode()
            connection.sendall(b"POST /openai/v1/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            assert b"200 OK" in connection.recv(1 << 16)
            assert not talker.is_closed.is_set()
        assert talker.is_closed.wait(30)


def test_a_stream_that_fails_is_cut_off(capfd: pytest.CaptureFixture[str]) -> None:
    """OI-19: it must not look as if it were whole."""
    with serving(Talker()) as running, connected(running) as connection:
        body = json.dumps({"prompt": "hello", "stream": True, "fail": True}).encode()
        connection.sendall(b"POST /openai/v1/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        found = b""
        with suppress(ConnectionResetError):
            found = everything(connection)
        assert b"\r\n0\r\n" not in found
    assert "cannot go on" in capfd.readouterr().err


def test_streams_for_http_1_0_and_in_a_pipeline() -> None:
    """OI-19: without chunks where there are none; in order behind another answer."""
    with serving(Talker()) as running:
        body = json.dumps({"prompt": "a b", "stream": True}).encode()
        length = b"Content-Length: %d\r\n\r\n" % len(body) + body
        answer = talk(running, b"POST /openai/v1/completions HTTP/1.0\r\n" + length)
        assert answer.endswith(b"\r\n\r\ndata: a\n\ndata: b\n\ndata: [DONE]\n\n")
        post = b"POST /openai/v1/completions HTTP/1.1\r\n"
        answer = talk(running, post + length + post + length + LIVE + post + b"Connection: close\r\n" + length)
        assert statuses(answer) == [200] * 4
        assert re.findall(rb"data: \[DONE\]|live", answer) == [b"data: [DONE]", b"data: [DONE]", b"live", b"data: [DONE]"]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.binary(max_size=60)
        | st.sampled_from([LIVE, POST, b"\r\n\r\n", b"Content-Length: 3\r\n", BODY, with_length(BODY, close=False)]),
        max_size=6,
    )
)
def test_random_bytes_get_no_5xx(double: Running, parts: list[bytes]) -> None:
    """OI-17."""
    with connected(double) as connection:
        connection.sendall(b"".join(parts))
        connection.shutdown(socket.SHUT_WR)
        try:
            answer = everything(connection)
        except ConnectionResetError:
            return
    assert all(status < 500 for status in statuses(answer))


def test_memory_does_not_grow_under_bad_requests() -> None:
    """OI-17: dimensions, lengths and depths that promise much and hold nothing."""
    infer = "/v2/models/toy/infer"
    head = json.dumps(
        {"inputs": [{"name": "x", "shape": [10**9, 4], "datatype": "FP64", "parameters": {"binary_data_size": 32}}]}
    ).encode()
    bad: list[tuple[bytes, dict[str, str]]] = [
        (json.dumps({"inputs": [{"name": "x", "shape": [10**9, 4], "datatype": "FP64", "data": [1]}]}).encode(), {}),
        (json.dumps({"inputs": [{"name": "x", "shape": [10**9, 0], "datatype": "FP64", "data": []}]}).encode(), {}),
        (head + bytes(32), {"Inference-Header-Content-Length": str(len(head))}),
        (b"[" * 50_000, {}),
        (b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP64","data":' + b"[" * 20_000, {}),
        (json.dumps({"inputs": [{"name": "x" * 20_000, "shape": [1], "datatype": "FP64", "data": [1]}]}).encode(), {}),
    ]
    with serving(Double()) as running:

        def fuzz(times: int) -> None:
            for _ in range(times):
                for body, headers in bad:
                    assert running.ask("POST", infer, body, headers)[0] == 400

        tracemalloc.start()
        try:
            fuzz(5)
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            fuzz(40)
            after, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert after - before < 300_000
        assert peak - before < 10_000_000


def _ask(connection: socket.socket, request: bytes) -> bytes:
    """Send a request in one piece and return its whole answer."""
    connection.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(1 << 16)
    head, _, body = answer.partition(b"\r\n\r\n")
    found = re.search(rb"Content-Length: (\d+)", head)
    assert found
    while len(body) < int(found[1]):
        body += connection.recv(1 << 16)
    return head + b"\r\n\r\n" + body


def test_the_same_head_again_and_almost_the_same(double: Running) -> None:
    """OI-13: a head that came before is not parsed again; one that differs in a byte is."""
    other = json.dumps({"inputs": [tensor("x", rows(1, start=1), "FP64")]}).encode()
    assert len(other) == len(BODY)
    first, second = with_length(BODY, close=False), with_length(other, close=False)
    with connected(double) as connection:
        for _ in range(3):
            assert b'"data":[0.0,2.0,4.0,6.0]' in _ask(connection, first)
            assert b'"data":[2.0,4.0,6.0,8.0]' in _ask(connection, second)
            assert statuses(_ask(connection, first.replace(b"/v2/models/toy", b"/v2/models/tox"))) == [404]
            assert b"live" in _ask(connection, LIVE)
            assert b"live" in _ask(connection, LIVE)
        # In the middle of another message it is that one's content.
        outer = with_length(first, close=False)
        connection.sendall(outer[: -len(first)])
        assert statuses(_ask(connection, first)) == [400]
        connection.sendall(LIVE[:10])
        assert b"live" in _ask(connection, LIVE[10:])
        assert statuses(_ask(connection, first) + _ask(connection, with_length(BODY))) == [200, 200]
        assert connection.recv(1) == b""
