"""Secrets, in every form that a runner masks, through every way out of a job: they arrive nowhere."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest
from headrace.runner.masking import derived
from test_core.calls import Headrace, lines_until
from test_core.repositories import make_repository

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

both = pytest.mark.parametrize("isolation", ["host", "namespaces"])

SECRETS = {
    "S": "s3c'r\"e<t>&+long enough &+tail%",
    "Q": '"quoted &and long enough"',
    "M": "the first of lines\nand a second \\ one",
}

FORMS_OF = r'''
import base64, json, urllib.parse
from xml.sax.saxutils import escape

def forms_of(secret):
    """The forms in which a value is masked, as the rule has them, but for those of several lines: these match in none."""
    found = []
    for value in [secret, *secret.split("\n")]:
        raw = value.encode()
        found += [value, *(base64.b64encode(raw[n:]).decode() for n in (0, 1, 2)), json.dumps(value, ensure_ascii=False)[1:-1]]
        found += [value.replace('"', '\\"'), value.replace("'", "''"), urllib.parse.quote(value, safe="")]
        found += [escape(value, {'"': "&quot;", "'": "&apos;"})]
        if "&+" in value:
            found += [value[: value.index("&+") + 2], value[value.index("&+") + 3 :]]
        elif "&" in value:
            found += [value[: value.rindex("&") + 1], value[value.rindex("&") + 1 :]]
        if len(value) > 8 and value[0] == value[-1] == '"':
            found += [value[1:-1]]
    return [form for form in dict.fromkeys(found) if "\n" not in form]
'''
_RULE = SimpleNamespace()
exec(FORMS_OF, _RULE.__dict__)
FORMS: dict[str, list[str]] = {name: _RULE.forms_of(value) for name, value in SECRETS.items()}
ALL = [form for forms in FORMS.values() for form in forms]
HIDDEN = re.compile(r"\*\*\*")

# Every step prints each form of its environment's list; the forms themselves stand in a file that the job makes of its secrets, so
# that no workflow file, argument or variable of ours holds them.
WORKFLOW = """\
on: push
jobs:
  leaks:
    name: "leaks"
    runs-on: ubuntu-latest
    outputs:
      whole: ${{ steps.out.outputs.whole }}
      forms: ${{ steps.out.outputs.forms }}
      each: ${{ toJSON(steps.out.outputs) }}
      legacy: ${{ steps.out.outputs.legacy }}
      harmless: ${{ steps.out.outputs.harmless }}
    env: {FROM_ENV: "${{ secrets.S }}", LINES: "${{ secrets.M }}"}
    steps:
      - name: Make ${{ secrets.S }} forms of ${{ secrets.Q }}
        shell: PYTHON {0}
        env: {S: "${{ secrets.S }}", Q: "${{ secrets.Q }}", M: "${{ secrets.M }}"}
        run: |
          FORMS_OF
          import os
          forms = [form for name in "SQM" for form in forms_of(os.environ[name])]
          open("forms", "w").write("\\n".join(forms) + "\\n")
      - run: cat forms; cat forms >&2
      - run: sed 's/^/before /; s/$/ after/' forms; tr -d '\\n' <forms; tr -d '\\n' <forms >&2
      - {continue-on-error: true, run: 'echo "${{ secrets.S }}" ''${{ secrets.M }}'' "${{ toJSON(secrets.Q) }}"'}
      - run: |
          while IFS= read -r form; do
            echo "::error title=$form,file=$form::$form"
            echo "::warning title=$form::$form"
            echo "::notice file=$form,title=$form::$form" >&2
            echo "##[error]$form"
            echo "##[warning title=$form]$form"
            echo "::debug::$form"
            echo "::group::$form"
            echo "::endgroup::"
            echo "bad: $form"
          done <forms
      - run: |
          echo '{"problemMatcher": [{"owner": "x", "pattern": [{"regexp": "^bad: (.*)$", "message": 1}]}]}' >matcher.json
          echo "::add-matcher::matcher.json"
          sed 's/^/bad: /' forms
          echo "::remove-matcher owner=x::"
      - run: cat forms >>$GITHUB_STEP_SUMMARY; tr -d '\\n' <forms >>$GITHUB_STEP_SUMMARY
      - id: out
        run: |
          echo "whole=$FROM_ENV" >>$GITHUB_OUTPUT
          { echo "forms<<END"; cat forms; echo END; } >>$GITHUB_OUTPUT
          number=0
          while IFS= read -r form; do number=$((number + 1)); echo "form$number=$form" >>$GITHUB_OUTPUT; done <forms
          echo "::set-output name=legacy::$FROM_ENV"
          echo "harmless=it arrives" >>$GITHUB_OUTPUT
      - {continue-on-error: true, working-directory: "${{ secrets.S }}", run: echo}
      - {continue-on-error: true, shell: "/nowhere/sh {0}", run: "echo ${{ secrets.S }}"}
      - {continue-on-error: true, run: 'cat forms >>$GITHUB_ENV'}
      - {continue-on-error: true, run: 'cat forms >>$GITHUB_OUTPUT'}
      - {continue-on-error: true, run: 'echo "${{ fromJSON(secrets.S) }}"'}
      - {continue-on-error: true, run: 'echo ${{ hashFiles(format(''../{0}'', secrets.S)) }}'}
      - {continue-on-error: true, run: 'while IFS= read -r form; do echo "::add-matcher::$form"; done <forms'}
      - {continue-on-error: true, run: 'while IFS= read -r form; do echo "::set-env name=$form::$form"; done <forms'}
      - {continue-on-error: true, uses: ./made/action, with: {given: "${{ secrets.S }}", other: "${{ secrets.Q }}"}}
      - run: |
          mkdir -p made/action
          cat >made/action/action.yml <<'END'
          inputs: {given: {}}
          outputs: {said: {value: "${{ inputs.given }}"}}
          runs:
            using: composite
            steps:
              - {run: 'echo "$GIVEN"; exit 1', shell: bash, env: {GIVEN: "${{ inputs.given }}"}, name: "In ${{ inputs.given }}"}
          END
      - {continue-on-error: true, uses: ./made/action, with: {given: "${{ secrets.S }}", other: "${{ secrets.Q }}"}}
      - run: 'python3 -c "import sys; print(open(\\"forms\\").read().encode().hex())"'
      - name: "${{ secrets.S }}"
        run: exit 1
  inner:
    uses: ./.github/workflows/called.yml
    secrets: {T: "${{ fromJSON(secrets.S) }}"}
  other:
    needs: leaks
    if: always()
    runs-on: ubuntu-latest
    env: {NEEDS: "${{ toJSON(needs) }}"}
    steps:
      - run: |
          echo "got [${{ needs.leaks.outputs.whole }}] [${{ needs.leaks.outputs.forms }}] [${{ needs.leaks.outputs.legacy }}]"
          echo "and [${{ needs.leaks.outputs.each }}] [${{ needs.leaks.outputs.harmless }}]"
          env
