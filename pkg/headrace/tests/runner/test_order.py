"""In which order the keys of a job and of its steps are evaluated, and what each of them sees by then."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_core.legs import job

STEPS = """\
    env: {FROM_JOB: job}
    outputs:
      at_end: ${{ steps.first.outcome }}-${{ env.LATER }}-${{ job.status }}
    steps:
      - id: first
        run: echo LATER=later >> $GITHUB_ENV; echo said=yes >> $GITHUB_OUTPUT; exit 1
        continue-on-error: ${{ env.FROM_JOB == 'job' }}
      - name: own ${{ env.OWN }} after ${{ steps.first.outputs.said }}
        if: env.OWN == 'own later' && steps.first.outcome == 'failure' && steps.first.conclusion == 'success'
        run: echo "env ${{ env.OWN }} $OWN ${{ env.FROM_JOB }} $FROM_FILE"
        env:
          OWN: own ${{ env.LATER }}
          SEEN: ${{ env.OWN }}.
      - run: echo "own is '${{ env.OWN }}' again and '$SEEN'"
      - name: skipped
        if: env.OWN
        run: echo no
      - run: |
          # first line
          echo second
      - run: |

          echo after an empty line
"""
HEAD = "on: push\nenv: {FROM_FILE: file, FROM_JOB: file}\njobs:\n  job:\n    runs-on: ubuntu-latest\n"


@pytest.mark.covers("language:3.8", "language:8.1")
def test_a_steps_env_comes_first_then_its_name_and_condition_then_what_it_runs(tmp_path: Path) -> None:
    ran = job(tmp_path, STEPS, head=HEAD)
    assert ran.result == "success"
    assert ran.steps["own own later after yes"] == ("success", "success")
    assert "env own later own later job file" in ran.lines
    assert "own is '' again and ''" in ran.lines
    assert ran.steps["skipped"] == ("skipped", "skipped")
    assert ran.outputs == {"at_end": "failure-later-success"}


@pytest.mark.covers("language:8.1")
def test_a_step_without_a_name_goes_by_the_first_line_of_what_it_runs(tmp_path: Path) -> None:
    names = list(job(tmp_path, STEPS, head=HEAD).steps)
    assert names[1:3] == [
        "Run echo LATER=later >> $GITHUB_ENV; echo said=yes >> $GITHUB_OUTPUT; exit 1",
        "own own later after yes",
    ]
    assert names[-3:] == ["Run # first line", "Run echo after an empty line", "Complete job"]


@pytest.mark.covers("language:3.8", "language:7.5")
def test_outputs_are_evaluated_after_a_failure_too(tmp_path: Path) -> None:
    ran = job(tmp_path, STEPS.replace("env.FROM_JOB == 'job'", "false"), head=HEAD)
    assert (ran.result, ran.outputs) == ("failure", {"at_end": "failure-later-failure"})
