"""Lists of lights, as YAML: a name, and its character."""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from lightlist.character import Character, Unreadable


@dataclass(frozen=True)
class Light:
    name: str
    character: Character


def read(text: str) -> list[Light]:
    """The lights of a list. Raises Unreadable."""
    content = yaml.safe_load(text) or {}
    if not isinstance(content, dict):
        raise Unreadable("a list of lights maps names to characters")
    return [Light(str(name), Character.parse(str(told))) for name, told in content.items()]
