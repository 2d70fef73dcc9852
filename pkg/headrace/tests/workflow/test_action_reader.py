"""Manifests of actions: what is read from them, and what is wrong with those that a runner refuses."""

from __future__ import annotations

import pytest
from headrace.workflow import template
from headrace.workflow.action import Composite, Docker, Node
from headrace.workflow.action_reader import load_action
from headrace.workflow.model import Run, Uses
from headrace.workflow.tokens import Expression, Scalar
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.covers("runtime:8.2", "runtime:8.3")
def test_a_node_action() -> None:
    text = """
name: Thing
author: somebody
branding: {icon: x, color: blue}
inputs:
  token: {description: t, required: true, default: '${{ github.token }}', other: [1]}
  old: {deprecationMessage: use new}
  bare: {}
outputs: {o: {description: d}}
runs: {using: Node20, main: dist/index.js, post: dist/post.js, post-if: success()}
"""
    action = load_action("action.yml", text.encode(), "sub").action
    assert action is not None
    assert (action.name, action.path, action.file) == ("Thing", "sub", "action.yml")
    assert isinstance(action.inputs["token"].default, Expression)
    assert action.inputs["token"].default.source == "github.token"
    assert action.inputs["old"].deprecated == "use new"
    assert action.inputs["bare"].default is None
    assert action.runs == Node("node20", "dist/index.js", "", "dist/post.js", "always()", "success()")
    assert action.input("TOKEN") is action.inputs["token"]
    assert action.input("none") is None


@pytest.mark.covers("runtime:8.2")
def test_a_composite_action() -> None:
    text = """
inputs: {shell: {default: bash}, n: {default: 3}}
outputs: {o: {value: '${{ steps.s.outputs.o }}'}}
runs:
  using: composite
  steps:
    - {id: s, run: 'echo ${{ inputs.n }}', shell: '${{ inputs.shell }}', if: always(), working-directory: a}
    - {uses: ./other, with: {x: '${{ inputs.n }}'}, continue-on-error: true}
    - {run: x, shell: sh}
"""
    action = load_action("action.yml", text.encode()).action
    assert action is not None and isinstance(action.runs, Composite)
    first, second, third = action.runs.steps
    assert isinstance(first.body, Run) and isinstance(second.body, Uses) and isinstance(third.body, Run)
    assert isinstance(first.body.shell_token, Expression)
    assert (first.named, first.condition.source, third.body.shell, third.id) == (True, "always()", "sh", "__run")
    assert action.runs.references == ("./other",)
    assert isinstance(action.runs.outputs["o"], Expression)
    default = action.inputs["n"].default
    assert isinstance(default, Scalar) and default.value == "3"


@pytest.mark.covers("runtime:8.2")
def test_a_docker_action() -> None:
    text = """runs: {using: docker, image: Dockerfile, args: ['${{ inputs.a }}'], env: {A: b}, entrypoint: /x, pre-entrypoint: /p,
      post-entrypoint: /q, post-if: failure()}"""
    action = load_action("action.yml", text.encode()).action
    assert action is not None and isinstance(action.runs, Docker)
    runs = action.runs
    assert (runs.image, runs.entrypoint, runs.pre, runs.post) == ("Dockerfile", "/x", "/p", "/q")
    assert (runs.pre_if, runs.post_if) == ("always()", "failure()")
    assert runs.args is not None and template.strings(runs.args, {"inputs": {"a": "given"}}) == ("given",)
    assert runs.env is not None and template.string_map(runs.env, {}) == {"A": "b"}


@pytest.mark.covers("runtime:8.2", "runtime:4.5")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x", "Top level 'runs:' section is required for action.yml"),
        ("RUNS: {using: composite, steps: []}", "Top level 'runs:' section is required for action.yml"),
        ("runs: {main: x}", "Missing 'using' value."),
        ("runs: {using: node20, main: x}\ninputs:", "Unexpected value ''"),
        ("runs: {using: node20, main: x}\ninputs: {a: }", "Unexpected value ''"),
        ("runs: {using: node20, main: x}\ninputs: {a: words}", "Unexpected value 'words'"),
        ("runs: {using: node20, main: x}\noutputs:", "Unexpected value ''"),
        ("runs: {using: node20, main: x}\noutputs: {a: {description: x, required: true}}", "Unexpected value 'required'"),
        ("runs: {using: node99, main: x}", "'using: node99' is not supported, use 'docker', 'node12', 'node16', 'node20' or"),
        ("runs: {using: node20, main: ''}", "Unexpected value ''"),
        ("runs: {using: node20, post: x}", "there is not an entry JavaScript file"),
        ("runs: {using: docker, entrypoint: x}", "an image is not provided"),
        ("runs: {using: composite, steps: [{run: x}]}", "Required property is missing: shell"),
        ("runs: {using: composite, steps: [{run: x, shell: sh, timeout-minutes: 3}]}", "Unexpected value 'timeout-minutes'"),
        ("runs: {using: composite, steps: [{run: '${{ secrets.A }}', shell: sh}]}", "Unrecognized named-value: 'secrets'"),
        ("runs: {using: composite, steps: [{run: x, shell: sh, if: vars.a}]}", "Unrecognized named-value: 'vars'"),
        (
            "runs: {using: composite, steps: [{run: x, shell: sh, id: a}, {run: x, shell: sh, id: A}]}",
            "may not be used more than once",
        ),
        ("runs: {using: node20, main: x}\ndescription: 'takes ${{ github.token }}'", "Unrecognized named-value: 'github'"),
        ("runs: {using: node20, main: x}\ninputs: {a: {default: '${{ secrets.A }}'}}", "Unrecognized named-value: 'secrets'"),
        ("runs: {using: node20, main: x}\ninputs: {a: {default: '${{ env.A }}'}}", "Unrecognized named-value: 'env'"),
        ("", ""),
        ("- x", "A sequence was not expected"),
        ("runs: {", ""),
    ],
)
def test_what_a_runner_refuses(text: str, message: str) -> None:
    loaded = load_action("action.yml", text.encode())
    assert loaded.action is None
    assert message in "\n".join(problem.message for problem in loaded.problems)
    assert loaded.problems[0].at.file == "action.yml"


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    loaded = load_action("action.yml", data)
    assert (loaded.action is None) == bool(loaded.problems)


@given(
    st.lists(
        st.sampled_from(
            [
                "runs",
                ":",
                " ",
                "{",
                "}",
                "using",
                "composite",
                "steps",
                "[",
                "]",
                "- ",
                "\n",
                "${{",
                "}}",
                "node20",
                "main",
                "'",
                "inputs",
                "&a",
                "*a",
                ",",
                "run",
                "shell",
                "a",
            ]
        )
    ).map("".join)
)
def test_no_text_in_its_own_words_makes_it_raise(text: str) -> None:
    load_action("action.yml", text.encode())
