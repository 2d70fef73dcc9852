"""Versions, their spellings and what comes after them."""

from __future__ import annotations

import pytest
from headrace.release.versions import PARTS, Part, bumped, misspelled, newest, read, spelling
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


@pytest.mark.covers("release:4.2", "release:4.1")
@pytest.mark.parametrize(
    ("tag", "package", "version"),
    [
        ("inngest@0.5.19a348", "inngest", "0.5.19a348"),  # semver tools take it for the final 0.5.19
        ("inngest@0.5.2.267.1", "inngest", "0.5.2.267.1"),  # and this one for a package inngest@0.5
        ("inngest@0.5.16a329.post1", "inngest", "0.5.16a329.post1"),
        ("inngest@1.2.3-rc.1", "inngest", "1.2.3rc1"),
        ("inngest@v1.2.3", "inngest", "1.2.3"),
        ("inngest_encryption@0.1.0", "inngest-encryption", "0.1.0"),
        ("@scope/inngest@1.0", "@scope/inngest", "1.0"),
    ],
)
def test_old_tags_are_read_as_python_reads_versions_whatever_tool_made_them(tag: str, package: str, version: str) -> None:
    assert spelling(package, tag) == read(version)


@pytest.mark.covers("release:4.2")
@pytest.mark.parametrize(
    "tag", ["inngest_encryption@1.0", "inngest-1.0", "v1.0", "inngest@next", "inngest@1.2.3-SNAPSHOT", "inngest@"]
)
def test_tags_of_others_are_none_of_a_packages(tag: str) -> None:
    assert spelling("inngest", tag) is None


@pytest.mark.covers("release:4.2")
def test_a_pre_release_is_not_taken_for_the_final_one_that_it_comes_before() -> None:
    known = [version for tag in ("a@0.5.18", "a@0.5.19a348", "b@9") if (version := spelling("a", tag)) is not None]
    last = newest(known)
    assert str(last) == "0.5.19a348" and bumped(str(last), "patch") == "0.5.19"
