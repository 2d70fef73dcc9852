"""How long reading 500 workflow files takes, against the time in which libyaml's bare events of the same bytes are consumed.

    python bench/reading.py [--files N] [--rounds N]

Prints the ratio of the medians of interleaved rounds, in processor time. The files are made here and are all different.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "pkg" / "headrace"))

TRIGGERS = """\
name: Package {n}
on:
  push:
    branches: [main, 'release/**']
    tags: ['pkg{n}@*']
  pull_request:
    paths:
      - '**.py'
      - 'pkg/pkg{n}/**'
      - '!pkg/other/**'
  workflow_dispatch:
    inputs:
      level: {{ description: Log level, type: choice, options: [info, debug], default: info }}
permissions:
  contents: read
concurrency:
  group: ${{{{ github.workflow }}}}-${{{{ github.ref }}}}-{n}
  cancel-in-progress: true
env:
  DEV_SERVER_LOGS: 1
  PACKAGE: pkg{n}
jobs:
"""
GATE = """\
  gate{m}:
    runs-on: ${{{{ matrix.os }}}}
    timeout-minutes: 10
    strategy:
      fail-fast: false
      matrix:
        os: [ubuntu-latest, ubuntu-24.04]
        python-version: ['3.10', '3.13']
        include:
          - {{ os: ubuntu-latest, python-version: '3.13', coverage: true }}
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0
      # the interpreter and its cache
      - name: Set up Python ${{{{ matrix.python-version }}}}
        uses: actions/setup-python@v5
        with:
          python-version: ${{{{ matrix.python-version }}}}
          cache: pip
          cache-dependency-path: pkg/pkg{n}/pyproject.toml
      - run: make install
      - name: Gate {m}
        run: |
          cd pkg/pkg{n}
          make gate{m} ARGS="--level ${{{{ inputs.level || 'info' }}}}"
        env:
          TOKEN: ${{{{ secrets.TOKEN_{n} }}}}
      - name: Logs
        if: ${{{{ failure() && matrix.coverage }}}}
        uses: actions/upload-artifact@v4
        with:
          name: logs-{n}-{m}-${{{{ matrix.os }}}}-${{{{ matrix.python-version }}}}
          path: |
            /tmp/server.log
            pkg/pkg{n}/logs/
"""
PUBLISH = """\
  publish:
    needs: [gate0, gate1, gate2]
    if: startsWith(github.ref, 'refs/tags/pkg{n}@')
    runs-on: ubuntu-latest
    environment: {{ name: pypi, url: 'https://pypi.org/p/pkg{n}' }}
    permissions: {{ id-token: write, contents: read }}
    steps:
      - uses: actions/checkout@v4
      - run: make build
        working-directory: pkg/pkg{n}
      - uses: pypa/gh-action-pypi-publish@release/v1
        with:
          packages-dir: pkg/pkg{n}/dist
"""


def workflow(n: int) -> bytes:
    gates = "".join(GATE.format(n=n, m=m) for m in range(3))
    return (TRIGGERS.format(n=n) + gates + PUBLISH.format(n=n)).encode()


def consume(files: list[bytes]) -> None:
    from yaml._yaml import CParser

    for content in files:
        parser = CParser(content)
        while parser.get_event() is not None:
            pass


def read(files: list[bytes]) -> None:
    from headrace.workflow.reader import load

    for n, content in enumerate(files):
        loaded = load(f".github/workflows/{n}.yml", content)
        assert loaded.workflow is not None, loaded.problems


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=500)
    options.add_argument("--rounds", type=int, default=7)
    given = options.parse_args()
    files = [workflow(n) for n in range(given.files)]
    times: dict[str, list[float]] = {"events": [], "read": []}
    for _ in range(given.rounds):
        for name, run in (("events", consume), ("read", read)):
            start = time.process_time()
            run(files)
            times[name].append(time.process_time() - start)
    events, reading = (statistics.median(times[name]) for name in ("events", "read"))
    print(f"{len(files)} files, {sum(map(len, files)) / 1024:.0f} KiB, median of {given.rounds} rounds")
    print(f"bare parser events  {events * 1000:8.1f} ms")
    print(f"headrace reads      {reading * 1000:8.1f} ms")
    print(f"ratio               {reading / events:8.2f}  (budget 6)")


if __name__ == "__main__":
    main()
