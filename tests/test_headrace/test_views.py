"""What a run has left for people: job summaries and artifacts, as `headrace summary` and `headrace artifacts` show them."""

from __future__ import annotations

import io
import os
import pty
import select
import subprocess
import zipfile
from pathlib import Path

import pytest
from headrace.store.artifacts import Artifact, Artifacts
from test_core.actions import Actions, composite
from test_core.calls import Headrace

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

TOOLKIT_HTML = """\
<h1>Test Results</h1>
<table><tr><th>suite</th><th>result</th></tr><tr><td>unit</td><td>3 &amp; more | all</td></tr></table>
<p>See <a href="https://example.com/log">the <b>log</b></a>, or <code>make &lt;all&gt;</code></p>
<details><summary>More</summary>hidden text</details>
<ul><li>one</li><li>two</li></ul>
<pre lang="js"><code>if (a &lt; b) {
  run()
}</code></pre>
<hr><img src="a.png" alt="a picture"><!-- not seen --><script>
"""

WORKFLOW = """\
  test:
    name: test (${{ matrix.python }})
    strategy: {matrix: {python: ["3.10", "3.13"]}}
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo "# Tests on ${{ matrix.python }}" >> "$GITHUB_STEP_SUMMARY"
          echo "- the password is $PASSWORD" >> "$GITHUB_STEP_SUMMARY"
        env: {PASSWORD: "${{ secrets.PASSWORD }}"}
      - run: echo '**second** part' >> "$GITHUB_STEP_SUMMARY"
  silent:
    runs-on: ubuntu-latest
    steps:
      - run: true
"""


def at_a_terminal(headrace: Headrace, cwd: Path, *arguments: str, columns: int = 100) -> str:
    """What a call shows at a terminal of so many columns."""
    import fcntl
    import struct
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    env = headrace.environment({"TERM": "xterm"})
    with subprocess.Popen(headrace.command(*arguments), cwd=cwd, env=env, stdin=follower, stdout=follower) as process:
        os.close(follower)
        seen = b""
        while True:
            select.select([leader], [], [], 60)
            try:
                data = os.read(leader, 65536)
            except OSError:
                break
            if not data:
                break
            seen += data
    os.close(leader)
    assert process.returncode == 0, seen
    return seen.decode().replace("\r\n", "\n")


@pytest.mark.covers("runtime:5.4")
def test_summaries_are_printed_as_they_were_written_and_masked(headrace: Headrace) -> None:
    assert headrace.run(WORKFLOW, "--secret", "PASSWORD=hunter2-and-more").status == 0
    cwd = headrace.home / "repo"
    one = headrace("summary", "--job", "test (3.13)", cwd=cwd)
    assert (one.status, one.err) == (0, "")
    assert one.out == "# Tests on 3.13\n- the password is ***\n**second** part\n"
    both = headrace("summary", "1", cwd=cwd).out
    assert both.splitlines()[0] == "<!-- ci.yml/test (3.10) -->"
    assert both.splitlines()[4:6] == ["<!-- ci.yml/test (3.13) -->", "# Tests on 3.13"]
    document = headrace("summary", "--json", cwd=cwd).json
    assert document["schema"] == "headrace.summary/1"
    assert [(row["job"], row["name"], row["matrix"]) for row in document["jobs"]] == [
        ("test", "test (3.10)", {"python": "3.10"}),
        ("test", "test (3.13)", {"python": "3.13"}),
    ]
    assert document["jobs"][1]["summaries"][1] == {
        "step": 3, "name": """Run echo '**second** part' >> "$GITHUB_STEP_SUMMARY\"""", "markdown": "**second** part\n"
    }  # fmt: skip


def test_a_job_without_a_summary_says_so_and_prints_nothing(headrace: Headrace) -> None:
    headrace.run(WORKFLOW, "--secret", "PASSWORD=hunter2-and-more")
    cwd = headrace.home / "repo"
    silent = headrace("summary", "--job", "silent", cwd=cwd)
    assert (silent.status, silent.out, silent.err) == (0, "", "silent has written no summary\n")
    wrong = headrace("summary", "--job", "tset", cwd=cwd)
    assert (wrong.status, wrong.out) == (2, "")
    assert "run 1 has no job 'tset'; its jobs are: test, silent" in wrong.err


