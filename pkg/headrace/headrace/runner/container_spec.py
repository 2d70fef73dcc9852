"""What a job says of its container and its services, evaluated. Tokens and contexts in, plain values out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from headrace.base.errors import HeadraceError, Problem
from headrace.expressions import to_text
from headrace.runner.shells import split_arguments
from headrace.workflow import template
from headrace.workflow.tokens import Token


class Spec(Struct, frozen=True):
    """`name` is the service's, empty for the container of the job. `options` are words, as a runner's command line has them."""

    image: str
    name: str = ""
    env: dict[str, str] = {}
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    username: str = ""
    password: str = ""
    entrypoint: str = ""
    command: tuple[str, ...] = ()


def job_container(token: Token | None, contexts: Mapping[str, Any]) -> Spec | None:
    """None where there is none, also where its image evaluates to an empty text. Raises TemplateError."""
    return None if token is None else _spec("", template.value(token, contexts, {}))


def services(token: Token | None, contexts: Mapping[str, Any]) -> list[Spec]:
    """Those with an image. Raises TemplateError, HeadraceError."""
    if token is None:
        return []
    found = template.value(token, contexts, {})
    if found in (None, ""):
        return []
    if not isinstance(found, dict):
        raise HeadraceError(Problem("`services` is no mapping", token.at))
    specs = [_spec(name, each) for name, each in found.items()]
    return [spec for spec in specs if spec is not None]


def _spec(name: str, value: Any) -> Spec | None:
    """
    >>> _spec("", "docker://alpine:3").image, _spec("", ""), _spec("", {"image": ""})
    ('alpine:3', None, None)
    >>> _spec("db", {"image": "x", "ports": [5432.0], "options": '--health-cmd "a b"'}).options
    ('--health-cmd', 'a b')
    """
    block = value if isinstance(value, dict) else {"image": value}
    image = _text(block.get("image")).removeprefix("docker://")
    if not image:
        return None
    env, login = block.get("env") or {}, block.get("credentials") or {}
    return Spec(
        image,
        name,
        {key: _text(each) for key, each in env.items()} if isinstance(env, dict) else {},
        _texts(block.get("ports")),
        _texts(block.get("volumes")),
        tuple(split_arguments(_text(block.get("options")))),
        _text(login.get("username")) if isinstance(login, dict) else "",
        _text(login.get("password")) if isinstance(login, dict) else "",
        _text(block.get("entrypoint")),
        tuple(split_arguments(_text(block.get("command")))),
    )


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, list | dict) else to_text(value)


def _texts(value: Any) -> tuple[str, ...]:
    given = value if isinstance(value, list) else [] if value in (None, "") else [value]
    return tuple(_text(each) for each in given)


def published(port: str, *, anywhere: bool) -> str:
    """What is told the engine of an entry of `ports`: on loopback where it does not name an address. `anywhere`: at a port that
    is free, whatever the entry says.

    >>> [published(port, anywhere=False) for port in ("5432", "80:5432", "53/udp", "0.0.0.0:80:80", "[::1]:80:80")]
    ['127.0.0.1::5432', '127.0.0.1:80:5432', '127.0.0.1::53/udp', '0.0.0.0:80:80', '[::1]:80:80']
    >>> published("80:5432", anywhere=True)
    '127.0.0.1::5432'
    """
    outer, _, inner = port.rpartition(":")
    if anywhere:
        return f"127.0.0.1::{inner}"
    return port if ":" in outer or "." in outer else f"127.0.0.1:{outer}:{inner}"


def wanted(port: str) -> tuple[str, int]:
    """The port in the container as `job.services` calls it, and the one that is asked for outside, 0 for any.

    >>> wanted("5432"), wanted("80:5432"), wanted("127.0.0.1:8053:53/udp")
    (('5432', 0), ('5432', 80), ('53', 8053))
    """
    outer, _, inner = port.rpartition(":")
    asked = outer.rpartition(":")[2]
    return inner.partition("/")[0], int(asked) if asked.isdecimal() else 0


def registry(image: str) -> str:
    """Where an image comes from, as a login is kept for it.

    >>> registry("alpine"), registry("me/x"), registry("ghcr.io/me/x:1"), registry("localhost:5000/x")
    ('https://index.docker.io/v1/', 'https://index.docker.io/v1/', 'ghcr.io', 'localhost:5000')
    """
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "https://index.docker.io/v1/"
