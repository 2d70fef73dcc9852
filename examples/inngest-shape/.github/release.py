#!/usr/bin/env python3
"""Releases of the packages of this repository. Python >= 3.8, its standard library, git and make are needed; uv for floors.

    .github/release.py check PACKAGE FOLDER [SIBLING ...]      on the tag of a release: do the built files have the tag's version,
                                                               and can users have what they require of the siblings?
    .github/release.py floors PACKAGE SIBLING ...              do the unit tests pass with the lowest versions of the siblings
                                                               that PACKAGE allows, as they are on an index?
    .github/release.py release PACKAGE VERSION [SIBLING ...]   look at everything, then make the tag PACKAGE@VERSION and push it

SIBLING: a package of this repository that PACKAGE requires. Gates take it from the tree, users from an index. So each
requirement on one, also of an extra and whatever its marker, must have a lowest version and fit the version that is installed
here from the tree (`make install`). Versions are read in the form that PEP 440 calls canonical; the local part (+abc) of the
installed one does not count. What is in no such form cannot be judged, and is refused.

Floors are tried in an environment of their own: `make install` there, then each sibling in the lowest version below the tree's
that is allowed and can be installed, then `make utest`. Where an index has nothing below the tree's, the tests have tried it.

Status 0: all is well, or there is no such tag; it is released. 1: refused. 2: wrong call.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from email.parser import HeaderParser
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REMOTE = "origin"
NUMBER = r"(?:0|[1-9][0-9]*)"
VERSION = re.compile(
    rf"(?:([1-9][0-9]*)!)?({NUMBER}(?:\.{NUMBER})*)(?:(a|b|rc)({NUMBER}))?(?:\.post({NUMBER}))?(?:\.dev({NUMBER}))?"
)
"""The groups: epoch, release, kind and number of a pre-release, post-release, development release."""

REQUIREMENT = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*([^;]*)")
CLAUSE = re.compile(r"(===|==|~=|!=|<=|>=|<|>)\s*(\S+)")
FLOORS = (">=", "~=", "==", "===", ">")


class Refused(Exception):
    """Why there is no release."""


def git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"git {arguments[0]}: {done.stderr.strip() or done.returncode}")
    return done.stdout.strip()


def check(package: str, folder: str, siblings: list[str]) -> None:
    """Raises Refused where the tag of GITHUB_REF is one of the package and a built file has another version, or requires of a
    sibling what users cannot have."""
    prefix = f"refs/tags/{package}@"
    ref = os.environ.get("GITHUB_REF", "")
    if ref.startswith(prefix):
        compare(package, ref[len(prefix) :], Path(folder))
        look_at_floors(package, Path(folder), siblings)


def compare(package: str, version: str, folder: Path) -> None:
    files = sorted(path.name for path in folder.iterdir() if path.name.endswith((".whl", ".tar.gz")))
    if not files:
        raise Refused(f"{folder} holds no built file")
    for name in files:
        built = name.split("-")[1] if name.endswith(".whl") else name[: -len(".tar.gz")].rpartition("-")[2]
        if built != version:
            raise Refused(f"{name} has version {built}, the tag {package}@{version} another")


# -- what is required of siblings --


def look_at_floors(package: str, folder: Path, siblings: list[str]) -> None:
    """Raises Refused for the first requirement on a sibling that users cannot meet as the tree does."""
    names = {normal(sibling) for sibling in siblings}
    for text in required(folder) if names else []:
        found = REQUIREMENT.match(text)
        if found is None:
            raise Refused(f"{package} requires {text!r}, which cannot be judged")
        if normal(found[1]) in names and (why := unmet(found[2].strip(), installed(found[1]))):
            raise Refused(f"{package} requires {text!r}: {why}")


def required(folder: Path) -> list[str]:
    """The requirements that the built files declare: the wheel's, the source distribution's where there is no wheel."""
    for path in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(path) as wheel:
            for name in wheel.namelist():
                if re.fullmatch(r"[^/]+\.dist-info/METADATA", name):
                    return requirements(wheel.read(name).decode())
    for path in sorted(folder.glob("*.tar.gz")):
        with tarfile.open(path) as archive:
            for member in archive:
                if re.fullmatch(r"[^/]+/PKG-INFO", member.name) and (file := archive.extractfile(member)):
                    return requirements(file.read().decode())
    raise Refused(f"{folder} holds no file that says what it requires")


def requirements(text: str) -> list[str]:
    return [str(each) for each in HeaderParser().parsestr(text).get_all("Requires-Dist", [])]


def installed(name: str) -> str:
    """The version of a sibling as the tree has it."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        raise Refused(f"{name}, which it requires, is not installed here from the tree: call make install first") from None


