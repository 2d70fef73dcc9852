"""The files and folders of a leg: what steps write into command files, and what becomes of these."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from headrace.runner import folders
from headrace.runner.ready import get_ready
from headrace.workflow.reader import load
from test_core.legs import WORKFLOW, job, results, steps, ticket_of


@pytest.mark.covers("runtime:3.1")
def test_later_steps_get_what_was_written_to_github_env_and_a_step_env_beats_it(tmp_path: Path) -> None:
    ran = job(
        tmp_path,
        "    env: {A: job}\n"
        + steps(
            """
- run: echo A=file >> $GITHUB_ENV; echo "in $A"
- run: echo "then $A ${{ env.A }}"
- {run: 'echo "own $A"', env: {A: own}}
"""
        ),
    )
    assert [line for line in ran.lines if line.split()[0] in ("in", "then", "own")] == ["in job", "then file file", "own own"]


@pytest.mark.covers("runtime:2.4")
def test_github_path_entries_stand_first_from_the_next_step_on(tmp_path: Path) -> None:
    ran = job(
        tmp_path,
        steps(
            """
- run: |
    mkdir -p a b; printf '#!/bin/sh\\necho from a' > a/tool; printf '#!/bin/sh\\necho from b' > b/tool; chmod +x */tool
    echo "$PWD/a" >> $GITHUB_PATH; echo "$PWD/b" >> $GITHUB_PATH
    tool || echo not yet
- run: tool
"""
        ),
    )
    assert ran.result == "success"
    assert ran.lines[-2] == "from b"
    assert "not yet" in ran.lines


@pytest.mark.covers("runtime:5.3")
def test_outputs_of_steps_and_of_the_job(tmp_path: Path) -> None:
    text = "    outputs: {whole: '${{ steps.a.outputs.x }}-${{ steps.a.outputs.Y }}', none: '${{ steps.b.outputs.z }}'}\n"
    ran = job(
        tmp_path, text + steps("- id: a\n  run: printf 'x=1\\ny<<E\\n2\\n3\\nE\\n' >> $GITHUB_OUTPUT\n- {id: b, run: exit 1}")
    )
    assert ran.outputs == {"whole": "1-2\n3"}
    assert ran.result == "failure"  # outputs are evaluated all the same


@pytest.mark.covers("runtime:5.1")
def test_a_wrong_command_file_fails_a_step_that_exited_with_0(tmp_path: Path) -> None:
    ran = job(tmp_path, steps("- run: printf 'A=1\\nnonsense\\n' >> $GITHUB_ENV\n- {if: always(), run: echo A is $A}"))
    assert (ran.result, results(ran)) == ("failure", ["failure", "success"])
    assert ran.errors == ["Unable to process file command 'env' successfully.", "Invalid format 'nonsense'"]
    assert "A is 1" in ran.lines


@pytest.mark.covers("runtime:3.5")
def test_node_options_cannot_be_set_for_later_steps(tmp_path: Path) -> None:
    ran = job(tmp_path, steps("- run: echo NODE_OPTIONS=x >> $GITHUB_ENV\n- run: echo got:$NODE_OPTIONS"))
    assert ran.result == "success"
    assert "got:" in ran.lines


def test_the_event_file_holds_the_payload(tmp_path: Path) -> None:
    assert '  "a": 1' in job(tmp_path, steps("- run: cat $GITHUB_EVENT_PATH; echo")).log.splitlines()


def test_command_files_that_a_step_deleted_or_replaced_by_a_fifo_do_no_harm(tmp_path: Path) -> None:
    ran = job(tmp_path, steps("- run: rm $GITHUB_ENV\n- run: rm $GITHUB_OUTPUT; mkfifo $GITHUB_OUTPUT\n- run: echo no"))
    assert results(ran) == ["success", "failure", "skipped"]
    assert "not a regular file" in ran.errors[1]


def test_a_command_file_that_is_too_large_to_take_in_fails_the_step_and_none_of_it_counts(tmp_path: Path) -> None:
    text = "- id: a\n  run: (printf 'A=1\\nB='; head -c 67108864 /dev/zero | tr '\\0' x; printf '\\nC=1\\n') > $GITHUB_OUTPUT\n"
    ran = job(tmp_path, steps(text + "- {if: \"always() && steps.a.outputs.A == ''\", name: empty, run: echo}"))
    assert (ran.result, results(ran)) == ("failure", ["failure", "success"])
    assert ran.errors[0] == "Unable to process file command 'output' successfully."


@pytest.mark.parametrize("gone", [False, True])
def test_what_was_made_ahead_is_the_legs_and_where_it_has_gone_all_is_made(tmp_path: Path, gone: bool) -> None:
    ready = get_ready(lambda: None, {"isolation": "host", "work": str(tmp_path), "repository": "repo"})
    try:
        ahead = Path(ready.folder)
        (ahead / "home" / "mark").write_text("")
        if gone:
            shutil.rmtree(ahead)
        ticket = ticket_of(tmp_path, load("ci.yml", (WORKFLOW + steps("- run: x")).encode()).workflow)
        ready.take(ticket)
        place = ticket.folders
        assert not ahead.exists()
        assert os.path.exists(f"{place.home}/mark") is not gone
        assert all(os.path.isdir(each) for each in (place.workspace, place.tool_cache, f"{place.temp}/{folders.COMMANDS}"))
        files = folders.command_files(place.temp, folders.AHEAD)
        assert [os.path.exists(path) for path in files.values()] == [not gone] * len(files)
    finally:
        ready.sandbox.close()


def test_a_folder_that_cannot_be_made_ahead_is_no_folder_of_a_leg(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("")  # a file where folders should be
    ready = get_ready(lambda: None, {"isolation": "host", "work": str(tmp_path / "work"), "repository": "repo"})
    ready.sandbox.close()
    assert ready.folder == ""


def test_command_files_are_taken_again_only_where_nobody_can_write_to_them_any_more(tmp_path: Path) -> None:
    text = """\
- run: stat -c 'first %i' $GITHUB_ENV
- run: stat -c 'second %i' $GITHUB_ENV; (exec 9>>$GITHUB_ENV; while [ ! -e go ]; do sleep 0.01; done; echo LATE=x >&9; touch done) >/dev/null 2>&1 &
- run: stat -c 'third %i' $GITHUB_ENV; touch go; while [ ! -e done ]; do sleep 0.01; done
- run: echo "late is [$LATE]"; echo A=b >>$GITHUB_ENV
- run: echo "a is [$A]"; test ! -s $GITHUB_ENV
- {run: 'ln $GITHUB_ENV kept', if: always()}
- run: echo B=c >>$GITHUB_ENV; test ! -s kept
"""
    ran = job(tmp_path, steps(text))
    assert results(ran) == ["success"] * 7, ran.lines
    inodes = dict(
        line.split() for line in ran.lines if line.split()[:1] in (["first"], ["second"], ["third"]) and len(line.split()) == 2
    )
    assert inodes["first"] == inodes["second"] != inodes["third"]
    assert {"late is []", "a is [b]"} <= set(ran.lines)
