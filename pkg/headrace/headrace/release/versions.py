"""Versions and the tags that name them. Pure.

Source: "Version specifiers" of the Python packaging user guide (PEP 440)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from headrace.base.errors import Problem, UsageError

Part = Literal["major", "minor", "patch", "pre"]
PARTS: tuple[Part, ...] = ("major", "minor", "patch", "pre")


def normal(name: str) -> str:
    """The form in which names of packages are compared.

    >>> normal("Headrace_Encryption")
    'headrace-encryption'
    """
    return canonicalize_name(name)


def read(text: str) -> Version | None:
    """The version that a text is, however it is spelled; None where it is none.

    >>> read("v1.0-rc.1") == read("1.0rc1"), read("1.2.3-SNAPSHOT")
    (True, None)
    """
    try:
        return Version(text)
    except InvalidVersion:
        return None


def misspelled(text: str) -> Problem | None:
    """What forbids a new tag with this version: it is none, has a local part, or is not spelled as files and indexes do.

    >>> print(misspelled("1.2.3rc1"), misspelled("1.2.3-rc.1"), sep="; ")
    None; 1.2.3-rc.1 is not the canonical spelling of a version; say 1.2.3rc1
    """
    version = read(text)
    if version is None:
        return Problem(f"{text or '(nothing)'} is not a version", hint="say one such as 1.2.3 or 1.2.3rc1")
    if version.local:
        return Problem(f"{text} has a local part (+{version.local}), which an index refuses", hint=f"say {version.public}")
    if str(version) != text:
        return Problem(f"{text} is not the canonical spelling of a version", hint=f"say {version}")
    return None


def spelling(package: str, tag: str) -> Version | None:
    """The version of `package` that a tag stands for, whatever the spelling of either; None for a tag of something else.

    >>> spelling("headrace_encryption", "Headrace-Encryption@v0.1"), spelling("inngest", "inngest_encryption@1.0")
    (<Version('0.1')>, None)
    """
    name, at, rest = tag.rpartition("@")
    if not at or normal(name) != normal(package):
        return None
    return read(rest)


def same(package: str, version: str, tags: Iterable[str]) -> list[str]:
    """The tags that name this version of the package, in any spelling.

    >>> same("a", "1.0", ["a@1.0.0", "a@v1.0", "a@1.0.1", "b@1.0", "a@1.0rc1"])
    ['a@1.0.0', 'a@v1.0']
    """
    wanted = read(version)
    return [] if wanted is None else [tag for tag in tags if spelling(package, tag) == wanted]


def newest(versions: Iterable[Version], within: Version | None = None) -> Version | None:
    """The highest of them; with `within`, of those of its line (major.minor).

    >>> known = [Version("1.0.4"), Version("1.1.0"), Version("1.0.5rc1")]
    >>> newest(known), newest(known, Version("1.0.6"))
    (<Version('1.1.0')>, <Version('1.0.5rc1')>)
    """
    line = [v for v in versions if within is None or (v.epoch, v.major, v.minor) == (within.epoch, within.major, within.minor)]
    return max(line, default=None)


def bumped(text: str, part: Part) -> str:
    """The next version. A pre-release goes on to the final one that it came before; `pre` counts a pre-release on, or begins the
    first candidate of the next patch.

    >>> [bumped("1.2.3", part) for part in PARTS]
    ['2.0.0', '1.3.0', '1.2.4', '1.2.4rc1']
    >>> [bumped("1.3.0rc1", part) for part in PARTS]
    ['2.0.0', '1.3.0', '1.3.0', '1.3.0rc2']
    >>> bumped("2.0.0a1", "major"), bumped("1.2", "patch"), bumped("1.2.3.dev4", "pre"), bumped("1!1.0.0.post1", "patch")
    ('2.0.0', '1.2.1', '1.2.3rc1', '1!1.0.1')

    Raises UsageError for what is no version.
    """
    version = read(text)
    if version is None:
        raise UsageError(Problem(f"{text or '(nothing)'} is not a version, so there is none after it"))
    major, minor, patch = version.major, version.minor, version.micro
    early = version.is_prerelease and not any(version.release[3:])  # comes before what its three numbers say
    epoch = f"{version.epoch}!" if version.epoch else ""
    match part:
        case "major":
            first = early and minor == patch == 0
            numbers = (major if first else major + 1, 0, 0)
        case "minor":
            numbers = (major, minor if early and patch == 0 else minor + 1, 0)
        case "patch" | "pre":
            numbers = (major, minor, patch if early else patch + 1)
    final = epoch + ".".join(map(str, numbers))
    if part != "pre":
        return final
    letter, number = (version.pre if early else None) or ("rc", 0)
    return f"{final}{letter}{number + (0 if version.is_devrelease and number else 1)}"
