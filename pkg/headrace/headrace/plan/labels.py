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


def fits(label: str, labels: Collection[str]) -> bool:
    """Whether `label` is one of `labels`, ignoring case; an entry that ends in `*` stands for every label that begins so. Images
    for the ARM architecture are only for machines that have the label `arm64`.

    >>> fits("Ubuntu-24.04", {"ubuntu-*"}), fits("ubuntu-24.04-arm", {"ubuntu-*"}), fits("windows-latest", {"ubuntu-*"})
    (True, False, False)
    """
    name = label.lower()
    if name in labels:
        return True
    if name.endswith("-arm") and "arm64" not in labels:
        return False
    return any(entry.endswith("*") and name.startswith(entry[:-1]) for entry in labels)
