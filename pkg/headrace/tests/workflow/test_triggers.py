from __future__ import annotations

import pytest
from headrace.base.errors import Position
from headrace.workflow.events import EVENTS
from headrace.workflow.model import Input, Pattern, Trigger
from headrace.workflow.problems import render
from headrace.workflow.reader import Options, load
from headrace.workflow.tokens import Expression, Scalar

JOBS = "\njobs: {a: {runs-on: x}}\n"


def triggers(on: str) -> tuple[Trigger, ...]:
    loaded = load("f", f"on: {on}{JOBS}".encode())
    assert loaded.workflow is not None, loaded.problems
    return loaded.workflow.on


def problems(on: str, options: Options = Options()) -> list[str]:  # noqa: B008
    return [render(problem) for problem in load("f", f"on: {on}{JOBS}".encode(), options=options).problems]


@pytest.mark.covers("language:4.1")
@pytest.mark.parametrize(
    ("on", "events"),
    [
        ("push", ["push"]),
        ("[push, pull_request]", ["push", "pull_request"]),
        ("{push: , pull_request: {}}", ["push", "pull_request"]),
        ("[pull_request_comment]", ["issue_comment"]),
        ("{pull_request_comment: }", ["issue_comment"]),
    ],
)
def test_on_has_three_forms(on: str, events: list[str]) -> None:
    assert [trigger.event for trigger in triggers(on)] == events


@pytest.mark.covers("language:4.2")
@pytest.mark.parametrize("event", sorted(set(EVENTS) - {"schedule", "pull_request_comment", "workflow_run"}))
def test_every_event_is_known_with_all_its_types(event: str) -> None:
    assert [t.event for t in triggers(event)] == [event]
    if types := EVENTS[event].types:
        (trigger,) = triggers(f"{{{event}: {{types: [{', '.join(types)}]}}}}")
        assert [pattern.text for pattern in trigger.filters["types"]] == list(types)
        assert problems(f"{{{event}: {{types: [nope]}}}}")[0].endswith("Unexpected value 'nope'")


@pytest.mark.covers("language:4.3")
def test_filters_keep_their_order_and_places() -> None:
    (trigger,) = triggers("\n  push:\n    branches: main\n    paths:\n      - '**'\n      - '!docs'\n")
    assert trigger == Trigger(
        "push",
        {
            "branches": (Pattern("main", Position("f", 3, 15)),),
            "paths": (Pattern("**", Position("f", 5, 9)), Pattern("!docs", Position("f", 6, 9))),
        },
        at=Position("f", 2, 3),
    )


@pytest.mark.covers("language:4.3")
@pytest.mark.parametrize(
    ("on", "filters"),
    [
        ("{push: {branches: [legacy], tags: }}", {"branches"}),
        ("{push: {branches-ignore: }}", set[str]()),
        ("{push: {branches: ~, branches-ignore: [x]}}", {"branches-ignore"}),
        ("{pull_request: {branches: , paths: [x]}}", {"paths"}),
        ("{issues: {types: }}", set[str]()),
        ("{repository_dispatch: {types: null}}", set[str]()),
    ],
)
def test_a_filter_with_nothing_behind_it_is_none(on: str, filters: set[str]) -> None:
    (trigger,) = triggers(on)
    assert set(trigger.filters) == filters


