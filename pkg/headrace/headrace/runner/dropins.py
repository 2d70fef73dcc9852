"""Native drop-ins: how the program that stands for a published action is started, and with which inputs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from headrace.actions import builtin
from headrace.actions.manifest import Manifest
from headrace.expressions import Value
from headrace.workflow import template
from headrace.workflow.model import Uses
from headrace.workflow.tokens import Expression

_MAIN = os.path.join(os.path.dirname(os.path.abspath(builtin.__file__)), "__main__.py")


def arguments(python: str, name: str, stage: str) -> tuple[str, ...]:
    """The command of a drop-in: a plain Python without site-packages, so that it starts in a few milliseconds."""
    return (python, "-I", "-S", _MAIN, name, stage)


def inputs_of(
    manifest: Manifest, uses: Uses, contexts: Mapping[str, Value], functions: Mapping[str, Callable[..., Value]]
) -> tuple[dict[str, str], dict[str, str]]:
    """The declared inputs that are not given, with their defaults, and the given ones. Raises TemplateError."""
    given = template.string_map(uses.inputs, contexts, functions) if uses.inputs is not None else {}
    present = {name.lower() for name in given}
    declared = {
        name: template.text(Expression(default[3:-2].strip()), contexts, functions) if default.startswith("${{") else default
        for name, default in manifest.inputs.items()
        if name.lower() not in present
    }
    return declared, given
