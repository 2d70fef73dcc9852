"""Which labels of `runs-on` a machine may answer to. Knows the names, asks no machine."""

from __future__ import annotations

from collections.abc import Collection


def labels_of(machine: str) -> frozenset[str]:
    """The labels that a Linux machine of that architecture (as `uname -m` spells it) takes jobs for.

    >>> sorted(labels_of("x86_64"))
    ['linux', 'self-hosted', 'ubuntu-*', 'x64']
    """
    own = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(machine.lower(), machine.lower())
    return frozenset(("ubuntu-*", "linux", "self-hosted", own))


_FOREIGN = frozenset(("i386", "i686", "x86", "ppc64le", "ppc64", "s390x", "riscv64", "loongarch64", "gpu", "macos", "windows"))
_OWN = {"x64": ("x64", "amd64"), "arm64": ("arm", "arm64", "aarch64")}


def fits(label: str, labels: Collection[str]) -> bool:
    """Whether `label` is one of `labels`, ignoring case; an entry that ends in `*` stands for every label that begins so, but not
    for one that names another kind of machine: an architecture that is not among `labels`, or a graphics card.

    >>> fits("Ubuntu-24.04", {"ubuntu-*"}), fits("ubuntu-24.04-arm", {"ubuntu-*"}), fits("windows-latest", {"ubuntu-*"})
    (True, False, False)
    >>> fits("ubuntu-24.04-s390x", {"ubuntu-*", "x64"}), fits("ubuntu-latest-16-cores", {"ubuntu-*", "x64"})
    (False, True)
    """
    name = label.lower()
    if name in labels:
        return True
    words = set(name.replace("x86_64", "x64").replace("x86-64", "x64").replace("_", "-").split("-"))
    if words & _FOREIGN or any(words & set(names) for own, names in _OWN.items() if own not in labels):
        return False
    return any(entry.endswith("*") and name.startswith(entry[:-1]) for entry in labels)
