"""What a job puts where the runner, a drop-in or a later job looks: nothing of the machine is read through it, and nothing hangs."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_core.calls import Done, Headrace
from test_core.hostile.victim import Plants
from test_core.layers import refusal
from test_core.repositories import make_repository

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

ON = ("--isolation", "namespaces", "-v")
SECRET = "s3cr3t-of-the-machine"
FILES = ("OUTPUT", "ENV", "PATH", "STATE", "STEP_SUMMARY")

# what is put in the place of a command file ($F) → whether the step that did it succeeds
TRAPS = {
    "ln -s {secret} $F": True,  # there is nothing there, as seen from the job
    "ln -s /nowhere $F": True,
    "ln -s /proc/1/environ $F": False,
    "ln -s /proc/self/mem $F": False,
    "ln -s $F $F": False,
    "ln -s /dev/zero $F": False,
    "ln -s /dev/stdout $F": False,
    "ln -s /dev/tty $F": False,
    "mkdir $F": False,
    "mkfifo $F": False,
    "mkfifo $F; (setsid sh -c 'exec 3<>$0; sleep 900' $F >/dev/null 2>&1 &)": False,
    "truncate -s 1T $F": False,
    "PYTHON -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' $F": False,
    ": >$F; chmod 0 $F $(dirname $F)": True,  # root's permission bits are no matter, and there is nothing in it
}


@pytest.fixture(scope="module", autouse=True)
def possible(tmp_path_factory: pytest.TempPathFactory) -> None:
    why = refusal(tmp_path_factory.mktemp("probe"), 1)
    if why:
        pytest.skip(f"no layers in a user namespace here: {why}")


@pytest.fixture
def secret(headrace: Headrace) -> Path:
    path = headrace.home / "secret"
    path.write_text(f"name={SECRET}\n")
    return path


def step(script: str, *more: str) -> str:
    lines = "".join(f"          {line}\n" for line in script.splitlines())
    return "      - run: |\n" + lines + "".join(f"        {line}\n" for line in more)


def job(*steps: str, extra: str = "") -> str:
    return f"  a:\n    runs-on: ubuntu-latest\n{extra}    steps:\n" + "".join(steps)


def kept(headrace: Headrace) -> bool:
    """Whether anything that stays of a run holds the secret."""
    return any(SECRET.encode() in path.read_bytes() for path in headrace.kept())


def outcomes(done: Done) -> dict[str, str]:
    """Step → conclusion, of `--json-stream`."""
    records = [json.loads(line)["body"] for line in done.out.splitlines()]
    names = {record["step"]: record["name"] for record in records if record["type"] == "step-started"}
    return {names[record["step"]]: record["outcome"] for record in records if record["type"] == "step-finished"}


@pytest.mark.parametrize("name", FILES)
def test_a_trap_in_the_place_of_a_command_file(headrace: Headrace, secret: Path, name: str) -> None:
    """One step for each trap, in one job: what a trap does must not spoil the next step either."""
    more = "continue-on-error: true", "name: trap"
    traps = [f"F=$GITHUB_{name}; rm $F\n{trap.format(secret=secret)}".replace("PYTHON", "python3") for trap in TRAPS]
    steps = [step(trap, more[0], f"{more[1]} {number}") for number, trap in enumerate(traps)]
    root = headrace.repository(job(*steps, step(f'test -z "$name"; echo x=1 >>$GITHUB_{name}'))).root
    done = headrace("run", "--json-stream", *ON, cwd=root)
    assert done.status == 0, done.err
    found = outcomes(done)
    for number, (trap, succeeds) in enumerate(TRAPS.items()):
        if name == "STEP_SUMMARY" and "truncate" in trap:  # too large, which is only told
            continue
        assert found[f"trap {number}"] == ("success" if succeeds else "failure"), trap
    assert not kept(headrace)


def test_a_matcher_is_no_way_to_read_or_to_hang(headrace: Headrace, secret: Path) -> None:
    for number, path in enumerate((secret, "/proc/1/environ", "/dev/zero", "$PWD/fifo", "$PWD")):
        done = headrace.run(job(step(f"mkfifo fifo; echo ::add-matcher::{path}")), *ON, folder=f"repo{number}")
        assert done.status in (0, 1), done.err
    assert not kept(headrace)


@pytest.mark.parametrize("path", ["link", "folder", "all/*", "root{secret}", "folder/secret", "{secret}"])
def test_an_artifact_holds_nothing_of_the_machine(headrace: Headrace, secret: Path, path: str) -> None:
    made = (
        f"ln -s {secret} link; ln -s {headrace.home} folder; mkdir all; ln -s {secret} all/link; ln -s / root; echo own >all/own"
    )
    upload = f"      - uses: actions/upload-artifact@v4\n        with: {{name: x, path: '{path.format(secret=secret)}'}}\n"
    done = headrace.run(job(step(made), upload), *ON)
    assert done.status in (0, 1), done.err
    archives = [file for file in headrace.kept() if file.parent.name == "artifacts" and zipfile.is_zipfile(file)]
    assert len(archives) == (path == "all/*")  # of the others nothing is there
    for file in archives:
        with zipfile.ZipFile(file) as archive:
            assert {archive.read(name) for name in archive.namelist()} == {b"own\n"}


@pytest.mark.parametrize("pattern", ["link", "folder/**", "all/own", "**"])
def test_a_hash_is_of_the_jobs_own_files(headrace: Headrace, secret: Path, pattern: str) -> None:
    made = f"ln -s {secret} link; ln -s {headrace.home} folder; mkdir all; echo own >all/own; mkfifo all/fifo"
    options = ("", "'--follow-symbolic-links', ")
    steps = [step(f"echo hash ${{{{ hashFiles({option}'{pattern}') }}}}", "continue-on-error: true") for option in options]
    done = headrace.run(job(step(made), *steps), *ON)
    assert done.status == 0, done.err
    hashes = {line.partition("| hash ")[2] for line in done.err.splitlines() if "| hash " in line} - {""}
    assert len(hashes) == (pattern in ("all/own", "**"))  # of a link to what is not there no hash can be had


@pytest.mark.parametrize("tree", ["committed", "changed", "untracked"])
def test_links_in_the_repository_are_not_followed_to_what_its_owner_has(headrace: Headrace, secret: Path, tree: str) -> None:
    """A workflow, an action and a called workflow that are links, as a pull request can bring them along."""
    action = job(
        "      - uses: actions/checkout@v4\n", "      - uses: ./.github/actions/linked\n        continue-on-error: true\n"
    )
    call = "  b: {uses: ./.github/workflows/called.yml}\n"
    secret.write_text(f"on: push\nname: {SECRET}\njobs: {SECRET}\n")
    for folder, jobs in (("action", action), ("call", call), ("workflow", job(step("true")))):
        repository = make_repository(headrace.home / folder, {".github/workflows/ci.yml": f"on: push\njobs:\n{jobs}"})
        (repository.root / ".github" / "actions" / "linked").mkdir(parents=True)
        (repository.root / ".github" / "actions" / "linked" / "action.yml").symlink_to(secret)
        for name in {"call": ["called.yml"], "workflow": ["linked.yml"]}.get(folder, []):
            (repository.root / ".github" / "workflows" / name).symlink_to(secret)
        if tree != "untracked":
            repository.commit()
        if tree == "changed":
            repository.write({"more": "x"})
        for verb in ("plan", "run"):
            done = headrace(verb, *(ON[:2] if verb == "run" else ()), cwd=repository.root)
            assert SECRET not in done.out + done.err
    assert not kept(headrace)


def pull_request(folder: Path, head: str | None) -> Path:
    path = folder / f"payload-{head and head.replace('/', '-')}.json"
    path.write_text(json.dumps({"pull_request": {"head": {"repo": head and {"full_name": head}}}}))
    return path


def test_what_a_fork_leaves_among_the_packages_no_push_reads(headrace: Headrace, tmp_path: Path) -> None:
    look = "cat ${PIP_CACHE_DIR%/*}/left 2>/dev/null || echo nothing; ls ${PIP_CACHE_DIR%/*}/.."
    leave = "echo $NAME >${PIP_CACHE_DIR%/*}/left"
    text = f"on: [push, pull_request]\njobs:\n{job(step(look), step(leave))}"
    repository = make_repository(headrace.home / "octo", {".github/workflows/ci.yml": text})
    repository.git("remote", "add", "origin", "https://github.com/octo/repo.git")
    repository.git("switch", "-qc", "topic")
    repository.commit({"file": "x"})

    def seen(*words: str, name: str) -> str:
        done = headrace("run", *words, "--env", f"NAME={name}", *ON, cwd=repository.root)
        assert done.status == 0, done.err
        said = [line.partition("| ")[2] for line in done.err.splitlines()]
        assert not {"trusted-root", "fork-root"} & {word for line in said for word in line.split()}
        return next(line for line in said if line in ("nothing", "push", "eve", "gone", "own"))

    asked = ("pull_request", "--base", "main", "--payload")
    assert seen(*asked, str(pull_request(tmp_path, "eve/repo")), name="eve") == "nothing"
    assert seen("push", name="push") == "nothing"
    assert seen(*asked, str(pull_request(tmp_path, None)), name="gone") == "eve"  # the fork has been deleted since
    assert seen(*asked, str(pull_request(tmp_path, "octo/repo")), name="own") == "push"
    assert seen("push", name="push") == "own"


@pytest.fixture
def plants() -> Iterator[Plants]:
    made = Plants(f"hr-{os.urandom(4).hex()}")
    yield made
    made.close()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can plant that")
@pytest.mark.parametrize("folder", ["/etc/{0}", "/opt/{0}/deep", "/var/lib/{0}", "/usr/local/etc/{0}", "/var/{0}/deep"])
def test_what_becomes_private_after_the_first_run_is_hidden_in_the_second(
    headrace: Headrace, plants: Plants, folder: str
) -> None:
    place = folder.format(plants.name)
    paths = [f"{place}/{name}" for name in ("opened", "tightened", "new")]
    for path in paths[:2]:
        plants.file(path, 0o644, "not yet")
    look = step("\n".join(f"echo got $(cat {path} 2>/dev/null)" for path in paths))

    def seen(folder: str) -> list[str]:
        done = headrace.run(job(look), *ON, folder=folder)
        assert done.status == 0, done.err
        return [line.partition("| got")[2].strip() for line in done.err.splitlines() if "| got" in line]

    assert seen("first") == ["not yet", "not yet", ""]
    with open(paths[1], "r+") as file:  # neither of these touches the folder
        file.write(SECRET)
    os.chmod(paths[1], 0o600)
    assert seen("second") == ["not yet", "", ""]
    plants.file(paths[2], 0o600, SECRET)
    os.chmod(paths[0], 0o640)
    assert seen("third") == ["", "", ""]


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("useradd") is None, reason="only root can give a HOME another place")
def test_a_home_below_var_is_a_home(headrace: Headrace, plants: Plants) -> None:
    """Some systems have them there, and services."""
    home = f"/var/lib/{plants.name}/home"
    plants.file(f"{home}/public", 0o644, SECRET)
    repository = headrace.repository(job(step(f"cat {home}/public"))).root
    state = {"XDG_STATE_HOME": f"{home}/state", "XDG_CACHE_HOME": f"{home}/cache"}
    try:
        assert headrace("run", *ON, cwd=repository).status == 0
        done = headrace("run", *ON, cwd=repository, HOME=home, **state)
        assert (done.status, "No such file" in done.err) == (1, True), done.err
        assert headrace("run", *ON, cwd=repository, HOME=home).status == 1
    finally:
        shutil.rmtree(f"{home}/state", ignore_errors=True)
        shutil.rmtree(f"{home}/cache", ignore_errors=True)