"""
CALLED = "on: {workflow_call: {secrets: {T: {}}}}\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: echo}]}}\n"


def holding(data: bytes, forms: Iterable[str] = ALL) -> list[str]:
    return [form for form in forms if form.encode() in data]


def given() -> list[str]:
    return [word for name in SECRETS for word in ("--secret", name)]


@pytest.mark.covers("runtime:7.2")
@pytest.mark.parametrize("name", SECRETS)
def test_the_forms_of_this_file_are_those_that_are_masked(name: str) -> None:
    values = {SECRETS[name], *SECRETS[name].split("\n")}
    masked = {form for value in values for form in (value, *derived(value)) if "\n" not in form}
    assert masked == set(FORMS[name])


@pytest.mark.covers("runtime:7.1", "runtime:7.2", "runtime:7.3")
@both
def test_no_form_of_a_secret_arrives_anywhere(headrace: Headrace, isolation: str) -> None:
    python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else "python3"
    code = "".join(f"          {line}\n" for line in FORMS_OF.strip("\n").split("\n")).lstrip()
    text = WORKFLOW.replace("FORMS_OF\n", code, 1).replace("PYTHON", python).replace("python3 -c", f"{python} -c")
    files = {".github/workflows/ci.yml": text, ".github/workflows/called.yml": CALLED}
    root = make_repository(headrace.home / "repo", files).root
    done = headrace("run", "--json", "-v", "-v", "--isolation", isolation, *given(), cwd=root, **SECRETS)
    results = {name.rpartition("/")[2]: result for name, result in done.results.items()}
    assert results == {"leaks": "failure", "inner": "failure", "other": "success"}, done.err
    assert "got [] [] []" in done.err and "and [] [it arrives]" in done.err  # what holds a secret is no output
    assert "\n".join(ALL).encode().hex() in done.err  # what is no form of it is not looked for: the job had them all
    for text in ("Error: ***", "Warning: ***", "Notice: ***", "Unable to process file command 'env'", "Error parsing fromJson"):
        assert text in done.err, text
    summaries = [path.read_text() for path in headrace.kept() if path.suffix == ".md"]
    assert [len(HIDDEN.findall(each)) > len(ALL) for each in summaries] == [True]
    assert len(HIDDEN.findall(done.err)) > 12 * len(ALL)
    assert holding(done.out.encode()) == []
    assert holding(done.err.encode()) == []
    for path in headrace.kept():
        assert holding(path.read_bytes()) == [], path
    for call in (("ls",), ("logs",), ("logs", "--json")):
        again = headrace(*call, cwd=root)
        assert holding((again.out + again.err).encode()) == [], call


WAITING = """\
on: push
jobs:
  has:
    runs-on: ubuntu-latest
    steps: [{run: 'echo the one begun; exec sleep 61', env: {S: '${{ secrets.S }}', Q: '${{ secrets.Q }}', M: '${{ secrets.M }}'}}]
  lacks:
    runs-on: ubuntu-latest
    steps: [{run: 'echo the other begun; exec sleep 62'}]
