"""A client that knows nothing of the product: asks one URL again and again until its input ends, and counts the answers.

``python load.py HOST PORT PATH CA-FILE THREADS``; prints ``{"<status or error>": count, …}`` with the predictions seen.
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys
import threading
from collections import Counter

BODY = json.dumps({"instances": [[1, 2]]})


def ask(host: str, port: int, path: str, context: ssl.SSLContext, counts: Counter[str], ended: threading.Event) -> None:
    """Ask on one connection, which is made anew after a failure."""
    connection: http.client.HTTPSConnection | None = None
    while not ended.is_set():
        if connection is None:
            connection = http.client.HTTPSConnection(host, port, timeout=120, context=context)
        try:
            connection.request("POST", path, BODY, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            counts[f"{type(error).__name__}: {error}"] += 1
            connection.close()
            connection = None
            continue
        counts[str(answer.status)] += 1
        shown = json.loads(text)["predictions"][0] if answer.status == 200 else text.decode()[:200]
        counts[f"said {shown}"] += 1


def main() -> None:
    host, port, path, authority, threads = sys.argv[1:]
    context = ssl.create_default_context(cafile=authority)
    ended, counts = threading.Event(), Counter[str]()
    workers = [threading.Thread(target=ask, args=(host, int(port), path, context, counts, ended)) for _ in range(int(threads))]
    for worker in workers:
        worker.start()
    sys.stdin.read()
    ended.set()
    for worker in workers:
        worker.join()
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
