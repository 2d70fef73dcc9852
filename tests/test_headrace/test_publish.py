"""A pipeline that publishes, from its tag to an installed package: everything real, and nothing leaves the machine."""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from test_core.actions import Actions
from test_core.calls import Done, Headrace
from test_core.indexes import Index
from test_core.layers import refusal
from test_core.processes import run
from test_core.releases import SimplePages, Workshop, make_workshop, package
from test_core.repositories import GitRepository, make_repository

pytestmark = pytest.mark.slow  # whole pipelines

WHEEL, SDIST = "demo-0.1.0-py3-none-any.whl", "demo-0.1.0.tar.gz"
PUBLISH = "- uses: pypa/gh-action-pypi-publish@release/v1"


@pytest.fixture
def tree(headrace: Headrace) -> GitRepository:
    """Two packages, each with a pipeline of its own."""
    return make_repository(headrace.home / "tree", {**package("demo", "0.1.0"), **package("demo_extra", "0.2.0", "demo>=0.1.0")})


def push(headrace: Headrace, tree: GitRepository, tag: str, *options: str) -> Done:
    return headrace("run", "push", "--ref", f"refs/tags/{tag}", "--json", *options, cwd=tree.root)


def result(done: Done, job: str, name: str = "demo") -> str:
    """Of a job in the pipeline of a package."""
    rows = {(row["workflow"], row["job"]): str(row["result"]) for row in done.json["jobs"]}
    return rows[f".github/workflows/{name}.yml", job]


def index_of(headrace: Headrace, done: Done) -> Path:
    return headrace.state / "runs" / str(done.json["run"]) / "index"


def log(headrace: Headrace, done: Done) -> str:
    path = index_of(headrace, done) / "index.log"
    return path.read_text() if path.exists() else ""


@pytest.mark.covers("release:1.1", "release:2.4", "release:1.7")
@pytest.mark.parametrize("isolation", ["host", "namespaces"])
def test_what_a_tag_publishes_is_installed_from_the_index_of_its_run(
    headrace: Headrace, tree: GitRepository, isolation: str, tmp_path: Path
) -> None:
    if isolation == "namespaces" and (why := refusal(headrace.home, 1)):
        pytest.skip(f"no layers in a user namespace here: {why}")
    done = push(headrace, tree, "demo@0.1.0", "--isolation", isolation)
    assert done.status == 0, done.err
    assert (result(done, "publish"), result(done, "publish", "demo_extra")) == ("success", "skipped")
    number = done.json["run"]
    assert f"published demo 0.1.0 (2 files) to PyPI as this run has it: `headrace index serve --run {number}`" in done.err
    assert [line.split(" ", 2)[1:][0] for line in log(headrace, done).splitlines() if "https://" in line] == [
        "GET", "POST", "POST", "POST", "POST",
    ]  # fmt: skip
    assert not list(index_of(headrace, done).glob("**/*key*")) and "PRIVATE" not in log(headrace, done)
    made = run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], tmp_path)
    assert made.status == 0, made.err
    python = tmp_path / "venv/bin/python"
    with Index(headrace, tmp_path / "unused", "--run", str(number)) as served:
        pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "install", "--no-cache-dir"]
        installed = run([*pip, "--index-url", served.where["simple"], "demo"], tmp_path, served.environment())
        assert installed.status == 0, installed.out + installed.err
    assert run([python, "-c", "import demo; print(demo.__version__)"], tmp_path).out.strip() == "0.1.0"


@pytest.mark.covers("release:5.12")
def test_each_tag_publishes_its_own_package(headrace: Headrace, tree: GitRepository) -> None:
    done = push(headrace, tree, "demo_extra@0.2.0")
    assert done.status == 0, done.err
    # The name is written as uploaders write it.
    assert "published demo-extra 0.2.0 (2 files)" in done.err and "published demo " not in done.err
    assert "demo_extra.yml@refs/tags/demo_extra@0.2.0" in log(headrace, done)