def unmet(limits: str, version: str) -> str:
    """Why users cannot have a sibling, of which the tree has `version`, by these limits; empty where they can. What is wrong, and
    what to do."""
    if limits.startswith("@"):
        return "an index refuses addresses; say >= and a version"
    clauses = [part.strip() for part in limits.strip("()").split(",") if part.strip()]
    if not any((found := CLAUSE.fullmatch(clause)) and found[1] in FLOORS for clause in clauses):
        return f"there is no lowest version, so users may get any old one; say >={version}"
    public = version.partition("+")[0]
    for clause in clauses:
        found = CLAUSE.fullmatch(clause)
        fits = None if found is None else within(public, found[1], found[2])
        if fits is None:
            return f"whether {version}, which the tree has, fits {clause} cannot be judged; write versions as 1.2.3 or 1.2.3rc1"
        if not fits:
            return f"it shuts out {version}, which the tree has; say what the gates have tried, such as >={public}"
    return ""


def within(version: str, operator: str, limit: str) -> bool | None:
    """Whether a version fits one clause, as PEP 440 has it, pre-releases included; None where it cannot be judged."""
    if operator == "===":
        return version == limit
    ours, theirs = VERSION.fullmatch(version), VERSION.fullmatch(limit[:-2] if limit.endswith(".*") else limit)
    if ours is None or theirs is None:
        return None
    if limit.endswith(".*"):
        if operator not in ("==", "!=") or theirs[3] or theirs[5] or theirs[6]:
            return None
        return starts_with(ours, theirs[1], theirs[2].split(".")) == (operator == "==")
    mine, other = key(ours), key(theirs)
    if operator == "~=":
        parts = theirs[2].split(".")
        return mine >= other and starts_with(ours, theirs[1], parts[:-1]) if len(parts) > 1 else None
    if operator == "<":  # without the pre-releases of what it names, unless that is one itself
        bound = theirs if early(theirs) else VERSION.fullmatch(f"{limit}.dev0")
        return bound is not None and mine < key(bound)
    if operator == ">":  # without the post-releases of what it names, unless that is one itself
        later = mine[:3] == other[:3] and ours[5] is not None and theirs[5] is None and theirs[6] is None
        return mine > other and not later
    return {"==": mine == other, "!=": mine != other, "<=": mine <= other, ">=": mine >= other}[operator]


def key(found: re.Match[str]) -> tuple[int, list[int], tuple[int, int], int, bool, int]:
    """What orders versions: a development release comes before all others of its pre-release, post-release or release."""
    release = [int(part) for part in found[2].split(".")]
    while release and not release[-1]:
        release.pop()
    if found[3]:
        before = ({"a": 1, "b": 2, "rc": 3}[found[3]], int(found[4]))
    else:
        before = (0, 0) if found[6] and found[5] is None else (4, 0)
    post = -1 if found[5] is None else int(found[5])
    return (int(found[1] or 0), release, before, post, found[6] is None, int(found[6] or 0))


def early(found: re.Match[str]) -> bool:
    return found[3] is not None or found[6] is not None


def starts_with(found: re.Match[str], epoch: str | None, parts: list[str]) -> bool:
    """Whether the release, with as many zeros behind as are needed, begins with these parts."""
    release = found[2].split(".")
    release += ["0"] * (len(parts) - len(release))
    return found[1] == epoch and release[: len(parts)] == parts


# -- the lowest that is allowed --


def floors(package: str, siblings: list[str]) -> None:
    """Raises Refused where the unit tests fail with the lowest versions that are allowed, or where these cannot be had."""
    names = {normal(sibling) for sibling in siblings}
    try:
        requires = metadata.requires(package) or []
    except metadata.PackageNotFoundError:
        raise Refused(f"{package} is not installed here: call make install first") from None
    asked = [text for text in requires if (found := REQUIREMENT.match(text)) and normal(found[1]) in names]
    with tempfile.TemporaryDirectory() as folder:
        environment = Environment(Path(folder) / "venv")
        older = {text: version for text in asked if (version := environment.lowest(below(text)))}
        if not older:
            sys.stdout.write(f"{package}: an index has nothing older that it allows of {', '.join(siblings)}\n")
            return
        environment.begin()
        environment.make("MAKE_INSTALL", "make install")
        pins: list[str] = []
        for text, version in older.items():
            pins.append(environment.install(text, version, [*requires, *pins]))
        with_pins = " and ".join(pins)
        sys.stdout.write(f"{package}: the unit tests with {with_pins}\n")
        sys.stdout.flush()
        if not environment.make("MAKE_TESTS", "make utest", refuse=False):
            raise Refused(
                f"the unit tests of {package} fail with {with_pins}, which it allows; "
                "say >= and the version that it needs, or mend it for the older one"
            )
        if not environment.mark.exists():
            raise Refused("make utest runs the Python of another environment than the one on PATH, so that nothing was tried")
        if elsewhere := environment.strayed(siblings):
            raise Refused(f"the unit tests took {elsewhere}, so that an older version was not tried")


