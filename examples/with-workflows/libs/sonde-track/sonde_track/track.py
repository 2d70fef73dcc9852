"""A track: frames in the order of time."""

from __future__ import annotations

import math
from collections.abc import Iterable

from sonde_frames import Frame

_RADIUS = 6371.0  # km


class Track:
    def __init__(self, frames: Iterable[Frame]) -> None:
        by_time = {frame.seconds: frame for frame in frames}
        self.frames = [by_time[seconds] for seconds in sorted(by_time)]

    @property
    def kilometres(self) -> float:
        """The length of the way over ground."""
        pairs = zip(self.frames, self.frames[1:])
        return sum(_distance(one, other) for one, other in pairs)

    @property
    def speed(self) -> float:
        """Metres per second, on average; 0 for less than two frames."""
        if len(self.frames) < 2:
            return 0.0
        return self.kilometres * 1000 / (self.frames[-1].seconds - self.frames[0].seconds)


def _distance(one: Frame, other: Frame) -> float:
    """Kilometres along a great circle."""
    first, second = math.radians(one.latitude), math.radians(other.latitude)
    east = math.radians(other.longitude - one.longitude)
    a = math.sin((second - first) / 2) ** 2
    a += math.cos(first) * math.cos(second) * math.sin(east / 2) ** 2
    return 2 * _RADIUS * math.asin(math.sqrt(a))
