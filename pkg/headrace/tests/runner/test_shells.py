from __future__ import annotations

import pytest
from headrace.runner.shells import ShellError, extension, prepare_script, resolve, split_arguments
from hypothesis import given
from hypothesis import strategies as st

INVALID = (
    "Invalid shell option. Shell must be a valid built-in (bash, sh, cmd, powershell, pwsh) or a format string containing '{0}'"
)


def find(name: str) -> str | None:
    return None if name == "absent" else f"/bin/{name}"


@pytest.mark.covers("runtime:2.1")
@pytest.mark.parametrize(
    ("shell", "argv", "header", "suffix"),
    [
        (None, ["/bin/bash", "-e", "F"], "/bin/bash -e {0}", ".sh"),
        ("", ["/bin/bash", "-e", "F"], "/bin/bash -e {0}", ".sh"),
        (
            "bash",
            ["/bin/bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "F"],
            "/bin/bash --noprofile --norc -e -o pipefail {0}",
            ".sh",
        ),
        ("sh", ["/bin/sh", "-e", "F"], "/bin/sh -e {0}", ".sh"),
        ("python", ["/bin/python", "F"], "/bin/python {0}", ".py"),
        ("pwsh", ["/bin/pwsh", "-command", ". 'F'"], "/bin/pwsh -command \". '{0}'\"", ".ps1"),
        ("bash -l {0}", ["/bin/bash", "-l", "F"], "/bin/bash -l {0}", ".sh"),
        ("perl {0}", ["/bin/perl", "F"], "/bin/perl {0}", ""),
        ("env  -S {0} '{0}' \"a {0}\"", ["/bin/env", "-S", "F", "'F'", "a F"], "/bin/env -S {0} '{0}' \"a {0}\"", ""),
        ("awk {{x}} {0}", ["/bin/awk", "{x}", "F"], "/bin/awk {{x}} {0}", ""),
        ("bash ", ["/bin/bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "F"], None, ".sh"),
    ],
)
def test_built_in_shells_and_templates(shell: str | None, argv: list[str], header: str | None, suffix: str) -> None:
    invocation = resolve(shell, "F", find)
    assert list(invocation.argv) == argv
    assert header is None or invocation.header == f"shell: {header}"
    assert invocation.extension == extension(shell) == suffix


@pytest.mark.covers("runtime:2.1")
def test_the_default_shell_is_sh_without_bash() -> None:
    assert resolve(None, "F", {"sh": "/bin/sh"}.get).argv == ("/bin/sh", "-e", "F")


@pytest.mark.covers("runtime:2.1")
@pytest.mark.parametrize(
    ("shell", "message"),
    [
        ("bash -l", INVALID),
        ("node", INVALID),
        ("perl -e {1}", INVALID),
        ("absent {0}", "absent: command not found"),
        ("absent", "absent: command not found"),
        (" bash {0}", ": command not found"),
        ("perl {0} {1}", "Index (zero based) must be greater than or equal to zero and less than the size of the argument list."),
        ("awk {0} {x}", "Input string was not in a correct format."),
        ("awk {0} }", "Input string was not in a correct format."),
        ("awk {0} {", "Input string was not in a correct format."),
    ],
)
def test_shells_that_cannot_be_started(shell: str, message: str) -> None:
    with pytest.raises(ShellError) as caught:
        resolve(shell, "F", find)
    assert str(caught.value) == message


@pytest.mark.covers("runtime:2.1")
def test_no_shell_at_all() -> None:
    with pytest.raises(ShellError, match="sh: command not found"):
        resolve(None, "F", lambda _: None)


def test_a_script_path_is_one_argument_whatever_is_in_it() -> None:
    assert resolve("sh", '/a "b\\ c/F', find).argv == ("/bin/sh", "-e", '/a "b\\ c/F')


@pytest.mark.covers("runtime:2.2")
@pytest.mark.parametrize("shell", [None, "bash", "python", "bash -l {0}", "perl {0}"])
@pytest.mark.parametrize("text", ["", "a", "a\r\nb\r\n", "\n"])
def test_scripts_are_left_as_they_are(text: str, shell: str | None) -> None:
    assert prepare_script(text, shell) == text


@pytest.mark.covers("runtime:2.1")
@pytest.mark.parametrize("shell", ["pwsh", "powershell", "pwsh -x {0}"])
def test_powershell_scripts_stop_at_errors_and_hand_on_the_exit_code(shell: str) -> None:
    first, text, last = prepare_script("Get-Item x", shell).split("\n")
    assert first == "$ErrorActionPreference = 'stop'"
    assert text == "Get-Item x"
    assert last == "if ((Test-Path -LiteralPath variable:\\LASTEXITCODE)) { exit $LASTEXITCODE }"


@pytest.mark.covers("runtime:2.1")
@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", []),
        ("  a\tb  ", ["a", "b"]),
        ('"a b"c d', ["a bc", "d"]),
        ("'a b'", ["'a", "b'"]),
        (r"\"a\" \\\"b", ['"a"', '\\"b']),
        (r'"a\\" b', ["a\\", "b"]),
        (r"a\b\\c", [r"a\b\\c"]),
        ('""', [""]),
        ('"a""b"', ['a"b']),
        ('"open end', ["open end"]),
    ],
)
def test_arguments_are_split_as_net_does(text: str, arguments: list[str]) -> None:
    assert split_arguments(text) == arguments


@given(st.lists(st.text(st.sampled_from('ab \\"\t'), min_size=0)))
def test_quoted_arguments_come_back(arguments: list[str]) -> None:
    def quote(argument: str) -> str:
        out, slashes = '"', 0
        for char in argument:
            if char == '"':
                out += "\\" * (slashes + 1)
            slashes = slashes + 1 if char == "\\" else 0
            out += char
        return out + "\\" * slashes + '"'

    assert split_arguments(" ".join(quote(a) for a in arguments)) == arguments
