"""The command, as a process of its own."""

import subprocess
import sys
import unittest


class Command(unittest.TestCase):
    def ropewalk(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "ropewalk", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_it_tells_weight_and_load(self) -> None:
        done = self.ropewalk("manila", "24", "60")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^\d+\.\d kg, breaks at \d+\.\d kN$")

    def test_an_unknown_fibre_is_a_wrong_call(self) -> None:
        done = self.ropewalk("grass", "24", "60")
        self.assertEqual(done.returncode, 2)
        self.assertIn("manila", done.stderr)
