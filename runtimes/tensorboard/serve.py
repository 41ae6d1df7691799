"""TensorBoard for whoever has the key, until nobody has asked for a while (GN-20, EX-L02).

    python -I serve.py IDLE_SECONDS [TensorBoard's own options]

TensorBoard itself asks nobody who they are, and its port is open to all accounts of the machine. So a request must carry the
key of ``EASYMAKER_TENSORBOARD_KEY`` in the header ``X-EasyMaker-Key``; the gateway adds it after it has seen who comes.
It ends by itself, not by the daemon's word, so that none is left over where the daemon does not run.
"""

import hmac
import os
import signal
import sys
import threading
import time

from tensorboard import program


class Guard:
    """The WSGI application around TensorBoard's."""

    def __init__(self, app, key, idle_seconds):
        self._app = app
        self._key = key.encode()
        self._idle_seconds = idle_seconds
        self._used = time.monotonic()
        threading.Thread(target=self._end_when_idle, daemon=True).start()

    def __call__(self, environ, start_response):
        """Serve who has the key; refuse everybody else."""
        given = environ.get("HTTP_X_EASYMAKER_KEY", "")
        if not hmac.compare_digest(given.encode(), self._key):
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"This is reached through the gateway only.\n"]
        self._used = time.monotonic()
        return self._app(environ, start_response)

    def _end_when_idle(self):
        while (left := self._used + self._idle_seconds - time.monotonic()) > 0:
            time.sleep(left)
        print(f"Nobody has asked for {self._idle_seconds:.0f} seconds.", flush=True)
        os.kill(os.getpid(), signal.SIGTERM)


def main():
    """Serve until the end."""
    idle_seconds, *options = sys.argv[1:]
    # Taken out of the environment: TensorBoard's helper process has no use for it.
    key = os.environ.pop("EASYMAKER_TENSORBOARD_KEY")

    def make_server(app, flags):
        return program.WerkzeugServer(Guard(app, key, float(idle_seconds)), flags)

    board = program.TensorBoard(server_class=make_server)
    board.configure(("tensorboard", *options))
    return board.main()


if __name__ == "__main__":
    sys.exit(main())
