from __future__ import annotations

import json
import re
from typing import Any

import pytest
from headrace.runner import matchers
from headrace.runner.matchers import (
    MAX_LINE,
    Issue,
    MatcherError,
    MatcherSet,
    MatcherStream,
    is_checkout_of,
    issue_path,
    load_matchers,
    plain_search,
    timed_search,
)
from headrace.runner.regexp import translate
from hypothesis import given
from hypothesis import strategies as st


def text_of(*entries: dict[str, Any]) -> str:
    return json.dumps({"problemMatcher": list(entries)})


def one(*patterns: dict[str, Any], owner: str = "o", **more: Any) -> dict[str, Any]:
    return {"owner": owner, "pattern": list(patterns), **more}


def stream_of(*entries: dict[str, Any]) -> MatcherStream:
    registry = MatcherSet()
    registry.add(load_matchers(text_of(*entries)))
    return registry.stream()


ESLINT = one(
    {"regexp": r"^([^\s].*)$", "file": 1},
    {"regexp": r"^\s+(\d+):(\d+)\s+(error|warning)\s+(.*)\s\s+(.*)$", "line": 1, "column": 2, "severity": 3}
    | {"message": 4, "code": 5, "loop": True},
)  # fmt: skip


@pytest.mark.covers("runtime:6.6")
@pytest.mark.parametrize(
    ("matcher", "error"),
    [
        ({"owner": "", "pattern": []}, "Owner must not be empty"),
        (one({"regexp": "a", "message": 0}, severity="fatal"), "Matcher 'o' contains unexpected default severity 'fatal'"),
        (one(), "Matcher 'o' does not contain any patterns"),
        (one({"regexp": "a"}), "At least one pattern must set 'message'"),
        (one({"regexp": "a", "message": 1}), "The property 'message' is set to 1 which is out of range"),
        (one({"regexp": "a", "message": -1}), "The property 'message' is set to -1 which is out of range"),
        (one({"regexp": "a", "message": 0}, {"regexp": "b", "message": 0}), "The property 'message' is set twice"),
        (one({"regexp": "a", "message": 0, "loop": True}), "Only the last pattern in a multiline matcher may set 'loop'"),
        (
            one({"regexp": "a"}, {"regexp": "b", "message": 0, "loop": True}, {"regexp": "c"}),
            "Only the last pattern in a multiline matcher may set 'loop'",
        ),
        (one({"regexp": "a", "message": 0}, {"regexp": "b", "loop": True}), "The loop pattern must set 'message'"),
    ],
)
def test_matchers_that_are_not_valid(matcher: dict[str, Any], error: str) -> None:
    with pytest.raises(MatcherError) as caught:
        load_matchers(text_of(matcher))
    assert str(caught.value) == error


@pytest.mark.covers("runtime:6.6")
def test_an_owner_may_stand_in_a_file_once() -> None:
    pattern = {"regexp": "a", "message": 0}
    with pytest.raises(MatcherError, match="Duplicate owner name 'X'"):
        load_matchers(text_of(one(pattern, owner="x"), one(pattern, owner="X")))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"problemMatcher": 1}',
        '{"problemMatcher": [1]}',
        text_of({"owner": 1}),
        text_of(one({"regexp": "("})),
        text_of({"owner": "o", "pattern": [1]}),
        text_of(one({"regexp": "a", "message": "1"})),
    ],
)
def test_other_content_is_refused_with_an_error(text: str) -> None:
    with pytest.raises(MatcherError):
        load_matchers(text)


def test_a_file_without_matchers_has_none() -> None:
    assert load_matchers("{}") == []
    assert load_matchers('\ufeff{"problemMatcher": null}') == []


@pytest.mark.covers("runtime:6.6")
def test_one_pattern_gives_an_issue_a_line() -> None:
    stream = stream_of(
        one(
            {
                "regexp": r"^(.+)\((\d+),(\w+)\): (?:(\w+) )?(\S+): (.*)$",
                "file": 1,
                "line": 2,
                "column": 3,
                "severity": 4,
                "code": 5,
            }
            | {"message": 6},
            fromPath="proj/x.csproj",
        )
    )
    assert stream.feed("a.cs(3,x): Warning  C1: bad") is None
    assert stream.feed("a.cs(3,x): Warning C1: bad") == Issue(
        "warning", "bad", file="a.cs", from_path="proj/x.csproj", line=3, code="C1"
    )
    assert stream.feed("a.cs(3,7): C1: bad") == Issue(
        "error", "bad", file="a.cs", from_path="proj/x.csproj", line=3, column=7, code="C1"
    )
    assert stream.feed("a.cs(3,7): info C1: bad") is None  # an unknown severity is no issue


@pytest.mark.covers("runtime:6.6")
def test_a_match_without_a_message_is_no_issue() -> None:
    assert stream_of(one({"regexp": "^a(.*)$", "message": 1})).feed("a  ") is None


