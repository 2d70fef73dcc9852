"""A folder → the `Repository` it belongs to: its name on the forge and its default branch. Writes nothing."""

from __future__ import annotations

import os

from headrace.base import git
from headrace.base.errors import Problem, UsageError
from headrace.base.lean import lazy_pattern
from headrace.events.model import Repository

SETTINGS: dict[str, bytes] = {}
"""Root → git's configuration as it was read last, for the next who would ask at once."""

_UNFIT = lazy_pattern(r"[^A-Za-z0-9._-]+")


def open_repository(path: str, *, name: str = "") -> Repository:
    """The repository that `path` (any folder of it, a linked worktree, a submodule or a bare repository) belongs to.

    `name` overrides `owner/name`. Raises `UsageError` for an ill-formed `name` or a folder without a work tree, `GitError` where
    git finds no repository or refuses it.
    """
    try:
        path = os.path.abspath(path or ".")
    except FileNotFoundError:
        raise UsageError(Problem("the present folder is no longer there", hint="go to another, or say --repo DIR")) from None
    layout = git.start(path, "rev-parse", "--is-bare-repository", "--is-inside-work-tree", "--absolute-git-dir", "--show-cdup")
    config = git.start(path, *git.CONFIG)
    refs = git.start(
        path,
        "for-each-ref",
        "--format=%(refname)%00%(symref)",
        "refs/remotes/*/HEAD",
        "refs/heads/main",
        "refs/heads/master",
        "refs/remotes/*/main",
        "refs/remotes/*/master",
    )
    found, settings, listed = layout.finish(), config.finish(), refs.finish()
    lines = os.fsdecode(git.check(found, path)).split("\n")
    bare, inside = lines[0] == "true", lines[1] == "true"
    git_dir, up = ("\n".join(lines[2:-1]), "") if bare else ("\n".join(lines[2:-2]), lines[-2])
    if not bare and not inside:
        raise UsageError(Problem(f"{path}: inside a git directory, where no files are checked out", hint="go to the work tree"))
    root = git_dir if bare else os.path.realpath(os.path.join(os.path.realpath(path), up))
    values = {setting.name: setting.value for setting in git.parse_config(settings.out)}
    SETTINGS[root] = settings.out
    remote = remote_of(values)
    if name and (name.count("/") != 1 or not all(name.split("/")) or _UNFIT.search(name.replace("/", ""))):
        raise UsageError(f"'{name}' is not a repository's name; expected OWNER/NAME")
    full_name = name or name_from_url(values.get(f"remote.{remote}.url", "")) or f"local/{_folder(root, git_dir)}"
    known = dict(line.split("\0", 1) for line in listed.out.decode("utf-8", "replace").splitlines() if "\0" in line)
    return Repository(
        full_name, root, git_dir, _default_branch(root, git_dir, remote, known, values.get("init.defaultbranch", ""))
    )


def remote_of(settings: dict[str, str]) -> str:
    """`origin`, or the only remote there is; `origin` again where that is undecided.

    >>> remote_of({"remote.upstream.url": "https://github.com/o/n"})
    'upstream'
    """
    names = {key[len("remote.") : -len(".url")] for key in settings if key.startswith("remote.") and key.endswith(".url")}
    return next(iter(names)) if len(names) == 1 else "origin"


def name_from_url(url: str) -> str:
    """`owner/name` of a remote's address in any of git's forms, empty where it has no two parts.

    >>> name_from_url("git@github.com:octo/hello.git"), name_from_url("https://x:y@git.example.org:8443/a/b/c/")
    ('octo/hello', 'b/c')
    >>> name_from_url("../hello.git")
    ''
    """
    scheme, separator, rest = url.strip().partition("://")
    if separator:
        host, _, path = rest.partition("/")
        path = path if scheme != "file" or not host else f"{host}/{path}"
        path = path.partition("?")[0].partition("#")[0]
    else:
        host, colon, path = scheme.partition(":")  # the scp-like form; a local path has its first `/` before any `:`
        if not colon or "/" in host:
            path = scheme
    parts = [part for part in path.replace("\\", "/").split("/") if part]
    if len(parts) < 2 or ".." in parts[-2:] or "." in parts[-2:]:
        return ""
    owner, name = _UNFIT.sub("-", parts[-2]).strip("-"), _UNFIT.sub("-", parts[-1].removesuffix(".git")).strip("-")
    return f"{owner}/{name}" if owner and name else ""


def common_dir(git_dir: str) -> str:
    """The git directory that holds objects and refs: `git_dir` itself, or for a linked worktree the one it was made from."""
    try:
        with open(os.path.join(git_dir, "commondir"), encoding="utf-8", errors="surrogateescape") as file:
            return os.path.realpath(os.path.join(git_dir, file.read().rstrip("\n")))
    except OSError:
        return git_dir


def present_ref(repository: Repository) -> str:
    """The full ref that HEAD names (whether it exists or not), empty where HEAD is detached."""
    try:
        with open(os.path.join(repository.git_dir, "HEAD"), encoding="utf-8", errors="surrogateescape") as file:
            text = file.read(4096)
    except OSError:
        text = ""
    ref = text[len("ref:") :].strip() if text.startswith("ref:") else ""
    if ref == "refs/heads/.invalid":  # the table format of refs keeps HEAD elsewhere
        return os.fsdecode(git.start(repository.root, "symbolic-ref", "--quiet", "HEAD").finish().out).strip()
    return ref


def _folder(root: str, git_dir: str) -> str:
    """The name of the main work tree's folder, so that all linked worktrees of a repository share one name."""
    common = common_dir(git_dir)
    home = os.path.dirname(common) if os.path.basename(common) == ".git" else root
    return _UNFIT.sub("-", os.path.basename(home).removesuffix(".git")).strip("-.") or "repository"


def _default_branch(root: str, git_dir: str, remote: str, known: dict[str, str], configured: str) -> str:
    prefix = f"refs/remotes/{remote}/"
    target = known.get(f"{prefix}HEAD", "")
    if target.startswith(prefix):
        return target[len(prefix) :]
    wanted = (configured, "main", "master") if configured else ("main", "master")
    if configured not in ("", "main", "master"):
        names = f"refs/heads/{configured}", prefix + configured
        listed = git.start(root, "for-each-ref", "--format=%(refname)", *names).finish().out.decode("utf-8", "replace")
        known = known | dict.fromkeys(listed.splitlines(), "")
    for branch in wanted:
        if f"refs/heads/{branch}" in known or prefix + branch in known:
            return branch
    only = present_ref(Repository("", root, git_dir))
    return only.removeprefix("refs/heads/") if only.startswith("refs/heads/") else configured or "main"
