"""A secret, in every form that a runner masks, through every way out of a job: it arrives nowhere."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from headrace.runner.masking import derived
from test_core.calls import Headrace, lines_until
from test_core.repositories import make_repository

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

SECRET = "s3c'r\"e<t>&+long enough &+tail%"
FORMS = tuple(dict.fromkeys([SECRET, *derived(SECRET)]))

# Every step prints each form of its environment's list; the forms themselves stand in a file that the job makes of its secret, so
# that no workflow file, argument or variable of ours holds them.
WORKFLOW = """\
on: push
jobs:
  leaks:
    runs-on: ubuntu-latest
    outputs:
      whole: ${{ steps.out.outputs.whole }}
      forms: ${{ steps.out.outputs.forms }}
    env: {FROM_ENV: "${{ secrets.S }}"}
    steps:
      - name: Make ${{ secrets.S }} forms
        shell: PYTHON {0}
        env: {S: "${{ secrets.S }}"}
        run: |
          import base64, json, os, urllib.parse
          from xml.sax.saxutils import escape
          s = os.environ["S"]
          raw = s.encode()
          forms = [s, *(base64.b64encode(raw[n:]).decode() for n in (0, 1, 2)), json.dumps(s, ensure_ascii=False)[1:-1]]
          forms += [s.replace('"', '\\\\"'), s.replace("'", "''"), urllib.parse.quote(s, safe="")]
          forms += [escape(s, {'"': "&quot;", "'": "&apos;"})]
          open("forms", "w").write("\\n".join(forms) + "\\n")
      - run: cat forms; cat forms >&2
      - run: sed 's/^/before /; s/$/ after/' forms; tr -d '\\n' <forms
      - {continue-on-error: true, run: 'echo "${{ secrets.S }}"'}
      - run: |
          while read -r form; do
            echo "::error title=$form,file=$form::$form"
            echo "::warning::$form"
            echo "::notice::$form"
            echo "::debug::$form"
            echo "::group::$form"
            echo "::endgroup::"
          done <forms
      - run: cat forms >>$GITHUB_STEP_SUMMARY
      - id: out
        run: |
          echo "whole=$FROM_ENV" >>$GITHUB_OUTPUT
          { echo "forms<<END"; cat forms; echo END; } >>$GITHUB_OUTPUT
      - {continue-on-error: true, working-directory: "${{ secrets.S }}", run: echo}
      - {continue-on-error: true, shell: "/nowhere/sh {0}", run: "echo ${{ secrets.S }}"}
      - {continue-on-error: true, run: 'cat forms >>$GITHUB_ENV'}
      - name: "${{ secrets.S }}"
        run: exit 1
  other:
    needs: leaks
    if: always()
    runs-on: ubuntu-latest
    steps:
      - run: env; echo "got [${{ needs.leaks.outputs.whole }}] [${{ needs.leaks.outputs.forms }}]"
"""


def holding(data: bytes) -> list[str]:
    return [form for form in FORMS if form.encode() in data]


@pytest.mark.covers("runtime:7.1", "runtime:7.2", "runtime:7.3")
def test_no_form_of_a_secret_arrives_anywhere(headrace: Headrace) -> None:
    text = WORKFLOW.replace("PYTHON", "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else "python3")
    root = make_repository(headrace.home / "repo", {".github/workflows/ci.yml": text}).root
    done = headrace("run", "--json", "-v", "-v", "--secret", "S", cwd=root, S=SECRET)
    assert done.results == {"leaks": "failure", "other": "success"}, done.err
    assert "got [] []" in done.err  # what holds a secret is no output
    assert done.err.count("***") > 60
    assert "Error: ***" in done.err and "Warning: ***" in done.err  # annotations
    assert [path.read_text().count("***") for path in headrace.kept() if path.suffix == ".md"] == [9]  # the summary
    assert holding(done.out.encode()) == []
    assert holding(done.err.encode()) == []
    for path in headrace.kept():
        assert holding(path.read_bytes()) == [], path
    for verb in ("ls", "logs"):
        again = headrace(verb, cwd=root)
        assert holding((again.out + again.err).encode()) == [], verb


def test_no_process_of_a_run_has_a_secret_among_its_arguments(headrace: Headrace) -> None:
    jobs = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps: [{run: 'echo begun; exec sleep 60', env: {S: '${{ secrets.S }}'}}]\n"
    root = make_repository(headrace.home / "repo", {".github/workflows/ci.yml": jobs}).root
    process = subprocess.Popen(
        headrace.command("run", "-v", "--secret", "S"), cwd=root, env=headrace.environment({"S": SECRET}), text=True,
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        lines_until(process, "| begun")
        told = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
        assert any(b"sleep\x0060" in each for each in told)
        assert [form for each in told for form in holding(each)] == []
    finally:
        process.terminate()
        process.communicate(timeout=60)
