"""The examples in the documentation of the rooms are right."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

ROOMS = (
    "headrace.base",
    "headrace.workflow",
    "headrace.events",
    "headrace.plan",
    "headrace.release",
    "headrace.report",
    "headrace.sandbox",
    "headrace.sandbox.probe",
)
MODULES = [
    f"{room}.{found.name}"
    for room in ROOMS
    for found in pkgutil.iter_modules(importlib.import_module(room).__path__)
    if not found.name.startswith("__")
]


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_the_documentation_are_right(module: str) -> None:
    assert doctest.testmod(importlib.import_module(module)).failed == 0