def test_at_a_terminal_a_summary_is_readable(headrace: Headrace) -> None:
    actions = Actions(headrace)
    steps = """\
- uses: actions/checkout@v4
- run: cat summary.html >> "$GITHUB_STEP_SUMMARY"
- run: printf '\\033]0;title\\007`<b>` stays\\n\\n~~~\\n<i>as it is</i>\\n~~~\\n' >> "$GITHUB_STEP_SUMMARY"
"""
    assert actions.run(steps, files={"summary.html": TOOLKIT_HTML}).status == 0
    cwd = headrace.home / "repo1"
    seen = at_a_terminal(headrace, cwd, "summary", "--color", "never", columns=60)
    assert seen.splitlines()[0] == "ci.yml/a"
    text = " ".join(seen.split())
    for part in (
        "Test Results",
        "unit",
        "3 & more | all",
        "See the log (https://example.com/log)",
        "make <all>",
        "More",
        "hidden text",
        "• one",
        "• two",
    ):
        assert part in text
    assert "if (a < b) {" in seen
    assert "  run()" in seen
    assert "[image: a picture]" in text
    assert "<b> stays" in text
    assert "<i>as it is</i>" in text
    for part in ("<table", "<script", "not seen", "\x1b", "\x07"):
        assert part not in seen
    assert max(map(len, seen.splitlines())) <= 60
    assert at_a_terminal(headrace, cwd, "summary", "--raw").replace("\r", "").startswith(TOOLKIT_HTML)
    assert "\x1b[" in at_a_terminal(headrace, cwd, "summary")
    assert headrace("summary", cwd=cwd).out.startswith(TOOLKIT_HTML)


@pytest.mark.covers("runtime:5.4")
def test_steps_inside_a_composite_action_keep_their_summaries(headrace: Headrace) -> None:
    actions = Actions(headrace)
    inner = composite("""\
- run: echo one >> "$GITHUB_STEP_SUMMARY"
  shell: bash
- run: echo two >> "$GITHUB_STEP_SUMMARY"
  shell: bash
- run: true
  shell: bash
""")
    files = {f"both/{name}": text for name, text in inner.items()}
    assert actions.run("- uses: actions/checkout@v4\n- uses: ./both\n", files=files).status == 0
    cwd = headrace.home / "repo1"
    assert headrace("summary", cwd=cwd).out == "one\ntwo\n"
    assert [part["step"] for part in headrace("summary", "--json", cwd=cwd).json["jobs"][0]["summaries"]] == [3, 3]


def test_twenty_summaries_of_a_job_are_shown_and_the_others_counted(headrace: Headrace) -> None:
    steps = "".join(f"      - run: echo {number} >> $GITHUB_STEP_SUMMARY\n" for number in range(1, 23))
    headrace.run(f"  a:\n    runs-on: ubuntu-latest\n    steps:\n{steps}")
    done = headrace("summary", cwd=headrace.home / "repo")
    assert done.out.split() == [str(number) for number in range(1, 21)]
    assert "2 of 22 summaries are not shown" in done.err
    assert len(headrace("summary", "--json", cwd=headrace.home / "repo").json["jobs"][0]["summaries"]) == 22


UPLOADS = """\
  a:
    runs-on: ubuntu-latest
    steps:
      - run: mkdir -p out/deep && echo one > out/a.txt && echo two > out/deep/b.txt && printf 12345 > single.bin
      - uses: actions/upload-artifact@v4
        with: {name: dist, path: out}
      - uses: actions/upload-artifact@v7
        with: {path: single.bin, archive: false}
"""


def test_artifacts_are_listed_and_got(headrace: Headrace, tmp_path: Path) -> None:
    assert headrace.run(UPLOADS).status == 0
    cwd = headrace.home / "repo"
    titles, first, second = headrace("artifacts", cwd=cwd).out.splitlines()
    assert titles.split() == ["artifact", "size", "digest", "job"]
    assert (first.split()[0], first.split()[-1]) == ("dist", "ci.yml/a")
    assert second.split()[:3] == ["single.bin", "5", "bytes"]
    document = headrace("artifacts", "1", "--json", cwd=cwd).json
    assert document["schema"] == "headrace.artifacts/1"
    rows = [(row["name"], row["job"], row["archive"], row["files"]) for row in document["artifacts"]]
    assert rows == [("dist", "a", True, None), ("single.bin", "a", False, None)]
    inside = headrace("artifacts", "1", "dist", "--json", cwd=cwd).json["artifacts"][0]["files"]
    assert inside == [{"path": "a.txt", "size": 4}, {"path": "deep/b.txt", "size": 4}]
    assert "deep/b.txt" in headrace("artifacts", "dist", cwd=cwd).out

    got = headrace("artifacts", "get", "1", "dist", "--into", str(tmp_path / "got"), cwd=cwd)
    assert (got.status, got.out) == (0, f"{tmp_path / 'got'}: 2 files\n")
    assert (tmp_path / "got" / "deep" / "b.txt").read_text() == "two\n"
    assert headrace("artifacts", "get", "dist", cwd=tmp_path / "got").status == 0  # a folder of its name, and the newest run
    assert (tmp_path / "got" / "dist" / "a.txt").read_text() == "one\n"
    kept = headrace("artifacts", "get", "1", "dist", "--archive", "--into", str(tmp_path / "kept"), cwd=cwd)
    assert kept.out == f"{tmp_path / 'kept' / 'dist.zip'}\n"
    assert zipfile.ZipFile(tmp_path / "kept" / "dist.zip").namelist() == ["a.txt", "deep/b.txt"]
    assert headrace("artifacts", "get", "1", "single.bin", "--into", str(tmp_path / "kept"), cwd=cwd).status == 0
    assert (tmp_path / "kept" / "single.bin").read_bytes() == b"12345"


