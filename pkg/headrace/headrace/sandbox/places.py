"""Where things lie in a job that has a file system of its own: where they lie on a hosted machine."""

from __future__ import annotations

USER = "runner"
"""Whom steps run as on a hosted machine; here another name of the job's root."""

HOME = "/home/runner"
WORK = f"{HOME}/work"
TOOLS = "/opt/hostedtoolcache"

OWN = "/run/headrace"
"""What headrace has to tell programs of its own in the job, and they it."""

SUDO_MARK = f"{OWN}/sudo"
"""There once the job has called `sudo`."""

SURROUNDINGS = f"{OWN}/surroundings"
"""Variables that commands under `sudo` get, as lines for a shell."""

SECURE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin"
"""Where `sudo` looks commands up, whatever PATH says: Ubuntu's `secure_path`."""
