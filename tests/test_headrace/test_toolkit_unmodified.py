"""The toolkit that actions are written with, as npm has it: a node action that calls it runs as it would on GitHub."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from test_core import npm
from test_core.actions import Actions, output
from test_core.calls import Done, Headrace

pytestmark = pytest.mark.slow  # it takes minutes

PACKAGES = {
    "core-old": "@actions/core@1.2.6",  # knows no command files
    "core-1": "@actions/core@1.11.1",
    "core-3": "@actions/core@3.0.1",
    "artifact-2": "@actions/artifact@2.3.2",
    "artifact-6": "@actions/artifact@6.2.1",
    "glob-0.5": "@actions/glob@0.5.0",
    "glob-0.7": "@actions/glob@0.7.0",
}
MANIFEST = """\
inputs: {package: {required: true}, words: {default: ' some words '}}
runs: {using: node20, main: main.js, post: post.js}
"""
SECRET = "a-mask-of-the-action"


class Packages:
    """Installs what a test wants, each package in a folder of its own."""

    def __init__(self, shared: Path) -> None:
        self._shared = shared

    def modules(self, name: str) -> Path:
        """The node_modules that hold the package under this name of the table."""
        return npm.install(self._shared, f"{name}@npm:{PACKAGES[name]}") / "node_modules"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    return Packages(tmp_path_factory.getbasetemp().parent / "npm")


class Toolkit:
    """Runs workflows whose steps use an action `octo/tool@v1`: `main` and `post` are bodies of async functions that get the
    package as `kit`."""

    def __init__(self, headrace: Headrace, packages: Packages, name: str) -> None:
        self.actions, self.name, self.packages = Actions(headrace), name, packages
        self.folder = headrace.home / "tool"

    def write(self, main: str, post: str = "") -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "action.yml").write_text(MANIFEST)
        for stage, text in (("main", main), ("post", post)):
            (self.folder / f"{stage}.js").write_text(
                f"async function body(kit, env) {{\n{text}\n}}\n"
                "import(process.env.INPUT_PACKAGE).then(kit => body(kit, process.env)).catch(error => {\n"
                "  console.log(`::error::${error.message}`); process.exit(1)\n})\n"
            )
        if not (self.folder / "node_modules").exists():
            modules = self.packages.modules(self.name)
            shutil.copytree(modules, self.folder / "node_modules", symlinks=True, copy_function=os.link)

    @property
    def step(self) -> str:
        return f"- uses: octo/tool@v1\n  id: t\n  with: {{package: {self.name}}}\n"

    def run(self, main: str, steps: str = "", post: str = "", head: str = "") -> Done:
        self.write(main, post)
        return self.actions.run(self.step + steps, "--action", f"octo/tool@v1={self.folder}", head=head)


MAIN = f"""\
kit.setOutput('text', 'two\\nlines % and more')
kit.setOutput('object', {{a: [1, null]}})
kit.saveState('kept', 'of main\\nand more')
kit.exportVariable('MADE', 'made\\nhere')
kit.addPath('/made/bin')
kit.setSecret('{SECRET}')
console.log('printed {SECRET}')
console.log('input=[' + kit.getInput('words') + ']')
kit.warning('wrong %0A\\nhere')
kit.startGroup('folded'); kit.endGroup()
"""
LOOK = """\
- run: |
    echo "text=${TEXT}." object=$OBJECT made="${MADE}." path="${PATH%%:*}"
  env: {TEXT: "${{ steps.t.outputs.text }}", OBJECT: "${{ steps.t.outputs.object }}"}
