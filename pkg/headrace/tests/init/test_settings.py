"""`[tool.headrace.init]`: what each key does, alone for a package and for all, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from headrace.base.errors import UsageError
from headrace.init.base import Base, Publish
from headrace.init.choices import shapes
from headrace.init.detect import detect
from headrace.init.make import files_of
from headrace.init.settings import settings_of
from headrace.workflow.model import Pattern
from headrace.workflow.patterns import decide
from test_core.monorepos import package, project, tree, two

BETA = "pkg/beta/pyproject.toml"


def said(settings: str, path: str = "pyproject.toml", files: Mapping[str, str] | None = None) -> dict[str, str]:
    """Two packages (or other files), one file of which says settings more."""
    files = files or two()
    return {**files, path: files.get(path, "") + "[tool.headrace.init]\n" + settings}


class Made:
    """What comes of files: their texts, and what is told of the choices."""

    def __init__(self, files: Mapping[str, str], *, publish: Publish | None = None, all_versions: bool = False) -> None:
        whole = tree(files)
        settings = settings_of(whole, Base(), all_versions=all_versions, publish=publish)
        self.found = detect(whole, settings)
        self.shapes, choices = shapes(self.found, settings)
        self.texts = {each.path: each.text for each in files_of(whole, self.found, self.shapes, settings, lambda there: "")}
        self.why = {f"{choice.name}: {choice.said.value}": choice.said.why for choice in choices}
        self.told = {
            (choice.package, f"{choice.name}: {choice.said.value}"): [f"{at.file}:{at.line}" for at in choice.said.at]
            for choice in choices
        }

    def workflow(self, name: str) -> dict[str, Any]:
        content: dict[str, Any] = yaml.load(self.texts[f".github/workflows/{name}.yml"], Loader=yaml.BaseLoader)
        return content

    def makefile(self, name: str) -> str:
        return self.texts[f"pkg/{name}/Makefile"]

    def says(self, name: str, choice: str, at: str) -> bool:
        return at in self.told[(name, choice)]


def line_of(files: Mapping[str, str], path: str, words: str) -> str:
    lines = files[path].splitlines()
    return f"{path}:{next(number for number, line in enumerate(lines, 1) if words in line)}"


def test_without_settings_nothing_is_said_of_any() -> None:
    plain = Made(two())
    names = {name for _, said in plain.told for name in [said.partition(":")[0]]}
    assert names == {"matrix", "gate", "concerned by", "floors", "publishes", "publish shape"}
    assert Made(said("")).texts == plain.texts


# What each key does


@pytest.mark.parametrize(("path", "hardened"), [("pyproject.toml", {"alpha", "beta"}), (BETA, {"beta"})])
def test_publish_is_the_shape_of_all_or_of_one(path: str, hardened: set[str]) -> None:
    files = said('publish = "hardened"\n', path)
    made = Made(files)
    assert {name for name in ("alpha", "beta") if "build" in made.workflow(name)["jobs"]} == hardened
    about = "beta" if path == BETA else ""
    assert made.says(about, "publish shape: hardened", line_of(files, path, "publish ="))


def test_a_package_wins_over_the_root_and_an_option_over_both() -> None:
    files = said('publish = "described"\nall-versions = false\n', BETA, said('publish = "hardened"\nall-versions = true\n'))
    made = Made(files)
    assert ["build" in made.workflow(name)["jobs"] for name in ("alpha", "beta")] == [True, False]
    assert [len(shape.matrix) for shape in made.shapes] == [4, 2]
    asked = Made(files, publish="hardened", all_versions=True)
    assert ["build" in asked.workflow(name)["jobs"] for name in ("alpha", "beta")] == [True, True]
    assert [len(shape.matrix) for shape in asked.shapes] == [4, 4]
    assert asked.told[("", "publish shape: hardened")] == []


@pytest.mark.parametrize(("path", "by_headrace"), [("pyproject.toml", {"alpha", "beta"}), (BETA, {"beta"})])
def test_release_calls_headrace_for_all_or_for_one(path: str, by_headrace: set[str]) -> None:
    files = said('release = "headrace"\n', path)
    made = Made(files)
    assert {name for name in ("alpha", "beta") if "\theadrace release" in made.makefile(name)} == by_headrace
    assert made.says("beta", "releases by: headrace release", line_of(files, path, "release ="))


def test_all_versions_are_tried_where_it_is_said() -> None:
    files = said("all-versions = true\n", BETA)
    made = Made(files)
    assert [shape.matrix for shape in made.shapes] == [("3.10", "3.13"), ("3.10", "3.11", "3.12", "3.13")]
    assert made.says("beta", "matrix: 3.10, 3.11, 3.12, 3.13", line_of(files, BETA, "all-versions"))


def test_timeouts_are_minutes_of_jobs_and_a_package_has_its_own() -> None:
    files = said("timeouts = {utest = 2}\n", BETA, said("timeouts = {utest = 3, itest = 4, publish-pypi = 5, build = 6}\n"))
    made = Made(files)
    minutes = {
        name: {job: content["timeout-minutes"] for job, content in made.workflow(name)["jobs"].items()}
        for name in ("alpha", "beta")
    }
    assert minutes == {
        "alpha": {"itest": "4", "lint": "10", "type-check": "10", "utest": "3", "publish-pypi": "5"},
        "beta": {"lint": "10", "type-check": "10", "utest": "2", "publish-pypi": "5"},
    }
    assert made.says("beta", "timeout: utest: 2 minutes", line_of(files, BETA, "timeouts"))
    assert made.says("beta", "timeout: build: 6 minutes", line_of(files, "pyproject.toml", "timeouts"))
    assert (made.why["timeout: utest: 2 minutes"], made.why["timeout: build: 6 minutes"]) == ("", "there is no such job")
    assert Made(said('publish = "hardened"\ntimeouts.build = 6\n')).workflow("beta")["jobs"]["build"]["timeout-minutes"] == "6"


@pytest.mark.parametrize("text", ["1", "a: b", "${{ github.ref_name }}", "yes", "two\\nlines", "it's", "", "#"])
def test_env_is_that_of_every_job_to_the_letter(text: str) -> None:
    files = said(f'env = {{FIRST = "{text}", SHARED = "beta"}}\n', BETA, said('env = {SHARED = "all"}\n'))
    made = Made(files)
    assert made.workflow("alpha")["env"] == {"SHARED": "all"}
    assert made.workflow("beta")["env"] == {"SHARED": "beta", "FIRST": text.replace("\\n", "\n")}
    assert made.says("beta", "environment: SHARED=beta", line_of(files, BETA, "env"))


@pytest.mark.parametrize(("path", "by_hand"), [("pyproject.toml", set()), (BETA, {"alpha"})])
def test_without_manual_nobody_starts_it_by_hand(path: str, by_hand: set[str]) -> None:
    files = said("manual = false\n", path)
    made = Made(files)
    assert {name for name in ("alpha", "beta") if "workflow_dispatch" in made.workflow(name)["on"]} == by_hand
    assert made.says("beta", "by hand: never", line_of(files, path, "manual"))
    again = Made(said("manual = true\n", BETA, said("manual = false\n")))
    assert "workflow_dispatch" in again.workflow("beta")["on"] and "workflow_dispatch" not in again.workflow("alpha")["on"]


@pytest.mark.parametrize("publish", ["described", "hardened"])
@pytest.mark.parametrize("name", ["pypi", "on: fire", "true"])
def test_the_job_that_publishes_and_no_other_deploys_to_an_environment(publish: Publish, name: str) -> None:
    files = said(f'environment = "{name}"\n', BETA, said('environment = "all"\n'))
    made = Made(files, publish=publish)
    for each, expected in (("alpha", "all"), ("beta", name)):
        found = {job: keys["environment"] for job, keys in made.workflow(each)["jobs"].items() if "environment" in keys}
        assert found == {"publish-pypi": expected}
    assert made.says("beta", f"environment of publish-pypi: {name}", line_of(files, BETA, "environment"))
    assert (
        "environment:"
        not in Made(said('environment = ""\n', BETA, said('environment = "all"\n'))).texts[".github/workflows/beta.yml"]
    )


@pytest.mark.parametrize("path", ["pyproject.toml", BETA])
def test_without_floors_no_other_version_of_a_sibling_is_tried(path: str) -> None:
    files = said("floors = false\n", path)
    made = Made(files)
    assert "floors" not in made.texts["pkg/beta/Makefile"] + made.texts[".github/workflows/beta.yml"]
    assert made.says("beta", "floors: not tried", line_of(files, path, "floors"))
    files = said("floors = true\n", BETA, said("floors = false\n"))
    made = Made(files)
    assert "\nfloors: check-venv\n" in made.makefile("beta") and made.says(
        "beta", "floors: alpha", line_of(files, BETA, "floors")
    )
    assert Made(two()).says("beta", "floors: alpha", line_of(two(), BETA, "alpha>=0.1.0"))


def test_paths_start_pull_requests_and_those_with_a_mark_do_not() -> None:
    more = {**two(), **package("other")}
    files = said('paths = ["**.proto", "!pkg/alpha/**"]\n', BETA, said('paths = ["schema/**"]\n', files=more))
    made = Made(files)

    def starts(name: str, path: str) -> bool:
        return decide([Pattern(each) for each in made.workflow(name)["on"]["pull_request"]["paths"]], path)[0]

    assert starts("beta", "x.proto") and starts("beta", "schema/a") and starts("alpha", "schema/a")
    assert not starts("alpha", "x.proto")
    assert not starts("beta", "pkg/other/x.proto")  # still another's folder
    assert starts("alpha", "pkg/alpha/alpha/x.py") and not starts("beta", "pkg/alpha/alpha/x.py")
    assert made.says("beta", "started by: **.proto", line_of(files, BETA, "paths"))
    assert made.says("beta", "not started by: pkg/alpha/**", line_of(files, BETA, "paths"))
    assert made.says("beta", "started by: schema/**", line_of(files, "pyproject.toml", "paths"))


def test_artifacts_go_up_when_their_gate_fails_beside_the_report() -> None:
    settings = 'artifacts = {itest = "tests/server.log", lint = ["a.txt", "b/*.txt"]}\n'
    files = said(settings, "pkg/alpha/pyproject.toml")
    made = Made(files)
    jobs = made.workflow("alpha")["jobs"]
    itest, lint = jobs["itest"]["steps"][-1], jobs["lint"]["steps"][-1]
    assert itest["if"] == lint["if"] == "failure()"
    assert itest["with"]["path"].splitlines() == ["tests/server.log", "pkg/alpha/itest-report.xml"]
    assert lint["with"]["path"].splitlines() == ["a.txt", "b/*.txt"]
    assert [step["with"]["name"] for step in (itest, lint)] == [
        "alpha-itest-${{ matrix.python-version }}",
        "alpha-lint-${{ matrix.python-version }}",
    ]
    assert "if" not in jobs["utest"]["steps"][-1]
    assert made.says("alpha", "kept: itest: tests/server.log", line_of(files, "pkg/alpha/pyproject.toml", "artifacts"))


def test_tests_are_where_a_person_says_and_an_empty_list_is_no_gate() -> None:
    files = {**two(), "checks/test_x.py": "", "tests/test_alpha/more/test_y.py": ""}
    path = "pkg/alpha/pyproject.toml"
    settings = 'tests = {utest = ["pkg/alpha/tests", "checks/"], itest = ["tests/test_alpha/more"]}\n'
    made = Made(files := said(settings, path, files))
    assert "-m pytest $(PYTEST_ARGS) tests ../../checks\n" in made.makefile("alpha")
    assert "$(PYTEST_ARGS) ../../tests/test_alpha/more\n" in made.makefile("alpha")
    assert made.says("alpha", "gate: utest: pytest", line_of(files, path, "tests ="))
    (alpha, _) = made.found.packages
    assert [(each.value, each.why) for each in alpha.integration] == [("tests/test_alpha/more", "[tool.headrace.init] tests")]
    whole = Made(said('tests = {utest = ["./tests/"]}\n', BETA))
    assert "-m pytest $(PYTEST_ARGS) ../../tests\n" in whole.makefile("beta")
    none = Made(files := said("tests = {itest = []}\n", path))
    assert list(none.workflow("alpha")["jobs"]) == ["lint", "type-check", "utest", "publish-pypi"]
    assert none.says("alpha", "gate: no itest", line_of(files, path, "tests ="))


def test_what_is_said_to_be_of_one_kind_is_no_longer_guessed_to_be_of_the_other() -> None:
    made = Made(said('tests = {utest = ["pkg/alpha/tests", "tests/test_alpha"]}\n', "pkg/alpha/pyproject.toml"))
    assert "itest" not in made.workflow("alpha")["jobs"]
    assert "-m pytest $(PYTEST_ARGS) tests ../../tests/test_alpha\n" in made.makefile("alpha")


def test_the_tester_is_looked_for_in_the_tests_that_a_person_names() -> None:
    unittest = {**two(), "pkg/alpha/checks/first_test.py": "import unittest\n"}
    made = Made(said('tests = {utest = ["pkg/alpha/checks"], itest = []}\n', "pkg/alpha/pyproject.toml", unittest))
    assert "-m unittest discover -s checks -t . -p '*_test.py'\n" in made.makefile("alpha")


def test_commands_are_those_of_a_gate_in_full_and_their_tools_are_installed() -> None:
    settings = (
        'commands = {lint = ["flake8 alpha", "$(PYTHON) -m black --check ."], utest = ["./try $$HOME"], type-check = []}\n'
        'artifacts = {utest = "tries.log"}\n'
    )
    files = said(settings, "pkg/alpha/pyproject.toml")
    made = Made(files)
    makefile = made.makefile("alpha")
    assert "lint: check-venv\n\tflake8 alpha\n\t$(PYTHON) -m black --check .\n" in makefile
    assert "utest: check-venv\n\t./try $$HOME\n" in makefile
    assert "--editable . black flake8 pytest\n" in makefile
    assert "MYPYPATH" not in makefile
    jobs = made.workflow("alpha")["jobs"]
    assert list(jobs) == ["itest", "lint", "utest", "publish-pypi"]
    assert jobs["publish-pypi"]["needs"] == ["itest", "lint", "utest"]
    assert jobs["utest"]["steps"][-1]["with"]["path"] == "tries.log"
    at = line_of(files, "pkg/alpha/pyproject.toml", "commands")
    assert made.says("alpha", "gate: lint: flake8 alpha; $(PYTHON) -m black --check .", at)
    assert made.says("alpha", "gate: no type-check", at)


def test_a_gate_of_commands_needs_no_tests() -> None:
    made = Made(said('commands = {itest = ["./together"]}\n', BETA))
    assert "itest" in made.workflow("beta")["jobs"]
    assert "upload-artifact" not in str(made.workflow("beta")["jobs"]["itest"])


@pytest.mark.parametrize(
    ("exclude", "packages", "doubts"),
    [
        ('["pkg/beta"]', ["alpha"], []),
        ('["pkg/b*"]', ["alpha"], []),
        ('["pkg"]', [], []),
        ('["pkg/alph"]', ["alpha", "beta"], ["exclude in [tool.headrace.init]: there is no folder 'pkg/alph'"]),
        ('["pkg/gamma"]', ["alpha", "beta"], ["exclude in [tool.headrace.init]: there is no folder 'pkg/gamma'"]),
        ("[]", ["alpha", "beta"], []),
    ],
)
def test_an_excluded_folder_is_no_package_and_that_is_said(exclude: str, packages: list[str], doubts: list[str]) -> None:
    files = said(f"exclude = {exclude}\n")
    found = Made(files).found
    assert [each.name.value for each in found.packages] == packages
    assert [doubt.text for doubt in found.doubts] == doubts
    if packages == ["alpha"]:
        (out,) = found.left_out
        assert (out.value, out.why) == ("pkg/beta", "[tool.headrace.init] exclude")
        assert [f"{at.file}:{at.line}" for at in out.at] == ["pyproject.toml:2"]


def test_an_excluded_root_is_no_package_and_what_is_below_it_may_be_one() -> None:
    files = {"pyproject.toml": project("whole"), "whole/__init__.py": "", **two()}
    assert [each.name.value for each in detect(tree(files)).packages] == ["whole", "alpha", "beta"]
    assert [each.name.value for each in Made(said('exclude = ["."]\n', files=files)).found.packages] == ["alpha", "beta"]
    assert Made(said('exclude = ["."]\n', files={"pyproject.toml": project("x"), "x.py": "", "a.py": ""})).found.packages == ()


def test_a_single_package_at_the_root_says_all_in_one_file() -> None:
    files = {"pyproject.toml": project("x"), "x.py": "def f() -> int: ...\n", "checks/test_x.py": ""}
    settings = 'exclude = ["old"]\ntests = {utest = ["checks"]}\npublish = "hardened"\nmanual = false\n'
    made = Made(said(settings, files=files))
    assert list(made.workflow("x")["jobs"]) == ["lint", "type-check", "utest", "build", "publish-pypi"]
    assert "workflow_dispatch" not in made.workflow("x")["on"]


def test_the_settings_of_an_excluded_folder_and_of_an_example_are_not_read() -> None:
    example = {"examples/x/pyproject.toml": project("y") + "[tool.headrace.init]\nnothing = 1\n"}
    made = Made(said('exclude = ["pkg/beta"]\n', files=said("nothing = 1\n", BETA, {**two(), **example})))
    assert [each.name.value for each in made.found.packages] == ["alpha"]


# What is refused


@pytest.mark.parametrize(
    ("path", "settings", "message"),
    [
        ("pyproject.toml", 'publish = "somehow"', "publish in [tool.headrace.init] is described or hardened, not 'somehow'"),
        ("pyproject.toml", "publish = true", "publish in [tool.headrace.init] is described or hardened, not true"),
        (BETA, 'release = "twine"', "release in [tool.headrace.init] is make or headrace, not 'twine'"),
        (BETA, "all-versions = 1", "all-versions in [tool.headrace.init] is true or false, not 1"),
        (BETA, 'manual = "no"', "manual in [tool.headrace.init] is true or false, not 'no'"),
        (BETA, "floors = 1", "floors in [tool.headrace.init] is true or false, not 1"),
        (BETA, 'environment = " a"', "environment in [tool.headrace.init] is a text in one line, not ' a'"),
        (BETA, "environment = true", "environment in [tool.headrace.init] is a text in one line, not true"),
        (BETA, "manuel = false", "[tool.headrace.init] has no 'manuel'; did you mean 'manual'?"),
        (BETA, "x = 1", "[tool.headrace.init] has no 'x'; there are publish, release, all-versions, timeouts, env, manual, paths, floors, environment, artifacts, tests, commands"),
        (BETA, "timeouts = 3", "timeouts in [tool.headrace.init] is a table, not 3"),
        (BETA, "timeouts = {itests = 3}", "timeouts in [tool.headrace.init] has no 'itests'; did you mean 'itest'?"),
        (BETA, "timeouts = {itest = 0}", "timeouts.itest in [tool.headrace.init] is a number of minutes from 1 to 360, not 0"),
        (BETA, "timeouts = {itest = 361}", "timeouts.itest in [tool.headrace.init] is a number of minutes from 1 to 360, not 361"),
        (BETA, "timeouts = {itest = true}", "timeouts.itest in [tool.headrace.init] is a number of minutes from 1 to 360, not true"),
        (BETA, "timeouts = {itest = 1.5}", "timeouts.itest in [tool.headrace.init] is a number of minutes from 1 to 360, not 1.5"),
        ("pyproject.toml", "env = {A = 1}", "env.A in [tool.headrace.init] is a text, not 1; write \"1\""),
        ("pyproject.toml", "env = {A = true}", "env.A in [tool.headrace.init] is a text, not true; write \"true\""),
        ("pyproject.toml", "env = {A = []}", "env.A in [tool.headrace.init] is a text, not []"),
        ("pyproject.toml", "env = {A-B = \"1\"}", "env in [tool.headrace.init]: 'A-B' is no name of a variable"),
        ("pyproject.toml", 'paths = "**.proto"', "paths in [tool.headrace.init] is a list of texts, not '**.proto'"),
        ("pyproject.toml", 'paths = ["a", 1]', "paths in [tool.headrace.init] is a list of texts in one line each, not 1"),
        ("pyproject.toml", 'paths = [""]', "paths in [tool.headrace.init] is a list of texts in one line each, not ''"),
        (BETA, "artifacts = {itest = 1}", "artifacts.itest in [tool.headrace.init] is a list of texts, not 1"),
        (BETA, 'artifacts = {test = "x"}', "artifacts in [tool.headrace.init] has no 'test'; did you mean 'utest'?"),
        (BETA, 'artifacts = {build = "x"}', "artifacts in [tool.headrace.init] has no 'build'; there are itest, lint, type-check, utest"),
        (BETA, 'tests = {lint = ["pkg"]}', "tests in [tool.headrace.init] has no 'lint'; there are utest, itest"),
        (BETA, 'tests = {utest = "pkg/beta/tests"}', "tests.utest in [tool.headrace.init] is a list of texts, not 'pkg/beta/tests'"),
        (BETA, 'tests = {utest = ["tests"]}', "tests.utest in [tool.headrace.init]: 'tests' may be either of two; say './tests' for that of the root, 'pkg/beta/tests' for that of the package"),
        (BETA, 'tests = {utest = ["beta"]}', "tests.utest in [tool.headrace.init]: there is no 'beta'; paths are from the root of the repository: 'pkg/beta/beta'"),
        (BETA, 'tests = {utest = ["pkg/beta/test"]}', "tests.utest in [tool.headrace.init]: there is no 'pkg/beta/test'; did you mean 'pkg/beta/tests'?"),
        (BETA, 'tests = {utest = ["#"]}', "tests.utest in [tool.headrace.init]: there is no '#'; paths are from the root of the repository"),
        (BETA, 'commands = {lint = "ruff check"}', "commands.lint in [tool.headrace.init] is a list of texts, not 'ruff check'"),
        (BETA, 'commands = {lint = ["a\\nb"]}', "commands.lint in [tool.headrace.init] is a list of texts in one line each, not 'a\\nb'"),
        (BETA, 'commands = {lint = ["a \\\\"]}', "commands.lint in [tool.headrace.init] is a list of whole commands, not 'a \\\\'"),
        (BETA, 'commands = {tset = ["a"]}', "commands in [tool.headrace.init] has no 'tset'; did you mean 'utest'?"),
        (BETA, "exclude = []", "exclude in [tool.headrace.init] is about the repository; say it in the pyproject.toml at the root"),
        ("pyproject.toml", "tests = {}", "tests in [tool.headrace.init] is about one package; say it in the pyproject.toml of that package"),
        ("pyproject.toml", "commands = {}", "commands in [tool.headrace.init] is about one package; say it in the pyproject.toml of that package"),
        ("pyproject.toml", "artifacts = {}", "artifacts in [tool.headrace.init] is about one package; say it in the pyproject.toml of that package"),
        ("pyproject.toml", 'exclude = "pkg"', "exclude in [tool.headrace.init] is a list of texts, not 'pkg'"),
    ],
)  # fmt: skip
def test_what_a_key_cannot_hold_is_refused_with_its_line(path: str, settings: str, message: str) -> None:
    files = said(settings + "\n", path)
    with pytest.raises(UsageError) as caught:
        Made(files)
    (problem,) = caught.value.problems
    assert str(problem) == f"{line_of(files, path, settings)}:1: {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.headrace]\ninit = 1\n", "pyproject.toml:2:1: [tool.headrace.init] is a table, not 1"),
        ("[tool]\nheadrace.init.x = 1\n", "pyproject.toml:2:1: [tool.headrace.init] has no 'x'"),
        ("[tool.headrace.init.timeouts]\n\nitest = 0\n", "pyproject.toml:3:1: timeouts.itest in"),
        ('[tool.headrace.init]\npaths = [\n  "a",\n  "",\n]\n', "pyproject.toml:2:1: paths in"),
    ],
)
def test_a_setting_has_its_place_however_its_table_is_written(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Made({**two(), "pyproject.toml": text})
    assert str(caught.value).startswith(message)


def test_all_that_is_wrong_in_all_files_is_said_at_once() -> None:
    files = said("x = 1\nmanual = 0\n", BETA, said("y = 1\n"))
    with pytest.raises(UsageError) as caught:
        Made(files)
    assert [problem.at.file for problem in caught.value.problems] == [BETA, BETA, "pyproject.toml"]
