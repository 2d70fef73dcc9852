"""What was written is kept as it should be: facts and people change, and neither loses what the other has done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from headrace.base.errors import UsageError
from headrace.init import base, pins
from headrace.init.choices import shapes
from headrace.init.detect import detect
from headrace.init.make import WRITTEN, File, files_of, written_before
from headrace.init.sections import sections
from headrace.init.wanted import Settings
from test_core.monorepos import package, project, tree, two

ALPHA, BETA = ".github/workflows/alpha.yml", ".github/workflows/beta.yml"
RESOLVED = "# Every version that `make install` and `make build` may use, on Python 3.10 to 3.13.\nmypy==1\npytest==8\nruff==1\n"
PINS = RESOLVED + "setuptools==80\nuv==1\n"


def call(
    files: Mapping[str, str], *, update: bool = False, upgrade: bool = False, settings: Settings | None = None
) -> dict[str, File]:
    """What one call does, by path. It is asked for pins where that is wanted, and adds one."""
    whole, chosen = tree(files), settings or Settings()
    found = detect(whole.without(written_before(whole).files))
    made = shapes(found, chosen)[0]

    def resolve(there: str) -> str:
        return pins.with_header(there, made) + "added==1\n" if there else PINS

    return {each.path: each for each in files_of(whole, found, made, chosen, resolve, update=update, upgrade=upgrade)}


def after(files: Mapping[str, str], done: Mapping[str, File]) -> dict[str, str]:
    """The repository when a call has written."""
    left = {**files, **{path: file.text for path, file in done.items() if file.state in WRITTEN}}
    return {path: text for path, text in left.items() if path not in done or done[path].state != "gone"}


def set_up(files: Mapping[str, str] | None = None) -> dict[str, str]:
    given = files or two()
    return after(given, call(given))


def update(files: Mapping[str, str]) -> dict[str, str]:
    """One update, after which there is nothing to do; no conflict is left."""
    done = call(files, update=True)
    assert not any(file.conflicts for file in done.values())
    left = after(files, done)
    assert not written(call(left, update=True)), "a second update has something to do"
    assert not written(call(left))
    return left


def written(done: Mapping[str, File]) -> dict[str, str]:
    return {path: file.state for path, file in done.items() if file.state in (*WRITTEN, "behind")}


def jobs(text: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)["jobs"]
    return content


def edited(files: Mapping[str, str], path: str, old: str, new: str) -> dict[str, str]:
    assert old in files[path], old
    return {**files, path: files[path].replace(old, new)}


def test_as_long_as_nothing_changes_there_is_nothing_to_do() -> None:
    assert not written(call(set_up(), update=True)) and not written(call(set_up()))


def test_a_workflow_edited_by_hand_and_a_new_package_are_both_kept() -> None:
    files = edited(set_up(), ALPHA, "    timeout-minutes: 10\n", "    timeout-minutes: 7\n")
    files = edited(files, ALPHA, "      - constraints.txt\n", "      - constraints.txt\n      - assets/**\n")
    left = update({**files, **package("gamma", "alpha>=0.1")})
    assert "'!pkg/gamma/**'" in left[ALPHA] and "assets/**" in left[ALPHA]
    assert {job["timeout-minutes"] for job in jobs(left[ALPHA]).values()} == {"7"}
    assert "-C pkg/gamma utest" in left["Makefile"] and ".github/workflows/gamma.yml" in left


def test_a_matrix_edited_by_hand_and_a_raised_lowest_python_are_both_kept() -> None:
    files = edited(set_up(), ALPHA, "['3.10', '3.13']", "['3.10', '3.12', '3.13']")
    raised = project("alpha", python=">=3.11")
    left = update({**files, "pkg/alpha/pyproject.toml": raised})
    assert {str(job["strategy"]["matrix"]["python-version"]) for job in jobs(left[ALPHA]).values() if "strategy" in job} == {
        "['3.11', '3.12', '3.13']"
    }
    assert jobs(left[ALPHA])["publish-pypi"]["steps"][1]["with"]["python-version"] == "3.11"
    assert "['3.11', '3.13']" in left[BETA]  # alpha comes with it


def test_a_job_and_a_target_that_were_taken_away_stay_away() -> None:
    files = set_up()
    parts = sections(ALPHA, files[ALPHA])
    files[ALPHA] = "".join(f"{line}\n" for name, lines in parts.items() if name != "utest" for line in lines).replace(
        ", utest]", "]"
    )
    parts = sections("Makefile", files["pkg/alpha/Makefile"])
    files["pkg/alpha/Makefile"] = "".join(f"{line}\n" for name, lines in parts.items() if name != "utest" for line in lines)
    assert not written(call(files))  # that is no drift
    left = update({**files, "pkg/alpha/pyproject.toml": project("alpha", python=">=3.11")})
    assert list(jobs(left[ALPHA])) == ["itest", "lint", "type-check", "publish-pypi"]
    assert jobs(left[ALPHA])["publish-pypi"]["needs"] == ["itest", "lint", "type-check"]
    assert "\nutest:" not in left["pkg/alpha/Makefile"]


@pytest.mark.parametrize("path", [ALPHA, "pkg/alpha/Makefile", ".github/release.py", "constraints.txt", "Makefile"])
def test_a_file_that_was_taken_away_stays_away(path: str) -> None:
    files = set_up()
    del files[path]
    assert call(files)[path].state == "deleted" and not written(call(files))
    assert path not in update({**files, **package("gamma")})


def test_a_call_that_is_no_update_adds_what_is_new_and_names_what_is_behind() -> None:
    done = call({**set_up(), **package("gamma")})
    assert written(done) == {
        ALPHA: "behind", BETA: "behind", "Makefile": "behind", ".github/workflows/gamma.yml": "new", "pkg/gamma/Makefile": "new",
        base.PATH: "base",
    }  # fmt: skip
    left = update(after({**set_up(), **package("gamma")}, done))  # what was left behind is known as it was
    assert "'!pkg/gamma/**'" in left[ALPHA]


def test_what_a_package_had_goes_with_it_unless_it_was_changed() -> None:
    files = {
        path: text
        for path, text in set_up().items()
        if not path.startswith("pkg/beta/beta") and path != "pkg/beta/pyproject.toml"
    }
    assert call(files)[BETA].state == "behind"
    left = update(files)
    assert BETA not in left and "pkg/beta/Makefile" not in left and "beta" not in left["Makefile"]
    changed = edited(files, BETA, "timeout-minutes: 10", "timeout-minutes: 7")
    assert call(changed, update=True)[BETA].state == "kept" and BETA in update(changed)


def test_where_both_have_changed_a_line_marks_stand_until_somebody_has_settled_it() -> None:
    files = edited(set_up(), "pkg/alpha/Makefile", "-m mypy alpha", "-m mypy --strict alpha")
    files = {**files, "pyrightconfig.json": "{}", "pkg/alpha/pyrightconfig.json": "{}"}
    done = call(files, update=True)
    (line,) = done["pkg/alpha/Makefile"].conflicts
    marked = after(files, done)
    assert marked["pkg/alpha/Makefile"].splitlines()[line - 1].startswith("<<<<<<< ")
    again = call(marked)
    assert not written(again) and again["pkg/alpha/Makefile"].conflicts == (line,)
    settled = {**marked, "pkg/alpha/Makefile": "".join(
        each for each in marked["pkg/alpha/Makefile"].splitlines(keepends=True) if each[0] not in "<=>" and "mypy" not in each
    )}  # fmt: skip
    assert not written(call(settled)) and not any(file.conflicts for file in call(settled).values())


def test_ends_of_lines_stay_as_they_are() -> None:
    files = set_up()
    files[ALPHA] = files[ALPHA].replace("timeout-minutes: 10", "timeout-minutes: 7").replace("\n", "\r\n")
    left = update({**files, **package("gamma")})
    assert left[ALPHA].count("\n") == left[ALPHA].count("\r\n") and "'!pkg/gamma/**'" in left[ALPHA]


def test_where_the_record_is_lost_what_stands_as_it_would_be_written_is_known_again() -> None:
    files = {path: text for path, text in set_up().items() if path != base.PATH}
    done = call(files)
    assert done["constraints.txt"].state == "kept" and written(done) == {base.PATH: "base"}
    assert set(base.read_base(done[base.PATH].text).files) == set(base.read_base(set_up()[base.PATH]).files) - {"constraints.txt"}


@pytest.mark.parametrize(
    "path",
    ["../x.yml", "/etc/passwd", ".git/config", "pkg/../../Makefile", "src/important.py", ".github/workflows/../../Makefile"],
)
def test_a_record_that_names_other_files_is_refused(path: str) -> None:
    """By these names files are written and removed, and the record may come with anybody's pull request."""
    with pytest.raises(UsageError, match="headrace init does not write"):
        base.read_base(base.base_text(base.Base(files={path: "x"})))