"""


@pytest.mark.covers("runtime:5.5", "runtime:5.6")
@pytest.mark.parametrize("name", ["core-1", "core-3", "core-old"])
def test_what_core_says_arrives(headrace: Headrace, packages: Packages, name: str) -> None:
    toolkit = Toolkit(headrace, packages, name)
    old = name == "core-old"
    main = MAIN if not old else "".join(line for line in MAIN.splitlines(True) if "Variable" not in line and "Path" not in line)
    done = toolkit.run(main, LOOK, post="console.log('state=' + JSON.stringify(kit.getState('kept')))\n")
    assert done.results == {"a": "success"}
    lines = output(done)
    start = lines.index("text=two")
    made = ["made=.", "made=made"][not old]
    assert lines[start + 1].startswith(f'lines % and more. object={{"a":[1,null]}} {made}')
    if not old:
        assert lines[start + 2] == "here. path=/made/bin"
    assert "printed ***" in lines
    assert "input=[some words]" in lines
    assert 'state="of main\\nand more"' in lines
    assert SECRET not in headrace("logs", "--raw", cwd=headrace.home / "repo1").out


@pytest.mark.covers("runtime:5.5")
@pytest.mark.parametrize("name", ["core-1", "core-3"])
def test_core_speaks_by_lines_where_it_has_no_file_and_breaks_where_the_file_is_missing(
    headrace: Headrace, packages: Packages, name: str
) -> None:
    toolkit = Toolkit(headrace, packages, name)
    said = '- run: echo "said=${{ steps.t.outputs.x }}"\n'
    spoken = toolkit.run("delete env.GITHUB_OUTPUT; kit.setOutput('x', 'spoken')", said)
    assert "said=spoken" in output(spoken)
    missing = toolkit.run("env.GITHUB_OUTPUT = '/nowhere/at/all'; kit.setOutput('x', 'y')", said)
    assert missing.results == {"a": "failure"}
    assert "Error: Missing file at path: /nowhere/at/all" in output(missing)


@pytest.mark.parametrize("name", ["core-1", "core-3"])
def test_core_fails_a_step_and_writes_summaries(headrace: Headrace, packages: Packages, name: str) -> None:
    toolkit = Toolkit(headrace, packages, name)
    main = f"""\
kit.setSecret('{SECRET}')
await kit.summary.addHeading('Results').addTable([[{{data: 'suite', header: true}}], ['unit {SECRET}']]).write()
kit.setFailed('it did not work')
"""
    done = toolkit.run(main)
    assert done.results == {"a": "failure"}
    assert "Error: it did not work" in output(done)
    shown = headrace("summary", cwd=headrace.home / "repo1").out
    assert "<h1>Results</h1>" in shown
    assert "<td>unit ***</td>" in shown


@pytest.mark.covers("runtime:9.7")
@pytest.mark.parametrize("name", ["core-1", "core-3"])
def test_core_gets_an_identity_token_where_the_job_may_have_one(headrace: Headrace, packages: Packages, name: str) -> None:
    toolkit = Toolkit(headrace, packages, name)
    main = """\
