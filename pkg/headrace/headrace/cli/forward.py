"""`forward`: what of the caller's own settings jobs get, checked and said. Loaded where there is some, or where variables name
files that jobs might not see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headrace.base.errors import Problem, UsageError
from headrace.base.lean import lazy_pattern
from headrace.sandbox.inherit import USER_FILES

_VARIABLE = lazy_pattern(r"[A-Za-z_][A-Za-z0-9_]*")
_MADE = lazy_pattern(r"PATH|HOME|CI|(GITHUB|RUNNER|ACTIONS|HEADRACE|INPUT|STATE)_.*")


def check(forward: Sequence[str]) -> None:
    """Raises UsageError where one is neither a file that can be forwarded nor a variable that may be."""
    for name in forward:
        if name in USER_FILES:
            continue
        for known in USER_FILES:
            if name.strip("._").lower() in (known.strip("."), known.strip(".").partition(".")[0]):
                raise UsageError(Problem(f"forward: there is no '{name}'", hint=f"did you mean '{known}'?"))
        if not _VARIABLE.fullmatch(name):
            what = f"forward: '{name}' is neither a variable nor one of {', '.join(USER_FILES)}"
            raise UsageError(Problem(what, hint="--expose lets jobs see other files of the machine"))
        if _MADE.fullmatch(name):
            hint = "--path-prepend puts a folder in front of it" if name == "PATH" else "--env gives jobs values of your own"
            raise UsageError(Problem(f"forward: {name} of a job is its own", hint=hint))


def notes(
    environ: Mapping[str, str], env: Mapping[str, str], forward: Sequence[str], there: Mapping[str, Sequence[str]], parted: bool
) -> list[str]:
    """What to say of it at the start of a run. `env`: what `--env` gives. `there`: files that can be forwarded, as far as the
    caller has them. `parted`: whether jobs see a part of the machine only."""
    given = [path for name in forward for path in there.get(name, ())]
    given += [f"${name}" for name in forward if name in environ]
    said = [f"jobs get {', '.join(given)}, as `forward` says; a hosted machine has none of it"] if given else []
    if parted:
        from headrace.engine.forward import paths, too_much

        for path, by in paths({**environ, **env}, forward, environ).items():
            if held := too_much(path):
                said.append(f"jobs do not see {path}, which {by} names, as {held} lies in it")
    return said
