"""What the script that init leaves in a repository says of the requirements of built files; `packaging` knows what is right."""

from __future__ import annotations

import ast
import importlib.util
import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from headrace.init import make
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

SCRIPT = Path(make.__file__).parent / "files/release.py"


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("left_release", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LEFT = script()

# Few numbers, so that versions meet.
NUMBERS = st.integers(0, 2)


@st.composite
def versions(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(["", "", "", "1!"])) + ".".join(map(str, draw(st.lists(NUMBERS, min_size=1, max_size=3))))
    if kind := draw(st.sampled_from(["", "", "a", "b", "rc"])):
        text += f"{kind}{draw(NUMBERS)}"
    for part in (".post", ".dev"):
        if draw(st.integers(0, 3)) == 0:
            text += f"{part}{draw(NUMBERS)}"
    return text


RELEASES = st.lists(NUMBERS, min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
CLAUSES = st.one_of(
    st.tuples(st.sampled_from([">=", "<=", "==", "!=", ">", "<", "==="]), versions()),
    st.tuples(st.just("~="), versions().filter(lambda version: len(Version(version).release) > 1)),
    st.tuples(st.sampled_from(["==", "!="]), RELEASES.map(lambda version: f"{version}.*")),
)


@given(versions(), CLAUSES)
def test_a_version_fits_as_packaging_says(version: str, clause: tuple[str, str]) -> None:
    expected = SpecifierSet("".join(clause)).contains(version, prereleases=True)
    assert LEFT.within(version, *clause) == expected


@given(versions(), versions())
def test_versions_are_in_the_order_of_packaging(first: str, second: str) -> None:
    one, other = (LEFT.key(LEFT.VERSION.fullmatch(text)) for text in (first, second))
    assert (one < other, one == other) == (Version(first) < Version(second), Version(first) == Version(second))


CLOSE = [
    f"{release}{pre}{post}{dev}"
    for release in ("1", "1.0", "1.0.1", "1.1")
    for pre in ("", "a1", "b0", "rc1")
    for post in ("", ".post0", ".post1")
    for dev in ("", ".dev0", ".dev2")
]
"""Versions that differ by little: chance seldom finds them together."""


@pytest.mark.parametrize("operator", [">=", "<=", "==", "!=", ">", "<", "~="])
def test_versions_that_are_close_fit_as_packaging_says(operator: str) -> None:
    for limit in CLOSE if operator != "~=" else [each for each in CLOSE if len(Version(each).release) > 1]:
        specifier = SpecifierSet(operator + limit)
        wrong = [each for each in CLOSE if LEFT.within(each, operator, limit) != specifier.contains(each, prereleases=True)]
        assert not wrong, (operator, limit)


@pytest.mark.parametrize("clause", ["~=1", ">=1.0-rc1", ">=v1", "==1.0a1.*", ">=1.*", ">=01", "==1.0+local", ">=1..0"])
def test_what_is_not_written_canonically_cannot_be_judged(clause: str) -> None:
    assert "cannot be judged; write versions as 1.2.3" in LEFT.unmet(f">=1,{clause}", "1.0")


# Of built files


def text_of(*required: str) -> str:
    return "".join(
        [
            "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
            *(f"Requires-Dist: {each}\n" for each in required),
            "\nRequires-Dist: alpha\n",
        ]
    )


def wheel(folder: Path, *required: str) -> None:
    with zipfile.ZipFile(folder / "demo-1.0-py3-none-any.whl", "w") as file:
        file.writestr("demo/METADATA", "no")
        file.writestr("demo-1.0.dist-info/METADATA", text_of(*required))


def sdist(folder: Path, *required: str) -> None:
    with tarfile.open(folder / "demo-1.0.tar.gz", "w:gz") as file:
        for name, text in (("demo-1.0/src/demo.egg-info/PKG-INFO", text_of("alpha")), ("demo-1.0/PKG-INFO", text_of(*required))):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            file.addfile(member, io.BytesIO(text.encode()))


def check(folder: Path, *siblings: str, ref: str = "refs/tags/demo@1.0") -> subprocess.CompletedProcess[str]:
    """As `make build` calls it, where alpha 0.2.0 and beta_two 1.0rc1+local are installed."""
    for name, version in (("alpha", "0.2.0"), ("beta_two", "1.0rc1+local")):
        place = folder / f"site/{name}-{version}.dist-info"
        place.mkdir(parents=True, exist_ok=True)
        (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    words = [sys.executable, str(SCRIPT), "check", "demo", str(folder), *siblings]
    environment = {"GITHUB_REF": ref, "PYTHONPATH": str(folder / "site")}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("required", "said"),
    [
        ("alpha>=0.1.0", ""),
        ("Alpha (>=0.2,<0.3)", ""),
        ("alpha[fast] ~=0.2.0", ""),
        ("alpha == 0.2.*", ""),
        ("beta-two>=1.0rc1", ""),
        ("alphabet", ""),
        ("alpha", "there is no lowest version, so users may get any old one; say >=0.2.0"),
        ("alpha<1", "there is no lowest version"),
        ("alpha!=0.1; extra == 'more'", "there is no lowest version"),
        ("alpha>=0.3.0", "it shuts out 0.2.0, which the tree has; say what the gates have tried, such as >=0.2.0"),
        ("alpha>=0.1.0,<0.2", "it shuts out 0.2.0"),
        ("alpha<0.2,>=0.1; python_version < '3'", "it shuts out 0.2.0"),
        ("beta.two>=1.0", "it shuts out 1.0rc1+local, which the tree has"),
        ("alpha>=0.1c1", "whether 0.2.0, which the tree has, fits >=0.1c1 cannot be judged"),
        ("alpha @ file:///alpha", "an index refuses addresses; say >= and a version"),
        ("gamma>=1", "gamma, which it requires, is not installed here from the tree: call make install first"),
    ],
)
@pytest.mark.parametrize("build", [wheel, sdist])
def test_what_users_cannot_meet_is_refused_on_a_tag(tmp_path: Path, build: Callable[..., None], required: str, said: str) -> None:
    build(tmp_path, "click>=8", required)
    done = check(tmp_path, "alpha", "Beta_Two", "gamma")
    assert (done.returncode, done.stdout) == (1 if said else 0, "")
    assert said in done.stderr and done.stderr.startswith("refused: " if said else ""), done.stderr


def test_the_wheel_is_what_users_get(tmp_path: Path) -> None:
    sdist(tmp_path, "alpha>=0.1")
    wheel(tmp_path, "alpha")
    assert "no lowest version" in check(tmp_path, "alpha").stderr


@pytest.mark.parametrize(
    ("siblings", "ref"), [((), "refs/tags/demo@1.0"), (("alpha",), "refs/heads/main"), (("alpha",), "refs/tags/other@1.0")]
)
def test_without_siblings_or_a_tag_nothing_is_asked_of_requirements(tmp_path: Path, siblings: tuple[str, ...], ref: str) -> None:
    wheel(tmp_path, "alpha")
    assert check(tmp_path, *siblings, ref=ref).returncode == 0


def test_files_without_requirements_to_read_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "demo-1.0.tar.gz", "w:gz"):
        pass
    assert "holds no file that says what it requires" in check(tmp_path, "alpha").stderr


def test_the_oldest_python_of_a_matrix_can_read_the_script() -> None:
    ast.parse(SCRIPT.read_text(), feature_version=(3, 8))
    assert "removesuffix" not in SCRIPT.read_text() and "removeprefix" not in SCRIPT.read_text()  # of 3.9
