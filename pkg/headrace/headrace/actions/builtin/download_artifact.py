"""actions/download-artifact, protocol version 4: artifacts of this run, by name, by id, by pattern or all."""

from __future__ import annotations

import os
from typing import NamedTuple

from headrace.actions.builtin import toolkit
from headrace.actions.builtin.toolkit import ActionFailed, get_flag, get_input
from headrace.actions.manifest import Manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from headrace.actions.builtin.results_client import Client
    from headrace.actions.builtin.results_download import Downloaded

MANIFEST = Manifest(
    name="actions/download-artifact",
    inputs={
        "name": "",
        "artifact-ids": "",
        "path": "",
        "pattern": "",
        "merge-multiple": "false",
        "github-token": "",
        "repository": "${{ github.repository }}",
        "run-id": "${{ github.run_id }}",
        "skip-decompress": "false",
        "digest-mismatch": "error",
    },
    outputs=("download-path",),
)

_BEHAVIOURS = ("ignore", "info", "warn", "error")
_MOST = 1000  # artifacts that are listed
_FAQ = "https://github.com/actions/toolkit/blob/main/packages/artifact/docs/faq.md"
_ZIP = ("application/zip", "application/x-zip-compressed", "application/zip-compressed")


class _Inputs(NamedTuple):
    """`ids` as they were given."""

    name: str
    ids: str
    pattern: str
    merge: bool
    whole: bool
    mismatch: str


class _Artifact(NamedTuple):
    id: int
    name: str
    size: str
    digest: str
    run: str
    job: str


def main() -> int:
    """Download artifacts. Raises ActionFailed where GitHub fails."""
    if 0 < toolkit.major() < 4:
        raise ActionFailed(
            f"This request has been automatically failed because it uses a deprecated version of `actions/download-artifact: "
            f"{os.environ.get('GITHUB_ACTION_REF', '')}`. GitHub has closed the service of v3 and earlier; use v4 or later."
        )
    from headrace.actions.builtin.results_client import CallFailed

    try:
        _download()
    except (ActionFailed, CallFailed, OSError) as error:
        raise ActionFailed(f"Unable to download artifact(s): {error}") from None
    return 0


def _download() -> None:
    from headrace.actions.builtin.results_client import Client
    from headrace.actions.builtin.upload_artifact import refuse_other_servers

    inputs, folder = _inputs(), _folder()
    toolkit.debug(f"Resolved path is {folder}")
    _refuse_other_runs()
    refuse_other_servers()
    client = Client()
    artifacts = _chosen(client, inputs)
    if artifacts:
        toolkit.info("Preparing to download the following artifacts:")
        for one in artifacts:
            toolkit.info(f"- {one.name} (ID: {one.id}, Size: {one.size}, Expected Digest: {one.digest or None})")
    straight = bool(inputs.name) or inputs.merge or (len(artifacts) == 1 and not 0 < toolkit.major() < 5)
    wrong = [one.name for one in artifacts if not _fetch(client, one, folder if straight else _inner(folder, one), inputs)]
    for name in wrong:
        text = f"Artifact '{name}' digest validation failed. Please verify the integrity of the artifact."
        if inputs.mismatch == "warn":
            toolkit.warning(text)
        elif inputs.mismatch == "info":
            toolkit.info(text)
    if wrong and inputs.mismatch == "error":
        raise ActionFailed(
            f"Digest validation failed for artifact(s): {', '.join(wrong)}. Use 'digest-mismatch: warn' to continue on mismatch."
        )
    toolkit.info(f"Total of {len(artifacts)} artifact(s) downloaded")
    toolkit.set_output("download-path", folder)
    toolkit.info("Download artifact has finished successfully")


# Inputs


def _inputs() -> _Inputs:
    new = not 0 < toolkit.major() < 8
    mismatch = (get_input("digest-mismatch") or "error") if new else "warn"
    merge, whole = get_flag("merge-multiple"), new and get_flag("skip-decompress")
    if mismatch not in _BEHAVIOURS:
        listed = ", ".join(_BEHAVIOURS)
        raise ActionFailed(f"Invalid value for 'digest-mismatch': '{mismatch}'. Valid options are: {listed}")
    name, ids = get_input("name"), get_input("artifact-ids")
    if name and ids:
        raise ActionFailed("Inputs 'name' and 'artifact-ids' cannot be used together. Please specify only one.")
    return _Inputs(name, ids, get_input("pattern"), merge, whole, mismatch)


def _folder() -> str:
    path = get_input("path") or os.environ.get("GITHUB_WORKSPACE") or os.getcwd()
    if path.startswith("~"):
        path = os.path.expanduser("~") + path[1:]
    return os.path.abspath(path)


def _refuse_other_runs() -> None:
    """Only with a token GitHub looks at `repository` and `run-id` at all. This run's own artifacts are had without one."""
    if not get_input("github-token"):
        return
    repository, run = get_input("repository"), get_input("run-id")
    if len([part for part in repository.split("/")[:2] if part]) != 2:
        raise ActionFailed(f"Invalid repository: '{repository}'. Must be in format owner/repo")
    if repository.lower() != os.environ.get("GITHUB_REPOSITORY", "").lower():
        raise ActionFailed(f"artifacts of another repository, {repository}, are not at hand here: only those of this run are")
    if run != os.environ.get("GITHUB_RUN_ID", ""):
        raise ActionFailed(f"artifacts of another run, {run}, are not at hand here: only those of this run are")


# Which


