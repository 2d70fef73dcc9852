"""Jobs that run in a container."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest
from test_core.calls import Headrace, interrupt, lines_until, until
from test_core.containers import IMAGE, Engine
from test_core.repositories import make_repository

pytestmark = pytest.mark.slow

ISOLATIONS = ("host", "namespaces")


def contained(steps: str, extra: str = "", image: str = IMAGE) -> str:
    more = "".join(f"    {line}\n" for line in extra.split("\n") if line)
    lines = "".join(f"      {line}\n" for line in steps.strip("\n").split("\n"))
    return f"  a:\n    runs-on: ubuntu-latest\n    container: {image}\n{more}    steps:\n{lines}"


def _log(done: Any) -> str:
    text = done.err
    assert isinstance(text, str)
    return text


@pytest.mark.covers("runtime:2.6", "runtime:3.6", "runtime:4.4")
@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_steps_run_in_the_container_and_hand_on_what_they_write(headrace: Headrace, engine: Engine, isolation: str) -> None:
    steps = """
- id: one
  run: |
    test "$HOME" = /github/home && test "$GITHUB_WORKSPACE" = /__w/repo/repo && test "$PWD" = /__w/repo/repo
    test "$RUNNER_TEMP" = /__w/_temp && test "$RUNNER_TOOL_CACHE" = /__t && test "$GITHUB_EVENT_PATH" = /github/workflow/event.json
    test "$CI" = true && test "$GITHUB_ACTIONS" = true && test "$OWN" = "of push" && test "$BOTH" = step
    test -z "$LC_ALL$PYTHONPATH" && test -s /github/workflow/event.json && test ! -e /usr/bin/env
    echo "x=out" >> "$GITHUB_OUTPUT"; echo "FOO=bar" >> "$GITHUB_ENV"; echo /added >> "$GITHUB_PATH"
    echo "::add-mask::hidden-value"; echo "see hidden-value"; echo hashed > file; echo "of $(hostname)" > /only-here
  env: {BOTH: step}
- run: |
    test "$FOO" = bar && test "${{ steps.one.outputs.x }}" = out && test "${PATH%%:*}" = /added && test -e /only-here
    test -n "${{ job.container.id }}" && test -n "${{ job.container.network }}"
    test "${{ hashFiles('file') }}" != "" && echo "shown: $FOO"
- run: test "$(pwd)" = /tmp
  working-directory: /tmp
- run: import
  shell: sh -c "echo custom; cat {0}" --
"""
    extra = "env: {BOTH: job}"
    block = f"{{image: '{IMAGE}', env: {{OWN: 'of ${{{{ github.event_name }}}}', BOTH: container}}}}"
    done = headrace.run(contained(steps, extra, block), "-v", "--isolation", isolation)
    assert done.results == {"a": "success"}, done.err
    log = _log(done)
    assert "shown: bar" in log
    assert "see ***" in log
    assert "shell: sh -e {0}" in log
    assert "hidden-value\n" not in log.replace("::add-mask::hidden-value", "")
    assert ("Initialize containers" in log, "Stop containers" in log) == (True, True)
    assert engine.left() == []


@pytest.mark.covers("runtime:2.6")
def test_a_step_that_fails_in_the_container_fails_the_job_and_what_runs_always_still_runs(
    headrace: Headrace, engine: Engine
) -> None:
    steps = """
- run: exit 7
- run: echo never
- if: always()
  run: echo "and last"
