from __future__ import annotations

import pytest
from inngest import Client, Event, InvalidEvent, NotSent, schema


def test_an_event_survives_its_json() -> None:
    event = Event("shop/order.placed", {"total": 12, "items": ["tea"]}, "1")
    assert Event.from_json(event.to_json()) == event


@pytest.mark.parametrize("text", ["", "[]", '{"name": "x"}', '{"name": 1, "data": {}}', '{"name": " ", "data": {}}'])
def test_what_is_no_event_is_refused(text: str) -> None:
    with pytest.raises(InvalidEvent):
        Event.from_json(text)


def test_the_compiled_schema_names_the_fields() -> None:
    assert all(name in schema() for name in (b"event.proto", b"name", b"id", b"data"))


def test_where_nobody_answers_nothing_is_sent() -> None:
    with pytest.raises(NotSent, match="does not answer"):
        Client("shop", "http://127.0.0.1:1").send(Event("x"))
