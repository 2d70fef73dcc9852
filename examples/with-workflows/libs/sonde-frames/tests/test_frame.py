import pytest
from sonde_frames import BadFrame, Frame, frames

FIRST, SECOND = Frame(10, 54.18, 7.89), Frame(20, 54.2, 7.95, 200)


def test_a_frame_survives_the_air():
    assert Frame.from_bytes(SECOND.to_bytes()) == SECOND


def test_a_flipped_bit_is_noticed():
    data = bytearray(FIRST.to_bytes())
    data[3] ^= 1
    with pytest.raises(BadFrame):
        Frame.from_bytes(bytes(data))


def test_noise_between_frames_is_passed_over():
    data = b"\xff" + FIRST.to_bytes() + b"\x01\xff" + SECOND.to_bytes()
    assert list(frames(data)) == [FIRST, SECOND]
