"""The caches of the set-up actions, native: one run saves what the next one finds, under the keys of the published actions."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from test_core.actions import output
from test_core.caches import Cached
from test_core.calls import Done, Headrace

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
pytestmark = pytest.mark.slow  # it takes minutes
CHECKOUT = "- uses: actions/checkout@v4\n"
SAID = "- run: echo 'hit=${{ steps.s.outputs.cache-hit }} key=${{ steps.s.outputs.cache-primary-key }}'\n"
FILL = "- run: mkdir -p $(pip cache dir) && echo one > $(pip cache dir)/mark\n"
LOOK = "- run: cat $(pip cache dir)/mark\n"


@pytest.fixture
def cached(headrace: Headrace) -> Cached:
    return Cached(headrace)


def python(version: str, *more: str, cache: str = "pip") -> str:
    lines = "".join(f"    {line}\n" for line in (f"python-version: '{HERE}'", f"cache: {cache}", *more))
    return f"{CHECKOUT}- uses: actions/setup-python@{version}\n  id: s\n  with:\n{lines}{SAID}"


def said(done: Done, text: str) -> list[str]:
    return [line for line in output(done) if text in line]


def hit(done: Done) -> list[str]:
    return [line for line in output(done) if line.startswith("hit=")]


def hashed(*contents: str) -> str:
    return sha256(b"".join(sha256(content.encode()).digest() for content in contents)).hexdigest()


@pytest.mark.covers("runtime:11.5")
@pytest.mark.parametrize("version", ["v4", "v6"])
def test_what_pip_has_fetched_is_there_again_in_the_next_run(cached: Cached, version: str) -> None:
    cached.repository.write({"requirements.txt": "a\n", "sub/requirements.txt": "b\n"})
    first = cached.run(python(version) + FILL)
    assert first.results == {"a": "success"}
    assert hit(first) == ["hit=false key="]
    assert said(first, "pip cache is not found")
    [saved] = [line.partition("key: ")[2] for line in said(first, "Cache saved with the key: ")]
    processor = "" if version == "v4" else f"-{'x64' if os.uname().machine == 'x86_64' else 'arm64'}"
    assert saved.startswith(f"setup-python-Linux{processor}-")
    assert f"-python-{HERE}." in saved
    assert saved.endswith(f"-pip-{hashed('a' + chr(10), 'b' + chr(10))}")
    second = cached.run(python(version) + LOOK)
    assert hit(second) == ["hit=true key="]
    assert "one" in output(second)
    assert said(second, f"Cache hit occurred on the primary key {saved}, not saving cache.")
    cached.repository.write({"requirements.txt": "c\n"})
    third = cached.run(python(version) + LOOK)  # as a start only: it counts as a miss, and what is there then is saved
    assert hit(third) == ["hit=false key="]
    assert {"one", f"Cache restored from key: {saved}"} <= set(output(third))
    assert said(third, "Cache saved with the key: ")


def test_pip_has_only_what_this_job_has_fetched(cached: Cached) -> None:
    """Not what others on this machine have: GitHub would save nothing else, and fail where there is nothing."""
    cached.repository.write({"requirements.txt": "a\n"})
    plain = cached.run(CHECKOUT + "- run: mkdir -p $PIP_CACHE_DIR && touch $PIP_CACHE_DIR/shared\n")
    assert plain.results == {"a": "success"}
    for version, result in (("v5", "failure"), ("v6", "success")):
        done = cached.run(python(version))
        assert done.results == {"a": result}
        assert said(done, "Cache folder path is retrieved for pip but doesn't exist on disk: ")
    assert not said(cached.run(python("v6") + FILL + "- run: ls $PIP_CACHE_DIR\n"), "shared")


@pytest.mark.parametrize(
    ("cache", "files", "text"),
    [
        ("pip", {"x.txt": "x"}, "No file in .* matched to [**/requirements.txt or **/pyproject.toml]"),
        ("pipenv", {"requirements.txt": "x"}, "No file in .* matched to [**/Pipfile.lock], make sure you have checked out"),
        ("conda", {"requirements.txt": "x"}, "Caching for 'conda' is not supported"),
    ],
)
def test_what_has_no_key_fails_the_step(cached: Cached, cache: str, files: dict[str, str], text: str) -> None:
    cached.repository.write(files)
    done = cached.run(python("v6", cache=cache))
    assert done.results == {"a": "failure"}
    head, _, tail = text.partition(".*")
    assert [line for line in said(done, head) if tail in line]


def test_pipenv_keeps_its_environments(cached: Cached) -> None:
    cached.repository.write({"deep/Pipfile.lock": "{}\n"})
    folder = "~/.local/share/virtualenvs"
    first = cached.run(python("v6", cache="pipenv") + f"- run: mkdir -p {folder} && echo one > {folder}/mark\n")
    assert said(first, f"-pipenv-{hashed('{}' + chr(10))}")
    second = cached.run(python("v6", cache="pipenv") + f"- run: cat {folder}/mark\n")
    assert hit(second) == ["hit=true key="]
    assert "one" in output(second)
    cached.repository.write({"deep/Pipfile.lock": "{ }\n"})
    assert hit(cached.run(python("v6", cache="pipenv"))) == ["hit=false key="]  # it takes no older one for a start


POETRY = """\
#!/bin/sh
case "$1" in
  config) echo "cache-dir = \\"$HOME/.cache/pypoetry\\""
          echo 'virtualenvs.in-project = true'
          echo 'virtualenvs.path = "{cache-dir}/virtualenvs"  # /home/somebody/.cache' ;;
  env) echo "poetry in $(basename "$PWD") uses $3" ;;
