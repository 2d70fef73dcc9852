"""Actions run unmodified: those of other repositories and of the workspace, composite ones and those for node."""

from __future__ import annotations

import shutil

import pytest
from test_core.actions import Actions, composite, node, output
from test_core.calls import Done, Headrace
from test_core.repositories import make_repository

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
APPEND = "const put = (file, text) => require('fs').appendFileSync(process.env['GITHUB_' + file], text + '\\n');\n"


@pytest.fixture
def actions(headrace: Headrace) -> Actions:
    return Actions(headrace)


def said(lines: list[str], *beginnings: str) -> list[str]:
    return [line for line in lines if line.startswith(beginnings)]


# Node -----------------------------------------------------------------------------------------------------------------


@needs_node
@pytest.mark.covers("runtime:8.1", "runtime:8.3", "runtime:1.1", "runtime:1.9", "runtime:3.3", "runtime:3.4")
def test_an_action_for_node_runs_before_in_and_after_the_job_and_keeps_its_state(actions: Actions) -> None:
    main = APPEND + (
        "const e = process.env;\n"
        "console.log('main', e.INPUT_WHO, e['INPUT_WITH-DEFAULT'], e.STATE_from_pre, e.GITHUB_ACTION, e.GITHUB_ACTION_REPOSITORY,"
        " e.GITHUB_ACTION_REF, !!e.ACTIONS_RUNTIME_TOKEN, process.cwd() === e.GITHUB_WORKSPACE);\n"
        "put('OUTPUT', 'said=hello ' + e.INPUT_WHO); put('STATE', 'from_main=2');\n"
        "console.log('::notice file=x.py,line=3::from node');\n"
    )
    pre = APPEND + "console.log('pre', process.env.INPUT_WHO); put('STATE', 'from_pre=1');\n"
    post = "console.log('post', process.env.STATE_from_pre, process.env.STATE_from_main, process.env.LATER);\n"
    actions.mirror("octo/thing", node(main, pre=pre, post=post, inputs="{who: {}, with-default: {default: '${{ github.job }}'}}"))
    done = actions.run(
        """
- run: echo first; echo LATER=yes >>$GITHUB_ENV
- id: t
  uses: octo/thing@v1
  with: {who: world}
- run: echo "out ${{ steps.t.outputs.said }}" "$ACTIONS_RUNTIME_TOKEN"
"""
    )
    assert done.status == 0, done.err
    assert said(output(done), "pre ", "first", "main ", "out ", "post ") == [
        "pre world",
        "first",
        "main world a 1 t octo/thing v1 true true",
        "out hello world ",
        "post 1 2 yes",
    ]
    assert any("Download action repository 'octo/thing@v1' (SHA:" in line for line in output(done))


@needs_node
@pytest.mark.covers("runtime:8.3")
@pytest.mark.parametrize(("main", "status"), [("process.exitCode = 3", 1), ("console.log('::error::x')", 0), ("syntax error", 1)])
def test_its_exit_code_counts_and_nothing_else(actions: Actions, main: str, status: int) -> None:
    actions.mirror("octo/thing", node(main, post="console.log('post ran')"))
    done = actions.run("- uses: octo/thing@v1\n- run: echo next")
    assert (done.status, "next" in output(done), "post ran" in output(done)) == (status, not status, True), done.err


@needs_node
@pytest.mark.covers("runtime:8.2", "runtime:1.9")
def test_conditions_of_stages_and_warnings_about_inputs(actions: Actions) -> None:
    files = node("", pre="console.log('pre ran')", post="console.log('post ran')", inputs="{old: {deprecationMessage: use new}}",
                 runs="pre-if: github.ref == 'x', post-if: success()")  # fmt: skip
    actions.mirror("octo/thing", files)
    done = actions.run("- {uses: octo/thing@v1, with: {Old: 1, odd: 2}}\n- run: exit 1")
    lines = output(done)
    assert done.status == 1
    assert "pre ran" not in lines and "post ran" not in lines
    assert "Warning: Unexpected input(s) 'odd', valid inputs are ['old']" in lines
    assert "Warning: Input 'old' has been deprecated with message: use new" in lines


