from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_core import containers, differential
from test_core.callers import Runs
from test_core.calls import Headrace
from test_core.indexes import Index, Issuer
from test_core.people import People, Person


@pytest.fixture
def headrace(request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headrace]:
    calls = Headrace(tmp_path, tmp_path, tmp_path_factory.getbasetemp().parent / "bytecode")
    host_only = request.node.get_closest_marker("host_only")
    if host_only is not None and os.environ.get("HEADRACE_ISOLATION") == "namespaces":
        pytest.skip(f"jobs on the machine as it is: {host_only.args[0]}")
    one_state = request.node.get_closest_marker("one_state")
    calls.twice = bool(os.environ.get(differential.ASKED)) and host_only is None and one_state is None
    yield calls
    calls.close()


@pytest.fixture
def runs(headrace: Headrace) -> Runs:
    return Runs(headrace)


@pytest.fixture(scope="session")
def tried_engine() -> containers.Engine:
    return containers.engine()


@pytest.fixture
def engine(tried_engine: containers.Engine) -> Iterator[containers.Engine]:
    """For one test at a time, as it looks at what is left of containers."""
    with containers.alone():
        tried_engine.others = frozenset()
        tried_engine.others = frozenset(tried_engine.left())
        yield tried_engine


@pytest.fixture(scope="session")
def people() -> Iterator[People]:
    made = People()
    yield made
    made.close()


@pytest.fixture(scope="session")
def person(people: People) -> Person:
    """An ordinary user with a range of ids."""
    return people.make(ranges=True)


@pytest.fixture(scope="session")
def single_person(people: People) -> Person:
    """An ordinary user without one."""
    return people.make(ranges=False)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as made:
        yield made


@pytest.fixture
def index(headrace: Headrace, issuer: Issuer, tmp_path: Path) -> Iterator[Index]:
    """An index that trusts `issuer`, over https."""
    with Index(headrace, tmp_path / "index", "--issuer", issuer.url) as served:
        yield served
