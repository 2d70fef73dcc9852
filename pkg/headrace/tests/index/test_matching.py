"""Whose an identity token is: of several publishers the one that names its environment, and never one that differs."""

from __future__ import annotations

import pytest
from headrace.index.matching import NoPublisher, closest, find
from headrace.index.model import GITHUB, Publisher
from test_core.indexes import CLAIMS

TOKEN = {**CLAIMS, "iss": GITHUB, "jti": "1"}


def publisher(
    number: int, *, issuer: str = GITHUB, owner: str = "octo", owner_id: str = "17", repository: str = "demo",
    workflow: str = "release.yml", environment: str = "",
) -> Publisher:  # fmt: skip
    return Publisher(number, issuer, owner, owner_id, repository, workflow, environment, "", ("demo",), 0)


@pytest.mark.covers("release:1.2")
@pytest.mark.parametrize(("environment", "number"), [("pypi", 2), ("PyPI", 2), ("other", 1), (None, 1)])
def test_the_publisher_of_the_environment_goes_first(environment: str | None, number: int) -> None:
    known = [publisher(1), publisher(2, environment="pypi"), publisher(3, environment="test")]
    assert find(known, {**TOKEN, "environment": environment}).id == number


@pytest.mark.covers("release:1.2")
@pytest.mark.parametrize(
    "changes",
    [
        {"owner": "Octo"},
        {"owner_id": "18"},
        {"repository": "demo2"},
        {"workflow": "release.yaml"},
        {"environment": "pypi"},
        {"issuer": "https://example.org"},
    ],
)
def test_whatever_differs_it_is_not_this_one(changes: dict[str, str]) -> None:
    with pytest.raises(NoPublisher, match="Publisher with matching claims was not found"):
        find([publisher(1, **changes)], TOKEN)


@pytest.mark.covers("release:1.2")
def test_the_subject_does_not_count() -> None:
    """GitHub's form of it depends on the age of the repository."""
    for subject in ("repo:octo@1/demo@2:ref:refs/tags/x", "", "repo:evil/x:environment:pypi"):
        assert find([publisher(1)], {**TOKEN, "sub": subject}).id == 1


@pytest.mark.covers("release:1.8")
def test_the_closest_is_the_one_with_the_fewest_differences_and_never_a_strangers() -> None:
    known = [
        publisher(1, workflow="a.yml", owner_id="1"),
        publisher(2, workflow="b.yml"),
        publisher(3, owner="x", repository="y", owner_id="9"),
    ]
    found = closest(known, TOKEN)
    assert found is not None and str(found) == (
        "publisher 2 of demo comes closest: workflow is 'b.yml', the token says 'release.yml'"
    )
    assert closest(known[2:], TOKEN) is None
