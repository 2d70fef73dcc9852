"""The command, as a process of its own."""

import subprocess
import sys


def season(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "saltern_season", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_says_how_much_salt_there_is() -> None:
    done = season("--days", "60", "--area", "100", "--area", "10", "--litres", "700")
    assert done.returncode == 0
    assert done.stdout.endswith("kg of salt in 60 days\n")
    assert float(done.stdout.split()[0]) > 0


def test_a_season_of_no_days_is_refused() -> None:
    done = season("--days", "0")
    assert done.returncode == 2 and "--days" in done.stderr
