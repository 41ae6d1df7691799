"""Lets a job in a container reach the daemon: what connects to a port of this container's loopback is passed to a socket file.

``python -I -S relay.py <descriptor>=<socket file> …``

Started by ``launch.py`` with sockets that listen already, so that nothing that a job does comes too early. Standard library
only. It is no child of the user's program and ends with the container. Without a daemon connections are closed at once;
those of the next daemon work again, since the file is looked up anew each time.
"""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import suppress

_BLOCK = 1 << 16


def main(argv: list[str]) -> None:
    pairs = [pair.partition("=") for pair in argv]
    threads = [
        threading.Thread(target=_serve, args=(socket.socket(fileno=int(descriptor)), path)) for descriptor, _, path in pairs
    ]
    for thread in threads:
        thread.start()


def _serve(listener: socket.socket, path: str) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_relay, args=(connection, path), daemon=True).start()


def _relay(connection: socket.socket, path: str) -> None:
    with connection, socket.socket(socket.AF_UNIX) as daemon:
        try:
            daemon.connect(path)
        except OSError:
            return
        back = threading.Thread(target=_pump, args=(daemon, connection), daemon=True)
        back.start()
        _pump(connection, daemon)
        back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    # Either side may go away at any time; what the other one has to be told is the end.
    with suppress(OSError):
        while block := source.recv(_BLOCK):
            target.sendall(block)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main(sys.argv[1:])
