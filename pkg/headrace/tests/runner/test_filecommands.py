from __future__ import annotations

import pytest
from headrace.runner.filecommands import Pairs, add_paths, errors, parse_pairs, parse_paths, summary
from headrace.runner.masking import Masker
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.covers("runtime:5.2")
@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        ("\n\n", []),
        ("A=1", [("A", "1")]),
        (" A = 1 \n", [(" A ", " 1 ")]),
        ('A="x"\nA=\n', [("A", '"x"'), ("A", "")]),
        ("A=b<<c\n", [("A", "b<<c")]),
        ("K<<EOF=1\nx\nEOF=1\n", [("K", "x")]),
        ("K<<EOF\nEOF\n", [("K", "")]),
        ("K<<EOF\n\nEOF", [("K", "")]),
        ("K<<EOF\n\n\nEOF\nL=2", [("K", "\n"), ("L", "2")]),
        ("K<<EOF\n  EOF\nEOF \nEOF\n", [("K", "  EOF\nEOF ")]),
        ("K<< EOF\nx\n EOF\n", [("K", "x")]),
        ("K<<'EOF'\nx\n'EOF'\n", [("K", "x")]),
        ("A=1\r\n", [("A", "1\r")]),
        ("K<<EOF\r\na\r\nb\r\nEOF\r\n", [("K", "a\r\nb\r")]),
        ("K<<A<<B\nx\nA<<B\n", [("K", "x")]),
    ],
)
def test_pairs(text: str, pairs: list[tuple[str, str]]) -> None:
    assert parse_pairs(text.encode(), "output") == Pairs(pairs)


@pytest.mark.covers("runtime:5.2")
@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("nonsense", "Invalid format 'nonsense'"),
        ("\r\n", "Invalid format '\r'"),
        ("<<X\n", "Invalid format '<<X'. Name must not be empty and delimiter must not be empty"),
        ("K<<\n", "Invalid format 'K<<'. Name must not be empty and delimiter must not be empty"),
        ("K<<EOF\n", "Invalid value. Matching delimiter not found 'EOF'"),
        ("K<<EOF\nx\n", "Invalid value. Matching delimiter not found 'EOF'"),
        ("K<<EOF\nx", "Invalid value. EOF marker missing new line."),
        ("K<<EOF\nx\n EOF", "Invalid value. EOF marker missing new line."),
    ],
)
def test_pairs_before_a_faulty_line_have_taken_effect(text: str, error: str) -> None:
    assert parse_pairs(f"A=1\n{text}".encode(), "env") == Pairs([("A", "1")], error)


@pytest.mark.covers("runtime:5.2")
def test_an_empty_name_is_accepted_for_state_only() -> None:
    assert parse_pairs(b"=v\n", "state") == Pairs([("", "v")])
    for kind in ("env", "output"):
        result = parse_pairs(b"A=1\n=v\nB=2\n", kind)
        assert result.pairs == [("A", "1")]
        assert result.error


@pytest.mark.covers("runtime:3.5")
def test_node_options_cannot_be_set_for_others() -> None:
    data = b"A=1\nnode_Options<<E\n--inspect\nE\nB=2\n"
    assert parse_pairs(data, "env") == Pairs([("A", "1"), ("B", "2")], None, ("node_Options",))
    assert parse_pairs(b"NODE_OPTIONS=x", "output") == Pairs([("NODE_OPTIONS", "x")])


@pytest.mark.covers("runtime:5.1")
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_are_honoured(encoding: str) -> None:
    assert parse_pairs("K=ä".encode(encoding), "env").pairs == [("K", "ä")]


@pytest.mark.covers("runtime:5.1")
def test_bytes_that_are_not_unicode_become_replacement_characters() -> None:
    assert parse_pairs(b"K=\xffx", "env").pairs == [("K", "\ufffdx")]


@pytest.mark.covers("runtime:5.3")
def test_paths_end_at_every_kind_of_line_end_and_are_not_trimmed() -> None:
    assert parse_paths(b"/a\n\n/b\r\n rel \r/c") == ["/a", "/b", " rel ", "/c"]
    assert parse_paths(b"") == []


@pytest.mark.covers("runtime:2.4")
def test_an_entry_that_is_added_again_moves_to_the_end() -> None:
    assert add_paths(["/a", "/b"], ["/c", "/a"]) == ["/b", "/c", "/a"]


@pytest.mark.covers("runtime:5.4")
def test_a_summary_is_masked_by_line() -> None:
    m = Masker()
    m.add("s3cret\nother")
    assert summary(b"# s3cret\r\nother end", m).text == "# ***\n*** end\n"
    assert summary(b"", m).text == ""


@pytest.mark.covers("runtime:5.4")
def test_a_summary_beyond_one_mebibyte_is_refused() -> None:
    assert summary(b"x" * 1024 * 1024, Masker()).error is None
    refused = summary(b"x" * (1024 * 1024 + 2048), Masker())
    assert refused.text == ""
    assert refused.error is not None
    assert refused.error.startswith("$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of 1024k, got 1026k.")


@pytest.mark.covers("runtime:5.1")
def test_the_annotations_of_a_faulty_file() -> None:
    assert errors("env", "why") == ("Unable to process file command 'env' successfully.", "why")


@given(st.binary() | st.text(st.sampled_from("AK=<\n\rE ")).map(str.encode), st.sampled_from(["env", "output", "state"]))
def test_any_bytes_can_be_read(data: bytes, kind: str) -> None:
    result = parse_pairs(data, kind)  # type: ignore[arg-type]
    assert result.error is None or result.error
    parse_paths(data)
    summary(data, Masker())


@given(st.lists(st.tuples(st.text(st.sampled_from("abc_"), min_size=1), st.text(st.characters(codec="utf-8")))))
def test_what_the_toolkit_writes_is_read_back(pairs: list[tuple[str, str]]) -> None:
    text = "".join(f"{name}<<ghadelimiter_0\n{value}\nghadelimiter_0\n" for name, value in pairs)
    assert parse_pairs(text.encode(), "output") == Pairs(pairs)
