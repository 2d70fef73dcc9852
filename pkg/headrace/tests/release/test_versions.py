"""Versions, their spellings and what comes after them."""

from __future__ import annotations

import pytest
from headrace.release.versions import PARTS, Part, bumped, misspelled, read
from hypothesis import given
from hypothesis import strategies as st

numbers = st.lists(st.integers(0, 30), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
endings = st.sampled_from(["", "a1", "b2", "rc3", ".post1", ".dev4", "rc1.dev2"])
versions = st.builds(lambda epoch, release, ending: f"{epoch}{release}{ending}", st.sampled_from(["", "1!"]), numbers, endings)


@pytest.mark.covers("release:4.1")
@given(versions, st.sampled_from(PARTS))
def test_what_is_bumped_comes_later_and_is_spelled_as_a_tag_must_be(text: str, part: Part) -> None:
    new = bumped(text, part)
    before, after = read(text), read(new)
    assert before is not None and after is not None and after > before
    assert misspelled(new) is None
    assert after.is_prerelease == (part == "pre")


@pytest.mark.covers("release:4.1")
@given(versions)
def test_only_the_canonical_spelling_of_a_version_is_taken(text: str) -> None:
    version = read(text)
    assert version is not None
    assert misspelled(str(version)) is None
    assert (misspelled(text) is None) == (str(version) == text)
    assert misspelled(f"v{version}") is not None
    assert misspelled(f"{version}+local") is not None
