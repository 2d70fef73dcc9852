"""A chain of ponds, day by day."""

from saltern_ponds.chain import Chain, Pond

__all__ = ["Chain", "Pond"]
