from __future__ import annotations

from dataclasses import replace

import pytest
from inngest import Event
from inngest_encryption import Encryption, Unreadable, new_key

EVENT = Event("order.placed", {"card": "4000 0000"})


def test_what_is_sealed_is_opened_by_the_same_key_alone() -> None:
    key = new_key()
    sealed = Encryption(key).before_send(EVENT)
    assert "4000" not in sealed.to_json()
    assert Encryption(key).after_receive(sealed) == EVENT
    with pytest.raises(Unreadable):
        Encryption(new_key()).after_receive(sealed)


def test_what_was_changed_on_its_way_is_unreadable() -> None:
    middleware = Encryption(new_key())
    with pytest.raises(Unreadable):
        middleware.after_receive(replace(EVENT, data={"sealed": "bm90aGluZw=="}))


def test_what_was_never_sealed_is_received_as_it_is() -> None:
    assert Encryption(new_key()).after_receive(EVENT) == EVENT