def test_a_package_may_stand_in_a_hidden_folder() -> None:
    assert "pkg/.tool/Makefile" in base.read_base(base.base_text(base.Base(files={"pkg/.tool/Makefile": "x"}))).files


def test_a_record_of_many_packages_is_read_whole() -> None:
    """It is far longer than what a person writes."""
    many = base.base_text(base.Base(files={f"pkg/p{number}/Makefile": "x" * 20_000 for number in range(100)}))
    assert len(many) > 1 << 20 and len(written_before(tree({base.PATH: many})).files) == 100


@pytest.mark.parametrize("path", ["constraints.txt", base.PATH])
def test_what_git_has_given_other_ends_of_lines_is_no_drift_and_is_replaced_as_it_is(path: str) -> None:
    files = set_up()
    files[path] = files[path].replace("\n", "\r\n")
    assert not written(call(files))
    assert call({**files, **package("gamma", "requests>=2")}, update=True)[path].was == files[path]


# Files of people

MINE = "on: push\njobs:\n    lint:\n        runs-on: x\n        steps: [{run: mine}]\n\nenv:\n    A: 1\n"


def test_a_workflow_of_a_person_is_given_the_jobs_that_it_lacks() -> None:
    done = call({**two(), ALPHA: MINE})[ALPHA]
    assert done.state == "added" and "its lint stays" in done.why and "no tag starts it" not in done.why
    content = yaml.load(done.text, Loader=yaml.BaseLoader)
    assert list(content["jobs"]) == ["lint", "itest", "type-check", "utest", "publish-pypi"]
    assert content["jobs"]["lint"] == jobs(MINE)["lint"] and content["env"] == {"A": "1"} and content["on"] == "push"
    assert content["jobs"]["itest"]["permissions"] == {"contents": "read"}  # no line of the person's says so
    ours = jobs(call(two())[ALPHA].text)
    assert {
        name: {key: value for key, value in job.items() if key != "permissions"}
        for name, job in content["jobs"].items()
        if name != "lint"
    } == {
        name: {key: value for key, value in job.items() if key != "permissions"} for name, job in ours.items() if name != "lint"
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("on: push\njobs: {lint: {runs-on: x}}\n", "its jobs are not written one below the other"),
        (MINE.replace("\n", "\r\n"), "its lines end with carriage returns"),
        ("on: push\ndefaults:\n  run:\n    shell: sh\njobs:\n  x:\n    runs-on: x\n", "its defaults would change jobs"),
        ("on: push\njobs:\n  x: &x\n    runs-on: x\njobs:\n  y: *x\n", "a job that is added would change what it says"),
    ],
)
def test_a_workflow_to_which_nothing_can_be_added_stays_and_that_is_said(text: str, why: str) -> None:
    done = call({**two(), ALPHA: text})
    assert done[ALPHA].state == "kept" and why in done[ALPHA].why
    assert ALPHA not in after({}, done)


