"""What is mounted on this machine."""

from __future__ import annotations

from pathlib import Path

_OTHERS = ("/hr-", "/containers/", "/netns")
"""In the paths of what tests beside this one mount: HOMEs of their users, and what engines of containers have."""


def machine() -> list[str]:
    """The mounts that are there whatever other tests do just now, as the kernel tells them."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if not any(part in line for part in _OTHERS)]