@pytest.mark.covers("runtime:6.6")
def test_the_default_severity_fills_in_for_an_empty_one() -> None:
    matcher = one({"regexp": "^(E?)x(.*)$", "severity": 1, "message": 2}, severity="notice")
    assert stream_of(matcher).feed("xm") == Issue("notice", "m")


@pytest.mark.covers("runtime:6.6")
def test_a_loop_keeps_what_the_first_patterns_found() -> None:
    stream = stream_of(ESLINT)
    lines = ["a.js", "  1:2  error  no good  rule-a", "  3:4  warning  bad  rule-b", "", "  5:6  error  lost  rule-c"]
    assert [stream.feed(line) for line in lines] == [
        None,
        Issue("error", "no good", file="a.js", line=1, column=2, code="rule-a"),
        Issue("warning", "bad", file="a.js", line=3, column=4, code="rule-b"),
        None,
        None,
    ]


@pytest.mark.covers("runtime:6.6")
def test_without_loop_the_patterns_start_again() -> None:
    stream = stream_of(one({"regexp": "^F (.*)$", "file": 1}, {"regexp": "^- (.*)$", "message": 1}))
    assert [stream.feed(line) for line in ("F a", "- m", "- n", "F b", "x", "- o")] == [
        None,
        Issue("error", "m", "a"),
        *[None] * 4,
    ]


@pytest.mark.covers("runtime:6.6")
def test_three_patterns_must_follow_each_other() -> None:
    stream = stream_of(one({"regexp": "^a$"}, {"regexp": "^b (.*)$", "file": 1}, {"regexp": "^c (.*)$", "message": 1}))
    found = [stream.feed(line) for line in ("a", "b f", "c m", "a", "x", "b f", "c m")]
    assert found == [None, None, Issue("error", "m", "f"), None, None, None, None]


@pytest.mark.covers("runtime:6.6")
def test_a_broken_loop_does_not_go_on() -> None:
    stream = stream_of(
        one({"regexp": "^a$"}, {"regexp": "^b (.*)$", "file": 1}, {"regexp": "^c (.*)$", "message": 1, "loop": True})
    )
    found = [stream.feed(line) for line in ("a", "b f", "c 1", "c 2", "x", "c 3")]
    assert found == [None, None, Issue("error", "1", "f"), Issue("error", "2", "f"), None, None]


@pytest.mark.covers("runtime:6.6")
def test_a_complete_match_resets_the_others_and_the_newest_matcher_comes_first() -> None:
    slow = one({"regexp": "^F (.*)$", "file": 1}, {"regexp": "^x (.*)$", "message": 1}, owner="slow")
    fast = one({"regexp": "^F! (.*)$", "message": 1}, owner="fast")
    stream = stream_of(slow, fast)
    assert [stream.feed(line) for line in ("F a", "F! now", "x late")] == [None, Issue("error", "now"), None]


@pytest.mark.covers("runtime:6.6")
def test_an_owner_is_replaced_and_removed_ignoring_case() -> None:
    registry = MatcherSet()
    stream = registry.stream()
    assert not stream.active
    registry.add(load_matchers(text_of(one({"regexp": "a", "message": 0}, owner="X"))))
    assert stream.feed("a") is not None
    registry.add(load_matchers(text_of(one({"regexp": "b", "message": 0}, owner="x"))))
    assert stream.feed("a") is None
    assert stream.feed("b") is not None
    registry.remove(["X"])
    assert stream.feed("b") is None
    assert not stream.active


def test_each_stream_has_a_state_of_its_own() -> None:
    registry = MatcherSet()
    registry.add(load_matchers(text_of(ESLINT)))
    out, err = registry.stream(), registry.stream()
    out.feed("a.js")
    assert err.feed("  1:2  error  no good  rule-a") is None
    assert out.feed("  1:2  error  no good  rule-a") is not None


@pytest.mark.covers("runtime:6.6")
def test_an_expression_that_takes_too_long_is_removed_with_a_warning() -> None:
    tries = []

    def search(pattern: re.Pattern[str], text: str, start: int) -> re.Match[str] | None:
        if "(a+)+" in pattern.pattern:
            tries.append(text)
            raise TimeoutError("too long")
        return pattern.search(text, start)

    registry = MatcherSet(search)
    slow, fine = one({"regexp": r"^(a+)+$", "message": 1}), one({"regexp": "b$", "message": 0}, owner="fine")
    registry.add(load_matchers(text_of(fine, slow)))
    stream = registry.stream()
    assert stream.feed("ab") == Issue("error", "b")
    assert stream.removed == ["Removing issue matcher 'o'. Matcher failed 3 times. Error: too long"]
    assert stream.feed("a") is None
    assert len(tries) == 3