@needs_node
@pytest.mark.covers("runtime:8.1")
def test_an_action_in_a_folder_has_the_whole_repository_and_no_git(actions: Actions) -> None:
    files = {
        "sub/action.yaml": "runs: {using: node20, main: ../lib/main.js}",
        "lib/main.js": "console.log('in', require('fs').existsSync(__dirname + '/../.git'))",
    }
    sha = actions.mirror("octo/thing", files).head()
    for ref in ("v1", "main", sha):
        done = actions.run(f"- uses: octo/thing/sub@{ref}")
        assert "in false" in output(done), done.err


@needs_node
def test_an_action_that_a_job_changes_is_as_it_was_for_the_next(actions: Actions) -> None:
    actions.mirror("octo/thing", node("console.log('whole'); require('fs').writeFileSync(__filename, 'broken(')"))
    for _ in range(2):
        done = actions.run("- uses: octo/thing@v1")
        assert (done.status, "whole" in output(done)) == (0, True), done.err


# Composite ------------------------------------------------------------------------------------------------------------


@pytest.mark.covers("runtime:8.5", "runtime:4.5")
def test_a_composite_action_has_a_scope_of_its_own(actions: Actions) -> None:
    steps = """
- id: inner
  run: |
    echo "in: $GIVEN ${{ inputs.n }} ${{ inputs.d }} [${{ steps.outer.outputs.x }}] [$INPUT_N] $GITHUB_ACTION"
    test "$GITHUB_ACTION_PATH" = "${{ github.action_path }}" && test -f "$GITHUB_ACTION_PATH/action.yml"
    echo "o=from inner" >>$GITHUB_OUTPUT
    echo LEFT=set >>$GITHUB_ENV
    echo GIVEN=beaten >>$GITHUB_ENV
    mkdir -p bin; echo "$PWD/bin" >>$GITHUB_PATH
  shell: bash
- run: echo "then $LEFT $GIVEN $OWN"
  shell: ${{ inputs.shell }}
  env: {OWN: own}
"""
    files = composite(steps, "{n: {}, d: {default: dee}, shell: {default: sh}}", "{o: {value: '${{ steps.inner.outputs.o }}'}}")
    actions.mirror("octo/thing", files)
    done = actions.run(
        """
- {id: outer, run: echo x=1 >>$GITHUB_OUTPUT}
- id: c
  uses: octo/thing@v1
  with: {n: 5}
  env: {GIVEN: given}
- run: echo "after ${{ steps.c.outputs.o }} [${{ steps.inner.outputs.o }}] $LEFT $GIVEN ${PATH%%:*}"
"""
    )
    assert done.status == 0, done.err
    lines = said(output(done), "in: ", "then ", "after ")
    assert lines[:2] == ["in: given 5 dee [] [] c", "then set given own"]
    assert lines[2].startswith("after from inner [] set beaten ") and lines[2].endswith("/bin")


@pytest.mark.covers("runtime:8.6")
def test_failures_inside_a_composite_action(actions: Actions) -> None:
    steps = """
- {run: exit 1, shell: sh, continue-on-error: true, id: soft}
- {run: 'echo "soft ${{ steps.soft.outcome }} ${{ steps.soft.conclusion }} ${{ github.action_status }}"', shell: sh}
- {run: exit 3, shell: sh}
- {run: echo not this, shell: sh}
- {run: 'echo "cleanup ${{ github.action_status }} ${{ job.status }}"', shell: sh, if: failure()}
- {id: last, run: 'echo o=kept >>$GITHUB_OUTPUT', shell: sh, if: always()}
"""
    actions.mirror("octo/thing", composite(steps, outputs="{o: {value: '${{ steps.last.outputs.o }}'}}"))
    done = actions.run(
        """
- {id: c, uses: octo/thing@v1, continue-on-error: true}
- run: echo "outer ${{ steps.c.outcome }} ${{ steps.c.conclusion }} ${{ steps.c.outputs.o }}"
- uses: octo/thing@v1
- run: echo never
- {if: failure(), uses: ./inner}
""",
        files={"x": "y"},
    )
    lines = output(done)
    assert done.status == 1
    assert said(lines, "soft ", "cleanup ", "outer ") == [
        "soft failure success success", "cleanup failure success", "outer failure success kept",
        "soft failure success success", "cleanup failure success",
    ]  # fmt: skip
    assert "not this" not in lines and "never" not in lines


