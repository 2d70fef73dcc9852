"""pypa/gh-action-pypi-publish, against the indexes of the run: the same inputs in the same order of doing things, and the real
exchange. PyPI and TestPyPI are answered by the run itself; nothing is ever published, and no other index is asked.

Attestations need Sigstore's servers, so none are signed here. Beside what `twine check` finds, the rules of an index that need no
index are held against all files before the first is sent."""

from __future__ import annotations

import os
import sys

from headrace.actions.builtin import toolkit
from headrace.actions.builtin.toolkit import ActionFailed
from headrace.actions.manifest import Manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from headrace.actions.builtin.pypi_client import Answer, Index
    from headrace.index.offline import Distribution

_KEBAB = ("repository-url", "packages-dir", "verify-metadata", "skip-existing", "print-hash")
_PLAIN = ("user", "password", "verbose", "attestations")
MANIFEST = Manifest(
    "pypa/gh-action-pypi-publish", dict.fromkeys((*_PLAIN, *_KEBAB, *(name.replace("-", "_") for name in _KEBAB)), "")
)
"""Defaults hang on the version, so they are not said here."""

_HOSTS = {"upload.pypi.org": "PyPI", "test.pypi.org": "TestPyPI"}
_TRIES = 6
_NEWEST = (1, 99, 0)
_TROUBLE = "https://docs.pypi.org/trusted-publishers/troubleshooting/"
_CLAIMS = (
    "sub", "repository", "repository_owner", "repository_owner_id", "workflow_ref", "job_workflow_ref", "ref", "environment",
)  # fmt: skip


def version_of(ref: str) -> tuple[int, ...]:
    """The release that a ref names; a branch or a commit counts as the newest.

    >>> version_of("v1.8.14"), version_of("release/v1") == _NEWEST, version_of("release/v1.8")
    ((1, 8, 14), True, (1, 8, 99))
    """
    branch = ref.removeprefix("refs/heads/")
    text = ref.removeprefix("refs/tags/") if not branch.startswith("release/") else branch.removeprefix("release/")
    numbers = text[1:].split(".") if text[:1] == "v" else []
    if len(numbers) < 2 or not all(map(str.isdecimal, numbers)):
        return _NEWEST
    return tuple(map(int, numbers)) if len(numbers) > 2 else (*map(int, numbers), 99)


class Asked:
    """The inputs, with the defaults of the version."""

    def __init__(self, version: tuple[int, ...]) -> None:
        loud = "true" if version >= (1, 14) else "false"
        self.user = _given("user") or "__token__"
        self.password = _given("password")
        self.url = _given("repository-url") or "https://upload.pypi.org/legacy/"
        self.folder = (_given("packages-dir") or "dist").removesuffix("/")
        self.verify = _on("verify-metadata", "true")
        self.skip = _on("skip-existing", "false")
        self.verbose = _on("verbose", loud)
        self.hashes = _on("print-hash", loud) or self.verbose
        self.attest = version >= (1, 9) and _on("attestations", "true" if version >= (1, 11) else "false")


def _given(name: str) -> str:
    return toolkit.get_input(name) or toolkit.get_input(name.replace("-", "_"))


def _on(name: str, default: str) -> bool:
    return (_given(name) or default).lower() != "false"


def main() -> int:
    ref = os.environ.get("GITHUB_ACTION_REF", "")
    if ref == "master":
        raise ActionFailed("the branch master of pypa/gh-action-pypi-publish has been given up; use release/v1")
    asked = Asked(version_of(ref))
    for name in _KEBAB:
        if toolkit.get_input(old := name.replace("-", "_")):
            toolkit.warning(f"Input '{old}' has been deprecated with message: inputs are in kebab-case now, use `{name}`.")
    host, _ = _parts(asked.url)
    if host not in _HOSTS:
        raise ActionFailed(f"{asked.url} is no index of this run: it has one for PyPI and one for TestPyPI, and asks no other")
    _without_a_token_of_ones_own(asked)
    toolkit.info(f"{_HOSTS[host]} is answered by an index of this run: nothing is published")
    if asked.attest:
        toolkit.notice("no attestations are signed here, as that needs Sigstore's servers; on GitHub this step signs them")
    from headrace.actions.builtin.pypi_client import Index

    _use_libraries()
    if not os.environ.get("HEADRACE_INDEX"):  # as no job of the run may ask for a token
        return _failed(_no_token("the job may not ask for an identity token"))
    index = Index(host)
    toolkit.debug(f"authenticating to {asked.url} via trusted publishing")
    token = _exchange(index)
    if isinstance(token, int):
        return token
    try:
        return _publish(asked, index, token)
    finally:
        index.post_json("/_/oidc/burn-token", {"token": token})


