"""What the name of a distribution file must look like, and what it must agree with. Pure.

Source: warehouse, forklift/legacy.py; PEP 427, PEP 625, and the platform tags of PEP 600, 656, 730 and 738."""

from __future__ import annotations

import re

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from headrace.index import messages
from headrace.index.form import KINDS
from headrace.index.model import Refusal
from headrace.index.rules import Judge

_EXTENSION = re.compile(r".+?(\.(?:tar\.gz|zip|whl))$", re.IGNORECASE | re.DOTALL)
_PLATFORMS = frozenset((
    "any", "win32", "win_arm64", "win_amd64", "win_ia64", "manylinux1_x86_64", "manylinux1_i686", "manylinux2010_x86_64",
    "manylinux2010_i686", "manylinux2014_x86_64", "manylinux2014_i686", "manylinux2014_aarch64", "manylinux2014_armv7l",
    "manylinux2014_ppc64", "manylinux2014_ppc64le", "manylinux2014_s390x", "linux_armv6l", "linux_armv7l",
))  # fmt: skip
_MAC = "(ppc|ppc64|i386|x86_64|arm64|intel|fat|fat3|fat64|universal|universal2)"
_LINUX = "x86_64|i686|aarch64|armv7l|ppc64le|s390x|riscv64"
_PLATFORM = re.compile(
    rf"macosx_10_\d+_{_MAC}|macosx_(11|12|13|14|15|26)_0_{_MAC}"
    rf"|manylinux_\d+_\d+_({_LINUX}|ppc64)|musllinux_\d+_\d+_({_LINUX})"
    r"|ios_\d+_\d+_(arm64|x86_64)_(iphoneos|iphonesimulator)|android_\d+_(armeabi_v7a|arm64_v8a|x86|x86_64)"
    r"|pyemscripten_\d+_\d+_wasm32"
)


def check_shape(filename: str, kind: str) -> None:
    """Characters and extension. Raises Refusal."""
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in filename):
        raise Refusal("filename", messages.CONTROL_CHARACTERS)
    if "/" in filename or "\\" in filename:
        raise Refusal("filename", messages.PATH_SEPARATORS)
    found = _EXTENSION.match(filename)
    if found is None:
        raise Refusal(
            "filename",
            "Invalid file extension: Use .tar.gz, .whl or .zip extension. See https://www.python.org/dev/peps/pep-0527 and "
            "https://peps.python.org/pep-0715/ for more information",
        )
    if found[1] not in KINDS[kind]:
        raise Refusal(
            "filename",
            f"Invalid file extension: Extension {found[1]} is invalid for filetype {kind}. See "
            "https://www.python.org/dev/peps/pep-0527 for more information.",
        )


def check_sdist(filename: str, project: str, version: Version) -> None:
    """Raises Refusal. `project` is as it is written; a `.zip` ends here."""
    normalized = canonicalize_name(project)
    try:
        said = str(parse_sdist_filename(filename)[0])
    except InvalidSdistFilename:
        raise Refusal("sdist-name", f"Invalid source distribution filename: {filename}") from None
    if version.is_postrelease and said != normalized and filename.count("-") >= 2:
        # The version may have a hyphen: `demo-1.0-1.tar.gz`.
        said = canonicalize_name(filename.rpartition("-")[0].rpartition("-")[0])
    if said != normalized:
        raise Refusal("sdist-name", f"Start filename for {project!r} with {normalized.replace('-', '_')!r}.")
    expected = f"{normalized.replace('-', '_')}-{version}.tar.gz"
    if filename != expected:
        raise Refusal("sdist-name", f"Filename {filename!r} is invalid, should be {expected!r}.")


def check_wheel(filename: str, project: str, version: Version, judge: Judge) -> None:
    """Raises Refusal."""
    try:
        name, said, _, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        raise Refusal("wheel-name", str(error)) from None
    for platform in sorted({tag.platform for tag in tags}):
        if not is_known_platform(platform):
            judge.refuse("platform-tag", f"Binary wheel '{filename}' has an unsupported platform tag '{platform}'.")
    normalized = canonicalize_name(project)
    escaped = normalized.replace("-", "_")
    if name != normalized:
        raise Refusal("wheel-name", f"Start filename for {project!r} with {escaped!r}.")
    first = filename.partition("-")[0]
    if first != escaped:
        wrong = f"Filename {filename!r} should contain the normalized project name {escaped!r}, not {first!r}."
        raise Refusal("wheel-name", wrong)
    if said != version:
        raise Refusal("wheel-name", f"Version in filename should be {str(version)!r} not {str(said)!r}.")


def is_known_platform(tag: str) -> bool:
    """
    >>> [is_known_platform(tag) for tag in ("any", "manylinux_2_17_x86_64", "macosx_11_0_arm64", "win_amd64")]
    [True, True, True, True]
    >>> [is_known_platform(tag) for tag in ("linux_x86_64", "macosx_11_1_arm64", "musllinux_1_2_ppc64")]
    [False, False, False]
    """
    return tag in _PLATFORMS or _PLATFORM.fullmatch(tag) is not None
