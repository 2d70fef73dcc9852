from __future__ import annotations

import base64
import json

import pytest
from headrace.runner.masking import Masker, derived
from hypothesis import given, settings
from hypothesis import strategies as st

ALPHABET = st.sampled_from("ab\"'&+<> \\:é")
VALUES = st.lists(st.text(ALPHABET, min_size=1, max_size=8), max_size=5)


def masker(*values: str) -> Masker:
    m = Masker()
    for value in values:
        m.add(value)
    return m


def by_hand(line: str, needles: set[str]) -> str:
    """Every character that lies in some match, each run of them as one mask: the rule, without any cleverness."""
    covered = [False] * len(line)
    ends = set()
    for needle in needles:
        at = line.find(needle)
        while at >= 0:
            covered[at : at + len(needle)] = [True] * len(needle)
            ends.add(at + len(needle))
            at = line.find(needle, at + 1)
    out = []
    for i, char in enumerate(line):
        if not covered[i]:
            out.append(char)
        elif i == 0 or not covered[i - 1]:
            out.append("***")
    return "".join(out)


def needles_of(values: list[str]) -> set[str]:
    whole = {v for v in values if v.strip()}
    whole |= {line.strip() for v in whole for line in v.splitlines() if line.strip()}
    return {form for v in whole for form in (v, *derived(v)) if "\n" not in form and "\r" not in form}


@pytest.mark.covers("runtime:7.3")
@pytest.mark.parametrize(
    ("values", "line", "masked"),
    [
        (["abc"], "xabcx", "x***x"),
        (["abc"], "ABC", "ABC"),
        (["abc", "cde"], "abcde", "***"),  # overlapping
        (["abc", "def"], "abcdef", "***"),  # touching
        (["aa"], "aaaaa b aa", "*** b ***"),
        (["abcdef", "cd"], "abcdeX cd", "ab***eX ***"),
        (["a"], "banana", "b***n***n***"),  # no value is too short
        (["é"], "café", "caf***"),
        ([], "abc", "abc"),
    ],
)
def test_every_match_of_every_value_is_replaced(values: list[str], line: str, masked: str) -> None:
    assert masker(*values).mask_text(line) == masked
    assert masker(*values).holds_secret(line) == (line != masked)


@pytest.mark.covers("runtime:7.2")
@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("s3cret", base64.b64encode(b"s3cret").decode()),
        ("s3cret", base64.b64encode(b"3cret").decode()),
        ("s3cret", base64.b64encode(b"cret").decode()),
        ("ab", base64.b64encode(b"b").decode()),
        ('tab\tquote"slash\\', 'tab\\tquote\\"slash\\\\'),
        ("bell\x07\u2028", "bell\\u0007\\u2028"),
        ('say "x"', 'say \\"x\\"'),
        ("it's", "it''s"),
        ("a b/ü~", "a%20b%2F%C3%BC~"),
        ("<a> & 'b' \"c\"", "&lt;a&gt; &amp; &apos;b&apos; &quot;c&quot;"),
        ("part1&part2&part3", "part1&part2&"),
        ("part1&second", "second"),
        ("part1&+xsecond&more", "part1&+"),
        ("part1&+xsecond&more", "second&more"),
        ('"quoted value"', "quoted value"),
    ],
)
def test_derived_forms_are_masked(value: str, form: str) -> None:
    assert masker(value).mask_text(f"({form})") == "(***)"


@pytest.mark.covers("runtime:7.2")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("s3cret", b"s3cret".hex()),
        ("s3cret", "terc3s"),
        ("s3cret", "S3CRET"),
        ('"short"', "short"),  # eight characters or fewer keep their quotes
        ("ab&cd", "ab&"),  # parts of fewer than six characters
        ("secret line", "secret\nline"),
    ],
)
def test_other_forms_are_not_masked(value: str, text: str) -> None:
    assert masker(value).mask_text(text) == text


def test_json_form_is_what_a_json_writer_prints() -> None:
    value = 'multi\nline "quoted" \\ and \x01'
    assert masker(value).mask_text(json.dumps(value, ensure_ascii=False)) == '"***"'