esac
"""


def test_poetry_says_where_its_environments_are_and_is_told_of_the_python(cached: Cached) -> None:
    cached.repository.write({"app/poetry.lock": "x\n", "bin/poetry": POETRY})
    path = CHECKOUT + '- run: echo "$PWD/bin" >> "$GITHUB_PATH"\n'
    fill = "- run: mkdir -p ~/.cache/pypoetry/virtualenvs app/.venv && echo one > app/.venv/mark\n"
    first = cached.run(path + python("v6", cache="poetry") + fill)
    assert first.results == {"a": "success"}
    assert said(first, f"-poetry-v2-{hashed('x' + chr(10))}")
    assert [line for line in said(first, "poetry in app uses /") if line.endswith("/bin/python")]
    second = cached.run(path + python("v6", cache="poetry") + "- run: cat app/.venv/mark\n")
    assert hit(second) == ["hit=true key="]
    assert "one" in output(second)
    cached.repository.write({"bin/poetry": "#!/bin/sh\nexit 3\n"})
    assert cached.run(path + python("v6", cache="poetry")).results == {"a": "failure"}


def node(version: str, *more: str, cache: str = "npm") -> str:
    lines = "".join(f"    {line}\n" for line in (*([f"cache: {cache}"] if cache else []), *more, "check-latest: false"))
    return f"{CHECKOUT}- uses: actions/setup-node@{version}\n  id: s\n  with:\n{lines}{SAID}"


@pytest.fixture
def npm() -> Iterator[None]:
    if shutil.which("npm") is None:
        pytest.skip("needs npm")
    yield


@pytest.mark.covers("runtime:10.4")
@pytest.mark.parametrize("version", ["v4", "v7"])
def test_what_npm_has_fetched_is_there_again_in_the_next_run(cached: Cached, npm: None, version: str) -> None:
    cached.repository.write({"package-lock.json": "{}\n"})
    fill = "- run: mkdir -p $(npm config get cache) && echo one > $(npm config get cache)/mark\n"
    first = cached.run(node(version) + fill)
    assert first.results == {"a": "success"}
    key = f"node-cache-Linux-{'x64' if os.uname().machine == 'x86_64' else 'arm64'}-npm-{hashed('{}' + chr(10))}"
    assert hit(first) == [f"hit=false key={key if version == 'v7' else ''}"]
    assert said(first, f"Cache saved with the key: {key}")
    second = cached.run(node(version) + "- run: cat $(npm config get cache)/mark\n")
    assert said(second, "hit=true")
    assert {"one", f"Cache restored from key: {key}"} <= set(output(second))
    cached.repository.write({"package-lock.json": "{ }\n"})
    assert said(cached.run(node(version)), "hit=false")
    (cached.repository.root / "package-lock.json").unlink()
    without = cached.run(node(version))
    assert without.results == {"a": "failure"}
    assert said(without, "Dependencies lock file is not found in ")


def test_npm_is_cached_unasked_where_a_package_says_that_it_is_used(cached: Cached, npm: None) -> None:
    fill = "- run: mkdir -p ~/.npm && touch ~/.npm/mark\n"
    cached.repository.write({"package-lock.json": "{}\n", "package.json": '{"packageManager": "npm@10.0.0"}'})
    assert said(cached.run(node("v6", cache="") + fill), "Cache saved with the key: node-cache-Linux-")
    for version, more, package in (
        ("v4", (), '{"packageManager": "npm@10.0.0"}'),
        ("v6", ("package-manager-cache: false",), '{"packageManager": "npm@10.0.0"}'),
        ("v6", (), '{"packageManager": "pnpm@9.0.0"}'),
    ):
        cached.repository.write({"package.json": package})
        assert not said(cached.run(node(version, *more, cache="") + fill), "ache restored")


YARN = """\
#!/bin/sh
case "$1 $2" in
  "--version ") echo 4.1.0 ;;
  "config get") [ "$3" = cacheFolder ] && echo "$PWD/.yarn-store" || echo false ;;
