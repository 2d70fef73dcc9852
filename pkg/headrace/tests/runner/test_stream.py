from __future__ import annotations

import pytest
from headrace.runner import stream
from headrace.runner.commands import Command, CommandError, log_lines
from headrace.runner.masking import Masker
from headrace.runner.matchers import Issue, MatcherSet, load_matchers
from headrace.runner.stream import CommandGate, StreamReader
from hypothesis import given, settings
from hypothesis import strategies as st

MATCHERS = r"""{"problemMatcher": [
  {"owner": "one", "severity": "warning", "pattern": [{"regexp": "^W (\\S+) (.*)$", "file": 1, "message": 2}]},
  {"owner": "two", "pattern": [{"regexp": "^F (.+)$", "file": 1}, {"regexp": "^\\s+(\\d+) (.*)$", "line": 1, "message": 2}]}
]}"""


class Step:
    """What a step does with its output, as far as these tests need it."""

    def __init__(self, secrets: tuple[str, ...] = (), *, echo: bool = False, any_token: bool = False) -> None:
        self.masker = Masker()
        for secret in secrets:
            self.masker.add(secret)
        self.matchers = MatcherSet()
        self.gate = CommandGate(echo=echo, any_token=any_token)
        self.commands: list[tuple[str, str]] = []
        self.issues: list[Issue] = []
        self.errors: list[tuple[str, str]] = []

    def command(self, command: Command) -> list[str]:
        self.commands.append((command.name, command.data))
        match command.name:
            case "add-mask":
                self.masker.add(command.data)
            case "add-matcher":
                self.matchers.add(load_matchers(MATCHERS))
            case "remove-matcher":
                self.matchers.remove([command.properties["owner"]])
            case "set-env":
                raise CommandError("disabled")
        return log_lines(command, debug=False, mask=self.masker.mask_text)

    def refused(self, command: Command, errors: tuple[str, str]) -> None:
        self.errors.append(errors)

    def issue(self, issue: Issue) -> None:
        self.issues.append(issue)

    def reader(self) -> StreamReader:
        return StreamReader(self, self.masker, self.gate, self.matchers)


def log_of(step: Step, *chunks: bytes) -> bytes:
    reader = step.reader()
    return b"".join([reader.feed(chunk) for chunk in chunks]) + reader.finish()


@pytest.mark.covers("runtime:1.13")
@pytest.mark.parametrize(
    ("chunks", "log"),
    [
        ([b"a\nb\n"], b"a\nb\n"),
        ([b"a\r\nb\rc"], b"a\nb\nc\n"),
        ([b"a\r", b"\nb"], b"a\nb\n"),
        ([b"a\r", b"b"], b"a\nb\n"),
        ([b"a\r", b"\n\nb"], b"a\n\nb\n"),
        ([b"\n\n"], b"\n\n"),
        ([b"a", b"b", b"", b"c\n"], b"abc\n"),
        ([b""], b""),
        ([b"\xff\n"], b"\xff\n"),
    ],
)
def test_lines_end_at_lf_cr_lf_or_cr(chunks: list[bytes], log: bytes) -> None:
    assert log_of(Step(), *chunks) == log


@pytest.mark.covers("runtime:6.1")
def test_a_command_is_done_and_not_printed() -> None:
    step = Step()
    assert log_of(step, b"a\n::set-output name=x::y\nb ##[add-path]/z\nc\n") == b"a\nc\n"
    assert step.commands == [("set-output", "y"), ("add-path", "/z")]


@pytest.mark.covers("runtime:6.1")
def test_a_command_cut_into_chunks_is_recognised() -> None:
    step = Step()
    assert log_of(step, b"a\n:", b":gro", b"up:", b":x", b"\n") == b"a\n##[group]x\n"


def test_the_last_line_needs_no_end_to_be_a_command() -> None:
    assert log_of(Step(), b"::endgroup::") == b"##[endgroup]\n"


@pytest.mark.covers("runtime:6.1")
def test_unknown_commands_are_printed_as_they_are() -> None:
    step = Step()
    text = b"  ::what::x\ntests/a.py::test_b PASSED\n##[section]x\n"
    assert log_of(step, text) == text
    assert not step.commands


@pytest.mark.covers("runtime:7.3")
def test_a_mask_holds_from_the_next_line_on() -> None:
    assert log_of(Step(), b"s3cret\n::add-mask::s3cret\ns3cret\nx s3cret\n") == b"s3cret\n***\nx ***\n"


@pytest.mark.covers("runtime:7.3")
def test_what_commands_print_is_masked() -> None:
    assert log_of(Step(("s3cret",)), b"::group::s3cret\n::error::my s3cret%0As3cret\n") == b"##[group]***\n##[error]my ***\n***\n"