@pytest.mark.covers("runtime:8.6")
def test_success_inside_means_the_action_so_far_and_a_wrong_condition_ends_it(actions: Actions) -> None:
    actions.mirror("octo/clean", composite("- {run: echo cleaning, shell: sh}\n- {run: 'echo job ${{ job.status }}', shell: sh}"))
    actions.mirror(
        "octo/wrong",
        composite("- {run: echo x, shell: sh, if: \"fromJSON('{') == 1\"}\n- {run: echo further, shell: sh, if: always()}"),
    )
    actions.mirror(
        "octo/env",
        composite("- {run: echo it ran, shell: sh, env: {A: \"${{ fromJSON('{') }}\"}}\n- {run: echo further, shell: sh}"),
    )
    done = actions.run("- run: exit 1\n- {if: failure(), uses: octo/clean@v1}")
    assert {"cleaning", "job failure"} <= set(output(done)), done.err
    done = actions.run("- uses: octo/wrong@v1")
    assert (done.status, "further" in output(done)) == (1, False)
    done = actions.run("- uses: octo/env@v1")
    assert (done.status, "it ran" in output(done), "further" in output(done)) == (1, True, False)


@needs_node
@pytest.mark.covers("runtime:8.7")
def test_actions_in_composite_actions_run_before_and_after_as_well_the_last_first(actions: Actions) -> None:
    thing = node("console.log('main', process.env.INPUT_N, process.env.STATE_p)", inputs="{n: {}}",
                 pre=APPEND + "console.log('pre', process.env.INPUT_N); put('STATE', 'p=' + process.env.INPUT_N)",
                 post="console.log('post', process.env.INPUT_N, process.env.STATE_p)")  # fmt: skip
    actions.mirror("octo/thing", thing)
    actions.mirror(
        "octo/two",
        composite(
            "- {uses: octo/thing@v1, with: {n: one}}\n- {uses: octo/thing@v1, with: {n: two}}\n- {uses: octo/thing@v1, if: false, with: {n: no}}"
        ),
    )
    actions.mirror(
        "octo/outer", composite("- uses: octo/two@v1\n- {uses: octo/thing@v1, with: {n: '${{ inputs.n }}'}}", "{n: {}}")
    )
    done = actions.run("- run: echo begin\n- {uses: octo/outer@v1, with: {n: three}}\n- run: echo end")
    assert done.status == 0, done.err
    assert said(output(done), "pre ", "main ", "post ", "begin", "end") == [
        "pre one", "pre two", "pre no", "pre three", "begin", "main one one", "main two two", "main three three", "end",
        "post three three", "post no no", "post two two", "post one one",
    ]  # fmt: skip
    steps = [line for line in output(done) if line.startswith("▶")]
    assert steps[1:] == [
        "▶ Pre Run octo/outer@v1",
        "▶ Run echo begin",
        "▶ Run octo/outer@v1",
        "▶ Run echo end",
        "▶ Post Run octo/outer@v1",
        "▶ Complete job",
    ]


