"""How many lines a second are masked, and go through a stream end to end, with 20 secrets. Prints medians of five runs.

PYTHONPATH=pkg/headrace python bench/masking.py [LINES]
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from typing import TYPE_CHECKING

from headrace.runner.commands import Command, log_lines
from headrace.runner.masking import Masker
from headrace.runner.matchers import Issue, MatcherSet, load_matchers
from headrace.runner.stream import CommandGate, StreamReader

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = 64 * 1024
PYTHON_MATCHER = r"""{"problemMatcher": [{"owner": "python", "pattern": [
  {"regexp": "^\\s*File\\s\\\"(.*)\\\",\\sline\\s(\\d+),\\sin\\s(.*)$", "file": 1, "line": 2},
  {"regexp": "^\\s*raise\\s(.*)\\(\\'(.*)\\'\\)$", "message": 2}]}]}"""


class Step:
    def __init__(self, masker: Masker) -> None:
        self.masker = masker

    def command(self, command: Command) -> list[str]:
        return log_lines(command, debug=False, mask=self.masker.mask_text)

    def refused(self, command: Command, errors: tuple[str, str]) -> None:
        pass

    def issue(self, issue: Issue) -> None:
        pass


def measure(name: str, lines: int, action: Callable[[], object]) -> None:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    print(f"{name:40} {lines / statistics.median(times) / 1e6:6.2f} M lines/s")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    random.seed(1)
    masker = Masker()
    secrets = ["".join(random.choices("abcdefABCDEF0123456789_-", k=40)) for _ in range(20)]
    for secret in secrets:
        masker.add(secret)
    letters = b"abcdefghij klmnop0123456789/.-_"
    plain = b"".join(b"line %08d %s\n" % (i, bytes(random.choices(letters, k=65))) for i in range(count))
    leaky = plain.replace(b"00 ", f"00 {secrets[0]} ".encode())
    always = plain.replace(b"line ", f"{secrets[0]} ".encode())
    tests = plain.replace(b"/.", b"::")

    def mask(data: bytes) -> None:
        for at in range(0, len(data), CHUNK):
            masker.mask(data[at : at + CHUNK])

    def stream(data: bytes, matchers: MatcherSet) -> None:
        reader = StreamReader(Step(masker), masker, CommandGate(), matchers)
        for at in range(0, len(data), CHUNK):
            reader.feed(data[at : at + CHUNK])
        reader.finish()

    none, python = MatcherSet(), MatcherSet()
    python.add(load_matchers(PYTHON_MATCHER))
    grouped = b"::group::a\none\ntwo\n::endgroup::\n" * (count // 4)
    measure("masker, no secret in sight", count, lambda: mask(plain))
    measure("masker, a secret in 1 of 100 lines", count, lambda: mask(leaky))
    measure("masker, a secret in every line", count, lambda: mask(always))
    measure("stream, plain lines", count, lambda: stream(plain, none))
    measure("stream, lines that hold '::'", count, lambda: stream(tests, none))
    measure("stream, CR LF", count, lambda: stream(plain.replace(b"\n", b"\r\n"), none))
    measure("stream, with setup-python's matcher", count, lambda: stream(plain, python))
    measure("stream, every other line a command", count, lambda: stream(grouped, none))


if __name__ == "__main__":
    main()
