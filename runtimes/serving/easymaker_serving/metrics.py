"""What is counted, as Prometheus reads it. All of it happens on the event loop, so there are no locks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Histogram:
    """Observed values by bucket."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self, name: str, labels: str) -> Iterable[str]:
        """Yield the text."""
        total = 0
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self._counts, strict=True):
            total += count
            yield f'{name}_bucket{{{labels},le="{bound}"}} {total}'
        yield f"{name}_sum{{{labels}}} {self._sum:.9g}"
        yield f"{name}_count{{{labels}}} {total}"


class RouteMetrics:
    """The requests of one route."""

    __slots__ = ("outcomes", "seconds")

    def __init__(self) -> None:
        self.outcomes: dict[int | str, int] = {}
        """By status of HTTP or code of gRPC."""
        self.seconds = Histogram(SECONDS)

    def answered(self, outcome: int | str, seconds: float) -> None:
        """Count a request and how long it took, streams until their end."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        self.seconds.add(seconds)


class Metrics:
    """The counts of one server and its model."""

    def __init__(self, model: str) -> None:
        self._labels = f'model="{_escaped(model)}"'
        self._routes: dict[str, RouteMetrics] = {}
        self.queue_seconds = Histogram(SECONDS)
        self.predict_seconds = Histogram(SECONDS)
        self.batch_rows = Histogram(ROWS)
        self.failures = 0
        """Calls of the model that raised something other than InvalidInput."""
        self.queue_length: Callable[[], int] = int
        self.is_ready: Callable[[], bool] = bool
        self.tokens: Callable[[], Mapping[str, int]] = dict

    def route(self, name: str) -> RouteMetrics:
        """Return what counts a route's requests."""
        return self._routes.setdefault(name, RouteMetrics())

    def text(self) -> str:
        """Return the exposition format, version 0.0.4."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterable[str]:
        own = self._labels
        yield from _head("requests_total", "counter", "Requests by route and outcome")
        asked = [(name, route) for name, route in sorted(self._routes.items()) if route.outcomes]
        for name, route in asked:
            for outcome, count in sorted(route.outcomes.items(), key=str):
                yield f'easymaker_serving_requests_total{{{own},route="{name}",outcome="{outcome}"}} {count}'
        yield from _head("request_seconds", "histogram", "From a request's last byte to its answer")
        for name, route in asked:
            yield from route.seconds.lines("easymaker_serving_request_seconds", f'{own},route="{name}"')
        for name, found, text in (
            ("queue_seconds", self.queue_seconds, "How long calls wait for the model"),
            ("predict_seconds", self.predict_seconds, "How long the model computes a batch"),
            ("batch_rows", self.batch_rows, "Rows computed at a time"),
        ):
            yield from _head(name, "histogram", text)
            yield from found.lines(f"easymaker_serving_{name}", own)
        for name, kind, value, text in (
            ("queue_length", "gauge", self.queue_length(), "Calls that wait for the model"),
            ("ready", "gauge", int(self.is_ready()), "Whether the model is loaded and served"),
            ("failures_total", "counter", self.failures, "Calls in which the model failed"),
        ):
            yield from _head(name, kind, text)
            yield f"easymaker_serving_{name}{{{own}}} {value}"
        tokens = self.tokens()
        if tokens:
            yield from _head("tokens_total", "counter", "Tokens read and generated")
            for kind, count in sorted(tokens.items()):
                yield f'easymaker_serving_tokens_total{{{own},kind="{_escaped(kind)}"}} {count}'


def _head(name: str, kind: str, text: str) -> tuple[str, str]:
    return f"# HELP easymaker_serving_{name} {text}.", f"# TYPE easymaker_serving_{name} {kind}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
