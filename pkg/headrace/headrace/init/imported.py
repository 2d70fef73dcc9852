"""What Python files import, by their text: nothing is run, and a file that is no Python of today is read all the same. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from headrace.init.model import Requirement
from headrace.init.tree import Tree

_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([A-Za-z_][\w.]*)[ \t]+import\b|import[ \t]+([^#\n;]+))", re.MULTILINE)
_OTHERWISE = {
    "beautifulsoup4": "bs4",
    "brotli": "brotli",
    "grpcio": "grpc",
    "opencv-python": "cv2",
    "pillow": "pil",
    "protobuf": "google.protobuf",
    "pyjwt": "jwt",
    "pyopenssl": "openssl",
    "pysocks": "socks",
    "python-dateutil": "dateutil",
    "python-dotenv": "dotenv",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
}
"""Modules that are not called as their project is."""


def imported(text: str) -> list[str]:
    """The modules that a file names, each as often as it does. Relative imports are its own package's.

    >>> imported("import a.b as c, d\\nfrom e.f import g\\nfrom . import h\\nif x:\\n    import i  # j\\n")
    ['a.b', 'd', 'e.f', 'i']
    """
    found = []
    for match in _IMPORT.finditer(text):
        if match[1]:
            found.append(match[1])
        else:
            found += [words[0] for each in match[2].strip("() ").split(",") if (words := each.split())]
    return found


def is_in(module: str, package: str) -> bool:
    """
    >>> is_in("a.b", "a"), is_in("a", "a"), is_in("ab", "a"), is_in("a", "a.b")
    (True, True, False, False)
    """
    return module == package or module.startswith(package + ".")


def modules_of(tree: Tree, paths: Iterable[str]) -> dict[str, str]:
    """Every module that Python files below these paths import, in lower case, with the first file that does."""
    found: dict[str, str] = {}
    for path in paths:
        for file in [path] if tree.has(path) else tree.below(path):
            if file.endswith(".py"):
                for module in imported(tree.text(file)):
                    found.setdefault(module.lower(), file)
    return found


def extras_in_use(own: str, requirements: Sequence[Requirement], modules: dict[str, str]) -> dict[str, str]:
    """The extras that bring something which is imported, and that not every user gets: name → the file that imports it. `own` is
    the normalised name of the project, whose extras may name others of its own."""
    always = {own, *(each.name for each in requirements if not each.group)}
    found: dict[str, str] = {}
    for each in requirements:
        kind, _, extra = each.group.partition(":")
        if kind != "extra" or each.name in always or extra in found:
            continue
        wanted = _OTHERWISE.get(each.name, each.name.replace("-", "_"))
        at = next((file for module, file in modules.items() if is_in(module, wanted)), "")
        if at:
            found[extra] = at
    return found
