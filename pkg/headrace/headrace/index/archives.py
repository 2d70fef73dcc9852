"""What must be inside of a distribution file. Nothing of it is ever unpacked to the disk.

Source: warehouse, forklift/legacy.py and utils/wheel.py."""

from __future__ import annotations

import configparser
import posixpath
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import IO

from packaging.metadata import parse_email
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from headrace.index import messages
from headrace.index.model import MIB, Refusal
from headrace.index.zips import wrong_framing

_SMALL = 64 * MIB
_RATIO = 50
_LARGEST_METADATA = 16 * MIB
_ENTRY_POINT = re.compile(r"[\w.]+\s*(:\s*[\w.]+)?\s*(\[[^\]]*\])?\s*")
_SEE = "See https://docs.pypi.org/archives for more information"


class Archive:
    """An opened distribution file. Use as a context manager."""

    def __init__(self, filename: str, file: IO[bytes], size: int) -> None:
        """Raises Refusal where it is not what its name says."""
        self.filename = filename
        self._zip: zipfile.ZipFile | None = None
        self._members: dict[str, bytes | None] = {}
        is_zip = _looks(zipfile.is_zipfile, file)
        is_tar = _looks(tarfile.is_tarfile, file)
        if is_zip and is_tar:
            raise _invalid("File is both a zip and a tar file")
        file.seek(0)
        if filename.endswith((".whl", ".zip")):
            if not is_zip:
                raise _invalid("File is not a zipfile")
            self._open_zip(file, size)
        else:
            if not is_tar:
                raise _invalid("File is not a tarfile")
            self._read_tar(file, size)

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        if self._zip is not None:
            self._zip.close()

    def read(self, name: str) -> bytes | None:
        """A member's bytes, None where there is none of that name."""
        if self._zip is None:
            return self._members.get(name)
        try:
            if self._zip.getinfo(name).file_size > _LARGEST_METADATA:
                raise _invalid(f"{name} is larger than {_LARGEST_METADATA // MIB} MB")
            return self._zip.read(name)
        except KeyError:
            return None
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
            raise _invalid(f"{name} cannot be read") from None

    def has(self, name: str) -> bool:
        return name in self._members if self._zip is None else name in self._zip.NameToInfo

    @property
    def top(self) -> str:
        """The one folder of an sdist, the .dist-info folder of a wheel."""
        if self.filename.endswith(".whl"):
            return "-".join(self.filename.split("-", 2)[:2]) + ".dist-info"
        return self._top

    def _open_zip(self, file: IO[bytes], size: int) -> None:
        try:
            self._zip = opened = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError):
            raise _invalid("None") from None
        infos = opened.infolist()
        expanded = sum(info.file_size for info in infos)
        if expanded > _SMALL and expanded / max(size, 1) > _RATIO:
            raise _invalid(f"File exceeds compression ratio of {_RATIO}")
        if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in infos):
            raise _invalid("File does not use a supported compression type")
        if self.filename.endswith(".whl"):
            if self.filename.count("-") < 2:
                raise _invalid("Unable to parse name and version from wheel filename")
            target = f"{self.top}/WHEEL"
            if not self.has(target):
                raise _invalid(f"WHEEL not found at {target}")
        else:
            self._top = _common(opened.namelist())
            if not self.has(f"{self._top}/PKG-INFO"):
                raise _invalid(f"PKG-INFO not found at {self._top}/PKG-INFO")
        wrong = wrong_framing(opened)
        if wrong:
            raise _invalid(f"ZIP archive not accepted: {wrong}. {_SEE}")

    def _read_tar(self, file: IO[bytes], size: int) -> None:
        """Through it once: a compressed stream has no way back. Small members of interest are kept."""
        expanded = 0
        try:
            with tarfile.open(fileobj=file, mode="r:gz") as tar:
                for member in tar:
                    expanded += member.size
                    if expanded > _SMALL and expanded / max(size, 1) > _RATIO:
                        raise _invalid(f"File exceeds compression ratio of {_RATIO}")
                    if member.issparse():
                        raise _invalid(f"tar archive not accepted: Sparse members are not allowed. {_SEE}")
                    wanted = member.isfile() and member.name.endswith("/PKG-INFO") and member.size <= _LARGEST_METADATA
                    content = tar.extractfile(member) if wanted else None
                    self._members[member.name] = content.read() if content is not None else None
        except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError):
            raise _invalid("None") from None
        self._top = _common(list(self._members))
        if f"{self._top}/PKG-INFO" not in self._members:
            raise _invalid(f"PKG-INFO not found at {self._top}/PKG-INFO")


