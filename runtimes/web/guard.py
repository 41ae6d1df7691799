"""What stands before a web server that is a workload: a key for whoever asks, and an end when nobody has asked for a while.

Such servers ask nobody who they are, and their ports are open to all accounts of the machine. So a request must carry the
key of ``EASYMAKER_WEB_KEY`` in the header ``X-EasyMaker-Key``; the gateway adds it after it has seen who comes. They end by
themselves, not by the daemon's word, so that none is left over where the daemon does not run. Standard library only.
"""

import hmac
import os
import signal
import threading
import time


def take_key():
    """Return the key, and take it out of the environment: what the server starts has no use for it."""
    return os.environ.pop("EASYMAKER_WEB_KEY")


class Guard:
    """The WSGI application around the server's own. A request that takes long keeps it up until it is done."""

    def __init__(self, app, key, idle_seconds):
        self._app = app
        self._key = key.encode()
        self._idle_seconds = idle_seconds
        self._used = time.monotonic()
        self._busy = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._end_when_idle, daemon=True).start()

    def __call__(self, environ, start_response):
        """Serve who has the key; refuse everybody else."""
        given = environ.get("HTTP_X_EASYMAKER_KEY", "")
        if not hmac.compare_digest(given.encode(), self._key):
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"This is reached through the gateway only.\n"]
        if environ.get("HTTP_X_EASYMAKER_QUIET"):
            return self._app(environ, start_response)
        self._count(1)
        try:
            return self._app(environ, start_response)
        finally:
            self._count(-1)

    def _count(self, change):
        with self._lock:
            self._busy += change
            self._used = time.monotonic()

    def _end_when_idle(self):
        while (left := self._idle_seconds if self._busy else self._used + self._idle_seconds - time.monotonic()) > 0:
            time.sleep(left)
        print(f"Nobody has asked for {self._idle_seconds:.0f} seconds.", flush=True)
        os.kill(os.getpid(), signal.SIGTERM)
