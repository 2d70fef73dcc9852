"""What of the caller's own files jobs get: which paths variables name, where a job looks for them, what must be masked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from headrace.base.errors import EngineError
from headrace.engine import forward


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    (home / "certs").mkdir(parents=True)
    (home / "certs" / "ca.pem").write_text("CA")
    (home / "my wheels").mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "HEADRACE_SCRATCH"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ("/a/b.pem", ["/a/b.pem"]),
        ("/a:/b", ["/a", "/b"]),
        ("https://a/b /c,file:///d%20e/f?x#y", ["/c", "/d e/f"]),
        ("mine=file:///i https://x", ["/i"]),
        ("file://localhost/i", ["/i"]),
        ("['/a', \"/b\"]", ["/a", "/b"]),
        ("./wheels ../x https://h/p", []),
        ("", []),
    ],
)
def test_paths_in_a_variable(value: str, paths: list[str]) -> None:
    assert list(forward.named(value)) == paths


def test_only_variables_that_name_files_are_looked_at_and_only_what_is_there_counts(home: Path) -> None:
    ca, wheels = f"{home}/certs/ca.pem", f"{home}/my wheels"
    env = {"PIP_CERT": ca, "PIP_FIND_LINKS": wheels, "CURL_CA_BUNDLE": f"{home}/none", "OTHER": f"{home}/certs"}
    assert forward.paths(env, (), {}) == {ca: "PIP_CERT", wheels: "PIP_FIND_LINKS"}
    assert forward.paths(env, ("OTHER", "NOT_SET"), {})[f"{home}/certs"] == "OTHER"


def test_forwarded_settings_name_files_too(home: Path) -> None:
    (home / ".npmrc").write_text(f"registry=https://r\ncafile = {home}/certs/ca.pem\nother={home}/my wheels\n")
    environ = {"HOME": str(home)}
    assert forward.paths({}, (".npmrc",), environ) == {f"{home}/certs/ca.pem": f"{home}/.npmrc"}
    assert forward.paths({}, (), environ) == {}


def test_a_folder_with_home_in_it_is_too_much(home: Path, tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    (home / "link").symlink_to(home)
    asked = [str(home), str(tmp_path), "/", f"{home}/link", f"{home}/certs", f"{home}/certs/ca.pem", f"{tmp_path}/repository"]
    assert forward.folders(asked, f"{tmp_path}/repository") == [f"{home}/certs"]
    assert forward.too_much(str(tmp_path)) == str(home)
    assert forward.too_much(f"{home}/.local") == f"{home}/.local/state/headrace"
    assert forward.too_much(f"{home}/my wheels") == ""


def test_a_job_follows_the_links_that_it_sees(tmp_path: Path) -> None:
    for name in ("seen", "unseen", "away"):
        (tmp_path / name).mkdir()
    (tmp_path / "away" / "f").write_text("")
    (tmp_path / "seen" / "in").symlink_to("../away")
    (tmp_path / "unseen" / "in").symlink_to("../away")
    held = [f"{tmp_path}/seen"]
    assert forward.place(f"{tmp_path}/seen/in/f", held) == f"{tmp_path}/away/f"
    assert forward.place(f"{tmp_path}/unseen/in/f", held) == f"{tmp_path}/unseen/in/f"
    assert forward.place(f"{tmp_path}/seen/./x/../y", held) == f"{tmp_path}/seen/y"
    (tmp_path / "seen" / "round").symlink_to("round")
    assert forward.place(f"{tmp_path}/seen/round", held) == f"{tmp_path}/seen/round"


def test_files_that_a_job_does_not_see_are_copied_to_where_it_looks(home: Path) -> None:
    ca = f"{home}/certs/ca.pem"
    assert forward.files({ca: "PIP_CERT"}, ["/usr"]) == [(ca, b"CA")]
    assert forward.files({ca: "PIP_CERT"}, [f"{home}/certs"]) == []
    assert forward.files({str(home): "PIP_CERT", "/dev/null": "PIP_CERT"}, []) == []


def test_a_file_that_is_too_large_says_what_to_do(home: Path) -> None:
    with open(home / "certs" / "huge", "wb") as file:
        file.truncate(forward.LIMIT + 1)
    with pytest.raises(EngineError) as caught:
        forward.files({f"{home}/certs/huge": "PIP_CERT"}, [])
    assert f"{home}/certs/huge, which PIP_CERT names, is larger than the 4 MiB" in str(caught.value)
    assert f"--expose {home}/certs" in str(caught.value)


def test_settings_are_copied_for_every_home_of_a_job_for_its_user_alone(home: Path) -> None:
    (home / ".config" / "pip").mkdir(parents=True)
    (home / ".config" / "pip" / "pip.conf").write_text("[global]\nindex-url = https://me:hush@host/simple\n")
    (home / ".netrc").write_text("machine a login b password shh\n")
    environ = {"HOME": str(home), "TOKEN_URL": "https://x:env@y"}
    made = forward.forwarded(("pip.conf", "TOKEN_URL", "uv.toml"), environ, {f"{home}/certs/ca.pem": "PIP_CERT"}, ["/usr"])
    assert [(path, mode) for path, _, mode in made.copies("/home/runner")] == [
        ("/home/runner/.config/pip/pip.conf", 0o400), ("/root/.config/pip/pip.conf", 0o400), (f"{home}/certs/ca.pem", 0o444),
    ]  # fmt: skip
    assert sorted(made.secrets) == ["env", "hush"]
    host = forward.forwarded(("pip.conf", ".netrc"), environ, {}, None)
    assert [path for path, _, _ in host.copies("/leg/home")] == ["/leg/home/.config/pip/pip.conf", "/leg/home/.netrc"]
    assert sorted(host.secrets) == ["hush", "shh"]


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_what_the_caller_may_not_read_is_left_alone(home: Path) -> None:
    (home / ".netrc").write_text("x")
    (home / ".netrc").chmod(0)
    (home / "certs" / "ca.pem").chmod(0)
    assert forward.forwarded((".netrc",), {"HOME": str(home)}, {f"{home}/certs/ca.pem": "PIP_CERT"}, []).copies("/h") == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("index-url = https://user:p%40ss@host/simple", ["p@ss"]),
        ("//registry.example/:_authToken=abc123\n_auth = 'eHg='", ["abc123", "eHg="]),
        ("machine h\n  login me\n  password  secret\n", ["secret"]),
        ("registry=https://host:8080/path?a=b@c", []),
        ("https://token@host/", []),
    ],
)
def test_passwords_and_tokens_are_found(text: str, found: list[str]) -> None:
    assert forward.secrets([text]) == found