@pytest.mark.covers("runtime:8.7")
@pytest.mark.parametrize(("depth", "status"), [(10, 0), (11, 1)])
def test_composite_actions_go_ten_deep(actions: Actions, depth: int, status: int) -> None:
    for level in range(1, depth):
        actions.mirror(f"octo/a{level}", composite(f"- uses: octo/a{level + 1}@v1"))
    actions.mirror(f"octo/a{depth}", composite("- {run: echo bottom, shell: sh}"))
    done = actions.run("- uses: octo/a1@v1")
    assert (done.status, "bottom" in output(done)) == (status, not status), done.err
    assert status == 0 or "Composite action depth exceeded max depth 9" in done.err


@pytest.mark.covers("runtime:1.8", "runtime:8.7")
def test_the_outer_timeout_holds_for_all_that_is_inside(actions: Actions) -> None:
    actions.mirror("octo/slow", composite("- {run: exec sleep 60, shell: sh}\n- {run: echo further, shell: sh, if: always()}"))
    done = actions.run("- {uses: octo/slow@v1, timeout-minutes: 0.01}\n- {run: echo cleanup, if: failure()}")
    lines = output(done)
    assert (done.status, "further" in lines, "cleanup" in lines) == (1, False, True), done.err
    assert any("has timed out after 0.01 minutes." in line for line in lines)


def test_a_composite_action_that_uses_itself_ends(actions: Actions) -> None:
    actions.mirror("octo/loop", composite("- uses: octo/loop@v1"))
    done = actions.run("- uses: octo/loop@v1")
    assert (done.status, "depth exceeded" in done.err) == (1, True), done.err


# Local ----------------------------------------------------------------------------------------------------------------


@pytest.mark.covers("runtime:8.1")
def test_an_action_of_the_workspace_is_looked_for_when_its_step_begins(actions: Actions) -> None:
    greet = composite(
        "- {run: 'echo \"hello from ${{ github.action_repository }}|${{ inputs.n }}\"', shell: sh}", "{n: {default: 1}}"
    )
    files = {".github/actions/greet/action.yml": greet["action.yml"]}
    done = actions.run("- uses: actions/checkout@v4\n- {uses: ./.github/actions/greet, with: {n: 2}}", files=files)
    assert (done.status, "hello from |2" in output(done)) == (0, True), done.err
    done = actions.run("- uses: ./.github/actions/greet\n- {run: echo other, if: always()}", files=files)
    assert (done.status, "other" in output(done)) == (1, True)
    assert "Did you forget to run actions/checkout before running your local action?" in done.err
    made = "- run: |\n    mkdir x\n    printf 'runs: {using: composite, steps: [{run: echo made, shell: sh}]}' >x/action.yml\n- uses: ./x"
    assert "made" in output(actions.run(made))


@pytest.mark.covers("runtime:1.2")
def test_a_broken_local_action_fails_its_step_and_a_broken_published_one_the_job(actions: Actions) -> None:
    broken = {"action.yml": "runs: {using: nothing, main: x}"}
    done = actions.run("- uses: actions/checkout@v4\n- run: echo one\n- uses: ./b", files={"b/action.yml": broken["action.yml"]})
    assert (done.status, "one" in output(done)) == (1, True)
    assert "'using: nothing' is not supported" in done.err
    actions.mirror("octo/broken", broken)
    actions.mirror("octo/empty", {"README": "x"})
    for uses, why in (("octo/broken@v1", "'using: nothing' is not supported"), ("octo/empty@v1", "Can't find 'action.yml'")):
        done = actions.run(f"- run: echo one\n- {{uses: {uses}, if: always()}}")
        assert (done.status, "one" in output(done), why in done.err) == (1, False, True), done.err


# What is known before -------------------------------------------------------------------------------------------------