"""
    done = headrace.run(contained(steps), "-v")
    assert (done.status, done.results) == (1, {"a": "failure"})
    assert "Process completed with exit code 7." in done.err
    assert ("and last" in done.err, "| never" in done.err) == (True, False)


@pytest.mark.covers("runtime:2.6")
def test_a_shell_or_a_folder_that_the_image_lacks_fails_the_step(headrace: Headrace, engine: Engine) -> None:
    jobs = contained("- {run: 'true', shell: bash}") + contained("- {run: 'true', working-directory: missing}").replace(
        "  a:", "  b:"
    )
    done = headrace.run(jobs, "-v")
    assert done.results == {"a": "failure", "b": "failure"}, done.err


@pytest.mark.covers("language:3.5")
def test_an_image_that_evaluates_to_nothing_means_no_container(headrace: Headrace, engine: Engine) -> None:
    jobs = """  a:
    runs-on: ubuntu-latest
    strategy: {matrix: {image: ['', IMAGE]}}
    container: "${{ matrix.image }}"
    steps: [{id: s, run: 'echo "in=$HOME" >> "$GITHUB_OUTPUT"'}, {run: 'echo "HOME is ${{ steps.s.outputs.in }}"'}]
""".replace("IMAGE", IMAGE)
    done = headrace.run(jobs, "-v")
    assert set(done.results.values()) == {"success"}, done.err
    homes = {line.rpartition("HOME is ")[2] for line in done.err.splitlines() if "| HOME is " in line}
    assert "/github/home" in homes
    assert len(homes) == 2


def test_an_image_that_cannot_be_had_fails_the_job_before_its_steps(headrace: Headrace, engine: Engine) -> None:
    done = headrace.run(contained("- run: echo never", image="localhost:1/nowhere/nothing:1"), "-v")
    assert done.results == {"a": "failure"}
    assert "the image localhost:1/nowhere/nothing:1 cannot be pulled" in done.err
    assert "One or more containers failed to start." in done.err
    assert "| never" not in done.err
    assert engine.left() == []


def test_options_volumes_and_ports_of_the_container_are_the_users(headrace: Headrace, engine: Engine) -> None:
    block = f"{{image: '{IMAGE}', options: '--hostname my-own --tmpfs \"/scratch\"', volumes: ['named:/named'], ports: [8080]}}"
    steps = '- run: test "$(hostname)" = my-own && grep -q /scratch /proc/mounts && test -d /named'
    done = headrace.run(contained(steps, image=block), "-v")
    assert done.results == {"a": "success"}, done.err
    engine("volume", "rm", "--force", "named")
    wrong = headrace.run(contained(steps, image=block.replace("--hostname my-own", "--no-such-option")), folder="wrong")
    assert wrong.results == {"a": "failure"}


@pytest.mark.covers("runtime:2.6")
@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_drop_ins_work_beside_the_container_on_its_workspace(headrace: Headrace, engine: Engine, isolation: str) -> None:
    steps = """
- uses: actions/checkout@v4
- run: test "$(cat file)" = committed && mkdir out && echo made > out/result && chmod 600 out/result
- uses: actions/upload-artifact@v4
  with: {name: kept, path: /__w/repo/repo/out}
- uses: actions/download-artifact@v4
  id: down
  with: {name: kept, path: back}
- run: test "$(cat back/result)" = made && test "${{ steps.down.outputs.download-path }}" = /__w/repo/repo/back
"""
    workflow = f"on: push\njobs:\n{contained(steps)}"
    repository = make_repository(headrace.home / "repo", {".github/workflows/ci.yml": workflow, "file": "committed\n"})
    done = headrace("run", "--json", "-v", "--isolation", isolation, cwd=repository.root)
    assert done.results == {"a": "success"}, done.err


def test_a_drop_in_that_is_to_reach_into_the_container_fails_and_says_so(headrace: Headrace, engine: Engine) -> None:
    steps = "- {uses: actions/upload-artifact@v4, with: {name: x, path: /etc/passwd}}"
    done = headrace.run(contained(steps), "-v")
    assert done.results == {"a": "failure"}
    assert "/etc/passwd is in the job's container, and this action runs beside it" in done.err


def test_what_would_set_up_the_machine_is_unsupported_in_a_container(headrace: Headrace, engine: Engine) -> None:
    done = headrace.run(contained("- {uses: actions/setup-python@v5, with: {python-version: '3.11'}}"))
    assert (done.status, done.results) == (1, {"a": "unsupported"})
    assert "sets up this machine, while its steps run in a container" in done.err


@pytest.mark.covers("runtime:6.3")
def test_annotations_name_files_of_the_workspace_however_the_container_calls_it(headrace: Headrace, engine: Engine) -> None:
    steps = """
