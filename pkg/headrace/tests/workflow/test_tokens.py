"""The kinds of token, and what each part of a file becomes."""

from __future__ import annotations

import msgspec
import pytest
from headrace.workflow.definitions import anything
from headrace.workflow.problems import Problems
from headrace.workflow.schema import STEP
from headrace.workflow.tokens import Expression, Insert, Mapping, Scalar, Sequence, Token
from headrace.workflow.yaml_tokens import Limits, Used, read


def token(text: str) -> Token:
    problems = Problems()
    found = read("f", text.encode(), anything(STEP), Limits(), Used(), problems)
    assert not problems
    return found


@pytest.mark.covers("language:2.1")
@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("~", Scalar, None),
        ("true", Scalar, True),
        ("12", Scalar, 12.0),
        ("text", Scalar, "text"),
        ("'12'", Scalar, "12"),
        ("[]", Sequence, ()),
        ("{}", Mapping, ()),
        ("${{ github.ref == 'x' }}", Expression, "github.ref == 'x'"),
        ("x ${{ github.ref }}", Expression, "format('x {0}', github.ref)"),
        ("${{ fromJSON('never evaluated') }}", Expression, "fromJSON('never evaluated')"),
    ],
)
def test_everything_is_one_of_the_kinds_and_no_expression_is_evaluated(text: str, kind: type, value: object) -> None:
    found = token(text)
    assert type(found) is kind
    held = next(getattr(found, name) for name in ("value", "items", "pairs", "source") if hasattr(found, name))
    assert (type(held), held) == (type(value), value)


@pytest.mark.covers("language:2.1")
def test_a_mapping_keeps_the_order_of_its_pairs_and_may_hold_computed_keys() -> None:
    found = token("{b: 1, '${{ github.key }}': 2, a: 3, '${{ insert }}': {c: 4}}")
    assert isinstance(found, Mapping)
    assert [type(key) for key, _ in found.pairs] == [Scalar, Expression, Scalar, Insert]
    assert [key.value for key, _ in found.pairs if isinstance(key, Scalar)] == ["b", "a"]


@pytest.mark.covers("language:2.1")
def test_tokens_survive_their_codec_with_their_positions() -> None:
    found = token("a: [1, ~, true, '${{ github.x }}', {'${{ insert }}': {b: c}}]\n")
    assert msgspec.json.decode(msgspec.json.encode(found), type=Token) == found