@pytest.mark.covers("release:2.4")
@pytest.mark.parametrize("says_so", ["caller", "called"])
def test_a_called_workflow_publishes_as_the_file_that_it_is(headrace: Headrace, tree: GitRepository, says_so: str) -> None:
    """Whether its caller gives it the right to, or leaves it to the job; the token names the called file."""
    path = tree.root / ".github/workflows/demo.yml"
    granted = "    permissions:\n      contents: read\n      id-token: write\n"
    gates, _, job = path.read_text().partition("  publish:\n")
    job = job.replace("    needs: [lint, test]\n", "").replace("    if: startsWith(github.ref, 'refs/tags/demo@')\n", "")
    job = job if says_so == "called" else job.replace(granted, "")
    calling = "  publish:\n    needs: [lint, test]\n    uses: ./.github/workflows/upload.yml\n"
    top = "permissions:\n  contents: read\n"
    caller = (gates.replace(top, "") if says_so == "called" else gates) + calling + (granted if says_so == "caller" else "")
    tree.commit(
        {".github/workflows/demo.yml": caller, ".github/workflows/upload.yml": f"on: workflow_call\njobs:\n  upload:\n{job}"}
    )
    done = push(headrace, tree, "demo@0.1.0", "-W", "demo.yml")
    assert done.status == 0, done.err
    assert "published demo 0.1.0 (2 files) to PyPI as this run has it" in done.err
    assert "upload.yml@refs/tags/demo@0.1.0" in log(headrace, done)


def test_where_nobody_lets_the_publishing_job_deploy_nothing_is_published_and_where_somebody_does_its_token_names_where(
    headrace: Headrace, tree: GitRepository
) -> None:
    path = tree.root / ".github/workflows/demo.yml"
    path.write_text(path.read_text().replace("  publish:\n", "  publish:\n    environment: pypi\n"))
    tree.commit()
    done = push(headrace, tree, "demo@0.1.0")
    assert (done.status, result(done, "test"), result(done, "publish")) == (1, "success", "unsupported")
    assert log(headrace, done) == "" and "published" not in done.err
    done = push(headrace, tree, "demo@0.1.0", "--approve", "pypi")
    assert (done.status, result(done, "publish")) == (0, "success"), done.err
    assert "published demo 0.1.0 (2 files) to PyPI as this run has it" in done.err


def test_a_red_gate_means_not_one_request_to_the_index(headrace: Headrace, tree: GitRepository) -> None:
    tree.commit({"broken": ""})
    done = push(headrace, tree, "demo@0.1.0")
    assert done.status == 1 and (result(done, "test"), result(done, "publish")) == ("failure", "skipped")
    assert log(headrace, done) == "" and not (index_of(headrace, done) / "pypi").exists()
    assert "published" not in done.err
    served = headrace("index", "serve", "--run", str(done.json["run"]))
    assert served.status == 2 and "has published nothing to PyPI" in served.err


def test_a_tag_that_names_another_version_fails_before_anything_goes_up(headrace: Headrace, tree: GitRepository) -> None:
    path = tree.root / ".github/workflows/demo.yml"
    check = """      - run: test "${GITHUB_REF#refs/tags/}" = "demo@$(sed -n 's/^version = "\\(.*\\)"/\\1/p' pkg/demo/pyproject.toml | head -1)"\n"""
    text = path.read_text()
    path.write_text(text.replace("      - run: mkdir dist", f"{check}      - run: mkdir dist"))
    tree.commit()
    done = push(headrace, tree, "demo@0.3.0")
    assert done.status == 1 and result(done, "publish") == "failure" and log(headrace, done) == ""
    assert push(headrace, tree, "demo@0.1.0").status == 0


def test_a_run_that_cannot_publish_has_no_index(headrace: Headrace) -> None:
    done = headrace.run("  a: {runs-on: ubuntu-latest, steps: [{uses: actions/checkout@v4}]}")
    assert done.status == 0 and not index_of(headrace, done).exists()


@pytest.mark.covers("release:2.4")
@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ("{repository-url: https://pypi.example.org/legacy/}", "publishes to an index that a run has not"),
        ("{repository_url: https://pypi.example.org/legacy/}", "publishes to an index that a run has not"),
        ("{user: ada, password: x}", "publishes with a password"),
        ("{attestations: true}", "signs attestations, which needs Sigstore's servers"),
    ],
)
def test_what_a_run_has_not_is_told_before_anything_runs(headrace: Headrace, inputs: str, says: str) -> None:
    [row] = Actions(headrace).plan(f"{PUBLISH}\n  with: {inputs}").json["jobs"]
    assert row["would"] == "unsupported" and says in row["reason"]


@pytest.mark.parametrize("url", ["https://upload.pypi.org/legacy/", "https://test.pypi.org/legacy/"])
def test_both_indexes_are_there(headrace: Headrace, url: str) -> None:
    [row] = Actions(headrace).plan(f"{PUBLISH}\n  with: {{repository-url: '{url}', attestations: false}}").json["jobs"]
    assert row["would"] == "run", row


# The release


@pytest.fixture
def workshop(headrace: Headrace, tmp_path: Path) -> Workshop:
    pages = SimplePages()
    made = make_workshop(headrace, tmp_path / "both", pages, package("demo", "0.1.0"))
    pages.close()
    return made


