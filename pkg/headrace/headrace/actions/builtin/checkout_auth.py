"""The credentials a checkout leaves for later `git push` steps, and their removal in the post step."""

from __future__ import annotations

import os

from headrace.actions.builtin import toolkit
from headrace.actions.builtin.toolkit import get_flag, get_input

TYPE_CHECKING = False
if TYPE_CHECKING:
    from headrace.actions.builtin.checkout_git import Git


def configure(git: Git, server: str) -> None:
    """Persist the token, where asked for, as the header git sends to `server`: in the repository's own configuration up to v5, in
    a file below RUNNER_TEMP that the configuration includes since v6."""
    token = get_input("token")
    remove(git, server)
    if not token or not get_flag("persist-credentials"):
        return
    from base64 import b64encode

    basic = b64encode(f"x-access-token:{token}".encode()).decode("ascii")
    toolkit.command("add-mask", basic)
    header = f'[http "{server}/"]\n\textraheader = AUTHORIZATION: basic {basic}\n'
    config = os.path.join(git.path, ".git", "config")
    temp = os.environ.get("RUNNER_TEMP", "")
    if 0 < toolkit.major() < 6 or not temp:
        with open(config, "a", encoding="utf-8") as file:
            file.write(header)
        return
    path = os.path.join(temp, f"git-credentials-{os.urandom(16).hex()}.config")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(descriptor, header.encode())
    os.close(descriptor)
    toolkit.save_state("credentialsPath", path)
    with open(config, "a", encoding="utf-8", errors="surrogateescape") as file:
        for pattern in _patterns(git):
            file.write(f"[includeIf {_quote('gitdir:' + pattern)}]\n\tpath = {_quote(path)}\n")


def remove(git: Git, server: str) -> None:
    """Take out what `configure` wrote, of an earlier checkout too."""
    config = os.path.join(git.path, ".git", "config")
    with open(config, encoding="utf-8", errors="surrogateescape") as file:
        text = file.read().lower()
    if "extraheader" in text:
        git.quiet("config", "--local", "--unset-all", f"http.{server}/.extraheader")
    if "git-credentials-" not in text:
        return
    for pattern in _patterns(git):
        key = f"includeIf.gitdir:{pattern}.path"
        for path in git.text_or_empty("config", "--local", "--get-all", key).splitlines():
            if os.path.basename(path).startswith("git-credentials-"):
                toolkit.remove(path)
        git.quiet("config", "--local", "--unset-all", key)


def _patterns(git: Git) -> tuple[str, str]:
    folder = os.path.join(git.path, ".git")
    return folder, os.path.join(folder, "worktrees", "*")


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
