"""A step that prints a million lines, end to end, with 20 secrets: lines a second, and how much memory they take.

    PYTHONPATH=pkg/headrace python bench/printing.py [--rounds 5] [--lines 1000000] [--isolation host]

Runs of a step that prints nothing and of one that prints all are interleaved (A B A B …); what the first takes is taken off.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LINES, GROWTH = 500_000, 32 << 20  # the bars: lines a second, bytes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--isolation", default="host")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        random.seed(1)
        secrets = ["".join(random.choices("abcdefABCDEF0123456789_-", k=40)) for _ in range(20)]
        (folder / "secrets").write_text("".join(f"S{number}={secret}\n" for number, secret in enumerate(secrets)))
        letters = b"abcdefghij klmnop0123456789/.-_"
        with open(folder / "printed", "wb") as file:
            for number in range(asked.lines):
                leak = secrets[number % 20].encode() if number % 100 == 0 else b""
                file.write(b"line %08d %s%s\n" % (number, bytes(random.choices(letters, k=65)), leak))
        steps = {"quiet": "cat /dev/null", "loud": f"cat {folder / 'printed'}"}
        for name, script in steps.items():
            repository(folder / name, f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: {script}\n")
        told: dict[str, list[tuple[float, int]]] = {name: [] for name in steps}
        for _ in range(asked.rounds):
            for name in steps:
                told[name].append(_run(folder, folder / name, asked.isolation))
    took = {name: statistics.median(one[0] for one in all_) for name, all_ in told.items()}
    size = {name: statistics.median(one[1] for one in all_) for name, all_ in told.items()}
    speed, growth = asked.lines / (took["loud"] - took["quiet"]), size["loud"] - size["quiet"]
    within = {True: "is within", False: "misses"}
    print(f"{asked.lines} lines: {took['loud']:.2f} s, without them {took['quiet']:.2f} s")
    print(f"end to end {speed / 1e3:.0f} k lines/s, which {within[speed >= LINES]} the bar of {LINES // 1000} k")
    print(f"RSS of all processes {growth / (1 << 20):+.1f} MiB, which {within[growth <= GROWTH]} the bar of {GROWTH >> 20} MiB")


def _run(folder: Path, where: Path, isolation: str) -> tuple[float, int]:
    """Seconds, and the most memory that headrace's processes had, each at its own worst moment."""
    env = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "XDG_CACHE_HOME": str(folder / "cache")}
    argv = [sys.executable, "-m", "headrace.cli", "run", "-q", "--isolation", isolation, "--secret-file", str(folder / "secrets")]
    argv += ["--expose", str(folder)] if isolation == "namespaces" else []
    begun = time.perf_counter()
    process = subprocess.Popen(argv, cwd=where, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most: dict[int, int] = {}
    while process.poll() is None:
        most |= {pid: size for pid in _below(process.pid) if (size := _peak(pid))}
        time.sleep(0.005)
    took = time.perf_counter() - begun
    assert process.returncode == 0, process.returncode
    return took, sum(most.values())


def repository(folder: Path, text: str) -> None:
    (folder / ".github" / "workflows").mkdir(parents=True)
    (folder / ".github" / "workflows" / "ci.yml").write_text(text)
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.invalid", "-C", str(folder)]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "bench"]):
        subprocess.run([*git, *words], check=True)


def _below(pid: int) -> list[int]:
    found, at = [pid], 0
    while at < len(found):
        try:
            text = Path(f"/proc/{found[at]}/task/{found[at]}/children").read_text()
            found += map(int, text.split())
        except OSError:
            pass
        at += 1
    return found


def _peak(pid: int) -> int:
    """Of a Python process."""
    try:
        if "python" not in os.path.basename(os.readlink(f"/proc/{pid}/exe")):
            return 0
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) << 10 if lines else 0


if __name__ == "__main__":
    main()
