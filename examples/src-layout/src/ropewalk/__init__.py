"""Ropes by their strands."""

from ropewalk.fibres import Fibre, fibres
from ropewalk.ropes import Rope

MANILA = fibres()["manila"]
HEMP = fibres()["hemp"]

__all__ = ["HEMP", "MANILA", "Fibre", "Rope", "fibres"]
