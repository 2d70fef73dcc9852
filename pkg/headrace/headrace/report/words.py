"""Reasons in words: one function per rule. The table, the run's lines and the JSON all say what stands here.

A reason holds facts and no sentence, so that whoever decides need not write and whoever writes need not decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from headrace.plan.model import Reason
from headrace.report.text import clean

Facts = Mapping[str, str]


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
    return clean(words(reason.facts))


_WORDS: dict[str, Callable[[Facts], str]] = {}


def workflow_of(reason: Reason) -> str:
    """The path of the workflow that a rejection is about."""
    return reason.facts.get("workflow", "")
