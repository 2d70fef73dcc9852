"""Native drop-ins: programs that take the place of well-known actions inside a job.

In come the environment of an action's step (INPUT_*, STATE_*, GITHUB_*, RUNNER_*, ACTIONS_*) and a few HEADRACE_* variables;
out go command files, stdout commands and requests to the service endpoints. They use the standard library only, start in
milliseconds
and know nothing of the engine. One file per action, named after it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from headrace.actions.manifest import Manifest

_MODULES = {
    "actions/cache": "cache",
    "actions/cache/restore": "cache_restore",
    "actions/cache/save": "cache_save",
    "actions/checkout": "checkout",
    "actions/download-artifact": "download_artifact",
    "actions/setup-node": "setup_node",
    "actions/setup-python": "setup_python",
    "actions/upload-artifact": "upload_artifact",
    "astral-sh/setup-uv": "setup_uv",
    "pypa/gh-action-pypi-publish": "pypi_publish",
}

NAMES: frozenset[str] = frozenset(_MODULES)
"""The actions that have a drop-in, as lower-case `owner/name[/path]`, at the refs that `refs` says."""

FOR_MACHINE = frozenset(("actions/setup-node", "actions/setup-python", "astral-sh/setup-uv"))
"""Those that set up what is on this machine, which a job with a container does not see."""

_MAJORS = {
    "actions/cache": range(1, 6),
    "actions/checkout": range(2, 8),
    "actions/download-artifact": range(1, 9),
    "actions/setup-node": range(1, 8),
    "actions/setup-python": range(2, 8),
    "actions/upload-artifact": range(1, 8),
    "astral-sh/setup-uv": range(1, 11),
    "pypa/gh-action-pypi-publish": range(1, 2),
}
_WHOLE = {"astral-sh/setup-uv": 8, "pypa/gh-action-pypi-publish": 1}
"""The major version from which on there are tags of full versions only."""
_OLDER = {
    "actions/cache": "0da99ad140d4|e7ad80454a61",
    "actions/checkout": "0b496e91ec7a|50fbc622fc4e|af513c7a0160",
    "actions/setup-python": (
        "0f07f7f75672|152ba7c4dd65|28a6c1b915d5|5dc682444b78|6f6fcee33085|9ac730844c47|accf67571967|da8703fb2381|e336b852d5f9"
    ),
}
"""Commits of releases that are older than all that it was held against, by their beginnings."""
_BRANCHES = {"pypa/gh-action-pypi-publish": ("master", "release/v1", "unstable/v1")}
"""Branches that it has, with those of minor versions (`release/v1.8`); all others have `main`."""

_PUBLISH = "pypa/gh-action-pypi-publish"
_ELSEWHERE = r"(?!https://(upload|test)\.pypi\.org/).+"

LIMITS: tuple[tuple[str, str, str, str, str], ...] = (
    ("actions/checkout", "repository", ".+", "checks out another repository", "github.repository"),
    ("actions/checkout", "github-server-url", ".+", "checks out from another server", "github.server_url"),
    ("actions/checkout", "ssh-key", ".+", "checks out over SSH", ""),
    ("actions/download-artifact", "repository", ".+", "downloads from another repository", "github.repository"),
    ("actions/download-artifact", "run-id", ".+", "downloads from another run", ""),
    ("actions/setup-node", "node-version", ".*(nightly|canary|-rc).*", "sets up a node that is no release", ""),
    ("actions/setup-python", "python-version", "(pypy|graalpy).*", "sets up a Python that is not CPython", ""),
    ("astral-sh/setup-uv", "manifest-file", ".+", "takes uv from a list of its own", ""),
    ("astral-sh/setup-uv", "server-url", r"(?!https://github\.com$).+", "takes uv from another server", ""),
    (_PUBLISH, "repository-url", _ELSEWHERE, "publishes to an index that a run has not", ""),
    (_PUBLISH, "repository_url", _ELSEWHERE, "publishes to an index that a run has not", ""),
    (_PUBLISH, "user", "(?!__token__$).+", "publishes with a password", ""),
    (_PUBLISH, "attestations", "(?!false$).+", "signs attestations, which needs Sigstore's servers", ""),
)
"""What the drop-ins refuse, so that a plan can tell before anything runs: action, input, a regular expression that a line of its
value matches (ignoring case), what that asks for, and the expression whose value is accepted all the same ("" for none). The
drop-ins refuse the same again, for what only a run can tell."""


def load(name: str) -> ModuleType:
    """The drop-in's module, imported now. `name` is one of `NAMES`; KeyError otherwise."""
    import importlib

    return importlib.import_module(f"{__name__}.{_MODULES[name]}")


def manifest(name: str) -> Manifest | None:
    """The manifest of the drop-in for `owner/name[/path]` (case does not matter), None where there is none.

    >>> manifest("Actions/Checkout").name
    'actions/checkout'
    >>> manifest("someone/else") is None
    True
    """
    key = name.lower()
    return load(key).MANIFEST if key in _MODULES else None


def name_of(uses: str) -> str:
    """What `_MODULES` calls the action of `owner/name[/path]@ref`.

    >>> name_of("Actions/Cache/restore/@v4")
    'actions/cache/restore'
    """
    return "/".join(part for part in uses.partition("@")[0].split("/") if part).lower()


def refs() -> dict[str, str]:
    """`owner/name` of the actions with a drop-in → a regular expression of the refs for which it stands in: the versions that it
    was held against, and commits but for those of older releases: a commit without a release is something new. Another ref may
    be anything.

    >>> import re
    >>> [bool(re.fullmatch(refs()["astral-sh/setup-uv"], ref)) for ref in ("v7", "v7.1", "v8", "v8.1.0", "main", "11bd719")]
    [True, True, False, True, True, False]
    """
    return {name: _refs(name, majors) for name, majors in _MAJORS.items()}


def _refs(name: str, majors: range) -> str:
    whole = _WHOLE.get(name, majors.stop)
    short = "|".join(str(major) for major in majors if major < whole)
    full = "|".join(map(str, majors))
    branches = "|".join(_BRANCHES.get(name, ("main",))).replace(".", r"\.")
    minor = r"|release/v1\.\d+" if "release/v1" in branches else ""
    tags = rf"v({full})\.\d+\.\d+" + (rf"|v({short})(\.\d+)?" if short else "")
    older = f"(?!(?i:{_OLDER[name]}))" if name in _OLDER else ""
    return rf"{older}[0-9a-fA-F]{{40}}|(refs/(tags|heads)/)?({tags}|{branches}{minor})"


def stands_in(uses: str) -> bool:
    """Whether a drop-in takes the place of `owner/name[/path]@ref`.

    >>> stands_in("Actions/Checkout@v4"), stands_in("actions/checkout@v1"), stands_in("actions/cache/sub@v4"), stands_in("x/y@v1")
    (True, False, False, False)
    """
    import re

    name = name_of(uses)
    return name in _MODULES and re.fullmatch(refs()["/".join(name.split("/")[:2])], uses.partition("@")[2]) is not None
