"""The middleware in the client, over the wire."""

from __future__ import annotations

import pytest
from dev_server import DevServer
from inngest import Client, Event
from inngest_encryption import Encryption, Unreadable, new_key


def test_a_server_sees_nothing_of_what_an_event_holds() -> None:
    key = new_key()
    event = Event("order.placed", {"card": "4000 0000"})
    with DevServer() as server:
        Client("shop", server.url, [Encryption(key)]).send(event)
        assert "order.placed" in server.raw("shop") and "4000" not in server.raw("shop")
        (received,) = Client("shop", server.url, [Encryption(key)]).received()
        assert received.data == event.data
        with pytest.raises(Unreadable):
            Client("shop", server.url, [Encryption(new_key())]).received()
