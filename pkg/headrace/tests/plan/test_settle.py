"""What becomes of a job: its condition, its matrix, its settings, with and without the results of the jobs before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from headrace.plan.contexts import RunInfo, strategy_context
from headrace.plan.model import Deferred, JobPath, Outcome, Planned
from headrace.plan.settle import settle

MakePlan = Callable[..., Any]
FILE = ".github/workflows/ci.yml"


def path(job: str) -> JobPath:
    return JobPath(f"{FILE}:{job}")


def jobs(**bodies: str) -> str:
    """A workflow of jobs in flow style; each runs on ubuntu with one step unless it says otherwise."""
    lines = ["on: push", "jobs:"]
    for name, body in bodies.items():
        rest = body if "runs-on" in body else f"runs-on: ubuntu-latest, {body}" if body else "runs-on: ubuntu-latest"
        lines.append(f"  {name}: {{{rest}, steps: [{{run: x}}]}}")
    return "\n".join(lines) + "\n"


def at_run_time(made: Any, job: str, *, cancelled: bool = False, **outcomes: Outcome | str) -> Planned:
    real = {path(name): Outcome(o) if isinstance(o, str) else o for name, o in outcomes.items()}  # type: ignore[arg-type]
    return settle(made, path(job), real, cancelled=cancelled)


def would(planned: Planned) -> list[str]:
    assert not isinstance(planned.legs, Deferred)
    return [leg.would for leg in planned.legs]


# ---- conditions over the jobs before ----

CHAIN = jobs(a="", b="needs: a", c="needs: b")


@pytest.mark.covers("language:7.4")
@pytest.mark.covers("language:5.8")
@pytest.mark.parametrize(
    ("condition", "a", "b", "runs"),
    [
        ("", "success", "success", True),
        ("", "failure", "skipped", False),
        ("", "success", "failure", False),
        ("", "success", "cancelled", False),
        ("", "skipped", "success", False),
        ("", "failure", "success", False),
        ("success()", "skipped", "success", False),
        ("success('b')", "skipped", "success", True),
        ("success('a')", "skipped", "success", False),
        ("success('a', 'B')", "success", "success", True),
        ("failure()", "success", "success", False),
        ("failure()", "success", "failure", True),
        ("failure()", "failure", "skipped", True),
        ("failure()", "skipped", "skipped", False),
        ("failure()", "success", "cancelled", False),
        ("failure('b')", "failure", "skipped", False),
        ("failure('a')", "failure", "skipped", True),
        ("always()", "failure", "skipped", True),
        ("!cancelled() && !failure()", "skipped", "success", True),
        ("!cancelled() && !failure()", "failure", "skipped", False),
        ("cancelled()", "success", "success", False),
        ("always() && needs.b.result == 'success'", "skipped", "success", True),
        ("always() && needs.b.result == 'skipped'", "success", "skipped", True),
        ("needs.b.result == 'success'", "skipped", "success", False),
        ("contains(needs.*.result, 'failure') && always()", "success", "failure", True),
        ("always() && needs.a.result == 'success'", "success", "success", False),
        ("false", "success", "success", False),
    ],
)
def test_a_condition_looks_at_every_job_before(plan: MakePlan, condition: str, a: str, b: str, runs: bool) -> None:
    text = jobs(a="", b="needs: a", c="needs: b" + (f', if: "{condition}"' if condition else ""))
    assert would(at_run_time(plan(text), "c", a=a, b=b)) == ["run" if runs else "skip"]


@pytest.mark.covers("language:5.8")
@pytest.mark.parametrize(
    ("condition", "runs"),
    [("", False), ("always()", True), ("cancelled()", True), ("failure()", False), ("!cancelled()", False), ("success()", False)],
)
def test_a_run_that_is_being_cancelled_leaves_only_what_asks_for_it(plan: MakePlan, condition: str, runs: bool) -> None:
    text = jobs(a="", b="needs: a" + (f', if: "{condition}"' if condition else ""))
    assert would(at_run_time(plan(text), "b", cancelled=True, a="success")) == ["run" if runs else "skip"]


@pytest.mark.covers("language:7.4")
def test_the_reason_names_the_job_that_was_in_the_way(plan: MakePlan) -> None:
    leg = at_run_time(plan(CHAIN), "c", a="failure", b="skipped").legs[0]  # type: ignore[index]
    assert (leg.why.rule, leg.why.facts) == ("needs", {"job": "b", "result": "skipped"})
    hidden = at_run_time(plan(CHAIN), "c", a="skipped", b="success").legs[0]  # type: ignore[index]
    assert hidden.why.facts == {"job": "a", "result": "skipped"}
    stopped = at_run_time(plan(CHAIN), "c", cancelled=True, a="success", b="success").legs[0]  # type: ignore[index]
    assert stopped.why.rule == "cancelled"


def test_the_reason_of_a_false_condition_is_what_it_read(plan: MakePlan, leg: Callable[..., Any]) -> None:
    made = plan(jobs(a="", publish="needs: a, if: \"startsWith(github.ref, 'refs/tags/')\""))
    found = leg(made, "publish")
    assert (found.would, found.why.rule) == ("skip", "condition")
    assert found.why.facts == {
        "if": "success() && (startsWith(github.ref, 'refs/tags/'))",
        "startsWith(github.ref, 'refs/tags/')": "false",
        "github.ref": "refs/heads/main",
    }
    assert (found.why.at.line, found.why.at.file) == (4, FILE)


@pytest.mark.covers("language:5.8")
def test_however_far_away_a_job_is_it_counts(plan: MakePlan) -> None:
    made = plan(jobs(a="", b="needs: a, if: always()", c="needs: b", d="needs: c", e="needs: d"))
    rest: dict[str, Any] = dict.fromkeys("bcd", "success")
    assert would(at_run_time(made, "e", a="skipped", **rest)) == ["skip"]
    assert would(at_run_time(made, "e", a="success", **rest)) == ["run"]


# ---- what cannot be told before ----


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("needs.a.outputs.x == '1'", "undecided"),
        ("needs.a.result == 'success'", "undecided"),
        ("always() && contains(needs.*.result, 'failure')", "undecided"),
        ("contains(toJSON(needs), 'x')", "undecided"),
        ("github.ref == 'refs/heads/main' && needs.a.outputs.x", "undecided"),
        ("github.ref == 'refs/heads/x' && needs.a.outputs.x", "skip"),
        ("github.ref == 'refs/heads/main' || needs.a.outputs.x", "run"),
        ("failure()", "skip"),
        ("always()", "run"),
        ("!failure()", "run"),
        ("cancelled()", "skip"),
        ("github.event_name == 'push'", "run"),
    ],
)
def test_planning_takes_success_for_granted_and_decides_no_more_than_that(
    plan: MakePlan, leg: Callable[..., Any], condition: str, expected: str
) -> None:
    found = leg(plan(jobs(a="", b=f'needs: a, if: "{condition}"')), "b")
    assert found.would == expected
    if expected == "undecided":
        assert found.why.facts["job"] == "a"
        assert found.why.facts["key"] == "if"


def test_a_skip_that_hangs_on_the_assumption_says_so(plan: MakePlan, leg: Callable[..., Any]) -> None:
    made = plan(jobs(a="", b="needs: a, if: failure()", c="needs: a, if: github.ref == 'x'"))
    assert "assumed" in leg(made, "b").why.facts
    assert "assumed" not in leg(made, "c").why.facts


def test_what_follows_an_undecided_job_is_undecided_unless_it_does_not_matter(plan: MakePlan, legs: Callable[..., Any]) -> None:
    made = plan(
        jobs(
            a="",
            b="needs: a, if: needs.a.outputs.x",
            c="needs: b",
            d="needs: b, if: always()",
            e="needs: b, if: github.ref == 'x'",
            f="needs: c",
            g="needs: b, if: failure()",
        )
    )
    assert legs(made) == {"a": "run", "b": "undecided", "c": "undecided", "d": "run", "e": "skip", "f": "undecided", "g": "skip"}


def test_a_skipped_job_is_known_to_be_skipped(plan: MakePlan, legs: Callable[..., Any]) -> None:
    made = plan(
        jobs(
            a="if: false",
            b="needs: a",
            c="needs: a, if: always() && needs.a.result == 'skipped' && needs.a.outputs.x == null",
            d="needs: b",
            e="needs: [b], if: '!failure() && !cancelled()'",
        )
    )
    assert legs(made) == {"a": "skip", "b": "skip", "c": "run", "d": "skip", "e": "run"}


def test_with_every_result_at_hand_nothing_stays_open(plan: MakePlan) -> None:
    made = plan(jobs(a="", b="needs: a, if: needs.a.outputs.x == '1'"))
    assert would(at_run_time(made, "b", a=Outcome("success", {"x": "1"}))) == ["run"]
    assert would(at_run_time(made, "b", a=Outcome("success", {"x": ""}))) == ["skip"]


# ---- matrix ----


@pytest.mark.covers("language:6.4")
@pytest.mark.covers("language:6.5")
def test_each_row_is_a_leg_with_its_name_and_values(plan: MakePlan) -> None:
    text = jobs(
        t="name: Test, strategy: {fail-fast: false, max-parallel: 2, matrix: {py: ['3.10', 3.13], include: [{py: '3.10', x: y}]}}"
    )
    planned = plan(text).jobs[path("t")]
    first, second = planned.legs
    assert (first.name, first.path, first.index, first.total) == ("Test (3.10)", path("t:0"), 0, 2)
    assert (first.matrix, first.fail_fast, first.max_parallel) == ({"py": "3.10", "x": "y"}, False, 2)
    assert (second.name, second.matrix, second.path) == ("Test (3.13)", {"py": 3.13}, path("t:1"))
    assert strategy_context(second) == {"fail-fast": False, "job-index": 1, "job-total": 2, "max-parallel": 2}


@pytest.mark.covers("language:6.5")
@pytest.mark.covers("language:3.9")
def test_without_a_matrix_there_is_one_leg(plan: MakePlan, leg: Callable[..., Any]) -> None:
    found = leg(plan(jobs(t="")), "t")
    assert (found.name, found.matrix, found.total, found.fail_fast) == ("t", None, 1, True)
    assert strategy_context(found) == {"fail-fast": True, "job-index": 0, "job-total": 1, "max-parallel": 1}


@pytest.mark.covers("language:6.5")
def test_max_parallel_shows_the_number_of_rows_where_it_is_not_set(plan: MakePlan, leg: Callable[..., Any]) -> None:
    found = leg(plan(jobs(t="strategy: {matrix: {a: [1, 2, 3]}}")), "t", 2)
    assert strategy_context(found) == {"fail-fast": True, "job-index": 2, "job-total": 3, "max-parallel": 3}


@pytest.mark.covers("language:6.2")
def test_a_matrix_that_is_all_excluded_is_a_job_without_matrix(plan: MakePlan, leg: Callable[..., Any]) -> None:
    found = leg(plan(jobs(t="strategy: {matrix: {a: [1], exclude: [{a: 1}]}}")), "t")
    assert (found.name, found.matrix, found.would) == ("t", None, "run")


@pytest.mark.covers("language:6.4")
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", "t (1)"),
        ("name: Unit, ", "Unit (1)"),
        ("name: 'on ${{ matrix.a }}', ", "on 1"),
        ("name: '${{ matrix.none }}', ", "t (1)"),
        ("name: '${{ github.ref_name }}/${{ strategy.job-total }}', ", "main/1"),
        (f"name: {'n' * 120}, ", "n" * 97 + "..."),
    ],
)
def test_the_display_name(plan: MakePlan, leg: Callable[..., Any], name: str, shown: str) -> None:
    assert leg(plan(jobs(t=f"{name}strategy: {{matrix: {{a: [1]}}}}")), "t").name == shown


@pytest.mark.covers("language:6.4")
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("'on ${{ matrix.py }} ({}) of ${{ github.ref_name }}'", "on ${{ matrix.py }} ({}) of ${{ github.ref_name }}"),
        ("'${{ matrix.py||1 }}'", "${{ matrix.py || 1 }}"),
        ("\"${{ format('{0}', matrix.py, 'unused') }}\"", "${{ format('{0}', matrix.py, 'unused') }}"),
        ("'no. ${{ strategy.job-index }}'", "no. ${{ strategy.job-index }}"),
        ("'of ${{ github.ref_name }}'", "of main"),
        ("plain", "plain"),
    ],
)
def test_a_job_that_is_skipped_before_its_matrix_goes_by_the_name_in_the_file(
    plan: MakePlan, leg: Callable[..., Any], name: str, shown: str
) -> None:
    made = plan(jobs(a=f"if: 'false', name: {name}, strategy: {{matrix: {{py: [1]}}}}"))
    assert (leg(made, "a").would, leg(made, "a").name) == ("skip", shown)


def test_a_matrix_from_outputs_waits_for_them(plan: MakePlan) -> None:
    text = jobs(a="", t="needs: a, strategy: {matrix: {x: '${{ fromJSON(needs.a.outputs.m) }}'}}")
    made = plan(text)
    planned = made.jobs[path("t")]
    assert isinstance(planned.legs, Deferred)
    assert planned.legs.why.facts == {"job": "a", "reads": "outputs", "key": "strategy"}
    done = at_run_time(made, "t", a=Outcome("success", {"m": '["p", "q"]'}))
    assert not isinstance(done.legs, Deferred)
    assert [leg.name for leg in done.legs] == ["t (p)", "t (q)"]


def test_a_whole_strategy_may_be_an_expression(plan: MakePlan) -> None:
    text = jobs(
        t='strategy: "${{ fromJSON(\'{\\"matrix\\": {\\"a\\": [1, 2]}, \\"fail-fast\\": false, \\"max-parallel\\": 1}\') }}"'
    )
    first, second = plan(text).jobs[path("t")].legs
    assert (first.matrix, second.matrix, first.fail_fast, first.max_parallel) == ({"a": 1}, {"a": 2}, False, 1)


@pytest.mark.covers("language:3.8")
def test_an_if_sees_no_matrix_and_is_decided_once(plan: MakePlan) -> None:
    planned = plan(jobs(t="if: false, strategy: {matrix: {a: [1, 2]}}")).jobs[path("t")]
    (only,) = planned.legs
    assert (only.would, only.name, only.matrix) == ("skip", "t", None)


# ---- settings of a leg ----


@pytest.mark.covers("language:3.8")
def test_settings_are_evaluated_for_each_row(plan: MakePlan) -> None:
    text = jobs(
        t="strategy: {matrix: {m: [1.9, 20]}}, runs-on: '${{ vars.WHERE }}', timeout-minutes: '${{ matrix.m }}',"
        " cancel-timeout-minutes: 2, continue-on-error: '${{ matrix.m == 20 }}'"
    )
    first, second = plan(text, vars={"where": "ubuntu-22.04"}).jobs[path("t")].legs
    assert (first.timeout_minutes, second.timeout_minutes, first.cancel_timeout_minutes) == (1, 20, 2)
    assert (first.continue_on_error, second.continue_on_error) == (False, True)
    assert first.labels == ("ubuntu-22.04",)


@pytest.mark.covers("language:3.2")
def test_settings_have_githubs_defaults(plan: MakePlan, leg: Callable[..., Any]) -> None:
    found = leg(plan(jobs(t="")), "t")
    assert (found.timeout_minutes, found.cancel_timeout_minutes, found.continue_on_error) == (360, 5, False)


@pytest.mark.parametrize(
    ("runs_on", "labels"),
    [
        ("ubuntu-latest", ("ubuntu-latest",)),
        ("[self-hosted, linux]", ("self-hosted", "linux")),
        ("{labels: [self-hosted, x64]}", ("self-hosted", "x64")),
        ("{labels: linux}", ("linux",)),
        ('"${{ fromJSON(\'[\\"self-hosted\\",\\"linux\\"]\') }}"', ("self-hosted", "linux")),
    ],
)
def test_labels_come_in_every_form(plan: MakePlan, leg: Callable[..., Any], runs_on: str, labels: tuple[str, ...]) -> None:
    found = leg(plan(jobs(t=f"runs-on: {runs_on}")), "t")
    assert (found.would, found.labels) == ("run", labels)


@pytest.mark.covers("language:2.5")
@pytest.mark.parametrize(
    ("body", "key", "text"),
    [
        ("timeout-minutes: \"${{ format('10') }}\"", "timeout-minutes", "Unexpected value '10'"),
        ("timeout-minutes: \"${{ fromJSON('x') }}\"", "timeout-minutes", "Error parsing fromJson"),
        ('continue-on-error: "${{ github.ref }}"', "continue-on-error", "Unexpected value 'refs/heads/main'"),
        ('runs-on: "${{ matrix.none }}"', "runs-on", "Unexpected value ''"),
        ('name: "${{ github.event }}"', "name", "A mapping was not expected"),
        ("if: \"fromJSON('x')\"", "if", "Error parsing fromJson"),
        ("strategy: {matrix: {a: \"${{ fromJSON('[]') }}\"}}", "strategy", "Matrix vector 'a' does not contain any values"),
        ('strategy: {matrix: {a: "${{ github.ref }}"}}', "strategy", "Unexpected value 'refs/heads/main'"),
        ("strategy: {fail-fast: \"${{ 'x' == github.ref || 'y' }}\"}", "strategy", "Unexpected value 'y'"),
        ('concurrency: "${{ vars.none }}"', "concurrency", "Concurrency group name cannot be empty"),
        ("concurrency: {group: \"${{ format('{0}', github.sha) }}" + "x" * 400 + '"}', "concurrency", "less than 400"),
    ],
)
def test_a_key_that_cannot_be_evaluated_makes_the_job_fail(
    plan: MakePlan, leg: Callable[..., Any], body: str, key: str, text: str
) -> None:
    made = plan(jobs(t=body, after="needs: t", anyway="needs: t, if: failure()"))
    found = leg(made, "t")
    assert (found.would, found.why.rule, found.why.facts["key"]) == ("fail", "evaluation", key)
    assert found.why.facts["message"].startswith(f"Error when evaluating '{key}' for job 't'. ")
    assert text in found.why.facts["message"]
    assert leg(made, "after").would == "skip"
    assert leg(made, "anyway").would == "run"


@pytest.mark.covers("language:2.5")
def test_a_message_has_githubs_form_of_a_place(plan: MakePlan, leg: Callable[..., Any]) -> None:
    found = leg(plan(jobs(t="if: \"fromJSON('x')\"")), "t")
    assert (
        found.why.facts["message"] == f"Error when evaluating 'if' for job 't'. {FILE} (Line: 3, Col: 35): Error parsing fromJson"
    )


def test_a_row_that_may_fail_does_not_hold_others_back(plan: MakePlan, leg: Callable[..., Any]) -> None:
    made = plan(jobs(t="continue-on-error: true, timeout-minutes: \"${{ fromJSON('x') }}\"", after="needs: t"))
    assert leg(made, "t").would == "fail"
    assert leg(made, "after").would == "skip", "the failure comes before `continue-on-error` is known"


@pytest.mark.covers("language:3.8")
def test_settings_that_need_a_result_leave_the_leg_undecided(plan: MakePlan, leg: Callable[..., Any]) -> None:
    made = plan(jobs(a="", t="needs: a, runs-on: '${{ needs.a.outputs.where }}'", n="needs: a, name: '${{ needs.a.outputs.n }}'"))
    assert (leg(made, "t").would, leg(made, "t").why.facts["key"]) == ("undecided", "runs-on")
    assert (leg(made, "n").would, leg(made, "n").name) == ("undecided", "n")
    done = at_run_time(made, "t", a=Outcome("success", {"where": "windows-latest"}))
    assert would(done) == ["unsupported"]
    named = at_run_time(made, "n", a=Outcome("success", {"n": "N"}))
    assert not isinstance(named.legs, Deferred)
    assert named.legs[0].name == "N"


def test_the_numbers_of_the_run_are_seen_at_run_time(plan: MakePlan) -> None:
    made = plan(jobs(t="name: 'run ${{ github.run_number }}'"))
    done = settle(made, path("t"), {}, run=RunInfo(run_number="42"), vars={"x": "y"})
    assert not isinstance(done.legs, Deferred)
    assert done.legs[0].name == "run 42"


# ---- needs a result of something unsupported ----


def test_what_needs_an_unsupported_job_is_unsupported(plan: MakePlan, legs: Callable[..., Any], leg: Callable[..., Any]) -> None:
    made = plan(
        jobs(
            a="runs-on: windows-latest",
            b="needs: a",
            c="needs: a, if: always()",
            d="needs: b, if: always()",
            e="needs: a, if: github.ref == 'x'",
            f="needs: a, if: needs.a.outputs.x",
            g="needs: a, if: \"always() && github.ref == 'x'\"",
            h="needs: a, if: failure()",
        )
    )
    assert legs(made) == dict.fromkeys("abcdfh", "unsupported") | {"e": "skip", "g": "skip"}
    assert leg(made, "d").why.rule == "unsupported.needs"
    assert leg(made, "c").why.facts["subject"] == "a"
    assert would(at_run_time(made, "c", a="unsupported")) == ["unsupported"]


def test_a_skipped_job_is_not_unsupported(plan: MakePlan, leg: Callable[..., Any]) -> None:
    assert leg(plan(jobs(a="runs-on: windows-latest, if: github.ref == 'x'")), "a").would == "skip"


def test_a_skip_names_the_job_that_decided_and_no_unsupported_one(plan: MakePlan, leg: Callable[..., Any]) -> None:
    made = plan(
        jobs(
            gate="if: github.ref == 'x'",
            build="needs: gate, if: always(), runs-on: windows-latest",
            publish="needs: build",
        )
    )
    found = leg(made, "publish")
    assert (found.would, found.why.rule) == ("skip", "needs")
    assert found.why.facts == {"job": "gate", "result": "skipped"}
