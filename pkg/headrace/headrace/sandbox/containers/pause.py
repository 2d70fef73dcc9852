"""The image that needs no registry: two programs of a hundred bytes, one that ends well and one that never ends."""

from __future__ import annotations

import io
import os
import struct
import tarfile

IMAGE = "localhost/headrace-pause:1"
TRUE, PAUSE = "/true", "/pause"

_MACHINES = {"x86_64": 62, "aarch64": 183}
_CODE = {
    # exit(0); pause() again and again
    "x86_64": (bytes.fromhex("b83c00000031ff0f05"), bytes.fromhex("b8220000000f05ebf7")),
    # exit(0); ppoll of nothing again and again
    "aarch64": (
        struct.pack("<3I", 0xD2800BA8, 0xD2800000, 0xD4000001),
        struct.pack("<7I", 0xD2800928, 0xD2800000, 0xD2800001, 0xD2800002, 0xD2800003, 0xD4000001, 0x17FFFFFA),
    ),
}


def programs(machine: str) -> dict[str, bytes]:
    """Path → a static program; empty for a kind of machine that we know none for."""
    if machine not in _CODE:
        return {}
    return {path: _elf(machine, code) for path, code in zip((TRUE, PAUSE), _CODE[machine], strict=True)}


def archive(machine: str | None = None) -> bytes:
    """The root of the image as a tar file."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for path, content in programs(machine or os.uname().machine).items():
            info = tarfile.TarInfo(path.lstrip("/"))
            info.size, info.mode = len(content), 0o755
            tar.addfile(info, io.BytesIO(content))
    return data.getvalue()


def _elf(machine: str, code: bytes) -> bytes:
    base, head = 0x400000, 64 + 56
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, _MACHINES[machine], 1, base + head, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, head + len(code), head + len(code), 0x1000)
    return identity + header + segment + code
