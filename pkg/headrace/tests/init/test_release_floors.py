"""What the script that init leaves in a repository says of the lowest versions that a package allows: real uv and make, and a folder
of wheels for an index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import NamedTuple

import pytest
from headrace.init import make
from test_core.processes import Finished, run

pytestmark = pytest.mark.slow  # no version of Python matters to what uv and make do
SCRIPT = Path(make.__file__).parent / "files/release.py"
TESTS = "import alpha; assert alpha.salt() == 1, alpha.__version__"
MAKEFILE = f"""\
install:
	@uv pip install --quiet --python "$$(command -v $(PYTHON))" alpha==0.5.0 beta

utest:
	@$(PYTHON) -c '{TESTS}'

strays:
	@PYTHONPATH=../alpha $(PYTHON) -c '{TESTS}'

elsewhere:
	@{sys.executable} -c 'print("tried")'
"""


def wheel(folder: Path, name: str, version: str, code: str, *requires: str, python: str = ">=3.8") -> str:
    """One that an installer takes, of a module; returns what an index says of it."""
    info = f"{name}-{version}.dist-info"
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: {python}"]
    text = "\n".join([*lines, *(f"Requires-Dist: {each}" for each in requires), ""])
    files = {
        f"{name}.py": f"__version__ = {version!r}\n{code}\n",
        f"{info}/METADATA": text,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        for path, data in {**files, f"{info}/RECORD": record}.items():
            file.writestr(path, data)
    return f'<a href="../{name}-{version}-py3-none-any.whl" data-requires-python="{escape(python)}">{name}-{version}-py3-none-any.whl</a>'


class Older(NamedTuple):
    """A version of alpha that the index has besides the tree's, which is 0.5.0. `good`: whether the tests pass with it."""

    version: str
    good: bool = True
    requires: tuple[str, ...] = ()
    python: str = ">=3.8"


class Place:
    """A repository with beta, and an environment in which alpha 0.5.0 and beta are installed as if from the tree."""

    def __init__(self, root: Path, requirement: str, older: tuple[Older, ...]) -> None:
        uv = shutil.which("uv", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]))
        if uv is None:
            pytest.skip("needs uv")
        self.root, self.folder, index = root, root / "pkg/beta", root / "index"
        for each in (self.folder, index, root / ".github"):
            each.mkdir(parents=True)
        shutil.copy(SCRIPT, root / ".github/release.py")
        (root / "pkg/alpha").mkdir()
        (root / "pkg/alpha/alpha.py").write_text("def salt(): return 1\n")
        (self.folder / "Makefile").write_text(MAKEFILE)
        links = {"alpha": [wheel(index, "alpha", "0.5.0", "def salt(): return 1")]}
        for one in older:
            code = f"def salt(): return {int(one.good)}"
            links["alpha"].append(wheel(index, "alpha", one.version, code, *one.requires, python=one.python))
        links["beta"] = [wheel(index, "beta", "1.0", "import alpha", *requirement.split(" and "))]
        links["delta"] = [wheel(index, "delta", version, "") for version in ("1.0", "2.0")]
        for name in links:
            (index / name).mkdir()
            (index / name / "index.html").write_text("<!DOCTYPE html>" + "".join(links[name]))
        self.python = root / "venv/bin/python"
        self.environ = {
            "PATH": os.pathsep.join([str(self.python.parent), os.path.dirname(uv), os.environ["PATH"]]),
            "HOME": str(root), "TMPDIR": str(root), "UV_CACHE_DIR": str(root / "cache"),
            "UV_DEFAULT_INDEX": index.as_uri(), "UV_LINK_MODE": "copy",
        }  # fmt: skip
        for words in (f"venv --python {sys.executable} venv", "pip install --python venv alpha==0.5.0 beta"):
            done = run([uv, "--quiet", *words.split()], root, self.environ)
            assert done.status == 0, done.err

    def floors(self, *siblings: str, **more: str) -> Finished:
        words = [str(self.python), "../../.github/release.py", "floors", "beta", *(siblings or ("alpha",))]
        return run(words, self.folder, {**self.environ, **more})


