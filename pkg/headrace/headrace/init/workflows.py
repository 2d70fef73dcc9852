"""The workflow of a package, as text: plain YAML that GitHub runs, in one of two shapes. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from headrace.init.choices import Gate, Shape
from headrace.init.wanted import Settings

ACTIONS = {
    "actions/checkout": "34e114876b0b11c390a56381ad16ebd13914f8d5 # v4.3.1",
    "actions/setup-python": "a26af69be951a213d495a4c3e4e4022e16d87065 # v5.6.0",
    "actions/upload-artifact": "ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2",
    "actions/download-artifact": "d3f86a106a0bac45b974a628896c90dbdf5c8093 # v4.3.0",
    "pypa/gh-action-pypi-publish": "ed0c53931b1dc9bd32cbe73a98c7f6766f8a527e # v1.13.0",
}
"""The commits of releases: a tag may be moved to other code, a commit may not."""

_FROM_GIT = re.compile(
    r"(hatch[-_]vcs|setuptools[-_](git|scm)|flit[-_]scm|versioningit|dynamic[-_]versioning|versioneer|setuptools[-_]git[-_]versioning)"
)


def workflow_path(name: str) -> str:
    return f".github/workflows/{name}.yml"


def workflow(shape: Shape, settings: Settings, paths: Sequence[str], names: Mapping[str, str]) -> str:
    """`names`: what targets of ours are called in the package's folder, where otherwise; empty where there is none."""
    lines = [*_head(shape, paths, settings.branch), "jobs:"]
    for gate in shape.gates:
        lines += [*_gate(shape, gate, names), ""]
    if shape.published:
        publish = _hardened if shape.wanted.publish == "hardened" else _described
        lines += publish(shape, names)
    return "\n".join(lines).rstrip("\n") + "\n"


def _head(shape: Shape, paths: Sequence[str], branch: str) -> Iterator[str]:
    yield f"name: {scalar(shape.package.name.value)}"
    yield ""
    yield "on:"
    yield "  push:"
    yield f"    branches: [{scalar(branch)}]"
    if shape.published:
        yield "    tags: ['**']"
    yield "  pull_request:"
    yield "    # In order: a later line overrules an earlier one, so what is left out comes after what starts it."
    yield "    paths:"
    yield from (f"      - {scalar(path)}" for path in paths)
    if shape.wanted.manual:
        yield "  workflow_dispatch:"
    yield ""
    if shape.wanted.env:
        yield "env:"
        yield from (f"  {name}: {scalar(value)}" for name, value in shape.wanted.env.items())
        yield ""
    yield "permissions:"
    yield "  contents: read"
    yield ""


def _gate(shape: Shape, gate: Gate, names: Mapping[str, str]) -> Iterator[str]:
    yield f"  {gate.name}:"
    yield "    runs-on: ubuntu-latest"
    yield f"    timeout-minutes: {gate.timeout}"
    yield "    strategy:"
    yield "      matrix:"
    yield f"        python-version: [{', '.join(repr(version) for version in shape.matrix)}]"
    yield "    steps:"
    yield from _made_ready(shape, "${{ matrix.python-version }}", names)
    yield from _in_folder(shape, f"make {gate.name}")
    if gate.name == "utest" and shape.lowest and (floors := names.get("floors", "floors")):
        lowest = f"matrix.python-version == '{shape.matrix[0]}'" if len(shape.matrix) > 1 else ""
        yield from _in_folder(shape, f"make {floors}", condition=lowest)
    if gate.artifacts:
        yield _uses("actions/upload-artifact")
        yield "        if: failure()"
        yield "        with:"
        yield f"          name: {scalar(f'{shape.package.name.value}-{gate.name}-${{{{ matrix.python-version }}}}')}"
        if len(gate.artifacts) == 1:
            yield f"          path: {scalar(gate.artifacts[0])}"
        else:
            yield "          path: |"
            yield from (f"            {path}" for path in gate.artifacts)
        yield "          if-no-files-found: ignore # it failed before there was any"


def _made_ready(shape: Shape, python: str, names: Mapping[str, str]) -> Iterator[str]:
    yield _uses("actions/checkout")
    yield "        with:"
    yield "          persist-credentials: false"
    if any(_FROM_GIT.search(each) for each in shape.package.builds):
        yield "          fetch-depth: 0 # the version comes from git's tags"
    yield _uses("actions/setup-python")
    yield "        with:"
    yield f"          python-version: {python}"
    yield from _in_folder(shape, f"make {names.get('install', 'install')}")


