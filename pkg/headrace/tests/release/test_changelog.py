"""The section of a version in a changelog."""

from __future__ import annotations

import pytest
from headrace.release.changelog import lacking, renamed, section

TEXT = "# Changes\n\nAbout.\n\n## [1.1.0] - 2026-01-02\n\n### Added\n\n- a\n\n## 1.0.0 (2025-12-01)\n\n- b\n\n## [0.9.0]\n\n### Added\n"


@pytest.mark.covers("release:4.5.8")
@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("1.1.0", None),
        ("1.0.0", None),
        ("1.1", "there is no section of 1.1"),
        ("1.1.0rc1", "there is no section of 1.1.0rc1"),
        ("0.9.0", "the section of 0.9.0 is empty"),
    ],
)
def test_a_section_counts_by_its_whole_version_and_only_with_words_in_it(version: str, says: str | None) -> None:
    found = lacking(TEXT, version, "CHANGELOG.md")
    assert (found.message if found else None) == says


@pytest.mark.parametrize("text", [TEXT, "", "# Changes\n", "# Changes\n\n## Unreleased\n\n- c\n", "## [1.0] - x\r\n- b\r\n"])
def test_a_new_section_is_there_and_all_others_stay(text: str) -> None:
    new = renamed(text, "1.1.0", "2.0.0", "2026-02-03")
    found = section(new, "2.0.0")
    assert found is not None and found[1] == "## [2.0.0] - 2026-02-03"
    for version in ("1.1.0", "1.0.0", "1.0"):
        before, after = section(text, version), section(new, version)
        assert (before and before[1:]) == (after and after[1:])