def check_licenses(archive: Archive, files: Sequence[str]) -> None:
    """Whether every license file that the metadata names is there. Raises Refusal."""
    folder = f"{archive.top}/licenses" if archive.filename.endswith(".whl") else archive.top
    for file in files:
        if not archive.has(f"{folder}/{file}"):
            raise Refusal("license-file", messages.no_license(file, archive.filename, f"{folder}/{file}"))


def check_wheel(archive: Archive) -> bytes:
    """What every wheel must hold; its METADATA. Raises Refusal."""
    record = f"{archive.top}/RECORD"
    if not archive.has(record):
        wrong = f"Wheel '{archive.filename}' does not contain the required RECORD file: {record}"
        raise Refusal("wheel-content", wrong)
    points = archive.read(f"{archive.top}/entry_points.txt")
    if points is not None and not _are_entry_points(points):
        wrong = f"Wheel '{archive.filename}' has invalid entry points defined in the entry_points.txt file"
        raise Refusal("wheel-content", wrong)
    metadata = archive.read(f"{archive.top}/METADATA")
    if metadata is None:
        wrong = f"Wheel '{archive.filename}' does not contain the required METADATA file: {archive.top}/METADATA"
        raise Refusal("wheel-content", wrong)
    return metadata


def check_same(content: bytes | None, filename: str, name: str, version: Version) -> None:
    """Whether the file's own metadata say what the form said. PyPI looks at the form alone, and would serve files that contradict
    their names. Raises Refusal."""
    raw, _ = parse_email(content or b"")
    said = raw.get("name", ""), raw.get("version", "")
    try:
        same = canonicalize_name(said[0]) == canonicalize_name(name) and Version(said[1]) == version
    except InvalidVersion:
        same = False
    if not same:
        wrong = f"The metadata inside of {filename!r} is of {said[0]!r} {said[1]!r}, the upload says {name!r} {str(version)!r}."
        raise Refusal("metadata-mismatch", wrong)


def _are_entry_points(content: bytes) -> bool:
    """
    >>> _are_entry_points(b"[console_scripts]\\nx = a.b:c"), _are_entry_points(b"x = a"), _are_entry_points(b"[x]\\ny = a:b:c")
    (True, False, False)
    """
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    try:
        parser.read_string(content.decode("utf-8"))
    except (UnicodeDecodeError, configparser.Error):
        return False
    return all(_ENTRY_POINT.fullmatch(value) for section in parser.sections() for value in parser[section].values())


def _common(names: Sequence[str]) -> str:
    """The folder that all are in. Raises Refusal where there is no such one."""
    try:
        common = posixpath.commonpath(names) if names else ""
    except ValueError:
        common = ""
    top = common.partition("/")[0]
    if top in ("", ".", ".."):
        raise _invalid("Incorrect number of top-level directories in sdist")
    return top


def _looks(check: Callable[[IO[bytes]], bool], file: IO[bytes]) -> bool:
    file.seek(0)
    try:
        return bool(check(file))
    except (OSError, EOFError, ValueError, zlib.error):
        return False


def _invalid(why: str) -> Refusal:
    return Refusal("archive", f"Invalid distribution file. {why}")
