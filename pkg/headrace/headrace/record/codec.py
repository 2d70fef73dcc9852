"""Records and bodies as bytes: MessagePack between processes and in the journal, one JSON object a line for the outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from headrace.record.records import Body, Record

_encoder = msgspec.msgpack.Encoder()
_body: msgspec.msgpack.Decoder[Body] | None = None


def encode_body(body: Body) -> bytes:
    return encode(body)


def encode(value: Any) -> bytes:
    """MessagePack of any struct. Text may hold what UTF-8 cannot (a name on the disk, half of a surrogate pair from `fromJSON`):
    that becomes U+FFFD."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(_readable(msgspec.to_builtins(value)))


def readable(text: str) -> str:
    r"""The text as UTF-8 can carry it: halves of a pair that have met are one character, everything else becomes U+FFFD.

    >>> readable("\ud83d\ude00 \ud800 \udcff") == "\U0001f600 \ufffd \ufffd"
    True
    """
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _readable(value: Any) -> Any:
    match value:
        case str():
            return readable(value)
        case dict():
            return {_readable(key): _readable(each) for key, each in value.items()}
        case list() | tuple():
            return [_readable(each) for each in value]
        case _:
            return value


def decode_body(data: bytes) -> Body:
    """Raises msgspec.DecodeError on anything but a body."""
    global _body
    if _body is None:  # building the decoder costs a millisecond that a process without records need not pay
        _body = msgspec.msgpack.Decoder(Body)
    return _body.decode(data)


def to_json(record: Record) -> bytes:
    """One line of `--json-stream`, without the line end."""
    return encode_json(record)


def encode_json(value: Any) -> bytes:
    """JSON of any struct, its text made readable as by `encode`."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_readable(msgspec.to_builtins(value)))


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
