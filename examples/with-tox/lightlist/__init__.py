"""The characters of lights at sea."""

from lightlist.character import Character, Unreadable
from lightlist.listed import Light, read

__all__ = ["Character", "Light", "Unreadable", "read"]
