"""A season of salt making."""

from saltern_season.weather import Summer, yield_of

__all__ = ["Summer", "yield_of"]
