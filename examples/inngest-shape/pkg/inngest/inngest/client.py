"""Sends events to a server."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from inngest.event import Event

DEV_SERVER = "http://127.0.0.1:8288"


class Middleware(Protocol):
    """Changes what is sent, and changes it back."""

    def before_send(self, event: Event) -> Event: ...

    def after_receive(self, event: Event) -> Event: ...


class NotSent(Exception):
    """The server did not take the events."""


class Client:
    """Of one app. The first middleware is the first to see what is sent, and the last to see what comes back."""

    def __init__(self, app: str, url: str = DEV_SERVER, middleware: Sequence[Middleware] = ()) -> None:
        self.app = app
        self._url = url.rstrip("/")
        self._middleware = tuple(middleware)

    def send(self, *events: Event) -> list[Event]:
        """The same events with the ids that the server gave them. Raises NotSent."""
        changed = list(events)
        for each in self._middleware:
            changed = [each.before_send(event) for event in changed]
        body = json.dumps([json.loads(event.to_json()) for event in changed]).encode()
        ids = json.loads(self._call(f"/e/{self.app}", body))["ids"]
        return [replace(event, id=id) for event, id in zip(events, ids, strict=True)]

    def received(self) -> list[Event]:
        """What the server has of this app. Raises NotSent where it does not answer."""
        events = [Event.from_json(json.dumps(each)) for each in json.loads(self._call(f"/v1/events/{self.app}"))]
        for middleware in reversed(self._middleware):
            events = [middleware.after_receive(event) for event in events]
        return events

    def _call(self, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(self._url + path, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as error:
            with error:
                raise NotSent(f"{path}: status {error.code}") from error
        except OSError as error:
            raise NotSent(f"{self._url} does not answer: {error}") from error
