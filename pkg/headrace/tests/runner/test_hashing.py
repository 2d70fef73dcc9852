from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from headrace.runner.globs import GlobError, parse_globs
from headrace.runner.hashing import HashError, hash_files, matched_files, parse_arguments
from hypothesis import given
from hypothesis import strategies as st

FILES = {"B.txt": "w", "a/.h/f.txt": "z", "a/f.txt": "y", "b/f.txt": "x"}


def tree(root: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


def names(root: str, *patterns: str, follow: bool = False, home: str = "/nowhere") -> list[str]:
    return [path[len(root) + 1 :] for path in matched_files(root, patterns, follow, home=home)]


@pytest.mark.covers("runtime:4.6")
@pytest.mark.parametrize(
    ("patterns", "result"),
    [
        (["**/*.txt"], "cfca807753adcaccab0fb9976e0f6347f5a9c8855d1cf601693b05d40c5e16d6"),
        (["**/*.txt", "!a/**"], "b72fc79176d9feac904d7dff2a985efa81c3baf9999481c5100bb804eaf8001b"),
        (["**/*.txt\n!a/**"], "b72fc79176d9feac904d7dff2a985efa81c3baf9999481c5100bb804eaf8001b"),
        (["a"], "f42af8780a50516754d15ca8e030fce837231e4573c909f439b569b08caa773f"),
        (["{a,b}/f.txt"], ""),
        (["none/**"], ""),
        ([""], ""),
    ],
)
def test_the_hashes_that_github_gives(tmp_path: Path, patterns: list[str], result: str) -> None:
    assert hash_files(tree(tmp_path, FILES), patterns) == result


@pytest.mark.covers("language:5.7")
def test_the_hash_is_one_of_digests(tmp_path: Path) -> None:
    root = tree(tmp_path, {"x": "1", "y": "2"})
    digests = [hashlib.sha256(text).digest() for text in (b"1", b"2")]
    assert hash_files(root, ["x", "y"]) == hashlib.sha256(b"".join(digests)).hexdigest()
    assert hash_files(root, ["y", "x"]) == hashlib.sha256(b"".join(reversed(digests))).hexdigest()


@pytest.mark.covers("language:5.7")
@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["**"], ["B", "a", "a.b/c", "d/.h/e", "d/f/g", "d/f/x.py", "d/x.py", "é"]),
        (["*"], ["B", "a", "a.b/c", "d/.h/e", "d/f/g", "d/f/x.py", "d/x.py", "é"]),  # what lies below a match is covered
        (["d/*.py"], ["d/x.py"]),
        (["d/**/*.py"], ["d/f/x.py", "d/x.py"]),
        (["**/x.py"], ["d/f/x.py", "d/x.py"]),
        (["d/f", "B"], ["d/f/g", "d/f/x.py", "B"]),
        (["d/f", "d/x.py", "d"], ["d/.h/e", "d/f/g", "d/f/x.py", "d/x.py"]),  # start directories do not nest
        (["?"], ["B", "a", "d/.h/e", "d/f/g", "d/f/x.py", "d/x.py", "é"]),
        (["[a-z]"], ["a", "d/.h/e", "d/f/g", "d/f/x.py", "d/x.py"]),
        (["[!B]"], ["a", "d/.h/e", "d/f/g", "d/f/x.py", "d/x.py", "é"]),
        (["[B]"], ["B"]),
        (["[A-]"], []),
        (["[--B]"], ["B"]),
        (["[?--]"], []),  # a range that runs backwards is no set
        (["[a-a-B]"], ["B", "a"]),
        (["a/"], []),
        (["d/f/"], ["d/f/g", "d/f/x.py"]),
        (["./B"], ["B"]),
        (["d//f///g"], ["d/f/g"]),
        (["**", "!d"], ["B", "a", "a.b/c", "é"]),
        (["**", "!d", "d/x.py"], ["B", "a", "a.b/c", "d/x.py", "é"]),  # the last one wins
        (["**", "!d/", "!!B", "!*.b/**"], ["B", "a", "é"]),
        (["!d"], []),
        (["# no\n\n  B  \r\n#x"], ["B"]),
        (["a.*", "+(a)"], ["a.b/c"]),
        ([r"\a"], ["a"]),
    ],
)
def test_patterns(tmp_path: Path, patterns: list[str], expected: list[str]) -> None:
    root = tree(tmp_path, dict.fromkeys(["a", "B", "é", "a.b/c", "d/.h/e", "d/f/g", "d/f/x.py", "d/x.py"], ""))
    assert names(root, *patterns) == expected


@pytest.mark.covers("language:5.7")
@pytest.mark.parametrize("pattern", ["../x", "a/../b", "a/./b", "a/..", "/./a", "!../x"])
def test_relative_pathing_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(HashError, match=r"Invalid pattern '.*'. Relative pathing '\.' and '\.\.' is not allowed\."):
        hash_files(str(tmp_path), [pattern])