esac
"""


def test_each_project_of_yarn_has_a_cache_and_an_older_one_is_a_start(cached: Cached) -> None:
    cached.repository.write({"a/yarn.lock": "a\n", "b/yarn.lock": "b\n", "bin/yarn": YARN})
    path = CHECKOUT + '- run: echo "$PWD/bin" >> "$GITHUB_PATH"\n'
    fill = "- run: mkdir -p a/.yarn-store b/.yarn-store && echo one > b/.yarn-store/mark\n"
    steps = path + node("v6", 'cache-dependency-path: "*/yarn.lock"', cache="yarn")
    first = cached.run(steps + fill)
    assert said(first, f"-yarn-{hashed('a' + chr(10), 'b' + chr(10))}")
    cached.repository.write({"a/yarn.lock": "c\n"})
    second = cached.run(steps + "- run: cat b/.yarn-store/mark\n")
    assert said(second, "hit=true")  # the action says so of every find
    assert {"one", "All dependencies are managed locally by yarn3, the previous cache can be used"} <= set(output(second))


def uv(*more: str) -> str:
    lines = "".join(f"    {line}\n" for line in ("enable-cache: true", *more))
    return f"{CHECKOUT}- uses: astral-sh/setup-uv@v7\n  id: s\n  with:\n{lines}{SAID}"


@pytest.fixture
def machine_uv() -> Iterator[None]:
    if shutil.which("uv") is None and not os.path.exists(os.path.join(os.path.dirname(sys.executable), "uv")):
        pytest.skip("needs uv")
    yield


@pytest.mark.covers("runtime:11.6")
def test_a_cache_of_uv_in_a_folder_of_the_jobs_own_is_saved_and_restored(cached: Cached, machine_uv: None) -> None:
    cached.repository.write({"uv.lock": "version = 1\n"})
    own = ("cache-local-path: store", "prune-cache: false")
    first = cached.run(uv(*own) + '- run: mkdir -p "$UV_CACHE_DIR" && echo one > "$UV_CACHE_DIR/mark"\n')
    assert first.results == {"a": "success"}
    assert hit(first) == ["hit=false key="]
    assert said(first, "Sent ")
    second = cached.run(uv(*own) + '- run: cat "$UV_CACHE_DIR/mark"\n')
    assert hit(second) == ["hit=true key="]
    assert "one" in output(second)
    cached.repository.write({"uv.lock": "version = 2\n"})
    assert hit(cached.run(uv(*own) + '- run: mkdir -p "$UV_CACHE_DIR"\n')) == ["hit=false key="]


def test_the_cache_of_uv_that_jobs_share_is_told_of_and_left_as_it_is(cached: Cached, machine_uv: None) -> None:
    cached.repository.write({"uv.lock": "version = 1\n"})
    first = cached.run(uv() + '- run: mkdir -p "$UV_CACHE_DIR" && head -c 5000000 /dev/urandom > "$UV_CACHE_DIR/mark"\n')
    assert hit(first) == ["hit=false key="]
    second = cached.run(uv() + '- run: wc -c < "$UV_CACHE_DIR/mark"\n')
    assert hit(second) == ["hit=true key="]
    assert "5000000" in output(second)
    stored = sum(
        path.stat().st_size for path in Path(cached.headrace.home, "cache", "headrace", "caches").rglob("*") if path.is_file()
    )
    assert stored < 1_000_000
