from __future__ import annotations

import pytest
from headrace.runner.commands import Annotation, annotation, log_lines, parse_command
from headrace.runner.masking import Masker
from hypothesis import given
from hypothesis import strategies as st


def note(line: str, workspace: str = "/w") -> Annotation:
    command = parse_command(line)
    assert command is not None
    return annotation(command, workspace=workspace, mask=str)


@pytest.mark.covers("runtime:6.1")
@pytest.mark.parametrize(
    ("line", "name", "properties", "data"),
    [
        ("::endgroup::", "endgroup", {}, ""),
        ("  \t\u00a0::group::a b ", "group", {}, "a b "),
        ("::Set-Output name=x::v::w", "set-output", {"name": "x"}, "v::w"),
        ("::error file=a b.py,LINE=3,x=::m", "error", {"file": "a b.py", "line": "3"}, "m"),
        ("::error file=a, line=3::m", "error", {"file": "a", " line": "3"}, "m"),  # a blank belongs to the key
        ("::error  file=a ::m", "error", {"file": "a"}, "m"),
        ("::error ,,=x,y,file=a%2Cb%3Ac%25::m", "error", {"file": "a,b:c%"}, "m"),
        ("::error title=a=b::m", "error", {"title": "a=b"}, "m"),
        ("::warning::a%0Ab%0D%25c%3A%2C", "warning", {}, "a\nb\r%c%3A%2C"),
        ("::warning::%250A%0a", "warning", {}, "%0A%0a"),  # `%25` last, and only upper case
        ("##[add-matcher]/x/m.json", "add-matcher", {}, "/x/m.json"),
        ("2024 ##[error file=a;line=2]no%3B%5D%0A", "error", {"file": "a", "line": "2"}, "no;]\n"),
        ("##[group]", "group", {}, ""),
        ("::nothing::see ##[error]here", "error", {}, "here"),
    ],
)
def test_commands_are_recognised(line: str, name: str, properties: dict[str, str], data: str) -> None:
    command = parse_command(line)
    assert command is not None
    assert (command.name, command.properties, command.data, command.raw) == (name, properties, data, line)


@pytest.mark.covers("runtime:6.1")
@pytest.mark.parametrize(
    "line",
    [
        "",
        "plain",
        "x ::error::late",  # form A must begin the line
        "::error",
        "::error message",
        "tests/test_a.py::test_b PASSED",
        "::unknown::x",
        "::error\tfile=a::x",  # only a blank ends the name
        "##[section]x",
        "##[error",
        "##[ error]x",
        "\x1c::error::x",
        "::::",
    ],
)
def test_other_lines_are_ordinary_output(line: str) -> None:
    assert parse_command(line) is None


@pytest.mark.covers("runtime:6.4")
def test_a_resume_token_counts_as_a_name_ignoring_case() -> None:
    assert parse_command("::ToKen::") is None
    command = parse_command("::ToKen::", "tOKEN")
    assert command is not None
    assert command.name == "token"


@given(st.text(st.characters(blacklist_characters="\r\n")))
def test_data_comes_back_as_it_was_escaped(data: str) -> None:
    escaped = data.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    command = parse_command(f"::notice::{escaped}")
    assert command is not None
    assert command.data == data


@given(st.text())
def test_any_line_can_be_parsed(line: str) -> None:
    parse_command(line)
    parse_command(f"::error {line}::{line}")
    parse_command(f"##[error {line}]{line}")


@pytest.mark.covers("runtime:6.3")
@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("line=3,endLine=5", (3, 0, 5, 0)),
        ("line=3,col=1,endColumn=4", (3, 1, 0, 4)),
        ("endLine=5", (5, 0, 5, 0)),
        ("line=2,endColumn=4", (2, 4, 0, 4)),
        ("col=1,endColumn=2", (0, 0, 0, 0)),
        ("line=1,endLine=2,col=1,endColumn=2", (1, 0, 2, 0)),
        ("line=5,endLine=3", (0, 0, 0, 0)),
        ("line=1,endLine=1,col=4,endColumn=2", (1, 0, 1, 0)),
        ("line=x,col=1", (0, 0, 0, 0)),
        ("line=99999999999", (0, 0, 0, 0)),
    ],
)
def test_places_are_made_consistent(given_: str, kept: tuple[int, int, int, int]) -> None:
    a = note(f"::error file=f,{given_}::m")
    assert (a.line, a.column, a.end_line, a.end_column) == kept


@pytest.mark.covers("runtime:6.3")
def test_what_is_no_number_is_passed_on_as_it_is() -> None:
    a = note("::error line=soon,odd=thing::m")
    assert a.properties == {"line": "soon", "odd": "thing"}
    assert not a.debug


@pytest.mark.covers("runtime:6.3")
def test_what_is_dropped_is_explained() -> None:
    assert len(note("::error line=5,endLine=5,col=2,endColumn=1::m").debug) == 1
    assert len(note("::error line=5,endLine=3,col=2,endColumn=1::m").debug) == 3
    assert note("::error line=5,endLine=5::m").debug == ()


@pytest.mark.covers("runtime:6.3")
@pytest.mark.parametrize(
    ("file", "kept"),
    [("/w/src/a.py", "src/a.py"), ("/w", "/w"), ("/work/a.py", "/work/a.py"), ("src/a.py", "src/a.py"), ("/w/", "/w/")],
)
def test_a_file_below_the_workspace_becomes_relative(file: str, kept: str) -> None:
    assert note(f"::error file={file}::m").file == kept


@pytest.mark.covers("runtime:6.3")
def test_a_message_is_masked_before_it_is_cut() -> None:
    m = Masker()
    m.add("s3cret")
    command = parse_command("::error::" + "x" * 4093 + "s3cret")
    assert command is not None
    a = annotation(command, workspace="/w", mask=m.mask_text)
    assert a.message == "x" * 4093 + "***"
    assert log_lines(command, debug=False, mask=m.mask_text) == ["##[error]" + a.message]
    assert len(note("::error::" + "x" * 5000).message) == 4096


@pytest.mark.covers("runtime:6.2")
@pytest.mark.parametrize(
    ("line", "debug", "lines"),
    [
        ("::group::a", False, ["##[group]a"]),
        ("::endgroup::a", False, ["##[endgroup]"]),
        ("::warning::", False, []),
        ("::notice::a%0Ab", False, ["##[notice]a\nb"]),
        ("::debug::a", False, []),
        ("::debug::a%0D%0Ab", True, ["##[debug]a", "##[debug]b"]),
        ("::add-mask::a", True, []),
    ],
)
def test_what_the_log_shows(line: str, debug: bool, lines: list[str]) -> None:
    command = parse_command(line)
    assert command is not None
    assert log_lines(command, debug=debug, mask=str) == lines