- uses: actions/checkout@v4
- run: |
    echo "::warning file=$PWD/src/a.py,line=3::of a command"
    echo '{"problemMatcher": [{"owner": "o", "pattern": [{"regexp": "^(.+):(.+): (.+)$", "file": 1, "line": 2, "message": 3}]}]}' > m.json
    echo "::add-matcher::$PWD/m.json"
    echo "$PWD/src/a.py:7: of a matcher"
"""
    workflow = f"on: push\njobs:\n{contained(steps)}"
    repository = make_repository(headrace.home / "repo", {".github/workflows/ci.yml": workflow, "src/a.py": ""})
    done = headrace("run", "--json-stream", cwd=repository.root)
    assert done.status == 0, done.err
    records = [json.loads(line) for line in done.out.splitlines()]
    places = [(one["body"]["file"], one["body"]["line"]) for one in records if one["body"]["type"] == "annotated"]
    assert places == [("src/a.py", 3), ("src/a.py", 7)]


@pytest.mark.covers("runtime:1.8")
def test_a_step_that_takes_too_long_ends_in_the_container(headrace: Headrace, engine: Engine) -> None:
    steps = """
- run: exec sleep 4321
  timeout-minutes: 0.02
- if: always()
  run: if ps | grep -q "[s]leep 4321"; then echo "still there"; else echo "it is gone"; fi
"""
    done = headrace.run(contained(steps), "-v")
    assert done.results == {"a": "failure"}
    assert "has timed out after 0.02 minutes" in done.err
    assert ("| it is gone" in done.err, "| still there" in done.err) == (True, False), done.err


@pytest.mark.covers("runtime:1.7")
def test_a_job_that_is_cancelled_leaves_no_container(headrace: Headrace, engine: Engine) -> None:
    steps = """
- run: trap 'echo "was told"; exit 3' INT; echo "waits now"; while true; do sleep 0.1; done
- if: always()
  run: echo "and last"
"""
    repository = headrace.repository(contained(steps))
    process = headrace.start("run", "-v", cwd=repository.root)
    lines_until(process, "| waits now")
    interrupt(process)
    assert process.stderr is not None
    rest = process.stderr.read()
    assert process.wait(60) == 130, rest
    assert ("was told" in rest, "| and last" in rest) == (True, True), rest
    assert engine.left() == []


@pytest.mark.parametrize("whose", ["the engine's", "the keeper's too"])
def test_containers_of_a_run_that_was_killed_are_removed(headrace: Headrace, engine: Engine, whose: str) -> None:
    repository = headrace.repository(contained("- run: echo 'waits now'; sleep 4321"))
    process = headrace.start("run", "-v", cwd=repository.root)
    lines_until(process, "| waits now")
    [mark] = os.listdir(headrace.state / "containers")  # of this run alone: others may use the engine just now
    assert len(engine.left(mark)) == 2
    if whose == "the keeper's too":
        whole = headrace.alive(str(headrace.state.parent))
        for number in (signal.SIGSTOP, signal.SIGKILL):  # none is to see the end of another
            for pid in whole:
                _signal(pid, number)
        process.wait()
        assert len(engine.left(mark)) == 2
        assert headrace.run("  b: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}\n", folder="other").status == 0
        assert engine.left(mark) == []
    else:
        process.kill()
        process.wait()
    until(lambda: not engine.left(mark), "containers were left", 60)
    until(lambda: not (headrace.state / "containers").exists(), "the note of them was left", 60)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