@pytest.mark.parametrize(
    ("requirement", "older", "status", "said"),
    [
        # what is tried
        ("alpha>=0.3", (Older("0.3.0"), Older("0.4.0", False)), 0, "beta: the unit tests with alpha==0.3.0\n"),
        ("alpha[salt] (>=0.3,<0.6)", (Older("0.2.0", False), Older("0.3.0")), 0, "the unit tests with alpha[salt]==0.3.0\n"),
        ("alpha>=0.3,!=0.3.0", (Older("0.3.0", False), Older("0.4.0")), 0, "alpha==0.4.0\n"),
        ("alpha~=0.3", (Older("0.3.0"),), 0, "alpha==0.3.0\n"),
        ("alpha>=0.4rc1", (Older("0.4rc1"), Older("0.4.0", False)), 0, "alpha==0.4rc1\n"),
        ("alpha>=0.3; python_version>'3'", (Older("0.3.0"),), 0, "alpha==0.3.0\n"),
        # what users cannot have is not tried
        ("alpha>=0.3", (Older("0.3.0", False, python=">=3.99"), Older("0.4.0")), 0, "alpha==0.4.0\n"),
        ("alpha>=0.3", (Older("0.3.0", False, ("gamma>=1",)), Older("0.4.0")), 0, "alpha==0.4.0\n"),
        ("alpha>=0.3 and delta>=2", (Older("0.3.0", False, ("delta<2",)), Older("0.4.0")), 0, "alpha==0.4.0\n"),
        ("alpha>=0.3", (Older("0.4rc1", False),), 0, "beta: an index has nothing older that it allows of alpha\n"),
        ("alpha>=0.5", (Older("0.4.0", False),), 0, "nothing older"),
        ("alpha==0.5.0", (Older("0.4.0", False),), 0, "nothing older"),
        ("alpha>=0.3", (), 0, "nothing older"),
        ("alpha>=0.3; python_version<'3'", (Older("0.3.0", False),), 0, "nothing older"),
        ("alpha", (Older("0.3.0", False),), 0, "nothing older"),  # refused on a tag, whichever versions there are
        # what is refused
        ("alpha>=0.3", (Older("0.3.0", False),), 1, "the unit tests of beta fail with alpha==0.3.0, which it allows; say >="),
        ("alpha>=0.3; extra == 'x'", (Older("0.3.0", False),), 1, "fail with alpha==0.3.0"),
        ("alpha>0.2", (Older("0.2.0"), Older("0.3.0", False), Older("0.4.0")), 1, "fail with alpha==0.3.0"),
        ("alpha>=0.3", (Older("0.3.0", True, ("gamma>=1",)),), 1, "refused: nothing of what alpha>=0.3 allows can be installed"),
    ],
)  # fmt: skip
def test_unit_tests_are_tried_with_the_lowest_that_users_may_have(
    tmp_path: Path, requirement: str, older: tuple[Older, ...], status: int, said: str
) -> None:
    place = Place(tmp_path, requirement, older)
    done = place.floors()
    assert (done.status, said in (done.err if status else done.out)) == (status, True), done
    there = run([place.python, "-c", "import alpha; print(alpha.__version__)"], tmp_path)
    assert there.out == "0.5.0\n"  # the environment of whoever calls it stays
    assert [each.name for each in tmp_path.glob("tmp*")] == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"MAKE_TESTS": "make elsewhere"}, "make utest runs the Python of another environment than the one on PATH"),
        ({"MAKE_TESTS": "make strays"}, "the unit tests took alpha from "),
        ({"MAKE_INSTALL": "make nothing"}, "make nothing PYTHON=python GATES_PYTHON=python fails in an environment of its own"),
        ({"UV_OFFLINE": "1"}, "no index says which versions fit alpha>=0.3,<0.5.0"),
        (
            {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple", "UV_HTTP_RETRIES": "0"},
            "no index says which versions fit alpha>=0.3,<0.5.0",
        ),
    ],
)
def test_what_cannot_be_tried_is_never_green(tmp_path: Path, more: Mapping[str, str], said: str) -> None:
    done = Place(tmp_path, "alpha>=0.3", (Older("0.3.0"),)).floors(**more)
    assert (done.status, f"refused: {said}" in done.err) == (1, True), done


def test_of_several_siblings_each_is_at_its_lowest(tmp_path: Path) -> None:
    place = Place(tmp_path, "delta>=1 and alpha>=0.3", (Older("0.3.0", True, ("delta>1",)), Older("0.4.0")))
    assert place.floors("alpha").out.endswith("the unit tests with alpha==0.3.0\n")
    assert place.floors("alpha", "delta", "gamma").out.endswith("the unit tests with delta==1.0 and alpha==0.4.0\n")


def test_a_package_that_is_not_installed_is_named_and_a_call_without_siblings_is_wrong(tmp_path: Path) -> None:
    place = Place(tmp_path, "alpha>=0.3", (Older("0.3.0"),))
    done = run([place.python, "../../.github/release.py", "floors", "omega", "alpha"], place.folder, place.environ)
    assert (done.status, done.err) == (1, "refused: omega is not installed here: call make install first\n")
    assert subprocess.run([place.python, SCRIPT, "floors", "beta"], capture_output=True, check=False).returncode == 2
