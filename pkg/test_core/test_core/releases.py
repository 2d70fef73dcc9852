"""A repository that is ready to be released, with a remote, gates that were green, and an index on loopback."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from test_core.calls import Done, Headrace
from test_core.repositories import GitRepository, make_remote, make_repository

WORKFLOW = """\
name: {name}
on:
  push:
    branches: [main]
    tags: ['**']
permissions:
  contents: read
jobs:
  lint:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        python: ['3.10', '3.13']
    steps:
      - run: echo fine
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: test ! -e broken
  publish:
    needs: [lint, test]
    if: startsWith(github.ref, 'refs/tags/{name}@')
    runs-on: ubuntu-latest
    permissions:
      contents: read
      id-token: write
    steps:
      - uses: actions/checkout@v4
      - run: mkdir dist && python3 -c 'import backend as b; b.build_wheel("dist"), b.build_sdist("dist")'
        working-directory: pkg/{name}
      - uses: pypa/gh-action-pypi-publish@release/v1
        with:
          packages-dir: pkg/{name}/dist
"""

PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "{name}"  # as the tag spells it
version = "{version}"
dependencies = [{needs}]

[tool.other]
version = "9.9.9"
"""

BACKEND = '''\
"""Builds the package beside it, without any other tool and always to the same bytes."""
import gzip, io, os, re, tarfile, zipfile

TEXT = open("pyproject.toml").read()
NAME, VERSION = (re.search(rf'^{key} = "(.*?)"', TEXT, re.M)[1] for key in ("name", "version"))
NEEDS = re.findall(r'"(.*?)"', re.search(r"^dependencies = \\[(.*)\\]", TEXT, re.M)[1])
META = f"Metadata-Version: 2.1\\nName: {NAME}\\nVersion: {VERSION}\\n" + "".join(f"Requires-Dist: {need}\\n" for need in NEEDS)
STEM = f"{NAME}-{VERSION}"

def build_wheel(folder, config_settings=None, metadata_directory=None):
    wheel_says = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files = {f"{NAME}/__init__.py": open(f"{NAME}/__init__.py").read(), f"{STEM}.dist-info/METADATA": META,
             f"{STEM}.dist-info/WHEEL": wheel_says, f"{STEM}.dist-info/RECORD": ""}
    with zipfile.ZipFile(os.path.join(folder, f"{STEM}-py3-none-any.whl"), "w") as wheel:
        for name, text in files.items():
            wheel.writestr(zipfile.ZipInfo(name), text)
    return f"{STEM}-py3-none-any.whl"

def build_sdist(folder, config_settings=None):
    with open(os.path.join(folder, f"{STEM}.tar.gz"), "wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file, \\
            tarfile.open(fileobj=file, mode="w") as archive:
        for name in ("pyproject.toml", "backend.py", f"{NAME}/__init__.py", None):
            data = META.encode() if name is None else open(name, "rb").read()
            member = tarfile.TarInfo(f"{STEM}/{name or 'PKG-INFO'}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return f"{STEM}.tar.gz"
'''

CHANGELOG = "# Changes\n\n## [{version}] - 2026-01-02\n\n- The first\n\n## [0.0.9]\n\n## [0.0.8] - unreleased\n- x\n"


def package(name: str, version: str, *needs: str) -> dict[str, str]:
    """The files of a package, its workflow included."""
    quoted = ", ".join(f'"{need}"' for need in needs)
    return {
        f".github/workflows/{name}.yml": WORKFLOW.format(name=name),
        f"pkg/{name}/pyproject.toml": PYPROJECT.format(name=name, version=version, needs=quoted),
        f"pkg/{name}/backend.py": BACKEND,
        f"pkg/{name}/{name}/__init__.py": f'"""It."""\n\n__version__ = "{version}"\n',
        f"pkg/{name}/CHANGELOG.md": CHANGELOG.format(version=version),
    }


class SimplePages:
    """The simple API in its JSON form, over HTTP on loopback. `projects`: name → file name → sha256. While `broken`, it answers
    that it is down."""

    def __init__(self) -> None:
        self.projects: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.broken = False
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.strip("/").rpartition("/")[2]
                pages.asked.append(name)
                files = pages.projects.get(name)
                status = 503 if pages.broken else 404 if files is None else 200
                listed = [{"filename": file, "url": file, "hashes": {"sha256": digest}} for file, digest in (files or {}).items()]
                body = json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": listed}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/simple/"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Workshop:
    """A repository `tree`, its remote, and calls of `headrace release` in it that ask `pages`."""

    def __init__(self, headrace: Headrace, folder: Path, pages: SimplePages) -> None:
        self.headrace, self.pages = headrace, pages
        self.tree = GitRepository(folder / "a tree")
        self.remote = GitRepository(folder / "remote.git")

    def release(self, *words: str, build: bool = False, rehearse: bool = False, **extra: str) -> Done:
        """Without a build and without a rehearsal, where these are not what a test is about."""
        more = [] if "--bump" in words else ["--index", self.pages.url]
        more += [] if build else ["--no-build"]
        more += [] if rehearse or "--rehearse" in words else ["--no-rehearsal"]
        return self.headrace("release", *words, *more, cwd=self.tree.root, NO_PROXY="127.0.0.1", no_proxy="127.0.0.1", **extra)

    def refs(self) -> tuple[dict[str, str], dict[str, str]]:
        return self.tree.refs(), self.remote.refs()

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.tree.root / name).read_text()
        assert old in text
        self.tree.write({name: text.replace(old, new)})

    def push(self, files: Mapping[str, str] | None = None) -> None:
        self.tree.commit(files)
        self.tree.git("push", "--quiet", "origin", "main")

    def try_gates(self) -> None:
        """Run what a push starts on the present tree."""
        done = self.headrace("run", "push", "-qq", cwd=self.tree.root)
        assert done.status == 0, done.err

    def hook(self, script: str, name: str = "pre-receive") -> None:
        """Let the remote have a hook."""
        self.remote.write({f"hooks/{name}": f"#!/bin/sh\n{script}\n"})


def make_workshop(headrace: Headrace, folder: Path, pages: SimplePages, files: Mapping[str, str]) -> Workshop:
    """The remote is named by a relative path, so that both can be copied together."""
    tree = make_repository(folder / "a tree", files)
    tree.git("config", "user.name", "Ada")
    tree.git("config", "user.email", "ada@example.com")
    make_remote(tree, folder / "remote.git")
    tree.git("remote", "set-url", "origin", "../remote.git")
    return Workshop(headrace, folder, pages)


def copy_workshop(source: Path, target: Path) -> None:
    """Repositories and the state of headrace, but for the folders of jobs, which are being deleted."""
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("work", "trash"))
