"""One frame: fourteen bytes, of which the last is the sum of those before it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_LAYOUT = struct.Struct(">IiiB")
SIZE = _LAYOUT.size + 1


class BadFrame(ValueError):
    """Bytes that are no frame."""


@dataclass(frozen=True)
class Frame:
    """`seconds` since it was let go; degrees; `battery` from 0 to 255."""

    seconds: int
    latitude: float
    longitude: float
    battery: int = 255

    def to_bytes(self) -> bytes:
        places = (round(self.latitude * 1e6), round(self.longitude * 1e6))
        data = _LAYOUT.pack(self.seconds, *places, self.battery)
        return data + bytes([sum(data) % 256])

    @classmethod
    def from_bytes(cls, data: bytes) -> Frame:
        """Raises BadFrame."""
        if len(data) != SIZE or sum(data[:-1]) % 256 != data[-1]:
            raise BadFrame(data.hex())
        seconds, latitude, longitude, battery = _LAYOUT.unpack(data[:-1])
        return cls(seconds, latitude / 1e6, longitude / 1e6, battery)


def frames(data: bytes) -> Iterator[Frame]:
    """Every frame that can be read; bytes that are none are passed over."""
    start = 0
    while start + SIZE <= len(data):
        try:
            yield Frame.from_bytes(data[start : start + SIZE])
        except BadFrame:
            start += 1
        else:
            start += SIZE