def test_nothing_that_is_there_is_overwritten(headrace: Headrace, tmp_path: Path) -> None:
    headrace.run(UPLOADS)
    cwd, folder = headrace.home / "repo", tmp_path / "mine"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "b.txt").write_text("mine")
    again = headrace("artifacts", "get", "1", "dist", "--into", str(folder), cwd=cwd)
    assert again.status == 2
    assert f"{folder}/deep/b.txt would be overwritten; name another folder: --into DIR" in again.err
    assert sorted(path.name for path in folder.rglob("*")) == ["b.txt", "deep"]
    file = headrace("artifacts", "get", "1", "dist", "--into", str(folder / "deep" / "b.txt"), cwd=cwd)
    assert (file.status, "is no folder" in file.err) == (2, True)


def test_a_run_without_artifacts_and_a_name_that_is_none(headrace: Headrace) -> None:
    headrace.run(WORKFLOW, "--secret", "PASSWORD=hunter2-and-more")
    cwd = headrace.home / "repo"
    assert headrace("artifacts", cwd=cwd).out == "run 1 has no artifacts\n"
    assert headrace("artifacts", "--json", cwd=cwd).json["artifacts"] == []
    assert "run 1 has no artifact 'dist'; there are none" in headrace("artifacts", "get", "1", "dist", cwd=cwd).err
    assert headrace("artifacts", "7", cwd=cwd).status == 2
    headrace.run(UPLOADS, folder="other")
    wrong = headrace("artifacts", "get", "2", "dits", cwd=headrace.home / "other")
    assert (wrong.status, wrong.err) == (2, "headrace: run 2 has no artifact 'dits'; did you mean 'dist'?\n")


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/../../evil"])
def test_an_archive_that_wants_to_write_elsewhere_is_kept_but_not_unpacked(headrace: Headrace, tmp_path: Path, name: str) -> None:
    """Of somebody who does not use our drop-in: the bytes of an artifact are what a job has sent."""
    headrace.run(UPLOADS)
    cwd = headrace.home / "repo"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("good", "good")
        archive.writestr(name, "evil")
    _store(headrace, "bad", packed.getvalue())
    done = headrace("artifacts", "get", "1", "bad", "--into", str(tmp_path / "in" / "side"), cwd=cwd)
    assert done.status == 2
    assert "artifact 'bad' is not unpacked: Malformed extraction path" in done.err
    assert list(tmp_path.rglob("*evil*")) == list((tmp_path / "in" / "side").glob("*")) == []
    assert headrace("artifacts", "get", "1", "bad", "--archive", "--into", str(tmp_path / "in"), cwd=cwd).status == 0
    assert (tmp_path / "in" / "bad.zip").read_bytes() == packed.getvalue()


def test_what_is_no_archive_is_said_to_be_none(headrace: Headrace, tmp_path: Path) -> None:
    headrace.run(UPLOADS)
    _store(headrace, "bad", b"no archive at all")
    done = headrace("artifacts", "get", "1", "bad", cwd=headrace.home / "repo")
    assert done.status == 2
    assert "artifact 'bad' is no zip archive that can be read" in done.err


def _store(headrace: Headrace, name: str, data: bytes) -> Artifact:
    store = Artifacts(str(headrace.state / "runs" / "1" / "artifacts"))
    artifact = store.create("1", "leg-1", name)
    with store.blobs.draft(artifact.key) as writer:
        writer.write(data)
        blob = writer.commit()
    store.uploaded(artifact, blob)
    return store.complete("1", "leg-1", name, len(data))


@pytest.mark.parametrize("verb", [["summary"], ["artifacts"], ["artifacts", "list"], ["artifacts", "get"]])
def test_help_ends_in_an_example_that_works(headrace: Headrace, verb: list[str]) -> None:
    headrace.run(UPLOADS)
    cwd = headrace.home / "repo"
    last = headrace(*verb, "--help", cwd=cwd).out.rstrip().splitlines()[-1].strip()
    assert last.startswith("Example: headrace ")
    assert headrace(*last.split()[2:], cwd=cwd).status == 0
