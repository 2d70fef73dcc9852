"""Actions come from their server where nothing nearer has them, and stay for runs without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_core.actions import Actions, composite, output
from test_core.callers import called
from test_core.calls import Done, Headrace
from test_core.repositories import GitRepository, make_repository

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself


class Server:
    """Stands for GitHub: the repositories below a folder."""

    def __init__(self, headrace: Headrace) -> None:
        self.root = headrace.home / "server"
        self.headrace = headrace
        (headrace.home / ".gitconfig").write_text(f'[url "file://{self.root}/"]\n\tinsteadOf = https://github.com/\n')

    def publish(self, name: str, files: dict[str, str], tag: str = "v1") -> GitRepository:
        made = make_repository(self.root / name, files)
        made.tag(tag)
        return made

    def gone(self) -> None:
        self.root.rename(self.root.with_name("elsewhere"))


@pytest.fixture
def server(headrace: Headrace) -> Server:
    return Server(headrace)


@pytest.fixture
def actions(headrace: Headrace) -> Actions:
    return Actions(headrace)


def hello(text: str) -> dict[str, str]:
    return composite(f"- {{run: echo {text}, shell: sh}}")


@pytest.mark.covers("runtime:8.1")
def test_a_run_fetches_what_is_missing_and_the_next_needs_no_network(server: Server, actions: Actions) -> None:
    server.publish("octo/inner", hello("from inside"))
    server.publish("octo/outer", composite("- uses: octo/inner@v1"))
    done = actions.run("- uses: octo/outer@v1")
    assert (done.status, "from inside" in output(done)) == (0, True), done.err
    assert "octo/outer@v1 was fetched: " in done.err and "octo/inner@v1 was fetched: " in done.err
    server.gone()
    done = actions.run("- uses: octo/outer@v1")
    assert (done.status, "from inside" in output(done), "fetched" in done.err) == (0, True, False), done.err


@pytest.mark.parametrize("uses", ["octo//inner@v1", "/octo/inner/@v1", "octo\\inner@v1"])
def test_slashes_that_say_nothing_are_no_part_of_a_name(server: Server, actions: Actions, uses: str) -> None:
    server.publish("octo/inner", hello("from inside"))
    done = actions.run(f"- uses: {uses}")
    assert (done.status, "from inside" in output(done)) == (0, True), done.err
    assert "octo/inner@v1 was fetched: " in done.err


def test_what_is_not_wanted_is_not_fetched_and_a_plan_fetches_nothing(server: Server, actions: Actions) -> None:
    server.publish("octo/a", hello("a"))
    steps = "- {if: \"github.ref == 'x'\", uses: octo/a@v1}\n- run: echo other"
    assert "fetched" not in actions.run(steps).err
    row = actions.plan("- uses: octo/a@v1").json["jobs"][0]
    assert row["rule"] == "unsupported.remote-action"
    assert not (actions.headrace.home / "cache" / "headrace" / "actions").exists()


@pytest.mark.parametrize(
    "uses", ["octo/nothing@v1", "octo/a@v7", "octo/a@0123456789012345678901234567890123456789", "octo/a@v1~1"]
)
def test_what_is_nowhere_is_unsupported_and_said(server: Server, actions: Actions, uses: str) -> None:
    server.publish("octo/a", hello("a"))
    done = actions.run(f"- run: echo never\n- uses: {uses}")
    assert (done.status, "never" in output(done)) == (1, False)
    assert done.json["jobs"][0]["result"] == "unsupported"
    assert done.err.startswith("headrace: octo/")
    assert "Traceback" not in done.err


def test_a_branch_a_tag_and_a_commit_are_told_apart(server: Server, actions: Actions) -> None:
    made = server.publish("octo/a", hello("first"))
    first = made.head()
    made.commit(hello("second"))
    made.git("branch", "v1")  # a tag of that name is there: it counts
    for ref, said in (("v1", "first"), ("main", "second"), (first, "first")):
        done = actions.run(f"- uses: octo/a@{ref}")
        assert said in output(done), done.err


def test_a_called_workflow_of_another_repository_is_fetched(server: Server, headrace: Headrace) -> None:
    job = "  a: {runs-on: ubuntu-latest, steps: [{run: echo from the callee}]}\n"
    server.publish("octo/flows", {".github/workflows/w.yml": called(job)})
    done = headrace.run("  c: {uses: octo/flows/.github/workflows/w.yml@v1}\n", "-v")
    assert (done.status, "from the callee" in output(done)) == (0, True), done.err


def fetch(headrace: Headrace, root: Path, *more: str) -> Done:
    return headrace("actions", "fetch", *more, cwd=root)


@pytest.mark.one_state("another call has fetched what a run finds")
def test_actions_fetch_brings_all_that_the_workflows_use_and_says_what_moved(server: Server, actions: Actions) -> None:
    inner = server.publish("octo/inner", hello("one"))
    server.publish("octo/outer", composite("- uses: octo/inner@v1\n- uses: ./local\n- uses: actions/checkout@v4"))
    server.publish("actions/checkout", hello("original"), "v4")
    root = actions.repository("- uses: octo/outer@v1\n- {if: false, uses: actions/checkout@v4}\n- run: x").root
    done = fetch(actions.headrace, root)
    assert done.status == 0, done.err
    assert [line.split()[0] for line in done.out.splitlines()] == ["octo/outer@v1", "octo/inner@v1"]
    before = inner.head()
    inner.commit(hello("two"))
    inner.git("tag", "-f", "v1")
    assert "one" in output(actions.run("- uses: octo/inner@v1"))
    done = fetch(actions.headrace, root, "--originals")
    lines = {line.split()[0]: line for line in done.out.splitlines()}
    assert lines["octo/inner@v1"].endswith(f"{inner.head()}, moved from {before}")
    assert set(lines) == {"octo/outer@v1", "octo/inner@v1", "actions/checkout@v4"}
    server.gone()
    assert "two" in output(actions.run("- uses: octo/inner@v1"))
    assert "original" in output(actions.run("- uses: actions/checkout@v4", "--native", "off"))


@pytest.mark.one_state("another call has used what a run uses")
def test_a_run_says_which_tags_have_moved_since_they_were_last_used(server: Server, actions: Actions) -> None:
    inner, still = server.publish("octo/inner", hello("one")), server.publish("octo/still", hello("still"))
    root = actions.repository("- run: x").root
    steps = f"- uses: octo/inner@v1\n- uses: octo/still@v1\n- uses: octo/still@{still.head()}"
    assert "has moved" not in actions.run(steps).err
    before = inner.head()
    inner.commit(hello("two"))
    inner.git("tag", "-f", "v1")
    assert fetch(actions.headrace, root, "octo/inner@v1").status == 0
    done = actions.run(steps)
    assert "two" in output(done)
    said = [line for line in done.err.splitlines() if "has moved" in line]
    assert said == [f"note: octo/inner@v1 has moved since it was last used: from {before} to {inner.head()}"]
    assert "has moved" not in actions.run(steps).err


def test_actions_fetch_fails_for_what_is_nowhere_and_brings_the_rest(server: Server, actions: Actions) -> None:
    server.publish("octo/a", hello("a"))
    root = actions.repository("- run: x").root
    done = fetch(actions.headrace, root, "octo/none@v1", "octo/a/sub@v1")
    assert done.status == 1
    assert "octo/none@v1" in done.err and done.out.startswith("octo/a@v1 ")
    assert fetch(actions.headrace, root, "octo").status == 2