@pytest.mark.covers("runtime:7.1")
def test_a_value_of_several_lines_masks_each_line_trimmed() -> None:
    m = masker("  first\r\n\n\tsecond line  \rthird")
    assert m.mask_text("first | second line | third | fourth") == "*** | *** | *** | fourth"


@pytest.mark.covers("runtime:7.1")
@pytest.mark.parametrize("value", ["", " ", "\n\t \r\n", "\u00a0\u3000"])
def test_blank_values_are_not_registered(value: str) -> None:
    m = Masker()
    assert not m.add(value)
    assert not m.add_token(value)
    assert m.mask(b"a b") == b"a b"


@pytest.mark.covers("runtime:7.1")
def test_a_secret_is_trimmed_but_a_mask_keeps_its_blanks() -> None:
    secret, mask = Masker(), Masker()
    secret.add_secret(" abc ")
    mask.add(" abc ")
    assert secret.mask_text("x abc y") == "x *** y"
    assert mask.mask_text("x abc y") == "x***y"


@pytest.mark.covers("runtime:7.1")
def test_the_token_is_masked_as_git_sends_it() -> None:
    m = Masker()
    m.add_token("ghs_token")
    header = base64.b64encode(b"x-access-token:ghs_token").decode()
    assert m.mask_text(f"AUTHORIZATION: basic {header} ghs_token") == "AUTHORIZATION: basic *** ***"


@pytest.mark.covers("runtime:7.3")
def test_a_value_added_later_holds_from_then_on() -> None:
    m = masker("one")
    assert m.mask_text("one two") == "*** two"
    m.add("two")
    assert m.mask_text("one two") == "*** ***"


def test_matches_end_at_line_ends() -> None:
    assert masker("ab", "cd").mask(b"xab\ncdx\nab\n") == b"x***\n***x\n***\n"


def test_without_a_match_the_same_bytes_come_back() -> None:
    data = b"\xff\x00 not utf-8\n"
    assert masker("secret").mask(data) is data


def test_large_values_are_masked_too() -> None:
    value = "0123456789abcdef" * 4000
    assert masker(value, "small").mask_text(f"<{value}> small") == "<***> ***"


def test_values_that_are_not_unicode_are_masked_as_bytes() -> None:
    value = b"k\xffey".decode("utf-8", "surrogateescape")
    assert masker(value, "\ud83d").mask(b"a k\xffey b\n") == b"a *** b\n"


@given(VALUES, st.lists(st.text(ALPHABET, max_size=20), max_size=5))
def test_masking_many_lines_is_masking_each_by_the_rule(values: list[str], lines: list[str]) -> None:
    needles = needles_of(values)
    text = "".join(f"{line}\n" for line in lines)
    assert masker(*values).mask_text(text) == "".join(by_hand(line, needles) + "\n" for line in lines)


@settings(max_examples=5 * settings().max_examples)
@given(st.lists(st.text(ALPHABET, min_size=1, max_size=4), min_size=1, max_size=3), st.data())
def test_the_pieces_of_a_line_are_masked_like_the_whole(values: list[str], data: st.DataObject) -> None:
    m = masker(*values)
    forms = [*values, *(form for value in values for form in derived(value)), "x", "xyz"]
    whole = "".join(data.draw(st.lists(st.sampled_from(forms), max_size=12))).encode()
    out, rest, at, covered = b"", b"", 0, -1
    while at < len(whole):
        size = data.draw(st.integers(1, 12))
        rest += whole[at : at + size]
        at += size
        cut = max(len(rest) - m.hold, 0)
        piece, covered = m.piece(rest, cut, covered)
        out += piece
        rest = rest[cut:]
    out += m.piece(rest, len(rest), covered)[0]
    assert out == m.mask(whole)


@given(st.text(min_size=1, max_size=30), st.text(max_size=10), st.text(max_size=10), st.integers(0, 10))
def test_no_line_of_a_secret_and_no_form_of_it_survives(value: str, before: str, after: str, form: int) -> None:
    m = Masker()
    if not m.add(value):
        return
    forms = [value, *derived(value)]
    text = forms[form % len(forms)]
    if "\n" in text or "\r" in text:
        return
    masked = m.mask_text(f"{before}{text}{after}")
    assert "***" in masked
    assert len(masked.replace("***", "")) <= len(before) + len(after)