def test_a_search_without_end_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matchers, "SECONDS", 0.05)
    with pytest.raises(TimeoutError):
        timed_search(re.compile("^(a+)+$"), "a" * 60 + "b", 0)
    assert timed_search(re.compile("b$"), "ab", 0)


def test_very_long_lines_are_not_tested() -> None:
    stream = stream_of(one({"regexp": "^a+$", "message": 0}))
    assert stream.feed("a" * MAX_LINE) is not None
    assert stream.feed("a" * (MAX_LINE + 1)) is None


EXPRESSIONS = [
    r"^\s*File\s\"(.*)\",\sline\s(\d+),\sin\s(.*)$",
    r"a\s*b", r"[^x]+y", r"\S+\D\W", r"[\s\S]b", r"(?s)a.?b", r"[\t-\r]b", r"a\nb", "a\nb", r"a$",
    r"^\b", r"a(?!\s*b)", r"(?<=a)\s*b", r"[\D]b", r"\x0ab?", r"a[\n]?b", r".*", r"(?:a|\n)b", r"\Aa", r"a\z", "a[\nb]", r"\cJ?b",
    "^a", "^a|b", r"^(?:a|b)", r"^\s*a", "^", "^$", r"^^\s*x", r"^[|]|b", r"^\|a", r"^(a)?\s+(b|x)$", "^.?$", r"^\s*",
]  # fmt: skip


@pytest.mark.parametrize("source", EXPRESSIONS)
@given(lines=st.lists(st.text(st.sampled_from('ab xy\t1"'), max_size=6), min_size=1, max_size=6))
def test_an_expression_finds_in_a_text_what_it_finds_in_its_lines(source: str, lines: list[str]) -> None:
    expression = translate(source)
    text = "".join(f"{line}\n" for line in lines)
    found, at = [], 0
    while at < len(text) and (start := expression.line(text, at, plain_search)) >= 0:
        found.append(text.count("\n", 0, start))
        at = text.index("\n", start) + 1
    assert found == [i for i, line in enumerate(lines) if expression.pattern.search(line)]


@pytest.mark.parametrize(
    ("source", "text", "matched"),
    [
        (r"(?<file>\w+):(\d+)", "ab:1", True),
        (r"\w", "é", False),
        (r"\d", "٣", False),
        (r"[\w-]+$", "a-b", True),
        (r"[a\]]\/\-\e\y", "]/-\x1by", True),
        (r"[[a]&&b]", "[&&b]", True),
        (r"(?<q>['\"]).*\k<q>", "'a'", True),
        (r"[]a]", "]", True),
        (r"\u00e9\xe9", "éé", True),
    ],
)
def test_expressions_of_the_other_flavour(source: str, text: str, matched: bool) -> None:
    assert bool(translate(source).pattern.search(text)) == matched


def test_named_groups_are_numbered_after_the_others() -> None:
    registry = MatcherSet()
    registry.add(load_matchers(text_of(one({"regexp": r"^(?<f>\w+) (\w+)$", "message": 1, "file": 2}))))
    assert registry.stream().feed("left right") == Issue("error", "right", file="left")


@pytest.mark.covers("runtime:6.6")
@pytest.mark.parametrize(
    ("file", "from_path", "path"),
    [
        ("src/a.py", "", "/w/src/a.py"),
        ("../a.py", "", "/a.py"),
        ("/x/./a.py", "", "/x/a.py"),
        ("a.cs", "/w/proj/x.csproj", "/w/proj/a.cs"),
        ("a.cs", "proj/x.csproj", "/w/proj/a.cs"),
        ("a.cs", "x.csproj", "/w/a.cs"),
        ("/x/a.cs", "proj/x.csproj", "/x/a.cs"),
    ],
)
def test_where_the_file_of_an_issue_is_looked_for(file: str, from_path: str, path: str) -> None:
    assert issue_path(Issue("error", "m", file=file, from_path=from_path), "/w") == path
    assert issue_path(Issue("error", "m", file=" "), "/w") is None


@pytest.mark.covers("runtime:6.6")
@pytest.mark.parametrize(
    ("config", "belongs"),
    [
        ('[remote "origin"]\n\turl = https://github.com/o/r\n', True),
        ("  url = HTTPS://GitHub.com/O/r", True),
        ("url = git@github.com:o/r.git", True),
        ("url = https://github.com/o/r.git", False),
        ("url = https://github.com/o/other", False),
        ("", False),
    ],
)
def test_whether_a_checkout_is_of_the_repository(config: str, belongs: bool) -> None:
    assert is_checkout_of(config, "https://github.com", "o/r") == belongs


def test_an_expression_that_python_does_not_know_is_refused() -> None:
    with pytest.raises(re.error):
        translate("[a")
    with pytest.raises(MatcherError, match="Invalid pattern"):
        load_matchers(text_of(one({"regexp": "*a", "message": 0})))