WRONG = [
    ("{workflow_run: {workflows: }}", "Unexpected value ''"),
    ("{push: {branches: ''}}", "Unexpected value ''"),
    ("{schedule: }", "Unexpected value ''"),
    ("pusch", "Unexpected value 'pusch'"),
    ("[push, pusch]", "Unexpected value 'pusch'"),
    ("{pusch: }", "Unexpected value 'pusch'"),
    ("{push: {types: [a]}}", "Unexpected value 'types'"),
    ("{pull_request: {tags: [a]}}", "Unexpected value 'tags'"),
    ("{issues: {branches: [a]}}", "Unexpected value 'branches'"),
    ("{push: {branches: ['']}}", "Unexpected value ''"),
    ("{push: x}", "Unexpected value 'x'"),
    ("{workflow_run: {branches: [a]}}", "Required property is missing: workflows"),
    ("{workflow_run: }", "Unexpected value ''"),
    (
        "{push: {branches: a, branches-ignore: b}}",
        "you may only define one of `branches` and `branches-ignore` for a single event",
    ),
    ("{push: {tags-ignore: a, tags: b}}", "you may only define one of `tags` and `tags-ignore` for a single event"),
    ("{pull_request: {paths: a, paths-ignore: b}}", "you may only define one of `paths` and `paths-ignore` for a single event"),
    ("{schedule: [{cron: '* * * *'}]}", "Invalid cron expression. Expected format: '* * * * *' (minute hour day month weekday)"),
    ("{schedule: [{timezone: UTC}]}", "Required property is missing: cron"),
    ("{schedule: {cron: '* * * * *'}}", "A mapping was not expected"),
    ("schedule", "No event triggers defined in `on`"),
    ("[]", "No event triggers defined in `on`"),
    ("{}", "No event triggers defined in `on`"),
    ("{workflow_dispatch: {inputs: {a: {type: choice}}}}", "Required property is missing: options"),
    ("{workflow_dispatch: {inputs: {a: {options: [x]}}}}", "Unexpected value 'options'"),
    ("{workflow_dispatch: {inputs: {a: {type: date}}}}", "Unexpected value 'date'"),
    ("{workflow_dispatch: {inputs: {a: {default: '${{ 1 }}'}}}}", "A template expression is not allowed in this context"),
    (
        "{workflow_dispatch: {inputs: {" + ", ".join(f"i{i}: " for i in range(26)) + "}}}",
        "you may only define up to 25 `inputs` for a `workflow_dispatch` event",
    ),
    ("{workflow_call: {inputs: {a: {required: true}}}}", "Required property is missing: type"),
    ("{workflow_call: {inputs: {a: {type: choice}}}}", "Unexpected value 'choice'"),
    ("{workflow_call: {inputs: {a: {type: boolean, default: x}}}}", "Unexpected value 'x'"),
    ("{workflow_call: {inputs: {a: {type: number, default: true}}}}", "Unexpected value 'true'"),
    ("{workflow_call: {outputs: {a: {description: x}}}}", "Required property is missing: value"),
    ("{workflow_call: {outputs: {a: {value: '${{ needs.x }}'}}}}", "Unrecognized named-value: 'needs'"),
]


@pytest.mark.covers("language:4.1", "language:4.3", "language:4.6", "language:4.7", "language:4.8")
@pytest.mark.parametrize(("on", "message"), WRONG)
def test_what_on_may_not_hold_is_told(on: str, message: str) -> None:
    (told,) = problems(on)
    assert message in told
    assert told.startswith("f (Line: 1, Col: ")


@pytest.mark.covers("language:4.3")
def test_exclusive_filters_are_told_at_the_second() -> None:
    assert problems("\n  push:\n    paths-ignore: a\n    paths: b\n")[0].startswith("f (Line: 4, Col: 5): ")


@pytest.mark.covers("language:4.6")
def test_dispatch_inputs_have_types_and_plain_defaults() -> None:
    (trigger,) = triggers(
        "{workflow_dispatch: {inputs: {a: , b: {type: boolean, default: true}, c: {type: choice, options: [x, 1]}}}}"
    )
    assert {n: (i.type, i.options, i.required) for n, i in trigger.inputs.items()} == {
        "a": ("string", (), False),
        "b": ("boolean", (), False),
        "c": ("choice", ("x", "1"), False),
    }
    default = trigger.inputs["b"].default
    assert isinstance(default, Scalar) and default.value is True


@pytest.mark.covers("language:4.7")
def test_a_workflow_declares_what_its_callers_pass() -> None:
    (trigger,) = triggers(
        "{workflow_call: {inputs: {a: {type: string, required: true, default: '${{ github.ref }}', description: d}},"
        " secrets: {s: , t: {required: true}}, outputs: {o: {value: '${{ jobs.a.outputs.x }}'}}}}"
    )
    assert isinstance(trigger.inputs["a"], Input)
    assert isinstance(trigger.inputs["a"].default, Expression)
    assert (trigger.inputs["a"].required, trigger.inputs["a"].description) == (True, "d")
    assert trigger.secrets == {"s": False, "t": True}
    assert list(trigger.outputs) == ["o"]


@pytest.mark.covers("language:4.8")
def test_each_schedule_is_a_trigger() -> None:
    found = triggers("{schedule: [{cron: '0 1 * * *'}, {cron: '0 2 * * MON', timezone: Europe/Berlin}]}")
    assert [(t.event, t.cron, t.timezone) for t in found] == [
        ("schedule", "0 1 * * *", ""),
        ("schedule", "0 2 * * MON", "Europe/Berlin"),
    ]


@pytest.mark.covers("language:4.1")
@pytest.mark.parametrize(
    "on", ["pusch", "{pusch: {x: [1]}}", "{push: {types: {a: b}}}", "{workflow_dispatch: {x: 1, inputs: [a]}}", "{schedule: x}"]
)
def test_reading_as_the_service_does_at_run_time_accepts_any_event(on: str) -> None:
    assert problems(on, Options(events="lenient")) == []
    assert problems(on) != []
