"""Records as bytes."""

from __future__ import annotations

import msgspec
import pytest
from headrace.record.codec import Frames, decode_body, encode_body, frame, schema, to_json
from headrace.record.records import Annotated, LegFinished, LegQueued, LogChunk, Record, RunFinished, StepFinished
from hypothesis import given
from hypothesis import strategies as st

BODIES = [
    LogChunk("l", 1, 0, 10),
    Annotated("l", 2, "error", "märz", "a.py", 3),
    StepFinished("l", 2, "failure", "success", 1.5, 3),
    LegFinished("l", "unsupported", {"a": "b"}),
    RunFinished("cancelled"),
]


@pytest.mark.parametrize("body", BODIES)
def test_a_body_survives_the_way(body: object) -> None:
    assert decode_body(encode_body(body)) == body  # type: ignore[arg-type]


def test_text_that_utf_8_cannot_carry_becomes_readable_text() -> None:
    body = LegQueued("l\udcff", "j", "w", "\ud83d\ude00\ud800", matrix={"a\ud800": ["\udcff", 1, True]})
    came = LegQueued("l\ufffd", "j", "w", "\U0001f600\ufffd", matrix={"a\ufffd": ["\ufffd", 1, True]})
    assert decode_body(encode_body(body)) == came
    assert msgspec.json.decode(to_json(Record("7", 1, 2.0, body)))["body"]["name"] == came.name


def test_what_is_no_body_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_body(msgspec.msgpack.encode({"type": "nonsense"}))


def test_a_line_of_the_stream_names_its_kind() -> None:
    line = msgspec.json.decode(to_json(Record("7", 1, 2.0, RunFinished("success"))))
    assert (line["run"], line["seq"], line["body"]["type"]) == ("7", 1, "run-finished")


def test_the_schema_knows_every_kind() -> None:
    assert {"RunStarted", "LogChunk", "Lost"} <= set(schema()["$defs"])


@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(1, 7))
def test_messages_are_cut_alike_however_they_arrive(messages: list[bytes], size: int) -> None:
    data = b"".join(map(frame, messages))
    frames = Frames()
    got = [message for at in range(0, len(data), size) for message in frames.feed(data[at : at + size])]
    assert got == messages


def test_a_message_beyond_the_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="100 bytes"):
        list(Frames(limit=10).feed(frame(b"x" * 100)))