def _parts(url: str) -> tuple[str, str]:
    """Host and path; no host where it is not https.

    >>> _parts("https://test.pypi.org/legacy/"), _parts("http://test.pypi.org/legacy/"), _parts("https://pypi.org")
    (('test.pypi.org', '/legacy/'), ('', '/legacy/'), ('pypi.org', '/'))
    """
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    return host.lower() if scheme.lower() == "https" else "", f"/{path}"


def _without_a_token_of_ones_own(asked: Asked) -> None:
    """An index of a run knows nobody but the run's own jobs. Raises ActionFailed."""
    if asked.user == "__token__" and not asked.password:
        return
    if asked.attest and _given("attestations"):
        toolkit.warning("attestations are only made with trusted publishing: a password turns them off")
    if asked.user == "__token__":
        toolkit.warning("trusted publishing needs no token to be kept: https://docs.pypi.org/trusted-publishers")
        what = "a token of PyPI's"
    else:
        what = "a name with a password, which PyPI takes from nobody any more"
    raise ActionFailed(
        f"the step uploads with {what}; indexes of a run take trusted publishing only: leave `user` and `password` out, and give "
        "the job `id-token: write`"
    )


def _use_libraries() -> None:
    """Make importable what the rules of an index are made of; nothing there comes before the standard library."""
    for folder in os.environ.get("HEADRACE_LIBRARIES", "").split(os.pathsep):
        if folder and folder not in sys.path:
            sys.path.append(folder)


# The exchange


def _exchange(index: Index) -> str | int:
    """An upload token; else the step's status, and why has been said."""
    from headrace.actions.builtin.pypi_client import Refused, identity_token

    answer = index.request("GET", "/_/oidc/audience")
    if answer.status != 200:
        why = {403: "has trusted publishing disabled", 404: "does not indicate trusted publishing support"}
        said = why.get(answer.status, f"responded with unexpected {answer.status}: {answer.reason}")
        return _failed(f"audience retrieval failed: repository at {index.host} {said}")
    try:
        identity = identity_token(str(answer.json().get("audience", "")))
    except Refused as error:
        return _failed(_no_token(str(error)))
    claims = _claims(identity)
    if claims.get("workflow_ref") != claims.get("job_workflow_ref"):
        toolkit.warning(
            f"this job stands in a called workflow, {claims.get('job_workflow_ref')}, called by {claims.get('workflow_ref')}; "
            f"PyPI does not support that for trusted publishing: {_TROUBLE}#reusable-workflows-on-github"
        )
    minted = index.post_json("/_/oidc/mint-token", {"token": identity})
    try:
        result = minted.json()
    except ValueError:
        return _failed(f"the index answered the request for a token with an unexpected {minted.status}")
    if minted.status != 200:
        return _failed(_refusal(result, claims))
    token = result.get("token")
    if not isinstance(token, str):
        return _failed("the index answered the request for a token without a token")
    toolkit.command("add-mask", token)
    return token


def _no_token(why: str) -> str:
    if _of_a_fork():
        cure = "The workflow runs for a pull request of a fork, which GitHub gives no identity, whatever the permissions say."
    else:
        cure = "Give the job the permission:\n\n```yaml\npermissions:\n  id-token: write\n```"
    return f"OpenID Connect token retrieval failed: {why}\n\n{cure}"


def _refusal(said: dict[str, object], claims: dict[str, object]) -> str:
    errors = said.get("errors")
    reasons = [f"* `{each.get('code')}`: {each.get('description')}" for each in (errors if isinstance(errors, list) else [])]
    report = said.get("report")
    closest = [str(report.get("text", ""))] if isinstance(report, dict) else []
    shown = [f"* `{name}`: `{claims.get(name, 'MISSING')}`" for name in _CLAIMS]
    lines = ["the index refused the identity token:", "", *reasons, *closest, "", "It says of the job:", "", *shown]
    return "\n".join([*lines, "", f"See {_TROUBLE}"])


def _claims(token: str) -> dict[str, object]:
    import json
    from base64 import urlsafe_b64decode

    try:
        payload = token.split(".")[1]
        found = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _of_a_fork() -> bool:
    if os.environ.get("GITHUB_EVENT_NAME") != "pull_request":
        return False
    import json

    try:
        with open(os.environ.get("GITHUB_EVENT_PATH", ""), encoding="utf-8") as file:
            repository = json.load(file)["pull_request"]["head"]["repo"]
            return bool(repository.get("fork")) or repository.get("full_name") != os.environ.get("GITHUB_REPOSITORY")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _failed(why: str) -> int:
    """Say it in the log and in the step's summary."""
    path = os.environ.get("GITHUB_STEP_SUMMARY", "")
    if path:
        with open(path, "a", encoding="utf-8") as summary:
            summary.write(
                f"Trusted publishing exchange failure:\n\n{why}\n\nThe step has no user and no password, so it publishes by "
                "trust. More about that: https://docs.pypi.org/trusted-publishers/\n"
            )
    toolkit.error(f"Trusted publishing exchange failure: {why}")
    return 1


