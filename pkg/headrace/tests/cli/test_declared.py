"""Plain calls are read without click, and alike."""

from __future__ import annotations

import pytest
from click.core import ParameterSource
from headrace.cli.clicked import event_command
from headrace.cli.declared import Call, read_plain
from headrace.cli.options import EVENT, RUN
from headrace.cli.parsed import Parsed, name_of
from hypothesis import given
from hypothesis import strategies as st

NOT_PLAIN = [
    ["--help"],
    ["-h"],
    ["--nothing"],
    ["push", "pull_request"],
    ["--job"],
    ["--job", "--json"],
    ["--isolation", "docker"],
    ["--max-parallel", "0"],
    ["--json=yes"],
    ["-vq"],
    ["--"],
]


def by_click(words: list[str]) -> Call:
    """What click makes of the same words."""
    seen: list[Call] = []

    def verb(call: Call) -> int:
        seen.append(call)
        return 0

    command = event_command("run", verb, RUN, "", "")
    command.main(list(words), standalone_mode=False)
    return seen[0]


@pytest.mark.parametrize("words", NOT_PLAIN)
def test_what_is_not_plain_is_left_to_click(words: list[str]) -> None:
    assert read_plain(words, RUN, "event", EVENT) is None


PIECES = st.sampled_from(
    [
        ["-j", "a"], ["-jb"], ["--job=c"], ["--job", "d"], ["-W", "f.yml"], ["--matrix", "k=v"], ["--no-needs"], ["--json"],
        ["-v"], ["-vv"], ["-q"], ["--verbose"], ["--isolation", "host"], ["--max-parallel=3"], ["--ref", "refs/heads/x"],
        ["--secret", "A=b=c"], ["--color", "never"], ["--keep"],
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=6), st.sampled_from([[], ["push"], ["pull_request"]]))
def test_a_plain_call_is_read_as_click_reads_it(pieces: list[list[str]], event: list[str]) -> None:
    words = [word for piece in pieces for word in piece] + event
    plain = read_plain(words, RUN, "event", EVENT)
    assert plain is not None
    clicked = by_click(words)
    assert plain.values == clicked.values
    assert plain.named == clicked.named


def test_the_bridge_tells_what_stood_on_the_command_line() -> None:
    assert ParameterSource.COMMANDLINE is not None
    assert by_click(["push", "--job", "a"]).named == {"event", "job"}


def test_a_path_is_one_file_name_and_two_paths_are_two() -> None:
    assert "/" not in name_of("/a/b")
    assert name_of("/a/b%c") != name_of("/a/b/c")
    assert len(name_of("/" + "x" * 300)) == 64


WORKFLOW = b"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps: [{run: 'true'}]\n"


def test_a_file_that_was_read_is_known_while_it_is_the_same_to_the_byte(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headrace.workflow.reader import load

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    workflow = load("a.yml", WORKFLOW).workflow
    assert workflow is not None
    first = Parsed("r", keeps=True)
    assert first.get("a.yml", WORKFLOW) is None
    first.put("a.yml", WORKFLOW, workflow)
    first.save()
    again = Parsed("r", keeps=False)
    assert again.get("a.yml", WORKFLOW) == workflow
    assert again.get("a.yml", WORKFLOW + b"\n") is None
    assert again.get("b.yml", WORKFLOW) is None
    assert Parsed("other", keeps=False).get("a.yml", WORKFLOW) is None


def test_a_plan_writes_no_cache_and_a_damaged_one_is_read_anew(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headrace.workflow.reader import load

    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    workflow = load("a.yml", WORKFLOW).workflow
    assert workflow is not None
    reads_only = Parsed("r", keeps=False)
    reads_only.put("a.yml", WORKFLOW, workflow)
    reads_only.save()
    assert list(cache.rglob("*")) == []
    keeps = Parsed("r", keeps=True)
    keeps.put("a.yml", WORKFLOW, workflow)
    keeps.save()
    [file] = [path for path in cache.rglob("*") if path.is_file()]
    file.write_bytes(b"\xff damaged")
    assert Parsed("r", keeps=False).get("a.yml", WORKFLOW) is None
