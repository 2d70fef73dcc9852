"""How long reading 500 workflow files takes, against the time in which libyaml's bare events of the same bytes are consumed; and
how long a whole `headrace plan` takes, beside a `python -c pass`.

    python bench/reading.py [--files N] [--rounds N]

Prints medians of interleaved rounds: of reading in processor time, of processes in wall time. The files are made here and are all
different; the repository that is planned has 3 workflows among 298 files, and a change that is not committed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "pkg" / "headrace"
sys.path.insert(0, str(PACKAGE))

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


def repository(root: Path) -> None:
    """3 workflows among 298 files, all committed but one line."""
    for n in range(3):
        file = root / ".github" / "workflows" / f"{n}.yml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(workflow(n))
    for n in range(295):
        file = root / f"pkg{n % 7}" / f"part{n % 5}" / f"module{n}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"NUMBER = {n}\n" * 40)
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), (*who, "commit", "-qm", "First")):
        subprocess.run(["git", *arguments], cwd=root, check=True)
    file.write_text("NUMBER = 0\n")


def plan_times(rounds: int) -> dict[str, float]:
    """Milliseconds of whole processes."""
    headrace = [sys.executable, "-m", "headrace.cli", "plan"]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "git status": ["git", "--no-optional-locks", "status", "--porcelain"],
        "headrace plan push": [*headrace, "push"],
        "headrace plan push --json": [*headrace, "push", "--json"],
        "headrace plan push --explain": [*headrace, "push", "--explain"],
        "headrace plan pull_request": [*headrace, "pull_request"],
    }
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "repository"
        repository(root)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment |= {"PYTHONPATH": str(PACKAGE), "PYTHONPYCACHEPREFIX": f"{folder}/compiled"}
        environment |= dict.fromkeys(("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"), folder)
        times: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(rounds + 1):
            for name, command in commands.items():
                start = time.perf_counter()
                subprocess.run(command, cwd=root, env=environment, check=True, stdout=subprocess.DEVNULL)
                if number:  # the first round compiles
                    times[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(found) for name, found in times.items()}


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
    print(f"\na repository of 298 files with 3 workflows, median of {given.rounds * 3} rounds, load {os.getloadavg()[0]:.1f}")
    for name, took in plan_times(given.rounds * 3).items():
        print(f"{name:30}{took:8.1f} ms" + ("  (budget 150)" if name.startswith("headrace") else ""))


if __name__ == "__main__":
    main()