@pytest.mark.parametrize(
    ("on", "starts"),
    [
        ("push", True), ("[push, pull_request]", True), ("{push: }", True), ("{push: {tags: ['v*']}}", True), ("pull_request", False),
        ("{push: {branches: [main]}}", False), ("{push: {tags-ignore: [x]}}", False), ("{push: {paths: [x]}}", True),
    ],
)  # fmt: skip
def test_where_no_tag_starts_a_persons_workflow_it_is_said(on: str, starts: bool) -> None:
    assert ("no tag starts it" in call({**two(), ALPHA: MINE.replace("push", on)})[ALPHA].why) != starts


def test_what_was_added_is_kept_up_to_date_and_what_was_taken_out_stays_out() -> None:
    files = set_up({**two(), ALPHA: MINE, "pkg/beta/Makefile": "lint:\n\ttrue\n"})
    assert not written(call(files))
    files = edited(files, ALPHA, "    A: 1\n", "    A: 2\n")
    parts = sections(ALPHA, files[ALPHA])
    files[ALPHA] = "".join(f"{line}\n" for name, lines in parts.items() if name != "itest" for line in lines)
    files["pkg/beta/Makefile"] = "lint:\n\tfalse\n"
    left = update({**files, "pkg/alpha/pyproject.toml": project("alpha", python=">=3.11")})
    assert list(jobs(left[ALPHA])) == ["lint", "type-check", "utest", "publish-pypi"]
    assert "A: 2" in left[ALPHA] and "['3.11', '3.13']" in left[ALPHA] and "3.10" not in left[ALPHA]
    assert left["pkg/beta/Makefile"] == "lint:\n\tfalse\n"


