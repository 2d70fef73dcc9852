"""Frames of weather balloons."""

from sonde_frames.frame import BadFrame, Frame, frames

__all__ = ["BadFrame", "Frame", "frames"]
