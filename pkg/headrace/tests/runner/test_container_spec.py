"""What a job says of its containers, as values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from headrace.base.errors import HeadraceError
from headrace.runner.container_spec import Spec, job_container, published, registry, services, wanted
from headrace.runner.containers import Health
from headrace.sandbox.containers.commands import State
from headrace.workflow.tokens import Expression, Mapping, Scalar, Sequence, Token


def mapping(**values: Token | str | float) -> Mapping:
    return Mapping(
        tuple((Scalar(key), value if not isinstance(value, str | float) else Scalar(value)) for key, value in values.items())
    )


CASES: list[tuple[Token, Spec | None]] = [
    (Scalar("alpine"), Spec("alpine")),
    (Scalar("docker://alpine:3"), Spec("alpine:3")),
    (Scalar(""), None),
    (Expression("github.none"), None),
    (Expression("github.image"), Spec("x:1")),
    (mapping(image=Expression("github.none")), None),
    (mapping(image="i", options='--cpus 1  --name "a b"'), Spec("i", options=("--cpus", "1", "--name", "a b"))),
    (mapping(image="i", ports=Sequence((Scalar(80.0), Scalar("53:53/udp")))), Spec("i", ports=("80", "53:53/udp"))),
    (mapping(image="i", volumes=Sequence((Scalar("/a:/b"),))), Spec("i", volumes=("/a:/b",))),
    (mapping(image="i", env=mapping(A=Expression("github.image"), B=1.0)), Spec("i", env={"A": "x:1", "B": "1"})),
    (mapping(image="i", credentials=mapping(username="u", password="p")), Spec("i", username="u", password="p")),
]


@pytest.mark.covers("language:3.5")
@pytest.mark.parametrize(("token", "spec"), CASES)
def test_a_container_is_a_text_or_a_mapping(token: Token, spec: Spec | None) -> None:
    assert job_container(token, {"github": {"image": "x:1"}}) == spec


@pytest.mark.covers("runtime:1.2")
def test_services_have_names_and_one_without_an_image_is_left_out() -> None:
    token = mapping(
        db=mapping(image="d", entrypoint="/e", command='-c "a b"'), none=mapping(image=Expression("github.none")), web="w"
    )
    assert services(token, {"github": {}}) == [Spec("d", "db", entrypoint="/e", command=("-c", "a b")), Spec("w", "web")]
    assert services(None, {}) == []
    with pytest.raises(HeadraceError):
        services(Scalar("text"), {})


@pytest.mark.parametrize(
    ("port", "fixed", "free", "names"),
    [
        ("80", "127.0.0.1::80", "127.0.0.1::80", ("80", 0)),
        ("8080:80", "127.0.0.1:8080:80", "127.0.0.1::80", ("80", 8080)),
        ("8080:80/tcp", "127.0.0.1:8080:80/tcp", "127.0.0.1::80/tcp", ("80", 8080)),
        ("192.0.2.1:8080:80", "192.0.2.1:8080:80", "127.0.0.1::80", ("80", 8080)),
    ],
)
def test_ports_are_published_on_loopback_unless_they_say_where(port: str, fixed: str, free: str, names: tuple[str, int]) -> None:
    assert (published(port, anywhere=False), published(port, anywhere=True), wanted(port)) == (fixed, free, names)


def test_credentials_are_kept_for_the_registry_that_an_image_names() -> None:
    assert registry("postgres:16") == registry("library/postgres") == "https://index.docker.io/v1/"
    assert registry("quay.io/a/b:1") == "quay.io"


@pytest.fixture
def health() -> Callable[..., Any]:
    return lambda **values: Health(State(True, "starting", **values), 100.0)


def test_a_service_is_healthy_with_the_first_look_that_succeeds(health: Callable[..., Any]) -> None:
    one = health(interval=10.0, retries=3)
    one.take(False, 100.0)
    assert one.now == "starting"
    one.take(True, 101.0)
    assert one.now == "healthy"


def test_failures_count_once_an_interval_and_not_while_it_starts(health: Callable[..., Any]) -> None:
    one = health(interval=10.0, retries=2, start_period=5.0)
    for at in (100.0, 104.0, 106.0, 107.0, 115.0):
        one.take(False, at)
        assert one.now == "starting"
    one.take(False, 116.5)
    assert one.now == "unhealthy"
