"""Where headrace keeps its own things: under the XDG directories, never in a repository.

<state>/journal.db            the journal of every run
<state>/runs/ID/              what stays of a run: logs/, artifacts/, lock (with the engine's pid)
<state>/work/ID/              what goes with it: one folder a leg
<state>/trash/                folders on their way out
<state>/repositories/KEY/     snapshots of working trees
<cache>/packages/SCOPE/       download caches that jobs of one trust scope share
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


def cache_dir() -> str:
    """`$XDG_CACHE_HOME/headrace`, by default `~/.cache/headrace`. Not created here."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def run_dir(run: str) -> str:
    return os.path.join(state_dir(), "runs", run)


def work_dir(run: str) -> str:
    return os.path.join(state_dir(), "work", run)


def trash_dir() -> str:
    return os.path.join(state_dir(), "trash")
