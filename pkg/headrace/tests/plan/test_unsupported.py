"""The table of features that a runner may lack: each is seen, named and placed, and each can be switched on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from headrace.plan.labels import fits, labels_of
from headrace.plan.model import Capabilities, Deferred, FoundAction, Limit, Outcome
from headrace.plan.settle import settle
from headrace.plan.unsupported import FEATURES, wants_containers
from headrace.workflow.action_reader import load_action

LABELS = labels_of("x86_64")
ACTIONS = frozenset({"actions/checkout", "actions/cache", "actions/cache/restore"})
CALLED = "\non: {workflow_call: }\njobs: {x: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n"


def job(body: str, steps: str = "[{run: x}]") -> str:
    runs_on = "" if "runs-on" in body else "runs-on: ubuntu-latest, "
    return f"on: push\njobs: {{a: {{{runs_on}{body}{', ' if body else ''}steps: {steps}}}}}\n"


CASES = [
    ("runs-on", job("runs-on: windows-latest"), "windows-latest"),
    ("runs-on", job("runs-on: [self-hosted, gpu]"), "gpu"),
    ("runs-on", job("runs-on: ubuntu-24.04-arm"), "ubuntu-24.04-arm"),
    ("runs-on", job("runs-on: {group: big, labels: linux}"), "group big"),
    ("container", job("container: python:3.12"), "python:3.12"),
    ("container", job("container: {image: 'docker://alpine'}"), "alpine"),
    ("container", job("container: \"${{ vars.none || 'alpine' }}\""), "alpine"),
    ("container", job("container: {image: \"${{ vars.none || 'alpine' }}\"}"), "alpine"),
    ("services", job("services: {db: {image: postgres}}"), "db"),
    ("services", job('services: {none: {image: "${{ vars.none }}"}, db: redis}'), "db"),
    ("docker-action", job("", "[{uses: 'docker://alpine:3'}]"), "docker://alpine:3"),
    ("own-action", job("", "[{uses: $/act}]"), "$/act"),
    ("remote-action", job("", "[{uses: actions/checkout@v4}, {uses: codecov/codecov-action@v4}]"), "codecov/codecov-action@v4"),
    ("remote-action", job("", "[{uses: x/y@v1, if: \"github.event_name == 'push' && steps.x.outcome\"}]"), "x/y@v1"),
    ("remote-action", job("", "[{uses: x/y@v1, if: failure()}]"), "x/y@v1"),
    ("remote-action", job("", "[{uses: actions/cache/save@v4}]"), "actions/cache/save@v4"),
    ("remote-action", job("", "[{uses: actions/checkout/other@v4}]"), "actions/checkout/other@v4"),
    ("remote-action", job("", "[{uses: x/y@v1, if: cancelled()}]"), "x/y@v1"),
    ("background-steps", job("", "[{run: x, background: true}]"), ""),
    ("background-steps", job("", "[{parallel: [{run: x}]}]"), ""),
    ("snapshot", job("snapshot: image"), ""),
    ("environment", job("environment: prod"), "prod"),
    ("environment", job("environment: {name: prod, url: 'https://x'}"), "prod"),
    ("id-token", job("permissions: {id-token: write}", "[{run: ./release.sh}]"), "a script may ask for it"),
    ("id-token", job("permissions: write-all", "[{uses: actions/checkout@v4}, {run: x}]"), "a script may ask for it"),
]


@pytest.mark.parametrize(("name", "text", "subject"), CASES)
def test_a_feature_that_is_not_there_is_named_with_its_place(
    plan: Callable[..., Any], leg: Callable[..., Any], name: str, text: str, subject: str
) -> None:
    found = leg(plan(text, capabilities=Capabilities(LABELS, ACTIONS)), "a")
    assert (found.would, found.why.rule) == ("unsupported", f"unsupported.{name}")
    assert found.why.facts.get("subject", "") == subject
    assert found.why.facts["what"]
    assert found.why.at.line == 2


@pytest.mark.parametrize(("name", "text", "subject"), CASES)
def test_the_same_runs_where_the_feature_is_there(
    plan: Callable[..., Any], leg: Callable[..., Any], name: str, text: str, subject: str
) -> None:
    assert leg(plan(text, capabilities=Capabilities(LABELS, ACTIONS, frozenset({name}))), "a").would == "run"


@pytest.mark.parametrize(
    "text",
    [
        job("container: ''"),
        job('container: "${{ vars.none }}"'),
        job('container: {image: "${{ vars.none }}"}'),
        job('services: {db: {image: "${{ vars.none }}"}}'),
        job("environment: ''"),
        job('environment: "${{ vars.none }}"'),
        job("permissions: {id-token: write}", "[{uses: actions/checkout@v4}, {run: x, if: github.event_name == 'release'}]"),
        job("permissions: read-all"),
        "permissions: {id-token: write}\n" + job("permissions: {contents: read}"),
        job("", "[{uses: Actions/Checkout@v4}, {uses: Actions/Cache/Restore@v4}, {uses: actions\\cache@v4}]"),
        job("", "[{uses: x/y@v1, if: false}]"),
        job("", "[{uses: ./act}]"),
        job("", "[{uses: x/y@v1, if: \"github.event_name == 'pull_request'\"}]"),
        job("", "[{uses: x/y@v1, if: \"always() && github.ref == 'refs/tags/v1'\"}]"),
        job("", '[{uses: x/y@v1, if: "matrix.os == 1"}]'),
        job("concurrency: one"),
        job("concurrency: {group: one, cancel-in-progress: true}"),
        "concurrency: ci\n" + job(""),
    ],
)
def test_what_only_looks_like_a_feature_runs(plan: Callable[..., Any], leg: Callable[..., Any], text: str) -> None:
    assert leg(plan(text, capabilities=Capabilities(LABELS, ACTIONS)), "a").would == "run"


def test_each_leg_is_looked_at_on_its_own(plan: Callable[..., Any], legs: Callable[..., Any]) -> None:
    text = job(
        "strategy: {matrix: {os: [ubuntu-latest, windows-latest], c: ['', alpine]}},"
        " runs-on: '${{ matrix.os }}', container: '${{ matrix.c }}'"
    )
    assert legs(plan(text)) == {"a:0": "run", "a:1": "unsupported", "a:2": "unsupported", "a:3": "unsupported"}


def test_a_step_that_one_leg_skips_does_not_count_there(plan: Callable[..., Any], legs: Callable[..., Any]) -> None:
    text = job("strategy: {matrix: {cover: [true, false]}}", "[{run: x}, {uses: x/y@v1, if: matrix.cover}]")
    assert legs(plan(text)) == {"a:0": "unsupported", "a:1": "run"}


def test_a_call_of_what_is_not_at_hand_is_unsupported_and_so_is_what_needs_it(
    plan: Callable[..., Any], legs: Callable[..., Any]
) -> None:
    needing = "b: {needs: a, runs-on: ubuntu-latest, steps: [{run: x}]}"
    text = f"on: push\njobs:\n  a: {{uses: o/r/.github/workflows/x.yml@v1}}\n  {needing}\n"
    assert legs(plan(text)) == {"a": "unsupported", "b": "unsupported"}


def test_the_publishing_drop_in_needs_the_token_feature(plan: Callable[..., Any], leg: Callable[..., Any]) -> None:
    text = job("permissions: {id-token: write}", "[{uses: pypa/gh-action-pypi-publish@release/v1}]")
    actions = ACTIONS | {"pypa/gh-action-pypi-publish"}
    assert leg(plan(text, capabilities=Capabilities(LABELS, actions)), "a").why.rule == "unsupported.id-token"
    assert leg(plan(text, capabilities=Capabilities(LABELS, actions, frozenset({"id-token"}))), "a").would == "run"
    without = job("permissions: {contents: read}", "[{uses: pypa/gh-action-pypi-publish@release/v1}]")
    assert leg(plan(without, capabilities=Capabilities(LABELS, actions)), "a").would == "run"


def test_what_sets_up_the_machine_is_of_no_use_to_a_job_in_a_container(plan: Callable[..., Any], leg: Callable[..., Any]) -> None:
    here = Capabilities(LABELS, ACTIONS, frozenset({"container"}), for_machine=frozenset({"actions/cache"}))
    found = leg(plan(job("container: x", "[{uses: actions/cache@v4}]"), capabilities=here), "a")
    assert (found.would, found.why.rule, found.why.facts["subject"]) == (
        "unsupported", "unsupported.container-setup", "actions/cache@v4",
    )  # fmt: skip
    assert leg(plan(job("container: x", "[{uses: actions/checkout@v4}]"), capabilities=here), "a").would == "run"
    assert leg(plan(job("container: ''", "[{uses: actions/cache@v4}]"), capabilities=here), "a").would == "run"


def test_a_drop_in_stands_in_for_some_refs_only_and_other_ones_are_looked_up(
    plan: Callable[..., Any], leg: Callable[..., Any]
) -> None:
    here = Capabilities(LABELS, frozenset({"x/y", "x/y/sub"}), refs={"x/y": r"v[23](\.\d+)*"})
    for uses, would in (("X/Y@v2", "run"), ("x/y/sub@v3.1", "run"), ("x/y@v1", "unsupported"), ("x/y/sub@main", "unsupported")):
        found = leg(plan(job("", f"[{{uses: {uses}}}]"), capabilities=here), "a")
        assert found.would == would, uses
        assert would == "run" or (found.why.rule, found.why.facts["subject"]) == ("unsupported.remote-action", uses)
    at_hand = {"x/y@v1": FoundAction(load_action("action.yml", b"runs: {using: composite, steps: []}").action)}
    assert leg(plan(job("", "[{uses: x/y@v1}]"), capabilities=here, actions=at_hand), "a").would == "run"


def test_whether_a_container_has_what_publishing_takes_is_not_known(plan: Callable[..., Any], leg: Callable[..., Any]) -> None:
    uses = "pypa/gh-action-pypi-publish@release/v1"
    here = Capabilities(LABELS, ACTIONS | {"pypa/gh-action-pypi-publish"}, frozenset({"container"}))
    found = leg(plan(job("container: x", f"[{{uses: {uses}}}]"), capabilities=here), "a")
    assert (found.would, found.why.rule, found.why.facts["subject"]) == ("unsupported", "unsupported.container-publish", uses)
    assert leg(plan(job("", f"[{{uses: {uses}}}]"), capabilities=here), "a").would == "run"


def test_why_a_feature_is_missing_goes_with_it(plan: Callable[..., Any], leg: Callable[..., Any]) -> None:
    here = Capabilities(LABELS, ACTIONS, missing={"container": "nothing is installed; `install it`"})
    assert leg(plan(job("container: x"), capabilities=here), "a").why.facts["lack"] == "nothing is installed; `install it`"
    assert "lack" not in leg(plan(job("services: {db: x}"), capabilities=here), "a").why.facts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (job(""), False),
        (job("container: x"), True),
        (job("services: {db: x}"), True),
        (job("", "[{uses: 'docker://x'}]"), True),
        (job("", "[{uses: ./inner}]"), True),
        (job("", "[{uses: ./contained}]"), True),
        (job("", "[{uses: ./plain}]"), False),
        (job("", "[{uses: ./written-by-the-job}]"), True),
        (job("", "[{uses: octo/not-at-hand@v1}]"), False),
        (job("", "[{parallel: [{uses: 'docker://x'}]}]"), True),
    ],
)
def test_an_engine_is_looked_for_only_where_a_job_may_want_one(plan: Callable[..., Any], text: str, expected: bool) -> None:
    manifests = {
        "./inner": "{using: composite, steps: [{uses: 'docker://y'}]}",
        "./contained": "{using: docker, image: Dockerfile}",
        "./plain": "{using: composite, steps: [{run: x, shell: sh}]}",
    }
    found = {uses: FoundAction(load_action("action.yml", f"runs: {runs}".encode()).action) for uses, runs in manifests.items()}
    used = {uses: one for uses, one in found.items() if uses in text}
    assert wants_containers(plan(text).workflows.values(), used) is expected


def test_features_have_names_of_their_own_and_words() -> None:
    assert len({feature.name for feature in FEATURES}) == len(FEATURES)
    elsewhere = {"reusable-workflow", "action-input", "node-action", "container-setup", "container-publish"}
    assert {name for name, _, _ in CASES} | elsewhere == {feature.name for feature in FEATURES}
    assert all(feature.what for feature in FEATURES)


# ---- what published actions are made of ----


def found(text: str, repository: str = "x/y") -> FoundAction:
    return FoundAction(load_action("action.yml", text.encode()).action, repository=repository, ref="v1")


NODE = found("runs: {using: node20, main: x}")
IMAGE = found("runs: {using: docker, image: Dockerfile}")


def around(uses: str) -> FoundAction:
    return found(f"runs: {{using: composite, steps: [{{run: x, shell: sh}}, {{uses: {uses}}}]}}")


@pytest.mark.parametrize(
    ("actions", "uses", "rule", "subject"),
    [
        ({"x/y@v1": NODE}, "x/y@v1", "node-action", "x/y@v1"),
        ({"x/y@v1": IMAGE}, "x/y@v1", "docker-action", "x/y@v1"),
        ({"x/y@v1": around("a/b@v2"), "a/b@v2": NODE}, "x/y@v1", "node-action", "x/y@v1 → a/b@v2"),
        ({"./l": around("x/y@v1"), "x/y@v1": around("a/b@v2")}, "./l", "remote-action", "./l → x/y@v1 → a/b@v2"),
        ({"x/y@v1": around("$/sub"), "x/y/sub@v1": IMAGE}, "x/y@v1", "docker-action", "x/y@v1 → x/y/sub@v1"),
        ({"x/y@v1": around("docker://alpine")}, "x/y@v1", "docker-action", "x/y@v1 → docker://alpine"),
        ({"x/y@v1": around("x/y@v1")}, "x/y@v1", "", ""),
        ({"x/y@v1": around("actions/checkout@v4")}, "x/y@v1", "", ""),
        ({"x/y@v1": FoundAction(None, "it is broken")}, "x/y@v1", "", ""),
    ],
)
def test_published_actions_are_looked_into(
    plan: Callable[..., Any], leg: Callable[..., Any], actions: dict[str, FoundAction], uses: str, rule: str, subject: str
) -> None:
    made = plan(job("", f"[{{uses: {uses}}}]"), capabilities=Capabilities(LABELS, ACTIONS), actions=actions)
    why = leg(made, "a").why
    assert (why.rule, why.facts.get("subject", "")) == (f"unsupported.{rule}" if rule else "event", subject)


def test_a_machine_with_node_runs_actions_for_it(plan: Callable[..., Any], leg: Callable[..., Any]) -> None:
    here = Capabilities(LABELS, ACTIONS, frozenset({"node-action"}))
    assert leg(plan(job("", "[{uses: x/y@v1}]"), capabilities=here, actions={"x/y@v1": NODE}), "a").would == "run"


# ---- what a drop-in cannot do ----

LIMITED = Capabilities(
    LABELS,
    ACTIONS,
    limits=(
        Limit("actions/checkout", "repository", ".+", "checks out another repository", "github.repository"),
        Limit("actions/cache", "key", "(pypy|graal).*", "is odd"),
    ),
)


@pytest.mark.parametrize(
    ("uses", "inputs", "subject"),
    [
        ("actions/checkout@v4", "repository: octo/other", "checks out another repository: repository octo/other"),
        ("Actions/Checkout@v4", "Repository: octo/other", "checks out another repository: repository octo/other"),
        (
            "actions/checkout@v4",
            "repository: '${{ github.repository_owner }}/x'",
            "checks out another repository: repository octo/x",
        ),
        ("actions/cache@v4", "key: PyPy3.10", "is odd: key PyPy3.10"),
        ("actions/cache@v4", 'key: "3.10\\n pypy-3.10\\n"', "is odd: key 3.10 pypy-3.10"),
        ("actions/cache@v4", "key: '${{ matrix.py }}'", "is odd: key graalpy"),
    ],
)
def test_an_input_beyond_a_drop_in_is_known_before_the_run(
    plan: Callable[..., Any], leg: Callable[..., Any], uses: str, inputs: str, subject: str
) -> None:
    text = job("strategy: {matrix: {py: [graalpy]}}", f"[{{uses: {uses}, with: {{{inputs}}}}}]")
    found = leg(plan(text, capabilities=LIMITED), "a")
    assert (found.would, found.why.rule, found.why.facts["subject"]) == ("unsupported", "unsupported.action-input", subject)
    on = Capabilities(LABELS, ACTIONS, frozenset({"action-input"}), LIMITED.limits)
    assert leg(plan(text, capabilities=on), "a").would == "run"


@pytest.mark.parametrize(
    ("uses", "inputs"),
    [
        ("actions/checkout@v4", "repository: Octo/Hello"),
        ("actions/checkout@v4", "repository: ''"),
        ("actions/checkout@v4", "repository: '${{ github.repository }}'"),
        ("actions/checkout@v4", "repository: '${{ steps.x.outputs.repo }}/x'"),
        ("actions/checkout@v4", "repository: '${{ env.REPO }}/x'"),
        ("actions/checkout@v4", "path: octo/other"),
        ("actions/cache@v4", "repository: octo/other"),
        ("actions/cache@v4", "key: not-pypy"),
    ],
)
def test_an_input_that_the_drop_in_takes_or_only_the_run_can_tell_runs(
    plan: Callable[..., Any], leg: Callable[..., Any], uses: str, inputs: str
) -> None:
    assert leg(plan(job("", f"[{{uses: {uses}, with: {{{inputs}}}}}]"), capabilities=LIMITED), "a").would == "run"


def test_the_limits_of_the_drop_ins_fit_the_planner() -> None:
    from headrace.actions.builtin import LIMITS, NAMES, manifest

    for limit in (Limit(action, key, values, what, but) for action, key, values, what, but in LIMITS):
        found = manifest(limit.action)
        assert limit.action in NAMES and found is not None
        assert limit.input in found.inputs


# ---- labels ----


@pytest.mark.parametrize(
    ("machine", "label", "takes"),
    [
        ("x86_64", "ubuntu-latest", True),
        ("x86_64", "ubuntu-22.04", True),
        ("x86_64", "Ubuntu-Latest", True),
        ("x86_64", "ubuntu-24.04-arm", False),
        ("aarch64", "ubuntu-24.04-arm", True),
        ("aarch64", "ubuntu-latest-arm64-8core", True),
        ("x86_64", "ubuntu-arm64-small", False),
        ("x86_64", "ubuntu-24.04-ppc64le-p10", False),
        ("x86_64", "ubuntu-24.04-s390x", False),
        ("x86_64", "ubuntu-gpu-t4", False),
        ("x86_64", "ubuntu-latest-16-cores", True),
        ("x86_64", "ubuntu-22.04-x86-64", True),
        ("x86_64", "ubuntu_x64", False),
        ("aarch64", "ubuntu-latest-x64", False),
        ("x86_64", "linux", True),
        ("x86_64", "Linux", True),
        ("x86_64", "self-hosted", True),
        ("x86_64", "X64", True),
        ("x86_64", "arm64", False),
        ("aarch64", "arm64", True),
        ("aarch64", "x64", False),
        ("x86_64", "ubuntu", False),
        ("x86_64", "macos-latest", False),
        ("x86_64", "", False),
    ],
)
def test_a_machine_takes_the_labels_of_its_kind(machine: str, label: str, takes: bool) -> None:
    assert fits(label, labels_of(machine)) is takes


def test_a_plan_with_all_this_survives_its_codec(plan: Callable[..., Any]) -> None:
    from headrace.plan.model import Plan

    made = plan(job("strategy: {matrix: {x: [1, {y: [null, true]}]}}, runs-on: '${{ matrix.os }}'"))
    assert msgspec.json.decode(msgspec.json.encode(made), type=Plan).jobs.keys() == made.jobs.keys()


NEEDING = """
on: push
jobs:
  first: {runs-on: ubuntu-latest, outputs: {x: '${{ steps.a.outputs.x }}'}, steps: [{run: x}]}
  a:
    needs: first
    runs-on: ubuntu-latest
    %s
    steps: [{%s}]
