"""Whether everything that says a package's version says the one that is to be released. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headrace.base.errors import Problem
from headrace.release.model import Finding, Package, Wanted
from headrace.release.versions import misspelled, normal


def find(wanted: Wanted, packages: Sequence[Package]) -> Package | Finding:
    """The package of that very name: its tag is compared as text."""
    for package in packages:
        if package.name == wanted.package:
            return package
    names = [package.name for package in packages]
    for name in names:
        if normal(name) == normal(wanted.package):
            return Finding("package", Problem(f"the package calls itself {name}, not {wanted.package}", hint=f"say {name}"), name)
    from headrace.plan.nearest import nearest

    near = nearest(wanted.package, names)
    known = f"the packages are {', '.join(names)}" if names else "no pyproject.toml of the repository has [project].name"
    problem = Problem(f"there is no package {wanted.package} here", hint=f"did you mean {near}?" if near else known)
    return Finding("package", problem, wanted.package)


def check_version(wanted: Wanted) -> Iterator[Finding]:
    wrong = misspelled(wanted.version)
    if wrong is not None:
        yield Finding("not-canonical", wrong, wanted.package)


def check_sources(wanted: Wanted, package: Package) -> Iterator[Finding]:
    """Every place that says another version, and a version that cannot be read."""
    if package.unread:
        yield Finding("version-differs", Problem(package.unread, package.declared, "declare [project].version"), package.name)
    places = {package.declared: package.version} if package.version else {}
    places |= {source.at: source.version for source in package.sources}
    hint = f"`headrace release {package.name} --bump PART` writes the next one, or say the one that is there"
    for at, version in places.items():
        if version != wanted.version:
            yield Finding(
                "version-differs", Problem(f"the version is {version} here, not {wanted.version}", at, hint), package.name
            )