@pytest.mark.covers("language:5.7")
def test_absolute_and_home_patterns(tmp_path: Path) -> None:
    root = tree(tmp_path / "w", {"a": "", "h/b": ""})
    tree(tmp_path, {"outside": ""})
    assert names(root, f"{root}/a") == ["a"]
    assert names(root, "/a") == []
    assert names(root, f"{tmp_path}/**") == ["a", "h/b"]  # what is outside does not count
    assert names(root, f"{tmp_path}/outside") == []
    assert names(root, "~/b", home=f"{root}/h") == ["h/b"]


def test_a_root_with_wildcards_in_its_name_is_taken_literally(tmp_path: Path) -> None:
    root = tree(tmp_path / "[x]*", {"a": "1"})
    tree(tmp_path / "x1", {"a": "2"})
    assert names(root, "*") == ["a"]


@pytest.mark.covers("language:5.7")
def test_links(tmp_path: Path) -> None:
    root = tree(tmp_path, {"real/f": "1"})
    (tmp_path / "file").symlink_to("real/f")
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "real" / "loop").symlink_to("..")
    assert names(root, "**") == ["file", "real/f"]
    assert names(root, "**", follow=True) == ["file", "folder/f", "real/f"]


@pytest.mark.covers("language:5.7")
def test_a_link_to_nowhere_fails_unless_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "broken").symlink_to("nowhere")
    with pytest.raises(HashError, match="Fail to hash files under directory"):
        hash_files(str(tmp_path), ["*"])
    assert hash_files(str(tmp_path), ["*"], True) == ""


def test_what_is_no_regular_file_is_left_out(tmp_path: Path) -> None:
    root = tree(tmp_path, {"a": ""})
    os.mkfifo(tmp_path / "pipe")
    assert names(root, "*") == ["a"]


def test_too_many_files_are_an_error(tmp_path: Path) -> None:
    root = tree(tmp_path, {f"f{i}": "" for i in range(10)})
    with pytest.raises(HashError, match="more than 9 files"):
        hash_files(root, ["*"], max_entries=9)
    assert hash_files(root, ["*"], max_entries=10)


def test_a_very_deep_tree_is_walked(tmp_path: Path) -> None:
    folders = [str(tmp_path) + "/d" * n for n in range(1, 1201)]
    for folder in folders:
        os.mkdir(folder)
    file = f"{folders[-1]}/f"
    with open(file, "w"):
        pass
    try:
        assert len(names(str(tmp_path), "**")) == 1
    finally:  # what removes the temporary folder afterwards goes no deeper than Python's stack
        os.remove(file)
        for folder in reversed(folders):
            os.rmdir(folder)


@pytest.mark.covers("language:5.7")
def test_it_has_two_minutes_whatever_a_job_gives_it_to_read(tmp_path: Path) -> None:
    with open(tmp_path / "it's", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(HashError) as caught:
        hash_files(str(tmp_path), ["it's"], seconds=0.01)
    assert str(caught.value) == "hashFiles('it''s') couldn't finish within 0.01 seconds."
    (tmp_path / "it's").write_bytes(b"x")
    assert hash_files(str(tmp_path), ["it's"], seconds=60)


@pytest.mark.covers("language:5.7")
def test_the_option_comes_first() -> None:
    assert parse_arguments(["--FOLLOW-symbolic-links", "a"]) == (True, ["a"])
    assert parse_arguments(["a", "--follow-symbolic-links"]) == (False, ["a", "--follow-symbolic-links"])
    with pytest.raises(HashError, match="Invalid glob option --other"):
        parse_arguments(["--other"])


@given(st.text(st.sampled_from("ab*?[]!^-\\/.{}"), max_size=12), st.text(st.sampled_from("ab*]!-\\/."), max_size=12))
def test_any_pattern_is_matched_or_refused(pattern: str, path: str) -> None:
    try:
        globs = parse_globs([pattern], "/w", "/h")
    except GlobError:
        return
    for glob in globs:
        glob.matches(f"/w/{path}")
        glob.may_match_below("/w")


@given(
    st.lists(st.sampled_from(["a", "b", "*", "**", "a*"]), min_size=1, max_size=4),
    st.lists(st.sampled_from("ab"), min_size=1, max_size=5),
)
def test_no_file_is_lost_because_its_directory_is_left_out(segments: list[str], parts: list[str]) -> None:
    (glob,) = parse_globs(["/".join(segments)], "/w", "/h")
    if glob.matches("/w/" + "/".join(parts)):
        assert all(glob.may_match_below("/".join(["/w", *parts[:n]])) for n in range(len(parts)))