"""
OUTPUT = "'${{ needs.first.outputs.x }}'"


@pytest.mark.covers("language:10.3")
@pytest.mark.parametrize(
    ("feature", "key"),
    [
        ("container", f"container: {OUTPUT}"),
        ("container", f"container: {{image: {OUTPUT}}}"),
        ("services", f"services: {{db: {OUTPUT}}}"),
        ("services", f"services: {{db: {{image: {OUTPUT}}}}}"),
        ("environment", f"environment: {OUTPUT}"),
        ("environment", f"environment: {{name: {OUTPUT}}}"),
    ],
)
def test_a_feature_that_hangs_on_another_job_is_open_until_that_has_ended(
    plan: Callable[..., Any], leg: Callable[..., Any], feature: str, key: str
) -> None:
    made = plan(NEEDING % (key, "run: x"))
    found = leg(made, "a")
    assert (found.would, found.why.facts) == ("undecided", {"job": "first", "reads": "outputs", "key": feature})
    path = next(path for path, planned in made.jobs.items() if planned.job.id == "a")
    before = next(iter(made.jobs))
    for value, would in (("", "run"), ("x", "unsupported")):
        settled = settle(made, path, {before: Outcome("success", {"x": value})})
        assert not isinstance(settled.legs, Deferred)
        assert [row.would for row in settled.legs] == [would]
    assert leg(plan(NEEDING % (key, "uses: x/y@v1")), "a").why.rule == "unsupported.remote-action"
    here = Capabilities(LABELS, ACTIONS, frozenset({feature}))
    # The name of an environment is a value of the leg, whoever lets it deploy.
    assert leg(plan(NEEDING % (key, "run: x"), capabilities=here), "a").would == (
        "undecided" if feature == "environment" else "run"
    )


ONE = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    environment: %s\n    steps: [{run: x}]\n"


@pytest.mark.covers("language:10.3")
@pytest.mark.parametrize(
    ("environment", "would", "name"),
    [
        ("prod", "run", "prod"),
        ("{name: PROD, url: '${{ steps.a.outputs.b }}'}", "run", "PROD"),
        ("{name: '${{ github.event_name }}'}", "unsupported", "push"),
        ('${{ fromJSON(\'{"name":"prod"}\') }}', "run", "prod"),
        ("''", "run", ""),
        ("test", "unsupported", "test"),
        ("${{ fromJSON('') }}", "fail", ""),
    ],
)
def test_an_environment_that_somebody_approves_is_no_hindrance(
    plan: Callable[..., Any], leg: Callable[..., Any], environment: str, would: str, name: str
) -> None:
    here = Capabilities(LABELS, ACTIONS, approved=frozenset({"prod"}))
    text = ONE % environment
    found = leg(plan(text, capabilities=here), "a")
    assert (found.would, found.environment) == (would, name)


@pytest.mark.covers("language:10.3")
def test_of_two_services_the_one_that_is_sure_decides(plan: Callable[..., Any], leg: Callable[..., Any]) -> None:
    found = leg(plan(NEEDING % (f"services: {{one: {OUTPUT}, two: redis}}", "run: x")), "a")
    assert (found.would, found.why.facts["subject"]) == ("unsupported", "two")


@pytest.mark.covers("language:10.3")
def test_each_row_has_its_own_environment_and_an_empty_name_means_none(
    plan: Callable[..., Any], legs: Callable[..., Any]
) -> None:
    text = job(
        "strategy: {matrix: {to: ['', prod, test]}}, environment: {name: '${{ matrix.to }}', url: '${{ steps.a.outputs.b }}'}"
    )
    made = plan(text)
    assert legs(made) == {"a:0": "run", "a:1": "unsupported", "a:2": "unsupported"}
    (planned,) = made.jobs.values()
    assert [row.why.facts.get("subject") for row in planned.legs] == [None, "prod", "test"]


@pytest.mark.covers("language:10.3")
def test_an_environment_without_a_deployment_still_has_its_secrets_and_rules(
    plan: Callable[..., Any], leg: Callable[..., Any]
) -> None:
    found = leg(plan(job("environment: {name: prod, deployment: false}")), "a")
    assert (found.would, found.why.rule) == ("unsupported", "unsupported.environment")
