"""What a training logs step by step, such as its loss, and how many points become few enough to be drawn (TR-34, TB-04)."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass
class Points:
    """Values in columns, which keep many of them small: the i-th of each belong together. ``times``: epoch seconds."""

    steps: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))
    times: array[float] = field(default_factory=lambda: array("d"))

    def __len__(self) -> int:
        return len(self.steps)

    def add(self, step: int, value: float, at: float) -> None:
        """Append one."""
        self.steps.append(step)
        self.values.append(value)
        self.times.append(at)

    def pick(self, places: Sequence[int]) -> Points:
        """Return those at these places."""
        made = Points()
        for place in places:
            made.add(self.steps[place], self.values[place], self.times[place])
        return made

    def thinned(self, most: int) -> Points:
        """Return at most so many, at least two: the first, the last, and between them the lowest and highest of equal parts.

        A mean would hide the spikes that people look for. Values that are no number count only where a part has nothing else.
        """
        if len(self) <= most:
            return self.pick(range(len(self)))
        inner, parts = len(self) - 2, (most - 2) // 2
        places = [0]
        for part in range(parts):
            begin, end = 1 + part * inner // parts, 1 + (part + 1) * inner // parts
            finite = [place for place in range(begin, end) if math.isfinite(self.values[place])]
            if finite:
                extremes = {min(finite, key=self.values.__getitem__), max(finite, key=self.values.__getitem__)}
                places += sorted(extremes)
            else:
                places.append(begin)
        return self.pick([*places, len(self) - 1])


def merged(parts: Sequence[Points]) -> Points:
    """Return the points of all, by step; of those of one step the last by time, or by place where times are the same."""
    if len(parts) == 1 and all(earlier < later for earlier, later in pairwise(parts[0].steps)):
        return parts[0]
    made = Points()
    for part in parts:
        made.steps += part.steps
        made.values += part.values
        made.times += part.times
    places = sorted(range(len(made)), key=lambda place: (made.steps[place], made.times[place]))
    last = {made.steps[place]: place for place in places}
    return made.pick([*last.values()])


@dataclass(frozen=True)
class Metric:
    """What was logged under a name, by step. ``count``: how many points there are, of which ``points`` may be a part."""

    name: str
    points: Points
    count: int


@dataclass
class Course:
    """A metric as one source has it. ``thinned_out``: how many points were in it and are so no more."""

    points: Points = field(default_factory=Points)
    thinned_out: int = 0

    def thin(self) -> None:
        """Drop half of the points."""
        before = len(self.points)
        self.points = self.points.thinned(max(2, before // 2))
        self.thinned_out += before - len(self.points)


def thin(courses: Sequence[Course]) -> int:
    """Halve the longest ones, so that none grows at the cost of shorter ones; returns how many points are left."""
    longest = max(len(course.points) for course in courses)
    for course in courses:
        if len(course.points) > longest // 2:
            course.thin()
    return sum(len(course.points) for course in courses)


def metric_of(name: str, courses: Sequence[Course], most: int) -> Metric:
    """Return the metric that several sources have parts of, with at most so many points."""
    points = merged([course.points for course in courses])
    return Metric(name, points.thinned(most), len(points) + sum(course.thinned_out for course in courses))