@pytest.mark.covers("runtime:6.4")
def test_between_stop_and_resume_everything_is_text() -> None:
    step = Step()
    log = log_of(step, b"::stop-commands::pause\n::error::x\n::add-mask::x\n##[PAUSE]\n::error::y\n")
    assert log == b"::stop-commands::pause\n::error::x\n::add-mask::x\n##[PAUSE]\n##[error]y\n"
    assert step.commands == [("error", "y")]


@pytest.mark.covers("runtime:6.4")
def test_the_two_streams_of_a_step_stop_together_and_the_next_step_listens_again() -> None:
    step = Step()
    out, err = step.reader(), step.reader()
    out.feed(b"::stop-commands::token1\n")
    assert err.feed(b"::group::x\n") == b"::group::x\n"
    assert err.feed(b"::token1::\n::group::x\n").endswith(b"##[group]x\n")
    assert out.feed(b"::group::x\n") == b"##[group]x\n"


@pytest.mark.covers("runtime:6.4")
def test_a_long_token_is_masked() -> None:
    assert log_of(Step(), b"::stop-commands::abcdefg\nabcdefg\n::abcdefg::\n") == b"::stop-commands::***\n***\n::***::\n"
    assert log_of(Step(), b"::stop-commands::abcdef\nabcdef\n") == b"::stop-commands::abcdef\nabcdef\n"


@pytest.mark.covers("runtime:6.4")
@pytest.mark.parametrize("token", ["", "error", "Pause-Logging", "stop-commands"])
def test_a_token_that_anyone_may_print_fails_the_step(token: str) -> None:
    step = Step()
    log = log_of(step, f"::stop-commands::{token}\n::group::x\n".encode())
    assert log.startswith(f"##[error]Unable to process command '::stop-commands::{token}' successfully.\n".encode())
    assert log.endswith(b"\n##[group]x\n")
    assert len(step.errors) == 1


def test_any_token_is_taken_where_the_user_allows_it() -> None:
    assert log_of(Step(any_token=True), b"::stop-commands::error\n::group::x\n::error::\n::group::x\n").endswith(
        b"\n::group::x\n::error::\n##[group]x\n"
    )


@pytest.mark.covers("runtime:6.2")
def test_echo_prints_commands_but_never_masks_and_annotations() -> None:
    text = b"::echo::ON\n::set-output name=a::b\n::add-mask::x\n::warning::w\n::debug::d\n::group::g\n::echo::off\n::group::h\n"
    expected = b"::set-output name=a::b\n##[warning]w\n::group::g\n##[group]g\n::echo::off\n##[group]h\n"
    assert log_of(Step(), text) == expected


@pytest.mark.covers("runtime:6.2")
@pytest.mark.parametrize("data", ["maybe", ""])
def test_echo_takes_on_and_off_only(data: str) -> None:
    step = Step()
    log_of(step, f"::echo::{data}\n".encode())
    assert len(step.errors) == 1


@pytest.mark.covers("runtime:6.1")
def test_a_handler_that_refuses_gives_two_errors_and_goes_on() -> None:
    step = Step(("s3cret",))
    log = log_of(step, b"::set-env name=A::s3cret\nnext\n")
    assert log == b"##[error]Unable to process command '::set-env name=A::***' successfully.\n##[error]disabled\nnext\n"
    assert step.errors == [("Unable to process command '::set-env name=A::s3cret' successfully.", "disabled")]


@pytest.mark.covers("runtime:13")
def test_markers_of_the_runner_itself_cannot_be_forged() -> None:
    assert log_of(Step(), b"##[start-action x\n a ##[end-action]\n") == b"##[\\start-action x\n a ##[\\end-action]\n"


@pytest.mark.covers("runtime:6.6")
def test_matched_lines_get_their_level_and_others_none() -> None:
    step = Step(("s3cret",))
    step.matchers.add(load_matchers(MATCHERS))
    log = log_of(step, b"x\nW a.py careful s3cret\nF b.py\n  7 broken\n  8 no more\nF c.py\nother\n  9 lost\n")
    assert log == (b"x\n##[warning]W a.py careful ***\nF b.py\n##[error]  7 broken\n  8 no more\nF c.py\nother\n  9 lost\n")
    assert step.issues == [
        Issue("warning", "careful s3cret", file="a.py"),
        Issue("error", "broken", file="b.py", line=7),
    ]


@pytest.mark.covers("runtime:6.6")
def test_matchers_come_and_go_within_the_output() -> None:
    step = Step()
    lines = b"W a b\n##[add-matcher]m.json\nW a b\n::remove-matcher owner=ONE::\nW a b\n"
    assert log_of(step, lines) == b"W a b\n##[warning]W a b\nW a b\n"


