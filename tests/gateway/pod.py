"""A pod that says what it was asked, in a process of its own that can be killed: ``pod.py NAME PORT GRPC_PORT``.

Paths may end with ``?wait=SECONDS``, ``?stream``, ``?die`` (ends before it answers), ``?status=CODE``.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import grpc
import uvloop

NAME = sys.argv[1]


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer requests of one connection."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
            if headers.get("expect") == "100-continue":
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await read_body(reader, headers)
            method, target, _ = head[0].split(" ")
            query = parse_qs(urlsplit(target).query, keep_blank_values=True)
            if "die" in query:
                os._exit(1)
            if "wait" in query:
                await asyncio.sleep(float(query["wait"][0]))
            if "stream" in query:
                await stream(reader, writer)
                continue
            said = {"pod": NAME, "method": method, "path": target, "headers": headers, "size": len(body)}
            content = json.dumps(said).encode()
            status = query.get("status", ["200"])[0]
            more = f"content-type: application/json\r\nset-cookie: a=b\r\ncontent-length: {len(content)}"
            writer.write(f"HTTP/1.1 {status} X\r\n{more}\r\n\r\n".encode() + content)
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        return
    finally:
        writer.close()


async def read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    """Return a request's body."""
    if "chunked" not in headers.get("transfer-encoding", ""):
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body


async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say one event, and the next only when the asker has had the first and asks this process to go on."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    writer.write(b"d\r\ndata: first\n\n\r\n")
    await writer.drain()
    await GO_ON.wait()
    writer.write(b"c\r\ndata: last\n\n\r\n0\r\n\r\n")
    await writer.drain()


class Echo(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Every unary call says its message back, with the pod's name before it."""

    def service(self, details: Any) -> Any:
        async def call(message: bytes, context: Any) -> bytes:
            return NAME.encode() + b":" + details.method.encode() + b":" + message

        return grpc.unary_unary_rpc_method_handler(call)


GO_ON = asyncio.Event()


async def main() -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), lambda: (os.read(0, 100), GO_ON.set(), loop.remove_reader(0)))
    server = await asyncio.start_server(answer, "127.0.0.1", int(sys.argv[2]), limit=1 << 24)
    calls = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    calls.add_generic_rpc_handlers((Echo(),))
    calls.add_insecure_port(f"127.0.0.1:{sys.argv[3]}")
    await calls.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
