"""actions/checkout for the job's own repository: from a git directory beside the job instead of over the network.

Reads HEADRACE_GIT_DIR (never written to; objects are copied, not linked) and otherwise speaks like the action it stands in for.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from headrace.actions.builtin import checkout_auth, checkout_refs, toolkit
from headrace.actions.builtin.checkout_git import Git, Source, sources
from headrace.actions.builtin.toolkit import ActionFailed, get_flag, get_input
from headrace.actions.manifest import Manifest

MANIFEST = Manifest(
    name="actions/checkout",
    inputs={
        "repository": "${{ github.repository }}",
        "ref": "",
        "token": "${{ github.token }}",
        "ssh-key": "",
        "ssh-known-hosts": "",
        "ssh-strict": "true",
        "ssh-user": "git",
        "persist-credentials": "true",
        "path": "",
        "clean": "true",
        "filter": "",
        "sparse-checkout": "",
        "sparse-checkout-cone-mode": "true",
        "fetch-depth": "1",
        "fetch-tags": "false",
        "show-progress": "true",
        "lfs": "false",
        "submodules": "false",
        "set-safe-directory": "true",
        "github-server-url": "",
        "allow-unsafe-pr-checkout": "false",
    },
    outputs=("ref", "commit"),
    post=True,
)


def main() -> int:
    """Check the repository out below the workspace. Raises ActionFailed where GitHub fails and where something is unsupported."""
    toolkit.save_state("isPost", "true")
    _refuse_unsupported()
    server = toolkit.environment("GITHUB_SERVER_URL").rstrip("/")
    repository = toolkit.environment("GITHUB_REPOSITORY")
    path = _path()
    ref, commit = _wanted()
    _refuse_code_of_forks(ref, commit)
    toolkit.info(f"Syncing repository: {repository}")
    toolkit.save_state("repositoryPath", path)

    url = f"{server}/{repository}"
    git = Git(path)
    plan = _plan(sources(), ref, commit)
    _prepare(git, url)
    checkout_auth.configure(git, server)
    _fetch(git, plan, url)
    _check_out(git, plan)
    _refuse_missing_parts(git)
    head = plan.commit.lower() or git.text("rev-parse", "HEAD")
    toolkit.info(head)
    if toolkit.major() not in (1, 2, 3):
        toolkit.set_output("ref", ref)
        toolkit.set_output("commit", head)
    return 0


def post() -> int:
    """Take the credentials out of the repository's configuration. What is not there any more is no error."""
    path = toolkit.get_state("repositoryPath")
    if path and os.path.exists(os.path.join(path, ".git", "config")):
        checkout_auth.remove(Git(path), os.environ.get("GITHUB_SERVER_URL", "").rstrip("/"))
    return 0


# Inputs


def _refuse_unsupported() -> None:
    own = toolkit.environment("GITHUB_REPOSITORY")
    repository = get_input("repository") or own
    if repository.count("/") != 1 or not all(repository.split("/")):
        raise ActionFailed(f"Invalid repository '{repository}'. Expected format {{owner}}/{{repo}}.")
    if repository.lower() != own.lower():
        raise ActionFailed(
            f"checkout of another repository is not supported here: '{repository}' (this one is '{own}'). "
            "Clone it in a `run` step, or use the action itself with `--native off`."
        )
    server = get_input("github-server-url").rstrip("/")
    if server and server.lower() != os.environ.get("GITHUB_SERVER_URL", "").rstrip("/").lower():
        raise ActionFailed(f"checkout from another server is not supported here: github-server-url '{server}'.")
    if get_input("ssh-key"):
        raise ActionFailed("checkout over SSH is not supported here: leave the input 'ssh-key' empty.")
    submodules = get_input("submodules").lower()
    if submodules not in ("", "false", "true", "recursive"):
        raise ActionFailed(f"checkout: submodules '{submodules}' is none of false, true, recursive.")


def _path() -> str:
    workspace = os.path.abspath(toolkit.environment("GITHUB_WORKSPACE"))
    path = os.path.abspath(os.path.join(workspace, get_input("path") or "."))
    if not f"{path}{os.sep}".startswith(f"{workspace}{os.sep}"):
        raise ActionFailed(f"Repository path '{path}' is not under '{workspace}'")
    return path


def _depth() -> int:
    """0 is everything; so is anything that is no number, as in the action."""
    try:
        return max(0, int(float(get_input("fetch-depth") or "1")))
    except (ValueError, OverflowError):
        return 0


