"""Something that happened, with what belongs to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources


class InvalidEvent(ValueError):
    """A text that is no event."""


@dataclass(frozen=True)
class Event:
    """`id` is empty until a server has taken it."""

    name: str
    data: Mapping[str, object] = field(default_factory=dict)
    id: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InvalidEvent("an event needs a name")

    def to_json(self) -> str:
        return json.dumps({"name": self.name, "data": dict(self.data), "id": self.id}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Event:
        """Raises InvalidEvent."""
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise InvalidEvent(f"no JSON: {error}") from error
        match found:
            case {"name": str(name), "data": dict(data)}:
                return cls(name, data, str(found.get("id", "")))
            case _:
                raise InvalidEvent("an event has a name and data")


def schema() -> bytes:
    """`event.proto` as `make proto` has compiled it: a FileDescriptorSet, for those who have no compiler."""
    return resources.files("inngest").joinpath("event.binpb").read_bytes()