@pytest.mark.covers("runtime:8.1", "runtime:8.4")
def test_what_cannot_run_is_unsupported_before_anything_runs_however_deep_it_is(actions: Actions) -> None:
    actions.mirror("octo/docker", {"action.yml": "runs: {using: docker, image: Dockerfile}"})
    actions.mirror("octo/file", {"Dockerfile": "FROM scratch"})
    actions.mirror("octo/outer", composite("- uses: octo/docker@v1"))
    actions.mirror("octo/unknown", composite("- uses: octo/nowhere@v1"))
    files = {"local/action.yml": composite("- uses: octo/outer@v1")["action.yml"]}
    for uses, rule in (
        ("octo/docker@v1", "docker-action"), ("octo/file@v1", "docker-action"), ("octo/outer@v1", "docker-action"),
        ("./local", "docker-action"), ("octo/unknown@v1", "remote-action"), ("octo/nowhere@v1", "remote-action"),
        ("octo/docker@v2", "remote-action"), ("octo/outer/other@v1", ""),
    ):  # fmt: skip
        row = actions.plan(f"- run: echo never\n- uses: {uses}", "--containers", "none", files=files).json["jobs"][0]
        assert row["rule"] == (f"unsupported.{rule}" if rule else "event"), (uses, row)
    done = actions.run("- run: echo never\n- uses: octo/outer@v1", "--containers", "none")
    assert (done.status, "never" in output(done)) == (1, False)


def test_a_folder_stands_for_an_action(actions: Actions) -> None:
    folder = actions.headrace.home / "mine"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "action.yml").write_text(composite("- {run: echo from a folder, shell: sh}")["action.yml"])
    done = actions.run("- uses: Octo/Mine/sub@v9", "--action", f"octo/mine@v9={folder}")
    assert (done.status, "from a folder" in output(done)) == (0, True), done.err
    done = actions.run("- run: x", "--action", f"octo/mine@v9={folder}")
    assert (done.status, "nothing that runs uses it" in done.err) == (2, True)


def test_without_drop_ins_the_originals_are_wanted(actions: Actions) -> None:
    row = actions.run("- uses: actions/checkout@v4", "--native", "off").json["jobs"][0]
    assert row["result"] == "unsupported"
    actions.mirror("actions/checkout", composite("- {run: echo the original, shell: sh}"), "v4")
    done = actions.run("- uses: actions/checkout@v4", "--native", "off")
    assert (done.status, "the original" in output(done)) == (0, True), done.err
    assert "the original" not in output(actions.run("- uses: actions/checkout@v4"))


@pytest.mark.parametrize("isolation", ["host", "namespaces"])
def test_the_files_of_an_action_are_wanted_where_a_job_that_uses_it_runs(actions: Actions, isolation: str) -> None:
    """Those of `octo/torn` cannot be laid out: its mirror has lost one. A call counts as all that it may run."""
    actions.mirror("octo/whole", composite("- {run: echo it is whole, shell: sh}"))
    torn = actions.mirror("octo/torn", {**composite("- {run: echo never, shell: sh}"), "lost": "gone soon"})
    blob = torn.git("rev-parse", "HEAD:lost")
    (torn.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    job = "  {}:\n    runs-on: ubuntu-latest\n    steps: [{{uses: octo/{}@v1}}]\n"
    whole, call = job.format("a", "whole"), "  c: {uses: ./.github/workflows/ci.yml, needs: a}\n"
    files = {
        ".github/workflows/ci.yml": f"on: [push, workflow_call]\njobs:\n{whole}{job.format('b', 'torn')}",
        ".github/workflows/calling.yml": f"on: push\njobs:\n{whole}{call}",
    }
    root = make_repository(actions.headrace.home / "two", files).root

    def run(*options: str) -> Done:
        return actions.headrace("run", "-v", "--actions-root", str(actions.root), "--isolation", isolation, *options, cwd=root)

    for chosen in (("-W", "ci.yml", "-j", "a"), ("-W", "calling.yml", "-j", "a")):
        done = run(*chosen)
        assert (done.status, "it is whole" in output(done)) == (0, True), done.err
    for name in ("ci.yml", "calling.yml"):
        done = run("-W", name)
        assert (done.status, "never" in output(done)) == (3, False), done.err
        assert "the files of octo/torn@v1 cannot be laid out" in done.err