@pytest.mark.covers("runtime:6.6")
@pytest.mark.parametrize("expression", ["^$", "x*$", "^(a*)"])
def test_behind_the_last_line_there_is_none_that_a_matcher_could_find(expression: str) -> None:
    step = Step()
    pattern = f'{{"regexp": "{expression}", "message": 0}}'
    step.matchers.add(load_matchers(f'{{"problemMatcher": [{{"owner": "empty", "pattern": [{pattern}]}}]}}'))
    assert log_of(step, b"b\nc\n") == b"b\nc\n"
    assert step.issues == []


@pytest.mark.covers("runtime:6.6")
def test_commands_are_not_shown_to_matchers() -> None:
    step = Step()
    step.matchers.add(load_matchers(MATCHERS))
    assert log_of(step, b"F a\n::debug::x\n 1 m\n") == b"F a\n##[error] 1 m\n"


@pytest.mark.covers("runtime:6.6")
def test_an_empty_line_at_the_end_of_a_chunk_counts_too() -> None:
    step = Step()
    step.matchers.add(load_matchers(MATCHERS))
    assert log_of(step, b"F a\n\n", b" 1 m\n") == b"F a\n\n 1 m\n"


def test_matchers_see_replacement_characters_and_the_log_the_bytes() -> None:
    step = Step()
    step.matchers.add(load_matchers(MATCHERS))
    assert log_of(step, b"W a \xff\n") == b"##[warning]W a \xff\n"
    assert step.issues[0].message == "\ufffd"


PIECES = st.lists(
    st.sampled_from([
        b"a", b"ab", b"s3cret", b"s3c", b"ret", b"\xc3\xa4", b"\xff", b"\n", b"\r", b"::", b"##[", b"]",
        b"W f m\n", b"F f\n", b" 3 m\n", b"::group::x\n", b"::add-mask::ab\n", b"::stop-commands::tk\n", b"::tk::\n",
        b"##[add-matcher]x\n", b"::error::s3cret%0Ab\n",
    ]),
    max_size=25,
).map(b"".join)  # fmt: skip


@settings(max_examples=3 * settings().max_examples)
@given(PIECES, st.data())
def test_how_the_bytes_are_cut_makes_no_difference(text: bytes, data: st.DataObject) -> None:
    whole = Step(("s3cret",))
    expected = log_of(whole, text)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    step = Step(("s3cret",))
    assert log_of(step, *chunks) == expected
    assert (step.commands, step.issues, step.errors) == (whole.commands, whole.issues, whole.errors)
    assert b"s3cret" not in expected


@settings(max_examples=3 * settings().max_examples)
@given(PIECES)
def test_large_pieces_give_what_single_lines_give(text: bytes) -> None:
    lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").splitlines(keepends=True) if text else []
    assert log_of(Step(("s3cret",)), text) == log_of(Step(("s3cret",)), *lines)


@given(
    st.text(st.sampled_from("xabcs3cret "), max_size=200),
    st.lists(st.text(st.sampled_from("abc3 "), min_size=1, max_size=6), max_size=3),
    st.integers(1, 7),
)
def test_a_line_without_end_is_printed_in_pieces_that_are_masked_as_one(line: str, secrets: list[str], size: int) -> None:
    limit = stream.LINE_LIMIT
    try:
        stream.LINE_LIMIT = 8
        text = f"{line}\nnext abc\n".encode()
        chunks = [text[i : i + size] for i in range(0, len(text), size)]
        log = log_of(Step(tuple(secrets)), *chunks)
    finally:
        stream.LINE_LIMIT = limit
    assert log == Step(tuple(secrets)).masker.mask(text)


def test_the_memory_for_a_line_without_end_is_bounded() -> None:
    step = Step(("s3cret",))
    reader = step.reader()
    chunk = b"x" * 65530 + b"s3cret"
    out = sum(len(reader.feed(chunk)) for _ in range(64))
    assert out > 2_000_000
    assert len(reader._rest) <= stream.LINE_LIMIT
    assert reader.feed(b"\nend\n").endswith(b"\nend\n")


def test_a_long_command_is_still_a_command() -> None:
    step = Step()
    value = b"v" * (3 << 20)
    text = b"a\n::set-output name=x::" + value + b"\nb\n"
    assert log_of(step, *[text[i : i + 65536] for i in range(0, len(text), 65536)]) == b"a\nb\n"
    assert step.commands == [("set-output", value.decode())]


def test_a_command_beyond_all_bounds_fails_the_step_and_is_not_printed() -> None:
    step = Step()
    reader = step.reader()
    log = reader.feed(b"::add-mask::")
    for _ in range(40):
        log += reader.feed(b"secret00" * 65536)
    log += reader.feed(b"secret\nafter\n") + reader.finish()
    assert log.startswith(b"##[error]Unable to process command 'add-mask' successfully.\n##[error]The line is longer than")
    assert log.endswith(b"\nafter\n")
    assert b"secret" not in log
    assert len(step.errors) == 1
