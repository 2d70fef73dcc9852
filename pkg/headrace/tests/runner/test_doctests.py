from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = ["commands", "contexts", "environment", "filecommands", "globs", "hashing", "masking", "regexp", "shells"]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_documentation_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"headrace.runner.{name}"))
    assert result.attempted
    assert not result.failed