def _wanted() -> tuple[str, str]:
    """(ref, commit) by the inputs and the event; one of them may be empty."""
    ref = get_input("ref")
    if not ref:
        ref, commit = os.environ.get("GITHUB_REF", ""), os.environ.get("GITHUB_SHA", "")
        if ref and commit and not ref.startswith("refs/"):
            ref = f"refs/heads/{ref}"
        if not ref and not commit:
            raise ActionFailed("There is neither a ref input nor GITHUB_REF or GITHUB_SHA to check out.")
        return ref, commit
    return ("", ref) if checkout_refs.is_commit(ref) else (ref, "")


def _refuse_code_of_forks(ref: str, commit: str) -> None:
    """In events that run with the base repository's rights, an explicit ref that names a fork's code is refused."""
    event = os.environ.get("GITHUB_EVENT_NAME", "")
    if event not in ("pull_request_target", "workflow_run") or not get_input("ref") or get_flag("allow-unsafe-pr-checkout"):
        return
    payload = _payload()
    own = os.environ.get("GITHUB_REPOSITORY", "").lower()
    if event == "workflow_run":
        run = payload.get("workflow_run") or {}
        theirs = (run.get("head_repository") or {}).get("full_name") or ""
        named = {run.get("head_sha"), run.get("head_branch")}
    else:
        pull = payload.get("pull_request") or {}
        head = pull.get("head") or {}
        theirs = (head.get("repo") or {}).get("full_name") or ""
        number = payload.get("number") or pull.get("number")
        named = {head.get("sha"), head.get("ref"), pull.get("merge_commit_sha")}
        named |= {f"{prefix}pull/{number}/{kind}" for prefix in ("", "refs/") for kind in ("head", "merge")}
    if theirs and theirs.lower() != own and (commit or ref).removeprefix("refs/heads/") in named:
        raise ActionFailed(
            f"Refusing to check out '{get_input('ref')}' of the fork {theirs} in a {event} workflow: its code would run with the "
            "rights of this repository. Set allow-unsafe-pr-checkout: true if that is meant."
        )


def _payload() -> dict[str, Any]:
    import json

    try:
        with open(os.environ.get("GITHUB_EVENT_PATH", ""), encoding="utf-8") as file:
            payload = json.load(file)
    except (OSError, ValueError):
        return {}
    return payload if isinstance(payload, dict) else {}


# The directory


def _prepare(git: Git, url: str) -> None:
    """An existing clone of the same repository is kept and cleaned; anything else in the way is deleted."""
    path = git.path
    if not os.path.isdir(path):
        toolkit.remove(path)
        os.makedirs(path)
    elif not _reuse(git, url):
        _empty(path)
    if not os.path.isdir(os.path.join(path, ".git")):
        toolkit.info("Initializing the repository")
        kind = "sha256" if len(os.environ.get("GITHUB_SHA", "")) == 64 else "sha1"
        git.run("init", "--quiet", f"--object-format={kind}")
        _configure_new(path, url)


def _configure_new(path: str, url: str) -> None:
    """What `git remote add` and `git config` would write, without starting either."""
    with open(os.path.join(path, ".git", "config"), "a", encoding="utf-8", errors="surrogateescape") as file:
        file.write(f'[remote "origin"]\n\turl = {url}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n[gc]\n\tauto = 0\n')


def _reuse(git: Git, url: str) -> bool:
    if not os.path.isdir(os.path.join(git.path, ".git")) or git.text_or_empty("config", "--get", "remote.origin.url") != url:
        return False
    for lock in ("index.lock", "shallow.lock"):
        toolkit.remove(os.path.join(git.path, ".git", lock))
    if git.text_or_empty("rev-parse", "--verify", "--quiet", "HEAD") and git.quiet("checkout", "--quiet", "--detach") != 0:
        return False
    for branch in git.text("for-each-ref", "--format=%(refname)", "refs/heads").split():
        git.run("update-ref", "-d", branch)
    if (get_input("clean") or "true").upper() == "TRUE" and (
        git.status("clean", "-ffdx", "--quiet") != 0 or git.status("reset", "--hard", "--quiet", "HEAD") != 0
    ):
        toolkit.warning("Unable to clean or reset the repository. The repository will be recreated instead.")
        return False
    return True


def _empty(path: str) -> None:
    entries = os.listdir(path)
    if entries:
        toolkit.info(f"Deleting the contents of '{path}'")
    for entry in entries:
        toolkit.remove(os.path.join(path, entry))


# Refs and objects


