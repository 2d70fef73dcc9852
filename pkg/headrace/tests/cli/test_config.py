"""Where an option's value comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from test_core.calls import Done, Headrace
    from test_core.repositories import GitRepository


def jobs(done: Done) -> list[str]:
    return list(dict.fromkeys(row["job"] for row in done.json["jobs"]))


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(headrace: Headrace, repository: GitRepository) -> None:
    repository.write({"pyproject.toml": "[tool.headrace]\nref = 'refs/heads/from-file'\n"})

    def ref(done: Done) -> object:
        return done.json["event"]["ref"]

    assert ref(headrace("plan", "--json")) == "refs/heads/from-file"
    assert ref(headrace("plan", "--json", HEADRACE_REF="refs/heads/from-env")) == "refs/heads/from-env"
    assert ref(headrace("plan", "--json", "--ref", "refs/heads/said", HEADRACE_REF="refs/heads/x")) == "refs/heads/said"


def test_lists_flags_and_tables_have_their_own_forms(headrace: Headrace, repository: GitRepository) -> None:
    repository.write({"pyproject.toml": "[tool.headrace]\njob = ['publish']\nno-needs = true\n[tool.headrace.var]\nA = 'x'\n"})
    assert jobs(headrace("plan", "--json")) == ["publish"]
    assert jobs(headrace("plan", "--json", HEADRACE_NO_NEEDS="0")) == ["test", "publish"]
    assert jobs(headrace("plan", "--json", HEADRACE_JOB="test\npublish")) == ["test", "publish"]


def test_the_file_of_the_root_counts_in_every_subfolder(headrace: Headrace, repository: GitRepository) -> None:
    repository.write({"pyproject.toml": "[tool.headrace]\njob = ['test']\n"})
    repository.write({"pkg/a/pyproject.toml": "[tool.headrace]\njob = ['publish']\n"})
    assert jobs(headrace("plan", "--json", cwd=repository.root / "pkg" / "a")) == ["test"]


def test_a_file_without_our_table_is_not_even_parsed(headrace: Headrace, repository: GitRepository) -> None:
    repository.write({"pyproject.toml": "this is not TOML"})
    assert headrace("plan").status == 0


WRONG = [
    (
        "[tool.headrace]\nmax-paralel = 2\n",
        "pyproject.toml:2:1: [tool.headrace] has no 'max-paralel'; did you mean 'max-parallel'?",
    ),
    ("[tool.headrace]\ncolor = 'x'\n", "color in [tool.headrace] of "),
    ("[tool.headrace]\nno-needs = 'yes'\n", "expected true or false"),
    ("[tool.headrace]\njob = 3\n", "expected a list of texts"),
    ("[tool.headrace]\nref = ['a']\n", "expected one value"),
    ("[tool.headrace]\nsecret = ['A=hush']\n", "a secret's value must not stand in the repository; name it without a value"),
    ("[tool.headrace]\nrepo = '/'\n", "has no 'repo'"),
    ("[tool.headrace\n", "pyproject.toml: this is not TOML: "),
    ("[tool]\nheadrace = 3 # [tool.headrace]\n", "tool.headrace is not a table"),
]


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_a_wrong_setting_is_one_line_and_status_2(headrace: Headrace, repository: GitRepository, text: str, words: str) -> None:
    repository.write({"pyproject.toml": text})
    done = headrace("plan")
    assert done.status == 2
    assert words in done.err
    assert done.err.count("\n") == 1
    assert "hush" not in done.err


def test_tables_of_others_are_left_alone(headrace: Headrace, repository: GitRepository) -> None:
    repository.write({"pyproject.toml": "[tool.headrace.release]\nanything = 1\n"})
    assert headrace("plan").status == 0


def test_a_wrong_variable_names_itself(headrace: Headrace) -> None:
    done = headrace("plan", HEADRACE_NO_NEEDS="maybe")
    assert done.status == 2
    assert done.err == "headrace: HEADRACE_NO_NEEDS: 'maybe' is neither true nor false\n"
