"""What the packages of one repository require of one another. In the tree a sibling is always there, so that no test of the tree
sees a requirement which users cannot meet: this does. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from headrace.base.errors import Problem
from headrace.release.model import Finding, Need, Package, Wanted
from headrace.release.versions import normal, read

_FLOORS = (">=", "~=", "==", "===", ">")


def check_floors(
    wanted: Wanted, package: Package, siblings: Mapping[str, Package], there: Mapping[str, Sequence[Version]]
) -> Iterator[Finding]:
    """The requirements of `package` on `siblings` (normalised name → package). `there`: normalised name → the versions that can
    be had when this package is published, on the index or released before it."""
    for need in package.needs:
        try:
            requirement = Requirement(need.text)
        except InvalidRequirement as error:
            yield Finding(
                "requirement", Problem(f"'{need.text}' is no requirement: {error}".splitlines()[0], need.at), package.name
            )
            continue
        name = normal(requirement.name)
        if name in siblings and name != normal(package.name):
            yield from _check(wanted, need, requirement, siblings[name], there.get(name, ()))


def _check(wanted: Wanted, need: Need, requirement: Requirement, sibling: Package, there: Sequence[Version]) -> Iterator[Finding]:
    def refuse(rule: str, text: str, hint: str) -> Finding:
        return Finding(rule, Problem(text, need.at, hint), wanted.package)

    name, limits = sibling.name, requirement.specifier
    if requirement.url:
        yield refuse("floor", f"{name} is required from an address, which an index refuses", f"say {name}>=VERSION")
        return
    floors = [each for each in limits if each.operator in _FLOORS]
    lowest = f"say {name}>={sibling.version or 'VERSION'}"
    if not floors:
        written = f" (it says {need.text})" if str(limits) else ""
        yield refuse("floor", f"{name} has no lowest version{written}: users may get any old one", lowest)
        return
    early = [each for each in floors if (version := read(each.version.removesuffix(".*"))) and version.is_prerelease]
    final = (own := read(wanted.version)) is not None and not own.is_prerelease
    if early and final:
        yield refuse("floor", f"a final release would ask for the pre-release {name}{early[0]}", "release the final one first")
    if not satisfying(limits, there, bool(early)):
        have = ", ".join(map(str, sorted(there)[-3:])) or "none"
        hint = lowest
        if sibling.version and limits.contains(sibling.version, prereleases=True):
            hint = (
                f"release {name} {sibling.version} first, or both at once: headrace release {name} {sibling.version} "
                f"{wanted.package} {wanted.version}"
            )
        yield refuse("unsatisfiable", f"no version of {name} that can be had fits {limits} (there is: {have})", hint)


def satisfying(limits: SpecifierSet, there: Sequence[Version], early: bool) -> list[Version]:
    """Those that fit; pre-releases only where the requirement names one.

    >>> satisfying(SpecifierSet(">=0.3.0,<0.3.0"), [Version("0.3.0")], False)
    []
    >>> satisfying(SpecifierSet(">=0.3"), [Version("0.2"), Version("0.3"), Version("0.4rc1")], False)
    [<Version('0.3')>]
    """
    return [version for version in there if limits.contains(version, prereleases=early)]


def shut_out(wanted: Wanted, package: Package, others: Sequence[Package]) -> Iterator[str]:
    """Packages whose requirement leaves out the version that is to be released: said, and no reason to refuse."""
    version = read(wanted.version)
    for other in others:
        for need in other.needs if version is not None else ():
            try:
                requirement = Requirement(need.text)
            except InvalidRequirement:
                continue
            same = normal(requirement.name) == normal(package.name)
            if same and not requirement.specifier.contains(str(version), prereleases=True):
                asks = f"{requirement.name}{requirement.specifier}"
                yield f"{need.at}: {other.name} asks for {asks}, which leaves out {wanted.version}"


def in_order(wanted: Sequence[Wanted], packages: Mapping[str, Package]) -> list[Wanted]:
    """The packages of a train so that each comes after those that it requires; a circle stays as it was called. `packages`:
    name → package."""
    names = {normal(each.package): each for each in wanted}
    done: dict[str, Wanted] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in done or name in above:
            return
        package = packages.get(names[name].package)
        for need in package.needs if package else ():
            try:
                inner = normal(Requirement(need.text).name)
            except InvalidRequirement:
                continue
            if inner in names:
                visit(inner, (*above, name))
        done[name] = names[name]

    for each in wanted:
        visit(normal(each.package), ())
    return list(done.values())


def groups(tags: Sequence[str], most: int = 3) -> list[tuple[str, ...]]:
    """How tags are pushed: for more than three in one push GitHub creates no event at all.

    >>> groups(["a", "b", "c", "d"])
    [('a', 'b', 'c'), ('d',)]
    """
    return [tuple(tags[start : start + most]) for start in range(0, len(tags), most)]