# The files


def _publish(asked: Asked, index: Index, token: str) -> int:
    """Check all, then send all, wheels first. Raises ActionFailed."""
    import glob

    from headrace.index.model import Refusal
    from headrace.index.offline import check, read

    paths = [path for path in sorted(glob.glob(f"{asked.folder}/*")) if not path.endswith((".asc", ".attestation"))]
    if not any(path.endswith((".whl", ".tar.gz")) for path in paths):
        toolkit.warning(f'there are no distributions in "{asked.folder}/"; verify that they are there')
    if not paths:
        raise ActionFailed(f"there is nothing to upload: no file is {asked.folder}/*")
    files: list[Distribution] = []
    wrong = 0
    for path in paths:
        try:
            file = read(path)
            if asked.verify:
                if file.unread:
                    raise Refusal("metadata", f"Invalid distribution metadata: {', '.join(file.unread)} cannot be read")
                check(file)
                toolkit.info(f"Checking {path}: PASSED{_lacking(file)}")
            files.append(file)
        except Refusal as refusal:
            wrong += 1
            toolkit.info(f"Checking {path}: FAILED")
            toolkit.error(f"{path}: {refusal}")
    if wrong:
        raise ActionFailed(f"nothing is uploaded, as {wrong} of {len(paths)} files would be refused")
    if asked.hashes:
        _print_hashes(files)
    toolkit.info(f"Uploading distributions to {asked.url}")
    for file in sorted(files, key=lambda each: not each.filename.endswith(".whl")):
        _send(asked, index, token, file)
    return 0


def _lacking(file: Distribution) -> str:
    lacks = [name for name in ("description_content_type", "description") if not file.fields.get(name)]
    return f" with warnings: {' and '.join(f'`{name}` missing' for name in lacks)}" if lacks else ""


def _print_hashes(files: list[Distribution]) -> None:
    import hashlib

    toolkit.info("Showing hash values of files to be uploaded:")
    for file in files:
        with open(file.path, "rb") as content:
            md5 = hashlib.md5(content.read(), usedforsecurity=False).hexdigest()
        toolkit.info(f"{os.path.abspath(file.path)}\n\nSHA256: {file.sha256}\nMD5: {md5}")
        toolkit.info(f"BLAKE2-256: {file.fields['blake2_256_digest'][0]}\n")


def _send(asked: Asked, index: Index, token: str, file: Distribution) -> None:
    """One file. What the index fails at is sent again, as twine does. Raises ActionFailed."""
    if asked.skip and _is_there(index, file):
        toolkit.info(f"Skipping {file.filename} because it appears to already exist")
        return
    with open(file.path, "rb") as opened:
        content = opened.read()
    for attempt in range(1, _TRIES + 1):
        answer = index.upload(_parts(asked.url)[1], file.fields, file.filename, content, token)
        if answer.status < 500 or attempt == _TRIES:
            break
        toolkit.info(f"{file.filename}: {answer.status} {answer.reason}; trying again ({attempt} of {_TRIES - 1})")
    if asked.skip and answer.status in (400, 409) and "already exist" in answer.text:
        toolkit.info(f"Skipping {file.filename} because it appears to already exist")
    elif answer.status != 200:
        raise ActionFailed(f"{file.filename}: {_words(answer)}")
    else:
        toolkit.info(f"Uploaded {file.filename} ({file.size} bytes, sha256 {file.sha256})")


def _words(answer: Answer) -> str:
    if 300 <= answer.status < 400:
        return f"the index redirects ({answer.status}): the repository's URL needs a slash at its end"
    return answer.text.splitlines()[0] if answer.text else f"{answer.status} {answer.reason}"


def _is_there(index: Index, file: Distribution) -> bool:
    """Whether the index has a file of that name, whatever its bytes are."""
    answer = index.request("GET", f"/pypi/{file.fields['name'][0]}/json")
    try:
        releases = answer.json().get("releases") if answer.status == 200 else None
    except ValueError:
        return False
    listed = releases.values() if isinstance(releases, dict) else ()
    return any(each.get("filename") == file.filename for files in listed for each in files)