def test_a_target_that_a_person_adds_later_takes_the_place_of_ours() -> None:
    files = set_up({**two(), "pkg/beta/Makefile": "all:\n\ttrue\n"})
    assert "\nutest:" in files["pkg/beta/gates.mk"]
    left = update(edited(files, "pkg/beta/Makefile", "all:", "utest:\n\tmine\n\nall:"))
    assert (
        "\nutest:" not in left["pkg/beta/gates.mk"]
        and "utest" not in left["pkg/beta/gates.mk"].split(".PHONY:")[1].split("\n")[0]
    )


def test_where_a_person_has_all_nothing_is_added() -> None:
    """Neither a job, nor what jobs of ours would call."""
    names = ("itest", "lint", "type-check", "utest", "publish-pypi")
    mine = "on: push\njobs:\n" + "".join(f"  {name}:\n    runs-on: x\n" for name in names)
    targets = "".join(f"{name}:\n\ttrue\n" for name in (*names[:-1], "install", "build", "release"))
    files = {**two(), ALPHA: mine, "pkg/alpha/Makefile": targets, "Makefile": targets}
    done = call(files)
    assert {path for path, file in done.items() if file.state == "kept"} == {ALPHA, "pkg/alpha/Makefile", "Makefile"}
    assert "pkg/alpha/gates.mk" not in done and "gates.mk" not in done and not written(call(set_up(files)))
    del files[ALPHA]
    assert "gates-install:" in call(files)["pkg/alpha/gates.mk"].text  # for a pipeline of ours


def test_what_a_makefile_includes_is_not_taken_away() -> None:
    files = set_up({**two(), "pkg/beta/Makefile": "all:\n\ttrue\n"})
    files = {path: text for path, text in files.items() if not path.startswith("pkg/beta/") or path.endswith(("akefile", ".mk"))}
    assert "pkg/beta/gates.mk" in update(files)
    del files["pkg/beta/Makefile"]
    assert "pkg/beta/gates.mk" not in update(files)


# Pins


@pytest.mark.parametrize(
    ("needs", "python", "lacks"),
    [
        ((), ">=3.10", ""),
        (("requests>=2",), ">=3.10", "it has no version for requests>=2"),
        (("pytest>=8",), ">=3.10", ""),
        (("pytest>=9",), ">=3.10", "it has no version for pytest>=9"),
        ((), ">=3.9", "it was made for Python 3.10 and later"),
    ],
)
def test_new_versions_are_looked_for_only_where_some_are_lacking(needs: tuple[str, ...], python: str, lacks: str) -> None:
    files = set_up()
    files["pkg/alpha/pyproject.toml"] = project("alpha", *needs, python=python)
    done = call(files)["constraints.txt"]
    assert (done.state, lacks in done.why) == ("behind" if lacks else "same", True)
    assert ("added==1" in update(files)["constraints.txt"]) == bool(lacks)


def test_all_versions_are_looked_for_anew_where_that_is_asked_and_only_in_a_file_of_ours() -> None:
    files = {**set_up(), "constraints.txt": PINS + "old==1\n"}
    assert call(files, update=True)["constraints.txt"].state == "same"
    done = call(files, update=True, upgrade=True)
    assert (done["constraints.txt"].state, done["constraints.txt"].text) == ("merged", PINS)
    assert not written(call(after(files, done)))
    mine = set_up({**two(), "constraints.txt": "mine==1\n"})
    assert call(mine, update=True, upgrade=True)["constraints.txt"].state == "kept"


def test_the_first_line_names_the_pythons_as_they_are_now() -> None:
    files = set_up(package("alpha"))
    files["pkg/alpha/pyproject.toml"] = project("alpha", python=">=3.11")
    left = update(files)["constraints.txt"]
    assert left == PINS.replace("3.10 to", "3.11 to")
