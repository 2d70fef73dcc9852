"""Reasons in words: one function per rule. The table, the run's lines and the JSON all say what stands here.

A reason holds facts and no sentence, so that whoever decides need not write and whoever writes need not decide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from headrace.base.lean import lazy_pattern
from headrace.plan.model import Reason
from headrace.report.text import clean, count, shorten

Facts = Mapping[str, str]
_WORDS: dict[str, Callable[[Facts], str]] = {}


def say(reason: Reason) -> str:
    """One sentence without a full stop, on one line. A rule that has no words yet is shown with its facts, never hidden.

    >>> say(Reason("something-new", None, {"a": "1"}))
    'something-new (a: 1)'
    """
    rule = reason.rule
    words = _WORDS.get(rule)
    while words is None and "." in rule:
        rule = rule.rpartition(".")[0]
        words = _WORDS.get(rule)
    if words is None:
        facts = ", ".join(f"{key}: {value}" for key, value in reason.facts.items())
        return clean(f"{reason.rule} ({facts})" if facts else reason.rule)
    return clean(words({"rule": reason.rule, **reason.facts}))


def workflow_of(reason: Reason) -> str:
    """The path of the workflow that a rejection is about."""
    return reason.facts.get("workflow", "")


def place(reason: Reason) -> str | None:
    """`file:line:column` of what decided, where one line did."""
    return str(reason.at) if reason.at is not None and reason.at.file else None


def known_rules() -> frozenset[str]:
    """The rules that have words."""
    return frozenset(_WORDS)


def _word(*rules: str) -> Callable[[Callable[[Facts], str]], Callable[[Facts], str]]:
    def register(words: Callable[[Facts], str]) -> Callable[[Facts], str]:
        for rule in rules:
            _WORDS[rule] = words
        return words

    return register


# Which workflows an event starts ------------------------------------------------------------------------------------


@_word("event")
def _event(facts: Facts) -> str:
    if "on" not in facts:
        return f"{facts.get('event', 'the event')} starts it"
    return f"{facts.get('event', 'this event')} does not start it; it starts on {facts['on'] or 'nothing'}"


@_word("called")
def _called(facts: Facts) -> str:
    return f"{facts.get('job', 'a job')} calls it ({_HASH.sub(_short, facts.get('uses', ''))})"


@_word("skip-ci")
def _skip_ci(facts: Facts) -> str:
    return f"the head commit's message says {facts.get('mark', '[skip ci]')}"


@_word("unsent")
def _unsent(facts: Facts) -> str:
    return f"GitHub sends no {facts.get('event', 'event')} for {facts.get('what', 'this')}"


@_word("types")
def _types(facts: Facts) -> str:
    action, types = facts.get("action", ""), facts.get("types", "")
    if action in types.split(", "):
        return f"activity type {action} is among its types"
    return f"activity type {action or 'none'} is not among its types ({types})"


@_word("branches", "tags", "names", "versions")
def _ref(facts: Facts) -> str:
    rule = facts["rule"]
    what = {"branches": "branch", "tags": "tag", "names": "image", "versions": "version"}[rule]
    value = facts.get("value", "")
    if "only" in facts:
        return f"a {what} was pushed ({value}), and it filters {facts['only']} alone"
    return f"{what} {value} {_matched(facts)}"


@_word("paths")
def _paths(facts: Facts) -> str:
    files, pattern, listed = facts.get("files", ""), facts.get("pattern", ""), facts.get("filter", "paths")
    if files == "unknown":
        return f"{listed} is not looked at, since the changed files are not known"
    if "file" in facts:
        return f"changed file {facts['file']} {_matched(facts)}"
    changed = count(int(files), "changed file") if files.isdecimal() else "the changed files"
    if files == "0":
        return f"nothing changed, so that {listed} lets nothing through"
    if listed.endswith("-ignore"):
        return f"{changed}, all in {listed}" + (f" (such as '{pattern}')" if pattern else "")
    return f"{changed}, none in {listed}" + (f" (last said '{pattern}')" if pattern else "")


def _matched(facts: Facts) -> str:
    """How a value fared with a filter."""
    listed, pattern = facts.get("filter", ""), facts.get("pattern", "")
    if not pattern:
        return f"matches nothing in {listed}"
    if pattern.startswith("!"):
        return f"is taken out of {listed} by '{pattern}'"
    return f"matches '{pattern}' in {listed}"


@_word("schedule")
def _schedule(facts: Facts) -> str:
    value, cron = facts.get("value", ""), facts.get("cron", "")
    return f"its schedule '{cron}' is due" if value == cron else f"schedule '{value}' is due, not its own '{cron}'"


@_word("workflows")
def _workflows(facts: Facts) -> str:
    return f"the run was of workflow {facts.get('value', '')}"


# What a runner cannot do --------------------------------------------------------------------------------------------


@_word("unsupported")
def _unsupported(facts: Facts) -> str:
    """Most have a feature of the table; `what` says what the job does."""
    what, subject = facts.get("what", ""), facts.get("subject", "")
    if facts["rule"] == "unsupported.needs":
        return f"it needs {subject}, which is unsupported"
    if facts["rule"] == "unsupported.reusable-workflow":
        return f"it {what} ({_HASH.sub(_short, subject)}); --actions-root or --action can say where there is a copy"
    if not what:
        return f"{facts['rule'].partition('.')[2] or 'a feature of it'} is not supported"
    lack = f": {facts['lack']}" if facts.get("lack") else ""
    return f"it {what}" + (f" ({_HASH.sub(_short, subject)})" if subject else "") + lack


_HASH = lazy_pattern(r"(?<=[@:])[0-9a-f]{40,64}\b")


def _short(found: re.Match[str]) -> str:
    """
    >>> _HASH.sub(_short, "a/b@" + "0123456789abcdef" * 4)
    'a/b@0123456789'
    """
    return found[0][:10]


# Why a job does not go on -------------------------------------------------------------------------------------------


@_word("fail-fast")
def _fail_fast(facts: Facts) -> str:
    return f"{facts.get('leg', 'another leg')} failed, and the matrix is fail-fast"


@_word("interrupted")
def _interrupted(facts: Facts) -> str:
    return "the run was interrupted"


@_word("concurrency")
def _concurrency(facts: Facts) -> str:
    by = f" (run {facts['run']})" if "run" in facts else ""
    return f"{facts.get('message', 'another has its concurrency group')}{by}"


@_word("concurrency.full")
def _queue_full(facts: Facts) -> str:
    return f"a hundred wait for the concurrency group '{facts.get('group', '')}' already"


@_word("timeout")
def _timeout(facts: Facts) -> str:
    return f"it took longer than its {facts.get('minutes', '?')} minutes"


@_word("forced")
def _forced(facts: Facts) -> str:
    return "it did not end when it was cancelled, and was killed"


# What becomes of a job ----------------------------------------------------------------------------------------------


@_word("condition")
def _condition(facts: Facts) -> str:
    """With what decided, its condition does not hold; without, it does."""
    source = _own(facts.get("if", ""))
    parts = [f"{text} is {_value(value)}" for text, value in facts.items() if text not in ("if", "assumed", "rule")]
    if not parts:
        return f"its condition holds: {source}"
    shown = [part for part in parts if part != f"{source} is false"]
    assumed = f", if {facts['assumed']}" if "assumed" in facts else ""
    return f"its condition is false{assumed}: {source}" + (f"; {', '.join(shown)}" if shown else "")


def _value(text: str) -> str:
    """A value that a condition saw: on one line, and of a large one both ends.

    >>> _value(""), _value('{\\n  "a": 1\\n}')
    ("''", '{ "a": 1 }')
    """
    return shorten(" ".join(text.split()), _VALUE) or "''"


_VALUE = 100


def _own(condition: str) -> str:
    """The part of a finished condition that the file says.

    >>> _own("success() && (github.ref == 'x')")
    "github.ref == 'x'"
    """
    head = "success() && ("
    return condition[len(head) : -1] if condition.startswith(head) and condition.endswith(")") else condition


@_word("step-condition")
def _step_condition(facts: Facts) -> str:
    condition, status = _own(facts.get("condition", "")), facts.get("status", "")
    so_far = f"; the job is {status} so far" if status and status != "success" else ""
    return f"{condition or 'its condition'} does not hold{so_far}"


@_word("needs")
def _needs(facts: Facts) -> str:
    job, result = facts.get("job", "a job"), facts.get("result", "")
    ended = {"failure": "failed", "cancelled": "was cancelled", "skipped": "is skipped", "unsupported": "is unsupported"}
    return f"it needs {job}, which {ended.get(result, f'ended as {result}')}"


@_word("cancelled")
def _cancelled(facts: Facts) -> str:
    return "the run is being cancelled"


@_word("undecided")
def _undecided(facts: Facts) -> str:
    job, key = facts.get("job", "a job"), facts.get("key", "")
    return f"its {key or 'start'} hangs on the {facts.get('reads', 'result')} of {job}"


@_word("evaluation", "dispatch-input")
def _message(facts: Facts) -> str:
    return facts.get("message", "") or f"{facts.get('key', 'a key')} cannot be evaluated"


@_word("selection")
def _selection(facts: Facts) -> str:
    asked = ", ".join(f"{key[7:]}={value}" for key, value in facts.items() if key.startswith("matrix."))
    return f"no leg of it has {asked}" if asked else "it was not asked for"
