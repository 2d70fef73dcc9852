"""Brine as a quantity."""

from saltern_units.brine import SATURATED, SEA, Brine

__all__ = ["SATURATED", "SEA", "Brine"]