def _uses(action: str) -> str:
    return f"      - uses: {action}@{ACTIONS[action]}"


def _in_folder(shape: Shape, command: str, condition: str = "") -> Iterator[str]:
    yield f"      - run: {command}"
    if condition:
        yield f"        if: {condition}"
    if shape.package.folder != ".":
        yield f"        working-directory: {scalar(shape.package.folder)}"


def _release_job(shape: Shape, name: str, needs: Sequence[str]) -> Iterator[str]:
    yield f"  {name}:"
    yield f"    needs: [{', '.join(needs)}]"
    yield f"    if: startsWith(github.ref, 'refs/tags/{shape.package.name.value}@')"
    yield "    runs-on: ubuntu-latest"
    yield f"    timeout-minutes: {shape.timeout(name)}"
    if name == "publish-pypi" and shape.wanted.environment:
        yield f"    environment: {scalar(shape.wanted.environment)}"


def _described(shape: Shape, names: Mapping[str, str]) -> Iterator[str]:
    """One job installs, builds and publishes."""
    yield from _release_job(shape, "publish-pypi", [gate.name for gate in shape.gates])
    yield "    permissions:"
    yield "      contents: read"
    yield "      id-token: write # PyPI takes this job's identity instead of a stored token"
    yield "    steps:"
    yield from _made_ready(shape, repr(shape.matrix[0]), names)
    yield from _in_folder(shape, f"make {names.get('build', 'build')}")
    yield "      - uses: pypa/gh-action-pypi-publish@release/v1 # zizmor: ignore[unpinned-uses] PyPI's guide says so"
    yield "        with:"
    yield f"          packages-dir: {scalar(shape.package.path('dist'))}"


def _hardened(shape: Shape, names: Mapping[str, str]) -> Iterator[str]:
    """What runs the package's code never has the identity that publishes: files go over as an artifact, with their digests."""
    name = shape.package.name.value
    yield from _release_job(shape, "build", [gate.name for gate in shape.gates])
    yield "    outputs:"
    yield "      digests: ${{ steps.digests.outputs.digests }}"
    yield "    steps:"
    yield from _made_ready(shape, repr(shape.matrix[0]), names)
    yield from _in_folder(shape, f"make {names.get('build', 'build')}")
    yield "      - id: digests"
    yield "        run: |"
    yield "          { echo 'digests<<END'; sha256sum -- *; echo END; } >> \"$GITHUB_OUTPUT\""
    yield f"        working-directory: {scalar(shape.package.path('dist'))}"
    yield _uses("actions/upload-artifact")
    yield "        with:"
    yield f"          name: {scalar(name + '-dist')}"
    yield f"          path: {scalar(shape.package.path('dist'))}"
    yield "          if-no-files-found: error"
    yield ""
    yield from _release_job(shape, "publish-pypi", ["build"])
    yield "    permissions:"
    yield "      id-token: write # PyPI takes this job's identity instead of a stored token"
    yield "    steps:"
    yield _uses("actions/download-artifact")
    yield "        with:"
    yield f"          name: {scalar(name + '-dist')}"
    yield "          path: dist"
    yield "      - run: printf '%s\\n' \"$DIGESTS\" | sha256sum --check --strict"
    yield "        env:"
    yield "          DIGESTS: ${{ needs.build.outputs.digests }}"
    yield "        working-directory: dist"
    yield _uses("pypa/gh-action-pypi-publish")
    yield "        with:"
    yield "          packages-dir: dist"


def scalar(text: str) -> str:
    """A text as YAML: as it is where that is surely a text, else in quotes.

    >>> scalar("tests/**"), scalar("!a/**"), scalar("**.py"), scalar("1.5"), scalar("a: b"), scalar("a\\nb")
    ('tests/**', "'!a/**'", "'**.py'", "'1.5'", "'a: b'", '"a\\\\nb"')
    """
    if not text.isprintable():
        return json.dumps(text)  # what JSON quotes, YAML reads as the same text
    if re.fullmatch(r"[A-Za-z_./][A-Za-z0-9_./*@-]*(?:\$\{\{ [\w.-]+ \}\})?", text) and text.lower() not in (
        "true",
        "false",
        "null",
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
    ):
        return text
    return "'" + text.replace("'", "''") + "'"
