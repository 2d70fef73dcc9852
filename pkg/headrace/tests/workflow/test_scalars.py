from __future__ import annotations

import math

import pytest
from headrace.workflow.scalars import ScalarError, plain, tagged, text_of

TAG = "tag:yaml.org,2002:"

TYPED = [
    *((text, None) for text in ("", "~", "null", "Null", "NULL")),
    *((text, True) for text in ("true", "True", "TRUE")),
    *((text, False) for text in ("false", "False", "FALSE")),
    ("0755", 755.0),
    ("-12", -12.0),
    ("+12", 12.0),
    ("0x1F", 31.0),
    ("0x7FFFFFFF", 2147483647.0),
    ("0xFFFFFFFF", -1.0),
    ("0x00000000001", 1.0),
    ("0o17", 15.0),
    ("0o37777777777", -1.0),
    (".5", 0.5),
    ("5.", 5.0),
    ("-1.25e-2", -0.0125),
    ("1e400", math.inf),
    ("9" * 400, math.inf),
    (".inf", math.inf),
    ("-.INF", -math.inf),
    ("+.Inf", math.inf),
]


@pytest.mark.covers("language:1.2")
@pytest.mark.parametrize(("text", "value"), TYPED)
def test_a_plain_scalar_is_typed(text: str, value: object) -> None:
    found = plain(text, 1, 1)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.covers("language:1.2")
@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "no",
        "on",
        "off",
        "y",
        "tRUE",
        "nULL",
        "1_000",
        "0b11",
        "0X1F",
        "-0x1",
        "0o8",
        "12:30",
        "2020-01-02",
        "NaN",
        "Infinity",
        "<<",
        "inf",
        "+inf",
        "-inf",
        "-.nan",
        ".",
        "+",
        "-",
        ".e1",
        "1e",
        "0x",
        "١",
    ],
)
def test_everything_else_is_text(text: str) -> None:
    assert plain(text, 1, 1) == text


@pytest.mark.covers("language:1.2")
def test_not_a_number_has_no_sign_and_zero_keeps_it() -> None:
    assert math.isnan(plain(".nan", 1, 1))  # type: ignore[arg-type]
    assert math.copysign(1, plain("-0", 1, 1)) == -1  # type: ignore[arg-type]


@pytest.mark.covers("language:1.2")
@pytest.mark.parametrize("text", ["0x100000000", "0o40000000000", "0x" + "f" * 1000])
def test_more_than_32_bits_are_an_error(text: str) -> None:
    with pytest.raises(ScalarError, match=r"on line 3 and column 7 is invalid for the type 'tag:yaml\.org,2002:int'"):
        plain(text, 3, 7)


@pytest.mark.covers("language:1.3")
@pytest.mark.parametrize(
    ("text", "tag", "style", "value"),
    [
        ("12", "str", "", "12"),
        ("12", "str", '"', "12"),
        ("null", "null", "", None),
        ("True", "bool", None, True),
        ("0x10", "int", "", 16.0),
        ("7", "int", "", 7.0),
        ("7", "float", "", 7.0),
        (".inf", "float", "", math.inf),
    ],
)
def test_a_tag_that_fits_types_the_scalar(text: str, tag: str, style: str | None, value: object) -> None:
    assert tagged(text, TAG + tag, style, 1, 1) == value


@pytest.mark.covers("language:1.3")
@pytest.mark.parametrize(
    ("text", "tag", "style", "message"),
    [
        ("test", TAG + "bool", "", f"The value 'test' on line 4 and column 14 is invalid for the type '{TAG}bool'"),
        ("1.5", TAG + "int", "", f"The value '1.5' on line 4 and column 14 is invalid for the type '{TAG}int'"),
        ("no", TAG + "null", "", f"The value 'no' on line 4 and column 14 is invalid for the type '{TAG}null'"),
        ("true", TAG + "float", "", f"The value 'true' on line 4 and column 14 is invalid for the type '{TAG}float'"),
        ("3", TAG + "int", "'", f"The scalar style 'SingleQuoted' on line 4 and column 14 is not valid with the tag '{TAG}int'"),
        ("3", TAG + "int", '"', f"The scalar style 'DoubleQuoted' on line 4 and column 14 is not valid with the tag '{TAG}int'"),
        ("3", TAG + "int", "|", f"The scalar style 'Literal' on line 4 and column 14 is not valid with the tag '{TAG}int'"),
        ("3", TAG + "int", ">", f"The scalar style 'Folded' on line 4 and column 14 is not valid with the tag '{TAG}int'"),
        ("x", TAG + "timestamp", "", f"Unexpected tag '{TAG}timestamp'"),
        ("", "!cancelled()", "", "Unexpected tag '!cancelled()'"),
    ],
)
def test_a_tag_that_does_not_fit_is_an_error(text: str, tag: str, style: str, message: str) -> None:
    with pytest.raises(ScalarError) as caught:
        tagged(text, tag, style, 4, 14)
    assert str(caught.value) == message


@pytest.mark.covers("language:1.9")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        ("x", "x"),
        (1.10, "1.1"),
        (1e3, "1000"),
        (755.0, "755"),
        (0.5, "0.5"),
        (100000000000000.0, "100000000000000"),
        (1e15, "1E+15"),
        (1587106672383762434.0, "1.58710667238376E+18"),
        (0.0001, "0.0001"),
        (0.00001, "1E-05"),
        (-0.0, "-0"),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
    ],
)
def test_a_typed_scalar_has_one_text(value: str | bool | float | None, text: str) -> None:
    assert text_of(value) == text
