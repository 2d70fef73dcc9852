"""`python -m sonde_track FILE`: how far a balloon went, and how fast."""

from __future__ import annotations

import sys
from pathlib import Path

from sonde_frames import frames

from sonde_track import Track

if len(sys.argv) != 2:
    sys.exit("usage: python -m sonde_track FILE")
track = Track(frames(Path(sys.argv[1]).read_bytes()))
print(f"{len(track.frames)} frames, {track.kilometres:.1f} km, {track.speed:.1f} m/s")
