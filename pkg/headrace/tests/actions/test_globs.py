"""Patterns name files as GitHub's toolkit does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from headrace.actions.builtin.globs import InvalidPattern, parse, search
from hypothesis import given
from hypothesis import strategies as st

TREE = [
    "dist/a.whl",
    "dist/a.tar.gz",
    "dist/sub/b.whl",
    "dist/.cache/c.whl",
    ".env",
    "docs/index.html",
    "docs/[x].md",
    "docs/a b.md",
    "B.txt",
    "a.txt",
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in TREE:
        path = tmp_path / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "work"


def names(tree: Path, patterns: list[str], hidden: bool = False) -> list[str]:
    found = search(parse(patterns, str(tree)), hidden=hidden)
    return [os.path.relpath(path, tree) for path in found.files]


@pytest.mark.covers("runtime:9.6")
@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["dist"], ["dist"]),
        (["dist/", "./docs"], ["dist", "docs"]),
        (["**/*.whl"], ["dist/.cache/c.whl", "dist/a.whl", "dist/sub/b.whl"]),
        (["dist/*"], ["dist/.cache", "dist/a.tar.gz", "dist/a.whl", "dist/sub"]),
        (["dist/**"], ["dist", "dist/.cache", "dist/.cache/c.whl", "dist/a.tar.gz", "dist/a.whl", "dist/sub", "dist/sub/b.whl"]),
        (["dist/*", "!dist/sub"], ["dist/.cache", "dist/a.tar.gz", "dist/a.whl"]),
        (["a.txt/"], []),
        (["none", "*.none"], []),
    ],
)
def test_where_folders_stand_for_themselves(tree: Path, patterns: list[str], found: list[str]) -> None:
    searched = search(parse(patterns, str(tree), below=False), hidden=True, folders=True)
    assert [os.path.relpath(path, tree) for path in searched.files] == found


@pytest.mark.covers("runtime:11.2")
@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["dist"], ["dist/a.tar.gz", "dist/a.whl", "dist/sub/b.whl"]),
        (["dist/"], ["dist/a.tar.gz", "dist/a.whl", "dist/sub/b.whl"]),
        (["./dist/*.whl"], ["dist/a.whl"]),
        (["**/*.whl"], ["dist/a.whl", "dist/sub/b.whl"]),
        (["dist/**"], ["dist/a.tar.gz", "dist/a.whl", "dist/sub/b.whl"]),
        (["dist", "!dist/**/*.whl"], ["dist/a.tar.gz"]),
        (["dist", "!dist", "dist/sub"], ["dist/sub/b.whl"]),
        (["!dist/sub", "dist"], ["dist/a.tar.gz", "dist/a.whl", "dist/sub/b.whl"]),
        (["*.txt"], ["B.txt", "a.txt"]),
        (["[ab].txt"], ["a.txt"]),
        (["[!a].txt"], ["B.txt"]),
        (["?.txt"], ["B.txt", "a.txt"]),
        (["docs/[[]x].md"], ["docs/[x].md"]),
        (["docs/a b.md"], ["docs/a b.md"]),
        (["{a,B}.txt"], []),
        (["# a comment", "", "a.txt"], ["a.txt"]),
        (["none"], []),
        (["a.txt/"], ["a.txt"]),
        (["d*s/index.*"], ["docs/index.html"]),
        ([".env"], []),
        (
            ["."],
            ["B.txt", "a.txt", "dist/a.tar.gz", "dist/a.whl", "dist/sub/b.whl", "docs/[x].md", "docs/a b.md", "docs/index.html"],
        ),
    ],
)
def test_what_patterns_find(tree: Path, patterns: list[str], found: list[str]) -> None:
    assert names(tree, patterns) == found


def test_hidden_files_and_all_below_hidden_folders_are_found_only_when_asked_for(tree: Path) -> None:
    assert names(tree, [".env", "dist/.cache"], hidden=True) == [".env", "dist/.cache/c.whl"]
    assert names(tree, ["dist/**/*.whl"], hidden=True) == ["dist/.cache/c.whl", "dist/a.whl", "dist/sub/b.whl"]


@pytest.mark.parametrize("pattern", ["../x", "a/../b", "a/./b", "!", "!../x", "/a/./b"])
def test_invalid_patterns(tree: Path, pattern: str) -> None:
    with pytest.raises(InvalidPattern, match="Invalid pattern"):
        parse([pattern], str(tree))


@pytest.mark.covers("runtime:11.2")
@pytest.mark.parametrize(
    ("patterns", "starts"),
    [
        (["dist/*.whl"], ["dist"]),
        (["dist/*.whl", "dist/*.tar.gz"], ["dist"]),
        (["dist", "dist/sub/*"], ["dist"]),
        (["a.txt", "dist/x"], ["a.txt", "dist/x"]),
        (["**/x", "dist"], ["."]),
        (["dist", "!docs"], ["dist"]),
        (["dist/[s]ub"], ["dist/sub"]),
    ],
)
def test_where_the_search_starts(tree: Path, patterns: list[str], starts: list[str]) -> None:
    found = search(parse(patterns, str(tree)), hidden=False)
    assert [os.path.relpath(path, tree) for path in found.starts] == starts


def test_links_are_followed_but_not_in_circles_and_broken_ones_are_left_out(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.txt").write_text("")
    (tree / "links").mkdir()
    (tree / "links" / "out").symlink_to(tmp_path / "outside")
    (tree / "links" / "loop").symlink_to(tree)
    (tree / "links" / "broken").symlink_to("nowhere")
    found = search(parse(["links"], str(tree)), hidden=False)
    assert "links/out/x.txt" in [os.path.relpath(path, tree) for path in found.files]
    assert os.path.relpath(found.broken[0], tree) == "links/broken"
    assert all(path.count("/loop/") <= 1 for path in found.files)


@given(st.lists(st.text(alphabet="ab*?[]!/.\\-~ ", max_size=8), max_size=4))
def test_any_lines_are_patterns_or_refused(lines: list[str]) -> None:
    try:
        patterns = parse(lines, "/work")
    except InvalidPattern:
        return
    for pattern in patterns:
        assert pattern.start.startswith("/")
        pattern.matches(("work", "a", "b"))
        pattern.may_hold(("work", "a"))
