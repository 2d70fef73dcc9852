"""What a step looked for in vain, where GitHub's own machines have it: the commonest reason of a red step in somebody else's
repository that is green there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from headrace.sandbox.programs import find

_NAME = r"([\w.+-]+)"
_MISSING = (  # as shells say it, make, and env
    re.compile(rf"(?:^|[\s:]){_NAME}: (?:command not found|not found)\s*$"),
    re.compile(rf"^g?make(?:\[\d+\])?: {_NAME}: No such file or directory\s*$"),
    re.compile(rf"^/?[\w/]*env: [‘']{_NAME}[’']: No such file or directory\s*$"),
)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

# Programs of ubuntu-24.04 by the list that its makers publish (actions/runner-images), and the package that has them in Debian or
# Ubuntu; an empty text where none has. What every machine has is left out.
_HOSTED = {
    "7z": "p7zip-full", "ansible": "ansible", "ant": "ant", "aria2c": "aria2", "aws": "", "az": "", "bazel": "", "brew": "",
    "buildah": "buildah", "bundle": "ruby-bundler", "cabal": "cabal-install", "cargo": "cargo", "clang": "clang",
    "clang-format": "clang-format", "clang-tidy": "clang-tidy", "clang++": "clang", "cmake": "cmake", "composer": "composer",
    "conda": "", "curl": "curl", "docker": "docker.io", "dotnet": "", "fastlane": "", "g++": "g++", "gcc": "gcc", "gcloud": "",
    "gem": "ruby", "gfortran": "gfortran", "gh": "gh", "ghc": "ghc", "git-lfs": "git-lfs", "go": "golang-go", "google-chrome": "",
    "gradle": "gradle", "helm": "", "hg": "mercurial", "java": "default-jdk", "javac": "default-jdk", "jq": "jq", "julia": "",
    "kind": "", "kotlin": "", "kubectl": "", "kustomize": "", "lerna": "", "make": "make", "minikube": "", "mvn": "maven",
    "mysql": "mysql-client", "ninja": "ninja-build", "node": "nodejs", "npm": "npm", "npx": "npm", "packer": "",
    "parallel": "parallel", "php": "php-cli", "pip": "python3-pip", "pip3": "python3-pip", "pipx": "pipx",
    "pkg-config": "pkgconf",
    "podman": "podman", "psql": "postgresql-client", "pulumi": "", "pwsh": "", "python": "python-is-python3", "rake": "rake",
    "rsync": "rsync", "ruby": "ruby", "rustc": "rustc", "rustup": "rustup", "sbt": "", "shellcheck": "shellcheck",
    "skopeo": "skopeo", "sqlite3": "sqlite3", "sudo": "sudo", "swift": "", "swig": "swig", "tree": "tree", "unzip": "unzip",
    "vcpkg": "", "wget": "wget", "xvfb-run": "xvfb", "yamllint": "yamllint", "yarn": "yarnpkg", "yq": "", "zip": "zip",
    "zstd": "zstd",
}  # fmt: skip


def absent(lines: Iterable[bytes], installer: str = "") -> str:
    """What to say of the program that the last lines of a step's output miss; empty where they miss none that GitHub's machines
    have. `installer`: `apt-get install` where this machine gets its programs that way.

    >>> absent([b"/tmp/x.sh: line 1: fastlane: command not found"], "apt-get install")
    "GitHub's machines have fastlane, this one has not"
    >>> absent([b"sh: 1: ours: not found", b"cat: fastlane: No such file or directory"])
    ''
    """
    for line in lines:
        text = _COLOURS.sub("", line.decode("utf-8", "replace"))
        for pattern in _MISSING:
            found = pattern.search(text)
            if found and found[1] in _HOSTED and not find(found[1], os.environ.get("PATH", "")):
                package = _HOSTED[found[1]]
                how = f": `{installer} {package}`" if installer and package else ""
                return f"GitHub's machines have {found[1]}, this one has not{how}"
    return ""
