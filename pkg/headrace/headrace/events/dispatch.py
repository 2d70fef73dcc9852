"""What GitHub refuses to dispatch to a repository."""

from __future__ import annotations

from typing import Any

from headrace.base.errors import UsageError

_TYPE, _KEYS, _CHARACTERS = 100, 10, 65_535


def check_dispatch(event_type: str, client_payload: Any) -> None:
    """Raises `UsageError` for an event type or a payload of `repository_dispatch` that is too large to be sent."""
    if len(event_type) > _TYPE:
        raise UsageError(f"the event type of repository_dispatch has more than {_TYPE} characters")
    if client_payload is None:
        return
    if not isinstance(client_payload, dict):
        raise UsageError("the payload's 'client_payload' is not an object")
    if len(client_payload) > _KEYS:
        raise UsageError(f"the payload's 'client_payload' has more than {_KEYS} keys")
    import json

    if len(json.dumps(client_payload, ensure_ascii=False, separators=(",", ":"))) > _CHARACTERS:
        raise UsageError(f"the payload's 'client_payload' has more than {_CHARACTERS} characters")