const token = await kit.getIDToken('pypi')
const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString())
console.log('aud=' + claims.aud + ' sub=' + claims.sub)
console.log('token=' + token)
"""
    done = toolkit.run(main, head="permissions: {id-token: write, contents: read}")
    assert done.results == {"a": "success"}
    [line] = [line for line in output(done) if line.startswith("aud=")]
    assert line.startswith("aud=pypi sub=repo:")
    assert line.endswith(":ref:refs/heads/main")
    assert "token=***" in output(done)
    refused = toolkit.run(main, head="permissions: {contents: read}")
    assert refused.results == {"a": "failure"}
    assert [line for line in output(refused) if "Unable to get ACTIONS_ID_TOKEN_REQUEST_URL env variable" in line]


ARTIFACT = """\
const fs = require('fs')
const client = kit.default ?? kit.artifact
const artifact = client.uploadArtifact ? client : client.default
fs.mkdirSync('out/deep', {recursive: true}); fs.writeFileSync('out/a.txt', 'one'); fs.writeFileSync('out/deep/b.txt', 'two')
const sent = await artifact.uploadArtifact('made', ['out/a.txt', 'out/deep/b.txt'].map(name => `${process.cwd()}/${name}`), 'out')
console.log('sent=' + typeof sent.id + ' ' + (sent.size > 0) + ' ' + /^[0-9a-f]{64}$/.test(sent.digest))
const again = await artifact.uploadArtifact('made', [`${process.cwd()}/out/a.txt`], 'out').then(() => 'twice', error => error.message)
console.log('again=' + again)
console.log('listed=' + JSON.stringify((await artifact.listArtifacts()).artifacts.map(one => one.name)))
const got = (await artifact.getArtifact('made')).artifact
const back = await artifact.downloadArtifact(got.id, {path: 'back', expectedHash: got.digest})
console.log('back=' + fs.readFileSync('back/deep/b.txt', 'utf8') + ' ' + back.digestMismatch)
console.log('none=' + await artifact.getArtifact('other').then(() => 'found', error => error.name))
console.log('deleted=' + (await artifact.deleteArtifact('made')).id)
console.log('left=' + JSON.stringify((await artifact.listArtifacts()).artifacts))
await artifact.uploadArtifact('last', [`${process.cwd()}/out/a.txt`], 'out')
"""


@pytest.mark.covers("runtime:9.4")
@pytest.mark.parametrize("name", ["artifact-2", "artifact-6"])
def test_artifacts_make_their_round(headrace: Headrace, packages: Packages, name: str) -> None:
    done = Toolkit(headrace, packages, name).run(ARTIFACT)
    lines = output(done)
    assert done.results == {"a": "success"}, done.err
    assert "sent=number true true" in lines
    [again] = [line for line in lines if line.startswith("again=")]
    assert "(409) Conflict: an artifact with this name already exists on the workflow run" in again
    assert {'listed=["made"]', "none=ArtifactNotFoundError", "left=[]"} <= set(lines)
    assert next(line for line in lines if line.startswith("back=two ")) != "back=two true"
    rows = json.loads(headrace("artifacts", "--json", cwd=headrace.home / "repo1").out)["artifacts"]
    assert [row["name"] for row in rows] == ["last"]


@pytest.mark.covers("runtime:4.6")
@pytest.mark.parametrize("name", ["glob-0.5", "glob-0.7"])
def test_glob_finds_and_hashes_what_we_do(headrace: Headrace, packages: Packages, name: str) -> None:
    toolkit = Toolkit(headrace, packages, name)
    toolkit.write(
        "const globber = await kit.create('src/**\\n!src/**/*.log')\n"
        "console.log('found=' + (await globber.glob()).map(name => name.slice(process.cwd().length + 1)).join(' '))\n"
        "console.log('hash=' + await kit.hashFiles('**/*.lock\\n!b/**'))\n"
        "console.log('none=[' + await kit.hashFiles('**/*.none') + ']')\n"
    )
    files = {
        "src/a.py": "a",
        "src/x/b.log": "b",
        "src/x/.c": "c",
        "a/z.lock": "1",
        "b/z.lock": "2",
        "z.lock": "3",
        "a/b/y.lock": "4",
    }
    ours = "- run: echo \"ours=${{ hashFiles('**/*.lock', '!b/**') }} none=[${{ hashFiles('**/*.none') }}]\"\n"
    steps = "- uses: actions/checkout@v4\n" + toolkit.step + ours
    done = toolkit.actions.run(steps, "--action", f"octo/tool@v1={toolkit.folder}", files=files)
    lines = output(done)
    assert done.results == {"a": "success"}
    found = next(line for line in lines if line.startswith("found="))
    assert sorted(found.removeprefix("found=").split()) == ["src", "src/a.py", "src/x", "src/x/.c"]
    hashed = next(line for line in lines if line.startswith("hash=")).removeprefix("hash=")
    assert len(hashed) == 64
    assert f"ours={hashed} none=[]" in lines
    assert "none=[]" in lines