def _moved_by_event() -> dict[str, str]:
    """The refs whose tip the event says, which may be ahead of the repository: a snapshot of the working tree, for one."""
    moved = {}
    ref, sha = os.environ.get("GITHUB_REF", ""), os.environ.get("GITHUB_SHA", "")
    head = os.environ.get("GITHUB_HEAD_REF", "")
    if head and os.environ.get("GITHUB_EVENT_NAME", "").startswith("pull_request"):
        pull = _payload().get("pull_request") or {}
        of_head = pull.get("head")
        if isinstance(of_head, dict) and isinstance(of_head.get("sha"), str):
            moved[f"refs/heads/{head}"] = of_head["sha"]
    if ref and sha and not (ref.startswith("refs/heads/") and ref in moved):
        moved[ref if ref.startswith("refs/") else f"refs/heads/{ref}"] = sha
    return moved


class _Plan(NamedTuple):
    """What to fetch from where, and what to check out: `ref` is qualified or "", `commit` may be "" where the ref says it."""

    ref: str
    commit: str
    source: Source
    specs: list[str]
    known: list[Source]


def _plan(known: list[Source], ref: str, commit: str) -> _Plan:
    """A bare name is looked up among the branches first, then the tags."""
    if commit or not ref:
        if ref.startswith("refs/tags/"):
            # An annotated tag is more than its commit: `git describe` needs the tag object.
            for source in known:
                if source.commit_of(ref) == commit:
                    return _Plan(ref, commit, source, [f"+{ref}:{ref}"], known)
        return _Plan(ref, commit, known[0], checkout_refs.refspecs(ref, commit), known)
    moved = _moved_by_event()
    bare = not ref.lower().startswith("refs/")
    for name in (f"refs/heads/{ref}", f"refs/tags/{ref}") if bare else (ref,):
        if name in moved:
            return _Plan(name, moved[name], known[0], checkout_refs.refspecs(name, moved[name]), known)
        for source in known:
            if source.commit_of(name):
                return _Plan(name, "", source, checkout_refs.refspecs(ref, ""), known)
    raise ActionFailed(
        f"A branch or tag with the name '{ref}' could not be found" if bare else f"fatal: couldn't find remote ref {ref}"
    )


def _fetch(git: Git, plan: _Plan, url: str) -> None:
    toolkit.group("Fetching the repository")
    depth = _depth()
    if depth > 0 or git.is_shallow():
        git.fetch(plan.source, url, plan.specs, depth)
    if depth == 0 or get_flag("fetch-tags"):
        for source in reversed(plan.known):
            if source.has_refs():
                git.fetch(source, url, [checkout_refs.ALL_TAGS] if depth else checkout_refs.ALL_REFS, depth)
        # A ref whose tip the event says may stand elsewhere in the repository, or not at all.
        tip = git.text_or_empty(
            "rev-parse", "--verify", "--quiet", f"{checkout_refs.tracking(plan.ref) or plan.commit}^{{commit}}"
        )
        if not tip or plan.commit.lower() not in ("", tip):
            git.fetch(plan.source, url, plan.specs, depth)
    toolkit.end_group()


def _check_out(git: Git, plan: _Plan) -> None:
    toolkit.group("Checking out the ref")
    wanted = [line for line in os.environ.get("INPUT_SPARSE-CHECKOUT", "").splitlines() if line.strip()]
    if wanted:
        cone = "--cone" if get_flag("sparse-checkout-cone-mode") else "--no-cone"
        git.run("sparse-checkout", "set", cone, *wanted)
    elif os.path.exists(os.path.join(git.path, ".git", "info", "sparse-checkout")):
        git.run("sparse-checkout", "disable")
    to = checkout_refs.target(plan.ref, plan.commit)
    if to.start:
        git.run("checkout", "--quiet", "--force", "-B", to.ref, to.start)
        toolkit.info(f"Switched to branch '{to.ref}'")
    else:
        git.run("checkout", "--quiet", "--force", "--detach", to.ref)
        toolkit.info(f"HEAD is detached at {to.ref}")
    toolkit.end_group()


def _refuse_missing_parts(git: Git) -> None:
    """Submodules and LFS objects live on other servers: asked for and there, they cannot be had; asked for and absent is fine."""
    if get_input("submodules").lower() in ("true", "recursive") and os.path.exists(os.path.join(git.path, ".gitmodules")):
        raise ActionFailed("checkout with submodules is not supported here, and this commit has some (.gitmodules).")
    if get_flag("lfs") and git.text("ls-files", "--", ":(attr:filter=lfs)"):
        raise ActionFailed("checkout with Git LFS is not supported here, and this commit has files that need it.")