"""


@pytest.mark.covers("runtime:7.3")
@both
def test_no_process_has_a_secret_among_its_arguments_nor_another_job_one_in_its_environment(
    headrace: Headrace, isolation: str
) -> None:
    root = make_repository(headrace.home / "repo", {".github/workflows/ci.yml": WAITING}).root
    process = subprocess.Popen(
        headrace.command("run", "-v", "--max-parallel", "2", "--isolation", isolation, *given()), cwd=root,
        env=headrace.environment(SECRETS), text=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        seen = lines_until(process, "begun\n")
        while not ("| the one begun\n" in seen and "| the other begun\n" in seen):
            seen += lines_until(process, "begun\n")
        told = {path.parent: path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()}
        assert [form for each in told.values() for form in holding(each)] == []

        def environment(words: bytes) -> bytes:
            """Of the one process that was called so."""
            (folder,) = [folder for folder, each in told.items() if each == words]
            return (folder / "environ").read_bytes()

        assert set(holding(environment(b"sleep\x0061\x00"))) >= {SECRETS["S"], SECRETS["Q"]}
        assert holding(environment(b"sleep\x0062\x00")) == []
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.covers("runtime:7.1", "runtime:7.3")
@both
def test_what_a_job_masks_itself_and_the_jobs_token_arrive_nowhere_either(headrace: Headrace, isolation: str) -> None:
    jobs = """  a:
    runs-on: ubuntu-latest
    outputs: {x: '${{ steps.it.outputs.x }}', t: '${{ github.token }}'}
    steps:
      - run: made=$(echo made | base64)-by-the-job; echo "::add-mask::$made"; echo "$made" >file; cat file; base64 -w0 file
      - run: cat file; cat file >&2; echo "::error::$(cat file)"; cat file >>$GITHUB_STEP_SUMMARY
      - {run: 'echo "$TOKEN"; printf "x-access-token:%s" "$TOKEN" | base64 -w0; echo', env: {TOKEN: '${{ github.token }}'}}
      - {id: it, run: 'echo "x=$(cat file)" >>$GITHUB_OUTPUT'}
      - {name: 'It was ${{ steps.it.outputs.x }}', working-directory: '${{ steps.it.outputs.x }}', run: echo}
"""
    done = headrace.run(jobs, "-v", "--isolation", isolation, "--secret", "GITHUB_TOKEN=ghs_token-of-the-job")
    assert done.results == {"a": "failure"}, done.err
    values = [base64.b64encode(b"made\n").decode() + "-by-the-job", "ghs_token-of-the-job", ""]
    values[2] = base64.b64encode(f"x-access-token:{values[1]}".encode()).decode()
    assert "It was ***" in done.err and done.err.count("***") > 8
    for data in (done.out.encode(), done.err.encode(), *(path.read_bytes() for path in headrace.kept())):
        assert holding(data, values) == []