@pytest.mark.covers("release:4.5", "release:4.7", "release:4.5.11")
def test_a_rehearsed_release_keeps_the_bytes_that_the_index_of_the_run_took(workshop: Workshop) -> None:
    done = workshop.release("demo", "0.1.0", "--rehearse", "--offline", "--json", build=True)
    assert done.status == 0, done.err
    assert "rehearsing demo@0.1.0" in done.err and "building demo@0.1.0" not in done.err
    row = done.json["packages"][0]
    assert row["rehearsed"]["result"] == "success"
    number = row["rehearsed"]["run"]
    blobs = workshop.headrace.state / "runs" / str(number) / "index/pypi/blobs/files"
    taken = {path.name for path in blobs.iterdir()}
    kept = {path.name: path for path in workshop.headrace.state.glob("releases/*/*/demo@0.1.0/*")}
    assert sorted(kept) == [WHEEL, SDIST]
    assert {sha256(path.read_bytes()).hexdigest() for path in kept.values()} == taken
    message = workshop.remote.git("tag", "--list", "--format=%(contents)", "demo@0.1.0")
    assert all(digest in message for digest in taken)


@pytest.mark.covers("release:5.6")
@pytest.mark.parametrize("approved", [False, True])
def test_what_deploys_to_an_environment_is_rehearsed_where_somebody_lets_it(workshop: Workshop, approved: bool) -> None:
    workshop.edit(".github/workflows/demo.yml", "  publish:\n", "  publish:\n    environment: PyPI\n")
    workshop.push()
    options = ("--approve", "pypi") if approved else ()
    done = workshop.release("demo", "0.1.0", "--rehearse", "--offline", "--json", *options, build=True)
    assert done.status == 0, done.err
    row = done.json["packages"][0]
    assert ((row["rehearsed"] or {}).get("result"), bool(row["unsupported"])) == ("success" if approved else None, not approved)


@pytest.mark.covers("release:4.5")
@pytest.mark.host_only("its job takes a file away from the store of its run")
def test_a_rehearsed_release_that_has_lost_a_file_is_refused_and_not_tagged(workshop: Workshop) -> None:
    blobs = f"'{workshop.headrace.state}'/runs/*/index/pypi/blobs/files"
    workshop.edit(
        ".github/workflows/demo.yml",
        "packages-dir: pkg/demo/dist\n",
        f'packages-dir: pkg/demo/dist\n      - run: for file in {blobs}/*; do rm "$file"; break; done\n',
    )
    workshop.push()
    before = workshop.refs()
    done = workshop.release("demo", "0.1.0", "--rehearse", "--offline", build=True)
    assert done.status == 3, done.err
    said = done.err.splitlines()[-1]
    assert f"headrace: {WHEEL}, which run" in said or f"headrace: {SDIST}, which run" in said
    assert said.endswith("has published to PyPI, is no longer in its store; call again, and the pipeline is rehearsed anew")
    assert workshop.refs() == before
    assert not list(workshop.headrace.state.glob("releases/*/*/demo@0.1.0/*"))


@pytest.mark.covers("release:4.5", "release:1.5.5")
def test_a_release_whose_files_the_index_refuses_in_its_rehearsal_is_not_tagged(workshop: Workshop) -> None:
    workshop.edit(
        "pkg/demo/backend.py", 'META = f"Metadata-Version: 2.1', 'META = f"Metadata-Version: 2.1\\nClassifier: No :: Such'
    )
    workshop.push()
    before = workshop.refs()
    done = workshop.release("demo", "0.1.0", "--rehearse", "--offline")
    assert done.status == 1 and "publish is not green in its rehearsal: failure" in done.err
    assert workshop.refs() == before


@pytest.mark.covers("release:4.5.12", "release:5.12")
def test_the_doctor_reads_what_an_index_lists_of_its_publishers(workshop: Workshop, tmp_path: Path) -> None:
    headrace, store, listed = workshop.headrace, str(tmp_path / "index"), tmp_path / "publishers.json"
    claims = json.loads(headrace("doctor", "--release", "--json", cwd=workshop.tree.root).out)["packages"][0]["claims"]

    def asked(workflow: str) -> Done:
        add = ["index", "publisher", "add", "demo", "--store", store, "--repository", claims["repository"]]
        assert headrace(*add, "--workflow", workflow, "--owner-id", "17").status == 0
        listed.write_text(headrace("index", "publisher", "ls", "--json", "--store", store).out)
        return headrace("doctor", "--release", "--publisher", str(listed), cwd=workshop.tree.root)

    other = asked("other.yml")
    assert other.status == 1 and "other.yml" in other.out
    fits = asked("demo.yml")
    assert fits.status == 0, fits.out
