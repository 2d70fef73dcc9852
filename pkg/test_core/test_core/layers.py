"""Whether this machine lets an ordinary process have layers over its system, and layers over those."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def refusal(folder: Path, levels: int) -> str:
    """Why `levels` overlays over one another, with their upper folders below `folder`, cannot be had in a user namespace; empty
    where they can. In a job of headrace the folder that it has for that is used instead."""
    scratch = os.environ.get("HEADRACE_SCRATCH")
    place = Path(scratch) / f"probe-{os.getpid()}" if scratch else folder
    script = ["set -e", "lower=/usr"]
    for level in range(levels):
        here = f"{place}/{level}"
        script += [
            f"mkdir -p {here}/upper {here}/work {here}/seen",
            f"mount -t overlay o -o lowerdir=$lower,upperdir={here}/upper,workdir={here}/work,userxattr {here}/seen",
            f"lower={here}/seen",
        ]
    try:
        done = subprocess.run(["unshare", "-Urm", "sh", "-c", "\n".join(script)], capture_output=True, text=True)
    except OSError as error:
        return str(error)
    return done.stderr.strip() if done.returncode else ""
