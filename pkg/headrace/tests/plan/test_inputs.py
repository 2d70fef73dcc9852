"""Typed inputs of runs that are started by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from headrace.base.errors import UsageError
from headrace.plan.contexts import event_payload
from headrace.plan.inputs import settle_inputs

INPUTS = """
on:
  workflow_dispatch:
    inputs:
      text: {default: hello}
      flag: {type: boolean}
      on_: {type: boolean, default: true}
      count: {type: number, default: 3}
      empty: {type: number}
      level: {type: choice, options: [low, high]}
      place: {type: environment}
      must: {required: true, default: set}
jobs: {a: {runs-on: ubuntu-latest, steps: [{run: x}]}}
"""


@pytest.fixture
def settle(read: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    trigger = read(INPUTS).on[0]
    return lambda **given: settle_inputs(trigger, given)


@pytest.mark.covers("language:4.6")
def test_without_values_the_defaults_count_with_their_types(settle: Callable[..., dict[str, Any]]) -> None:
    assert settle() == {
        "text": "hello",
        "flag": False,
        "on_": True,
        "count": 3.0,
        "empty": "",
        "level": "",
        "place": "",
        "must": "set",
    }


@pytest.mark.covers("language:4.6")
@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("text", "x", "x"),
        ("text", "", ""),
        ("TEXT", "x", "x"),
        ("flag", "true", True),
        ("flag", "False", False),
        ("count", "2.5", 2.5),
        ("count", " 7 ", 7.0),
        ("level", "high", "high"),
        ("place", "prod", "prod"),
    ],
)
def test_texts_become_values_of_the_declared_type(settle: Callable[..., Any], name: str, text: str, value: Any) -> None:
    found = settle(**{name: text})[name.lower()]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.covers("language:4.6")
@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("flag", "yes", "input 'flag' is true or false, not 'yes'"),
        ("count", "many", "input 'count' is a number, not 'many'"),
        ("count", "", "input 'count' is a number"),
        ("level", "middle", "input 'level' cannot be 'middle'.*one of low, high"),
        ("levle", "low", "there is no input 'levle'.*'level'"),
        ("text", "x" * 65_536, "longer than 65535"),
    ],
)
def test_values_that_do_not_fit_are_refused(settle: Callable[..., Any], name: str, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        settle(**{name: text})


@pytest.mark.covers("language:4.6")
def test_a_required_input_without_default_must_be_given(read: Callable[..., Any]) -> None:
    text = INPUTS.replace("required: true, default: set", "required: true")
    trigger = read(text).on[0]
    with pytest.raises(UsageError, match=r"input 'must' is required.*--input must="):
        settle_inputs(trigger, {})
    assert settle_inputs(trigger, {"must": "x"})["must"] == "x"


@pytest.mark.covers("language:4.6")
@pytest.mark.covers("language:3.9")
def test_jobs_see_typed_inputs_and_the_payload_shows_texts(plan: Callable[..., Any], event: Callable[..., Any]) -> None:
    made = plan(INPUTS, event("workflow_dispatch", inputs={"flag": "true"}))
    (path,) = made.inputs
    assert made.inputs[path]["flag"] is True
    payload = event_payload(made.event, made.workflows[path], made.inputs[path])
    assert payload["inputs"]["flag"] == "true"
    assert payload["inputs"]["count"] == "3"
    assert payload["workflow"] == path


def test_inputs_that_fit_no_workflow_are_an_error(plan: Callable[..., Any], event: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match="there is no input 'x'"):
        plan(INPUTS, event("workflow_dispatch", inputs={"x": "1"}))


def test_inputs_that_fit_one_of_several_workflows_leave_out_the_others(
    plan: Callable[..., Any], event: Callable[..., Any]
) -> None:
    other = INPUTS.replace("text:", "else:")
    made = plan({"a.yml": INPUTS, "b.yml": other}, event("workflow_dispatch", inputs={"text": "1"}))
    assert list(made.workflows) == ["a.yml"]
    (why,) = made.rejected
    assert (why.rule, why.facts["workflow"]) == ("dispatch-input", "b.yml")


def test_a_called_workflow_can_be_started_with_its_inputs(plan: Callable[..., Any], event: Callable[..., Any]) -> None:
    text = """
    on: {workflow_call: {inputs: {n: {type: number}, b: {type: boolean, default: true}}}}
    jobs: {a: {runs-on: ubuntu-latest, steps: [{run: x}]}}
    """
    made = plan(text, event("workflow_call", inputs={"n": "4"}))
    assert made.inputs == {".github/workflows/ci.yml": {"n": 4.0, "b": True}}
    assert plan(text, event("workflow_call")).inputs == {".github/workflows/ci.yml": {"n": 0.0, "b": True}}