def below(text: str) -> str:
    """The requirement, but for the tree's version and what is newer; empty where it has no lowest version."""
    found = REQUIREMENT.match(text)
    assert found is not None
    limits, marker = found[2].strip().strip("()"), text[found.end() :]
    if not any((clause := CLAUSE.fullmatch(part.strip())) and clause[1] in FLOORS for part in limits.split(",")):
        return ""  # a tag is refused for that
    head = text[: found.start(2)].rstrip("( ")
    return f"{head}{limits},<{installed(found[1]).partition('+')[0]}{'' if 'extra' in marker else marker}"


def asks_for_early(requirement: str) -> bool:
    """Whether its lowest version is a pre-release: else installers take one only where there is nothing else."""
    limits = [clause.groups() for clause in CLAUSE.finditer(requirement.partition(";")[0].replace(",", " "))]
    lowest = [VERSION.fullmatch(limit) for operator, limit in limits if operator in FLOORS]
    return any(found is not None and early(found) for found in lowest)


WITNESS = """\
import atexit, sys

def tell():
    with open({mark!r}, "a", encoding="utf-8", errors="surrogateescape") as mark:
        for name, module in list(sys.modules.items()):
            if isinstance(getattr(module, "__file__", None), str):
                mark.write(f"{{name}} {{module.__file__}}\\n")

open({mark!r}, "a").close()
atexit.register(tell)
"""
"""In the environment of a trial each Python says that it was there, and at its end where it had what from."""


class Environment:
    """One for a trial, which comes first on PATH. Raises Refused where uv does not do what it is told."""

    def __init__(self, folder: Path) -> None:
        scripts = os.pathsep.join([os.environ.get("PATH", ""), sysconfig.get_path("scripts")])
        self.uv = shutil.which("uv", path=scripts) or "uv"
        self.python, self.mark = folder / "bin" / "python", folder / "was-used"
        path = os.pathsep.join([str(folder / "bin"), os.environ.get("PATH", ""), str(Path(self.uv).parent)])
        self.environ = {**os.environ, "PATH": path, "VIRTUAL_ENV": str(folder)}
        self.environ.pop("PYTHONHOME", None)
        self.packages = folder / "lib" / "python{}.{}".format(*sys.version_info) / "site-packages"

    def begin(self) -> None:
        """Make it; which versions there are can be asked before."""
        folder = str(self.python.parent.parent)
        if (done := self._uv("venv", "--python", sys.executable, folder)).returncode:
            raise Refused(f"there is no environment to try it in\n{done.stderr.strip()}")
        (self.packages / "floors_witness.py").write_text(WITNESS.format(mark=str(self.mark)), encoding="utf-8")
        (self.packages / "floors_witness.pth").write_text("import floors_witness\n")

    def lowest(self, requirement: str) -> str:
        """The lowest version on an index that fits; empty where none does."""
        if not requirement:
            return ""
        done = self._uv(
            "pip", "compile", "--python", sys.executable, "--no-deps", "--no-header", "--no-annotate", "--no-sources",
            "--resolution", "lowest", "--prerelease", "allow" if asks_for_early(requirement) else "disallow", "-",
            text=requirement,
        )  # fmt: skip
        if done.returncode not in (0, 1) or os.environ.get("UV_OFFLINE", "0").lower() not in ("", "0", "false"):
            raise Refused(f"no index says which versions fit {requirement}\n{done.stderr.strip()}")
        found = re.search(r"(?m)^[^#\s]+==(\S+)", done.stdout)
        return found[1] if found and not done.returncode else ""

    def install(self, text: str, version: str, others: list[str]) -> str:
        """A sibling in the lowest version that goes together with all that is required; returns its pin."""
        requirement, said = below(text).partition(";")[0], ""
        head = CLAUSE.split(requirement)[0]
        while version:
            pin = f"{head}=={version}"
            done = self._uv("pip", "install", "--python", str(self.python), *others, pin)
            if not done.returncode:
                return pin
            said = said or done.stderr.strip()
            if done.returncode != 1:
                break
            version = self.lowest(f"{requirement},>{version}")
        raise Refused(f"nothing of what {text} allows can be installed\n{said}")

    def make(self, variable: str, command: str, *, refuse: bool = True) -> bool:
        """Whether a target has done its work, which the variable may name."""
        words = [*os.environ.get(variable, command).split(), "PYTHON=python", "GATES_PYTHON=python"]
        self.mark.unlink(missing_ok=True)
        done = subprocess.run(words, env=self.environ, check=False)
        if done.returncode and refuse:
            raise Refused(f"{' '.join(words)} fails in an environment of its own")
        return not done.returncode

    def strayed(self, siblings: list[str]) -> str:
        """A module of a sibling's that came from elsewhere than this environment, with its file; empty where there is none."""
        names = {normal(sibling) for sibling in siblings}
        own = set()
        for found in metadata.distributions(path=[str(self.packages)]):
            if normal(found.metadata["Name"]) in names:
                own |= {module_of(str(file)) for file in found.files or [] if file.suffix == ".py"}
        inside = (f"{self.packages}{os.sep}", f"{os.path.realpath(self.packages)}{os.sep}")
        for line in self.mark.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
            name, _, file = line.partition(" ")
            if name in own and not file.startswith(inside) and not os.path.realpath(file).startswith(inside):
                return f"{name} from {file}"
        return ""

    def _uv(self, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [self.uv, *words, "--quiet"], input=text, env=self.environ, capture_output=True, text=True, check=False
            )
        except OSError as error:
            raise Refused(f"uv cannot be called ({error}): make install installs it") from None


