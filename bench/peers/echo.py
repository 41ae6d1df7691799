"""The bound: uvloop and httptools answer every request with the same bytes, once its body is there. ``python echo.py PORT``."""

from __future__ import annotations

import asyncio
import sys

import httptools
import uvloop

BODY = b'{"model_name":"iris","outputs":[{"name":"predict","datatype":"INT64","shape":[1],"data":[0]}]}'
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY)


class Echo(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin."""
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        """Parse."""
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """Read and forget."""

    def on_message_complete(self) -> None:
        """Answer."""
        self._transport.write(ANSWER)


async def main(port: int) -> None:
    """Serve for ever."""
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", port)
    await server.serve_forever()


uvloop.run(main(int(sys.argv[1])))
