"""Records and bodies as bytes: MessagePack between processes and in the journal, one JSON object a line for the outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from headrace.record.records import Body, Record

_encoder = msgspec.msgpack.Encoder()
_body: msgspec.msgpack.Decoder[Body] | None = None


def encode_body(body: Body) -> bytes:
    return _encoder.encode(body)


def decode_body(data: bytes) -> Body:
    """Raises msgspec.DecodeError on anything but a body."""
    global _body
    if _body is None:  # building the decoder costs a millisecond that a process without records need not pay
        _body = msgspec.msgpack.Decoder(Body)
    return _body.decode(data)


def to_json(record: Record) -> bytes:
    """One line of `--json-stream`, without the line end."""
    return msgspec.json.encode(record)


class Frames:
    """Cuts a byte stream into messages: four bytes of length, big-endian, then as many bytes.

    >>> frames = Frames()
    >>> list(frames.feed(frame(b"ab") + frame(b"c")[:2])), list(frames.feed(frame(b"c")[2:]))
    ([b'ab'], [b'c'])
    """

    def __init__(self, limit: int = 64 << 20) -> None:
        self._rest = bytearray()
        self._limit = limit

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield each message that is complete. Raises ValueError where one is longer than the limit."""
        rest = self._rest
        rest += data
        start = 0
        while len(rest) - start >= 4:
            length = int.from_bytes(rest[start : start + 4], "big")
            if length > self._limit:
                raise ValueError(f"a message of {length} bytes")
            if len(rest) - start - 4 < length:
                break
            yield bytes(rest[start + 4 : start + 4 + length])
            start += 4 + length
        del rest[:start]


def frame(message: bytes) -> bytes:
    return len(message).to_bytes(4, "big") + message


def schema() -> dict[str, Any]:
    """JSON schema of one line of `--json-stream`."""
    return msgspec.json.schema(Record)
