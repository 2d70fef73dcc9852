"""Where things lie in a job that has a file system of its own: where they lie on a hosted machine."""

from __future__ import annotations

HOME = "/home/runner"
WORK = f"{HOME}/work"
TOOLS = "/opt/hostedtoolcache"
