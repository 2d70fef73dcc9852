"""Tracks of weather balloons."""

from sonde_track.track import Track

__all__ = ["Track"]
