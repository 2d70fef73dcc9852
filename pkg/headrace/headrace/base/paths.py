"""Where headrace keeps its own things: under the XDG directories, never in a repository.

<state>/journal.db            the journal of every run
<state>/runs/ID/              what stays of a run: logs/, artifacts/, index/ (what it has published), lock (with the engine's pid)
<state>/repositories/KEY/     snapshots of working trees
<state>/releases/KEY/         the journal of a repository's releases, and the bytes that were tested (release/journal.py)
<jobs>/work/ID/               what goes with a run: one folder a leg
<jobs>/trash/                 folders on their way out
<jobs>/skeletons/             what lies below jobs in namespaces (sandbox/skeleton.py)
<cache>/actions/OWNER+NAME/   clones of action repositories, as below `--actions-root`
<cache>/trees/COMMIT/         the files of actions, as jobs get them
<cache>/caches/               what actions/cache and its like have saved
<cache>/packages/SCOPE/       download caches that jobs of one trust scope share

<jobs> is <state>, but in a job of headrace, or wherever HEADRACE_SCRATCH names a folder that can be written to: there.
"""

from __future__ import annotations

import os


def _xdg(variable: str, fallback: str) -> str:
    base = os.environ.get(variable, "")
    if not os.path.isabs(base):  # the XDG rule: a relative path is ignored
        base = os.path.join(_home(), fallback)
    return os.path.join(base, "headrace")


def _home() -> str:
    home = os.path.expanduser("~")
    if os.path.isabs(home):
        return home
    import pwd  # a relative HOME would mean another folder for every folder that we are called in

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return "/"


def state_dir() -> str:
    """`$XDG_STATE_HOME/headrace`, by default `~/.local/state/headrace`. Not created here."""
    return _xdg("XDG_STATE_HOME", ".local/state")


def jobs_dir() -> str:
    """Where the folders of jobs lie. In a job of headrace, or in a container, the state lies on layers already, and nothing can
    be layered over those: then in a plain folder, which HEADRACE_SCRATCH names."""
    scratch = os.environ.get("HEADRACE_SCRATCH", "")
    if not os.path.isabs(scratch) or not os.access(scratch, os.R_OK | os.W_OK | os.X_OK):
        return state_dir()
    from zlib import crc32

    return os.path.join(scratch, f"headrace-{crc32(os.fsencode(state_dir())):08x}")


def cache_dir() -> str:
    """`$XDG_CACHE_HOME/headrace`, by default `~/.cache/headrace`. Not created here."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def run_dir(run: str) -> str:
    return os.path.join(state_dir(), "runs", run)


def work_dir(run: str) -> str:
    return os.path.join(jobs_dir(), "work", run)


def trash_dir() -> str:
    return os.path.join(jobs_dir(), "trash")
