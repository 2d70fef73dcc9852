import subprocess
import sys
from pathlib import Path

from pytest import approx
from sonde_frames import Frame
from sonde_track import Track


def test_frames_are_put_in_order_and_repeats_count_once():
    late, early = Frame(20, 54.1, 7.9), Frame(10, 54.0, 7.9)
    assert Track([late, early, late]).frames == [early, late]


def test_a_degree_of_latitude_is_as_long_as_ever():
    track = Track([Frame(0, 54.0, 7.9), Frame(1000, 55.0, 7.9)])
    assert track.kilometres == approx(111.2, abs=0.1)
    assert track.speed == approx(111.2, abs=0.1)


def test_one_frame_goes_nowhere():
    assert Track([Frame(0, 54.0, 7.9)]).speed == 0


def test_a_file_of_frames_is_told(tmp_path: Path):
    data = b"".join(Frame(second, 54.0, 7.9 + second / 1000).to_bytes() for second in range(3))
    (tmp_path / "flight.bin").write_bytes(data)
    command = [sys.executable, "-m", "sonde_track", tmp_path / "flight.bin"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("3 frames, ")
