"""Seals the data of events with a key that both sides have."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

from inngest import Event
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from nacl.utils import random

SEALED = "sealed"


class Unreadable(Exception):
    """What was received was sealed with another key, or changed on its way."""


def new_key() -> bytes:
    return random(SecretBox.KEY_SIZE)


class Encryption:
    """A middleware of the client. Events whose data are not sealed are received as they are."""

    def __init__(self, key: bytes) -> None:
        self._box = SecretBox(key)

    def before_send(self, event: Event) -> Event:
        sealed = self._box.encrypt(json.dumps(dict(event.data)).encode())
        return replace(event, data={SEALED: base64.b64encode(sealed).decode()})

    def after_receive(self, event: Event) -> Event:
        """Raises Unreadable."""
        sealed = event.data.get(SEALED)
        if not isinstance(sealed, str):
            return event
        try:
            data = self._box.decrypt(base64.b64decode(sealed))
        except (CryptoError, ValueError) as error:
            raise Unreadable(f"{event.name} cannot be opened with this key") from error
        return replace(event, data=json.loads(data))
