"""For all rooms: how many examples of free inputs are tried."""

from __future__ import annotations

from test_core.examples import load_profile

load_profile()
