"""What an event holds, sealed on its way: only those who have the key can read it."""

from __future__ import annotations

from inngest_encryption.middleware import Encryption, Unreadable, new_key

__all__ = ["Encryption", "Unreadable", "new_key"]