def _chosen(client: Client, inputs: _Inputs) -> list[_Artifact]:
    if inputs.name:
        toolkit.info("Downloading single artifact")
        found = _listed(client, name_filter=inputs.name)
        if not found:
            raise ActionFailed(
                f"Artifact not found for name: {inputs.name}\n"
                "        Please ensure that your artifact is not expired and the artifact was uploaded using a compatible "
                f"version of toolkit/upload-artifact.\n        For more information, visit the GitHub Artifacts FAQ: {_FAQ}"
            )
        return found[:1]
    if inputs.ids:
        toolkit.info("Downloading artifacts by ID")
        return _by_ids(_latest(client), _numbers(inputs.ids))
    found = _latest(client)
    if inputs.pattern:
        from headrace.actions.builtin.minimatch import matches

        toolkit.info(f"Filtering artifacts by pattern '{inputs.pattern}'")
        return [one for one in found if matches(inputs.pattern, one.name)]
    toolkit.info("No input name, artifact-ids or pattern filtered specified, downloading all artifacts")
    if not inputs.merge:
        toolkit.info("An extra directory with the artifact name will be created for each download")
    return found


def _numbers(text: str) -> list[int]:
    """The ids of a comma list, as far as each is a number, like JavaScript's parseInt."""
    import re

    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise ActionFailed("No valid artifact IDs provided in 'artifact-ids' input")
    numbers = []
    for word in words:
        found = re.match(r"[+-]?\d+", word)
        if found is None:
            raise ActionFailed(f"Invalid artifact ID: '{word}'. Must be a number.")
        numbers.append(int(found.group()))
    return numbers


def _by_ids(artifacts: list[_Artifact], ids: list[int]) -> list[_Artifact]:
    found = [one for one in artifacts if one.id in ids]
    if not found:
        raise ActionFailed("None of the provided artifact IDs were found")
    if len(found) < len(ids):
        missing = [str(number) for number in ids if number not in {one.id for one in found}]
        toolkit.warning(f"Could not find the following artifact IDs: {', '.join(missing)}")
    return found


def _latest(client: Client) -> list[_Artifact]:
    """Of artifacts with the same name the newest."""
    latest: dict[str, _Artifact] = {}
    for one in _listed(client):
        latest.setdefault(one.name, one)
    toolkit.info(f"Found {len(latest)} artifact(s)")
    return list(latest.values())


def _listed(client: Client, **filters: str) -> list[_Artifact]:
    """Newest first."""
    rows = client.call("ListArtifacts", **filters).get("artifacts") or []
    found = []
    for row in rows if isinstance(rows, list) else []:
        number = str(row.get("database_id") or row.get("databaseId") or "0")
        run = str(row.get("workflow_run_backend_id") or row.get("workflowRunBackendId") or "")
        job = str(row.get("workflow_job_run_backend_id") or row.get("workflowJobRunBackendId") or "")
        size, digest = str(row.get("size") or "0"), str(row.get("digest") or "")
        found.append(_Artifact(int(number), str(row.get("name") or ""), size, digest, run, job))
    found.sort(key=lambda one: -one.id)
    if len(found) > _MOST:
        toolkit.warning(
            f"Workflow run has more than {_MOST} artifacts. Results will be incomplete as only the first {_MOST} count"
        )
    return found[:_MOST]


# Fetching


def _inner(folder: str, one: _Artifact) -> str:
    """The service keeps names without slashes; one that is a way up would lead out of the folder."""
    if one.name in ("", ".", "..") or "/" in one.name or "\0" in one.name:
        raise ActionFailed(f"Malformed extraction path: {os.path.normpath(os.path.join(folder, one.name))}")
    return os.path.join(folder, one.name)


def _fetch(client: Client, one: _Artifact, folder: str, inputs: _Inputs) -> bool:
    """Whether its bytes are those that were uploaded. They are unpacked all the same, as on GitHub."""
    from headrace.actions.builtin.results_download import download

    signed = client.call(
        "GetSignedArtifactURL", workflow_run_backend_id=one.run, workflow_job_run_backend_id=one.job, name=one.name
    )
    url = signed.get("signed_url") or signed.get("signedUrl")
    if not isinstance(url, str):
        raise ActionFailed("GetSignedArtifactURL: response from backend has no URL")
    os.makedirs(folder, exist_ok=True)
    toolkit.info(f"Redirecting to blob download url: {url.split('?')[0]}")
    toolkit.info(f"Starting download of artifact to: {folder}")
    archive = os.path.join(os.environ.get("RUNNER_TEMP") or folder, f"headrace-artifact-{os.urandom(8).hex()}")
    try:
        got = download(url, archive)
        _place(got, one, archive, folder, inputs)
    except ActionFailed as error:
        raise ActionFailed(f"Unable to download and extract artifact: {error}") from None
    finally:
        toolkit.remove(archive)
    toolkit.info(f"SHA256 digest of downloaded artifact is {got.digest}")
    toolkit.info("Artifact download completed successfully.")
    return not one.digest or one.digest == f"sha256:{got.digest}"


def _place(got: Downloaded, one: _Artifact, archive: str, folder: str, inputs: _Inputs) -> None:
    """Up to v7 everything is taken for an archive."""
    from headrace.actions.builtin.unpack import Malformed, unpack

    packed = got.mime in _ZIP or got.path.lower().endswith(".zip") or 0 < toolkit.major() < 8
    if packed and not inputs.whole:
        try:
            unpack(archive, folder)
        except Malformed as error:
            raise ActionFailed(str(error)) from None
        return
    name = os.path.basename(got.name) or "artifact"
    if name in (".", ".."):
        raise ActionFailed(f"Malformed extraction path: {os.path.normpath(os.path.join(folder, name))}")
    path = os.path.join(folder, name)
    toolkit.remove(path)
    import shutil

    shutil.move(archive, path)
