"""Whether a zip file says the same to every reader: records one after another, each once, and nothing else.

One reader trusts the central directory, another the records on the way to it; where both differ, a file can show one content to
a scanner and another to an installer. Source: warehouse, utils/zipfiles.py; APPNOTE.TXT 4.3."""

from __future__ import annotations

import struct
from typing import IO
from zipfile import ZipFile, ZipInfo

_LOCAL = b"PK\x03\x04"
_END = b"PK\x05\x06"
_STREAMED = 0x08
_ZIP64 = 1
_UNKNOWN = 0xFFFFFFFF


def wrong_framing(archive: ZipFile) -> str:
    """What is wrong, "" where nothing is."""
    file = archive.fp
    assert file is not None
    names = [info.orig_filename for info in archive.infolist()]
    if len(set(names)) < len(names):
        return "Duplicate filename in central directory"
    at = 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        if info.comment:
            return "Comment in central directory"
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in info.orig_filename):
            return "Invalid character in filename"
        if info.header_offset != at:
            return "Unknown record signature" if info.header_offset > at else "Duplicate filename in local headers"
        said = _record(file, info, at)
        if isinstance(said, str):
            return said
        at = said
    if at != archive.start_dir:
        return "Mismatched central directory offset"
    file.seek(0, 2)
    end = file.tell() - 22 - len(archive.comment)
    file.seek(max(end, 0))
    return "" if end >= 0 and file.read(4) == _END else "Trailing data"


def _record(file: IO[bytes], info: ZipInfo, at: int) -> int | str:
    """Where the local record ends, or what is wrong with it."""
    file.seek(at)
    header = file.read(30)
    if len(header) < 30 or header[:4] != _LOCAL:
        return "Malformed zip file"
    numbers: tuple[int, int, int, int, int] = struct.unpack("<6xH10xLLHH", header)
    flags, packed, size, name_size, extra_size = numbers
    if flags & _STREAMED:
        return "ZIP contains a data descriptor"
    name, extra = file.read(name_size), file.read(extra_size)
    try:
        if name.decode("utf-8" if flags & 0x800 else "cp437") != info.orig_filename:
            return "Filename not in central directory"
    except UnicodeDecodeError:
        return "Filename not unicode"
    if _UNKNOWN in (packed, size):
        size, packed = _long(extra, size, packed)
    if packed != info.compress_size:
        return "Mis-matched data size"
    if size != info.file_size:
        return "Mis-matched file size"
    return at + 30 + name_size + extra_size + packed


def _long(extra: bytes, size: int, packed: int) -> tuple[int, int]:
    """Sizes of more than 4 GiB, from the field for them."""
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        if kind == _ZIP64 and length >= 16:
            big: tuple[int, int] = struct.unpack("<QQ", extra[4:20])
            return (big[0] if size == _UNKNOWN else size), (big[1] if packed == _UNKNOWN else packed)
        extra = extra[4 + length :]
    return size, packed
