"""The services listen on loopback, or not at all."""

from __future__ import annotations

import os
import socket

import pytest
from headrace.base.errors import EngineError, UsageError
from headrace.services.serve import inherited, listen


@pytest.mark.parametrize(
    "address", ["0.0.0.0:0", "192.0.2.1:80", "example.com:80", "127.0.0.1", "127.0.0.1:x", ":80", "127.0.0.1:70000"]
)
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(UsageError):
        listen(address)


def test_a_port_in_use_is_said() -> None:
    with listen("127.0.0.1:0") as first, pytest.raises(EngineError, match="cannot listen on"):
        listen(f"127.0.0.1:{first.getsockname()[1]}")


def test_an_inherited_descriptor_must_listen() -> None:
    reading, writing = os.pipe()
    with pytest.raises(UsageError, match="no listening socket"):
        inherited(reading)
    os.close(reading)
    os.close(writing)
    with socket.socket() as deaf, pytest.raises(UsageError, match="no listening socket"):
        inherited(deaf.fileno())
