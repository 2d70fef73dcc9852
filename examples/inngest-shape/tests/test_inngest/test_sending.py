"""The client against a live dev server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import dev_server
import pytest
from dev_server import DevServer
from inngest import Client, Event, NotSent


@pytest.fixture
def server() -> Iterator[DevServer]:
    with DevServer() as started:
        yield started


def test_what_is_sent_arrives_in_order_with_ids(server: DevServer) -> None:
    client = Client("shop", server.url)
    sent = client.send(Event("order.placed", {"total": 12}), Event("order.paid"))
    assert [event.id for event in sent] == ["1", "2"]
    assert client.received() == sent


def test_an_app_sees_its_own_events_alone(server: DevServer) -> None:
    Client("shop", server.url).send(Event("order.placed"))
    assert Client("bank", server.url).received() == []


def test_what_the_server_refuses_is_not_sent(server: DevServer) -> None:
    with pytest.raises(NotSent, match="status 404"):
        Client("", server.url).send(Event("order.placed"))


def test_two_servers_may_run_at_a_time(server: DevServer) -> None:
    with DevServer() as other:
        assert other.url != server.url
        Client("shop", other.url).send(Event("order.placed"))
    assert Client("shop", server.url).received() == []


@pytest.mark.parametrize("asked", [True, False])
def test_its_log_is_kept_where_that_is_asked_for(asked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev_server, "LOG", tmp_path / "log")
    monkeypatch.delenv("DEV_SERVER_LOGS", raising=False)
    if asked:
        monkeypatch.setenv("DEV_SERVER_LOGS", "1")
    with DevServer() as server:
        Client("shop", server.url).send(Event("order.placed"))
    assert (tmp_path / "log").exists() == asked
    if asked:
        assert "POST /e/shop" in (tmp_path / "log").read_text()


def test_a_taken_port_is_no_hindrance() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with DevServer(port) as server:
            assert not server.url.endswith(f":{port}")
            assert Client("shop", server.url).received() == []
