"""Versions, tags, floors, changelogs: what must hold before a package is tagged, the push of its tag, and what comes after."""
