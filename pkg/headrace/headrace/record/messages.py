"""GitHub's fixed texts for what becomes of those that share a concurrency group."""

from __future__ import annotations


def higher_priority(group: str) -> str:
    return f"Canceling since a higher priority waiting request for '{group}' exists"