def module_of(path: str) -> str:
    """The module that a file in site-packages is."""
    return path[: -len(".py")].replace("/", ".").replace(".__init__", "")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# -- a release --


def release(package: str, version: str, siblings: list[str]) -> None:
    if not VERSION.fullmatch(version):
        raise Refused(f"{version!r} is no version in the form that PEP 440 calls canonical, such as 1.2.3 or 1.2.3rc1")
    tag = f"{package}@{version}"
    if git("status", "--porcelain"):
        raise Refused("there are changes that are not committed")
    git("fetch", "--quiet", "--tags", REMOTE)
    head = git("rev-parse", "HEAD")
    branch = default_branch()
    if git("rev-parse", f"refs/remotes/{REMOTE}/{branch}") != head:
        raise Refused(f"HEAD is not what {REMOTE} has as {branch}: push or pull first")
    if git("tag", "--list", tag) or git("ls-remote", REMOTE, f"refs/tags/{tag}"):
        raise Refused(f"there is a tag {tag} already")
    with tempfile.TemporaryDirectory() as folder:
        build(package, version, folder)
        compare(package, version, Path(folder))
        look_at_floors(package, Path(folder), siblings)
    git("tag", "--annotate", "--message", f"{package} {version}", tag)
    try:
        git("push", REMOTE, f"refs/tags/{tag}")
    except Refused:
        git("tag", "--delete", tag)
        raise
    sys.stdout.write(f"{tag} is pushed\n")


def default_branch() -> str:
    line = git("ls-remote", "--symref", REMOTE, "HEAD").split("\n")[0]
    return line[len("ref: refs/heads/") :].split("\t")[0]


def build(package: str, version: str, folder: str) -> None:
    """Build the package into the folder, by its own target. A version that comes from git is told what it shall be."""
    environment = {**os.environ, "CI": "1", "GITHUB_REF": "", "SETUPTOOLS_SCM_PRETEND_VERSION": version}
    command = [*os.environ.get("MAKE_BUILD", "make build").split(), f"DIST={folder}", f"GATES_DIST={folder}"]
    done = subprocess.run(command, cwd=os.getcwd(), env=environment, check=False)
    if done.returncode:
        raise Refused(f"{package} cannot be built")


def main(arguments: list[str]) -> int:
    try:
        if arguments[:1] == ["check"] and len(arguments) > 2:
            check(arguments[1], arguments[2], arguments[3:])
        elif arguments[:1] == ["floors"] and len(arguments) > 2:
            floors(arguments[1], arguments[2:])
        elif arguments[:1] == ["release"] and len(arguments) > 2:
            release(arguments[1], arguments[2], arguments[3:])
        else:
            name = Path(__file__).name
            calls = ("check PACKAGE FOLDER [SIBLING ...]", "floors PACKAGE SIBLING ...", "release PACKAGE VERSION [SIBLING ...]")
            sys.stderr.write(f"usage: {name} {' | '.join(calls)}\n")
            return 2
    except Refused as reason:
        sys.stderr.write(f"refused: {reason}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
