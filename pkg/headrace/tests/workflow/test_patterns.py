from __future__ import annotations

import pytest
from headrace.workflow import patterns
from headrace.workflow.model import Pattern
from headrace.workflow.patterns import decide, matches
from hypothesis import example, given
from hypothesis import strategies as st

DIALECT = [
    ("feature/*", "feature/a", ["feature/a/b", "feature", "feature/ a/"]),
    ("feature/**", "feature/a/b", ["feature"]),
    ("*", "main", ["a/b"]),
    ("**", "a/b", []),
    ("v[12].[0-9]+.[0-9]+", "v1.10.1", ["v1.0", "v1.0.0-rc1", "v3.0.0"]),
    ("*.jsx?", "page.js", ["src/page.js", "page.jsxx"]),
    ("*.jsx?", "page.jsx", []),
    ("**.js", "a/b.js", ["a.jsx"]),
    ("**.js", "index.js", []),
    ("docs/**", "docs/a/b", ["docs", "xdocs/a"]),
    ("docs/**/*.md", "docs/a.md", ["a.md", "docs/a.mdx"]),
    ("docs/**/*.md", "docs/x/y/a.md", []),
    ("**/docs/**", "docs/a", ["xdocs/a"]),
    ("**/docs/**", "x/y/docs/a", []),
    ("**/*src/**", "my-src/b/c", ["srcx/a"]),
    ("**/*src/**", "a/src/b", []),
    ("**/README.md", "README.md", ["xREADME.md", "a/xREADME.md"]),
    ("**/README.md", "a/b/README.md", []),
    ("a/**/b", "a/b", ["ab", "a/xb"]),
    ("a**/b", "a/b", ["b"]),
    ("a**/b", "axx/y/b", []),
    ("a?b+", "bbb", ["a", "aab"]),
    ("[ab]?c", "c", ["abc"]),
    ("[a-c]+", "abc", ["", "abd"]),
    ("[a\\-c]", "-", ["b"]),
    ("[a-C]", "-", ["b"]),
    ("[-_]", "-", ["a"]),
    ("[\\]]", "]", ["\\"]),
    ("[", "[", [""]),
    ("[]", "[]", [""]),
    ("\\*\\?\\+\\[\\!\\\\", "*?+[!\\", ["a"]),
    ("a\\", "a\\", ["a"]),
    ("a.b", "a.b", ["axb"]),
    ("a(b|c){1}^$", "a(b|c){1}^$", ["ab"]),
    (".*", ".hidden", ["hidden"]),
    ("*", ".hidden", []),
    ("{a,b}", "{a,b}", ["a"]),
    ("a!b", "a!b", ["ab"]),
    ("+a", "+a", ["a", "aa"]),
    ("?", "?", ["", "a"]),
    ("*?", "ab?", ["ab"]),
    ("Main", "Main", ["main"]),
    ("a?+", "aaa", ["b"]),
    ("line*", "line\n2", []),
    ("refs/**/x", "refs/\n/x", []),
    ("", "", ["a"]),
]


@pytest.mark.covers("language:4.4")
@pytest.mark.parametrize(("pattern", "fits", "not_fits"), DIALECT)
def test_a_pattern_matches_whole_values(pattern: str, fits: str, not_fits: list[str]) -> None:
    assert matches(pattern, fits)
    assert [text for text in not_fits if matches(pattern, text)] == []


@pytest.mark.covers("language:4.4")
@pytest.mark.parametrize(("pattern", "fits", "not_fits"), DIALECT)
def test_both_ways_of_matching_agree_on_the_dialect(pattern: str, fits: str, not_fits: list[str]) -> None:
    items = patterns._parse(pattern)
    assert patterns._simulate(items, fits)
    assert not any(patterns._simulate(items, text) for text in not_fits)


@given(st.text(alphabet="ab/*?+[]-!\\.", max_size=12), st.text(alphabet="ab/.-\\", max_size=8))
@example("**/a", "a")
@example("a/**/**/b", "a/b")
@example("**/", "a/b/")
def test_both_ways_of_matching_agree(pattern: str, text: str) -> None:
    assert matches(pattern, text) == patterns._simulate(patterns._parse(pattern), text)


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_text_is_a_pattern_and_escaping_makes_it_literal(pattern: str, text: str) -> None:
    matches(pattern, text)
    escaped = "".join(f"\\{c}" if c in "*?+[]!\\" else c for c in text)
    assert matches(escaped, text)
    assert matches(escaped, pattern) == (pattern == text)


def test_many_wildcards_on_a_long_text_end() -> None:
    assert not matches("**a" * 200 + "b", "a" * 2000)
    assert not matches("a?+" * 100 + "b", "a" * 500)
    assert matches("**/" * 100 + "x", "a/" * 1000 + "x")


def test_matching_a_long_text_with_few_wildcards_ends() -> None:
    assert not matches("**a**a**a**ab", "a" * 3000)


@pytest.mark.covers("language:4.3")
@pytest.mark.parametrize(
    ("listed", "value", "said", "by"),
    [
        (["main", "v*"], "v1", True, "v*"),
        (["main"], "x", False, None),
        (["!main"], "main", False, "!main"),
        (["!main"], "x", False, None),
        (["**", "!docs/**"], "docs/a", False, "!docs/**"),
        (["!docs/**", "**"], "docs/a", True, "**"),
        (["**", "!docs/**", "docs/keep"], "docs/keep", True, "docs/keep"),
        (["\\!x"], "!x", True, "\\!x"),
        ([], "x", False, None),
    ],
)
def test_the_last_pattern_that_fits_decides(listed: list[str], value: str, said: bool, by: str | None) -> None:
    found, decided = decide([Pattern(text) for text in listed], value)
    assert (found, decided.text if decided else None) == (said, by)
