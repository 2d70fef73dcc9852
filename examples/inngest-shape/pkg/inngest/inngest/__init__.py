"""Events, a client that sends them, and what may change them on their way."""

from __future__ import annotations

from inngest.client import Client, Middleware, NotSent
from inngest.event import Event, InvalidEvent, schema

__all__ = ["Client", "Event", "InvalidEvent", "Middleware", "NotSent", "schema"]
