"""NAME=VALUE and dotenv files."""

from __future__ import annotations

import pytest
from headrace.base.errors import UsageError
from headrace.cli.pairs import pairs, parse_dotenv, secrets
from headrace.cli.words import without_secrets
from hypothesis import given
from hypothesis import strategies as st

GOOD = [
    ("A=1", {"A": "1"}),
    ("A=", {"A": ""}),
    ("  A = 1  ", {"A": "1"}),
    ("export A=1", {"A": "1"}),
    ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
    ("A=a b  # comment", {"A": "a b"}),
    ("A=a#b", {"A": "a#b"}),
    ("A=# comment", {"A": ""}),
    ("A='a # \\n b'", {"A": "a # \\n b"}),
    ('A="a\\nb\\t\\"c\\""', {"A": 'a\nb\t"c"'}),
    ('A="-----BEGIN\nline\n-----END" # key\nB=2', {"A": "-----BEGIN\nline\n-----END", "B": "2"}),
    ("A=$HOME", {"A": "$HOME"}),
    ("A=1\nA=2", {"A": "2"}),
    ("", {}),
]


@pytest.mark.parametrize(("text", "expected"), GOOD)
def test_a_dotenv_file_gives_its_pairs(text: str, expected: dict[str, str]) -> None:
    assert parse_dotenv(text, "f") == expected


BAD = [
    ("A=1\nhush hush", "f:2:1: this line is not NAME=VALUE"),
    ("A B=hush", "f:1:1: this line is not NAME=VALUE"),
    ("A='hush", "f:1:3: the quote that begins here has no end"),
    ("A='x' hush", "f:1:1: there is text behind the closing quote"),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_a_broken_dotenv_file_names_the_place_and_no_value(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_dotenv(text, "f")
    assert str(caught.value) == message
    assert "hush" not in str(caught.value)


@given(st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]*", fullmatch=True), st.text()))
def test_what_is_quoted_comes_back(values: dict[str, str]) -> None:
    escaped = {key: value.replace("\\", "\\\\").replace('"', '\\"') for key, value in values.items()}
    text = "\n".join(f'{key}="{value}"' for key, value in escaped.items())
    wanted = {key: value.replace("\r\n", "\n") for key, value in values.items()}
    assert parse_dotenv(text, "f") == wanted


def test_a_secret_without_a_value_comes_from_the_environment() -> None:
    assert secrets(["A", "B=b=c"], {"A": "x"}) == {"A": "x", "B": "b=c"}


def test_a_secret_that_the_environment_lacks_is_refused() -> None:
    with pytest.raises(UsageError, match="--secret A: the environment has no variable"):
        secrets(["A"], {})


def test_a_pair_without_a_sign_is_refused_by_name_and_one_without_a_name_shows_no_value() -> None:
    with pytest.raises(UsageError, match="--var takes NAME=VALUE, not 'A'"):
        pairs("--var", ["A"])
    with pytest.raises(UsageError) as caught:
        pairs("--env", ["=hush"])
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("words", [["--secret", "K=hush"], ["--secret=K=hush"], ["run", "--secret", "K=a=hush"]])
def test_the_words_that_are_kept_hold_no_secret(words: list[str]) -> None:
    kept = " ".join(without_secrets(words))
    assert "hush" not in kept
    assert "K" in kept
