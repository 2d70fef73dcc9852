from __future__ import annotations

from typing import Any

import pytest
from headrace.runner.environment import default_variables, input_variables, prepend_path, step_environment


def environment(**given: Any) -> dict[str, str]:
    return step_environment(**({"base": {}, "env": {}, "defaults": {}, "actions": {}} | given))


@pytest.mark.covers("runtime:3.1")
def test_each_layer_beats_the_one_below() -> None:
    names = ["A", "STATE_B", "INPUT_C", "GITHUB_D", "ACTIONS_E", "GITHUB_ACTIONS"]
    result = environment(
        base=dict.fromkeys(names, "base"),
        env=dict.fromkeys(names, "env"),
        state={"B": "state"},
        inputs={"INPUT_C": "input"},
        defaults={"GITHUB_D": "default"},
        actions={"ACTIONS_E": "actions"},
    )
    assert [result[name] for name in names] == ["env", "state", "input", "default", "actions", "true"]
    assert result["CI"] == "true"


@pytest.mark.covers("runtime:3.1")
@pytest.mark.parametrize("value", ["false", ""])
def test_ci_is_left_as_the_user_set_it(value: str) -> None:
    assert environment(env={"CI": value})["CI"] == value


@pytest.mark.covers("runtime:3.1")
def test_names_are_case_sensitive_and_values_are_not_trimmed() -> None:
    result = environment(env={"a": " x ", "A": ""})
    assert (result["a"], result["A"]) == (" x ", "")


@pytest.mark.covers("runtime:2.4")
@pytest.mark.parametrize(
    ("path", "entries", "result"),
    [
        ("/bin", ["/a", "/b"], "/b:/a:/bin"),
        ("/b:/a:/bin", ["/a", "/b"], "/b:/a:/bin"),
        ("/b:/a", ["/a", "/b"], "/b:/a"),
        ("/b:/ab", ["/a", "/b"], "/b:/a:/b:/ab"),
        ("", ["/a"], "/a"),
    ],
)
def test_the_last_added_entry_stands_first(path: str, entries: list[str], result: str) -> None:
    assert prepend_path(path, entries) == result


@pytest.mark.covers("runtime:2.4")
def test_path_is_the_users_where_env_has_one() -> None:
    assert environment(base={"PATH": "/bin"}, env={"PATH": "/mine"}, path_entries=["/a"])["PATH"] == "/a:/mine"
    assert environment(base={"PATH": "/bin"})["PATH"] == "/bin"
    assert "PATH" not in environment()


@pytest.mark.covers("runtime:3.2")
def test_default_variables_come_from_the_contexts() -> None:
    github = {
        "actor": "me",
        "head_ref": "",
        "ref_protected": True,
        "run_id": 12.0,
        "action_ref": None,
        "token": "secret",
        "event": {"a": 1},
        "repositoryUrl": "git://x",
        "secret_source": "None",
        "action_status": "success",
    }
    runner = {"os": "Linux", "arch": "X64", "tool_cache": "/t", "debug": None}
    assert default_variables(github, runner) == {
        "GITHUB_ACTOR": "me",
        "GITHUB_HEAD_REF": "",
        "GITHUB_REF_PROTECTED": "true",
        "GITHUB_RUN_ID": "12",
        "GITHUB_ACTION_REF": "",
        "RUNNER_OS": "Linux",
        "RUNNER_ARCH": "X64",
        "RUNNER_TOOL_CACHE": "/t",
    }


@pytest.mark.covers("runtime:3.2")
def test_debug_is_there_only_when_it_is_on() -> None:
    assert default_variables({}, {"debug": "1"}) == {"RUNNER_DEBUG": "1"}


@pytest.mark.covers("runtime:3.4")
def test_inputs_keep_everything_but_blanks_and_case() -> None:
    assert input_variables({"Fetch-depth": "1", "a b": "x", "s.t": ""}, {"fetch-DEPTH": "", "extra": " y "}) == {
        "INPUT_FETCH-DEPTH": "",
        "INPUT_A_B": "x",
        "INPUT_S.T": "",
        "INPUT_EXTRA": " y ",
    }
    assert list(input_variables({"straße": ""}, {})) == ["INPUT_STRAßE"]
