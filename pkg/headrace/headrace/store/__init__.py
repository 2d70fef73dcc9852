"""Bytes by key on disk, whole or absent whatever happens, and the index of artifacts over them. Knows scopes, not jobs."""
