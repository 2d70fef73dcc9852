"""The differential mode of these tests finds what differs, and nothing else. `make differential` runs them in it."""

from __future__ import annotations

import pytest
from test_core.calls import Headrace
from test_core.layers import refusal

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

SAME = """\
  a:
    runs-on: ubuntu-latest
    outputs: {where: '${{ steps.s.outputs.where }}'}
    steps:
      - id: s
        run: echo "where=$PWD $HOME $RUNNER_TOOL_CACHE" >>$GITHUB_OUTPUT; echo "::notice::$GITHUB_WORKSPACE"
      - {run: exit 3, continue-on-error: true}
      - {if: failure(), run: 'true'}
"""


@pytest.fixture
def twice(headrace: Headrace) -> Headrace:
    if why := refusal(headrace.home, 1):
        pytest.skip(f"no layers in a user namespace here: {why}")
    headrace.twice = True
    return headrace


def test_folders_of_jobs_are_no_difference(twice: Headrace) -> None:
    assert twice.run(SAME).status == 0
    assert (twice.home / "other-state").is_dir()


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("exit 3", "test -e {0}", "steps"),
        ("where=$PWD", "where=$(ls {0})", "outputs"),
        ("::notice::", "::notice::$(ls {0})", "annotations"),
        ("continue-on-error: true", "continue-on-error: false", ""),
        ("{if: failure(), run: 'true'}", "run: test -e {0}", "status"),
    ],
)
def test_what_differs_is_told(twice: Headrace, before: str, after: str, what: str) -> None:
    """What is there on the machine alone makes it differ."""
    (twice.home / "there").mkdir()
    (twice.home / "there" / "file").touch()
    changed = SAME.replace(before, after.format(twice.home / "there"))
    if what:
        with pytest.raises(AssertionError, match=what):
            twice.run(changed)
    else:
        assert twice.run(changed).status == 1


def test_a_call_that_says_itself_how_jobs_are_parted_is_one_call(twice: Headrace) -> None:
    assert twice.run(SAME, "--isolation", "host").status == 0
    assert twice("plan", cwd=twice.home / "repo").status == 0
    assert not (twice.home / "other-state").exists()
