"""actions/upload-artifact, protocol version 4: files by glob into one zip archive that is packed while it goes up."""

from __future__ import annotations

import os
from typing import NamedTuple

from headrace.actions.builtin import toolkit
from headrace.actions.builtin.toolkit import ActionFailed, get_flag, get_input
from headrace.actions.manifest import Manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    from headrace.actions.builtin.results_client import BlockWriter, Client

MANIFEST = Manifest(
    name="actions/upload-artifact",
    inputs={
        "name": "artifact",
        "path": "",
        "if-no-files-found": "warn",
        "retention-days": "",
        "compression-level": "6",
        "overwrite": "false",
        "include-hidden-files": "false",
        "archive": "true",
    },
    outputs=("artifact-id", "artifact-url", "artifact-digest"),
)

_WORDS = {
    '"': 'Double quote "',
    ":": "Colon :",
    "<": "Less than <",
    ">": "Greater than >",
    "|": "Vertical bar |",
    "*": "Asterisk *",
    "?": "Question mark ?",
    "\r": "Carriage return \\r",
    "\n": "Line feed \\n",
    "\\": "Backslash \\",
    "/": "Forward slash /",
}
_PIECE = 1 << 20


class _Inputs(NamedTuple):
    name: str
    path: str
    missing: str
    days: int
    level: int
    overwrite: bool
    hidden: bool
    archive: bool


class _Upload(NamedTuple):
    """`root` is what the archive's names are relative to."""

    files: tuple[str, ...]
    root: str


def main() -> int:
    """Upload one artifact. Raises ActionFailed where GitHub fails."""
    if 0 < toolkit.major() < 4:
        raise ActionFailed(
            f"This request has been automatically failed because it uses a deprecated version of `actions/upload-artifact: "
            f"{os.environ.get('GITHUB_ACTION_REF', '')}`. GitHub has closed the service of v3 and earlier; use v4 or later."
        )
    inputs = _inputs()
    upload = _find(inputs)
    if not upload.files:
        return _nothing(inputs)
    plural = "" if len(upload.files) == 1 else "s"
    toolkit.info(f"With the provided path, there will be {len(upload.files)} file{plural} uploaded")
    toolkit.debug(f"Root artifact directory is {upload.root}")
    refuse_other_servers()
    if not inputs.archive:
        if len(upload.files) > 1:
            raise ActionFailed(
                f"When 'archive' is set to false, only a single file can be uploaded. Found {len(upload.files)} files to upload."
            )
        inputs = inputs._replace(name=os.path.basename(upload.files[0]))
    _check_name(inputs.name)
    names = {path: _entry(path, upload.root) for path in upload.files}

    from headrace.actions.builtin.results_client import CallFailed, Client

    try:
        client = Client()
        if inputs.overwrite:
            _delete(client, inputs.name)
        _send(client, inputs, names)
    except CallFailed as failure:
        raise ActionFailed(str(failure)) from None
    return 0


# Inputs


def _inputs() -> _Inputs:
    path = get_input("path")
    if not path:
        raise ActionFailed("Input required and not supplied: path")
    missing = (get_input("if-no-files-found") or "warn").lower()
    if missing not in ("warn", "error", "ignore"):
        raise ActionFailed(
            f"Unrecognized if-no-files-found input. Provided: {get_input('if-no-files-found')}. "
            "Available options: warn,error,ignore"
        )
    level = _number("compression-level", "6")
    if not 0 <= level <= 9:
        raise ActionFailed("Invalid compression-level. Valid values are 0-9")
    archive = get_flag("archive") if get_input("archive") and not 0 < toolkit.major() < 7 else True
    name = get_input("name") or "artifact"
    return _Inputs(name, path, missing, _days(), level, get_flag("overwrite"), get_flag("include-hidden-files"), archive)


def _number(name: str, default: str) -> int:
    """As far as it is a number, like JavaScript's parseInt."""
    import re

    found = re.match(r"[+-]?\d+", get_input(name) or default)
    if found is None:
        raise ActionFailed(f"Invalid {name}")
    return int(found.group())


def _days() -> int:
    """0: as long as the service likes."""
    days = _number("retention-days", "0")
    most = os.environ.get("GITHUB_RETENTION_DAYS", "")
    if days and most.isdecimal() and days > int(most):
        toolkit.warning(
            "Retention days cannot be greater than the maximum allowed retention set within the repository. "
            f"Using {most} instead."
        )
        return int(most)
    return days


def refuse_other_servers() -> None:
    """The toolkit speaks this protocol to github.com and its like only; a runner may name a server below `.localhost`."""
    server = os.environ.get("GITHUB_SERVER_URL") or "https://github.com"
    host = server.split("://", 1)[-1].split("/", 1)[0].rsplit("@", 1)[-1].split(":", 1)[0].strip().upper()
    if host != "GITHUB.COM" and not host.endswith((".GHE.COM", ".LOCALHOST")):
        raise ActionFailed(
            "@actions/artifact v2.0.0+, upload-artifact@v4+ and download-artifact@v4+ are not currently supported on GHES."
        )


# Files


def _find(inputs: _Inputs) -> _Upload:
    from headrace.actions.builtin import globs

    workspace = os.getcwd()
    try:
        patterns = globs.parse(inputs.path.splitlines(), workspace)
    except globs.InvalidPattern as error:
        raise ActionFailed(str(error)) from None
    found = globs.search(patterns, hidden=inputs.hidden)
    for path in found.broken:
        toolkit.info(f"Broken symbolic link '{path}' is left out")
    files = tuple(path for path in found.files if _is_plain(path))
    _note_case_twins(files)
    if len(found.starts) > 1:
        toolkit.info("Multiple search paths detected. Calculating the least common ancestor of all paths")
        root = os.path.commonpath(found.starts)
        toolkit.info(f"The least common ancestor is {root}. This will be the root directory of the artifact")
        return _Upload(files, root)
    root = found.starts[0] if found.starts else workspace
    return _Upload(files, os.path.dirname(root) if files == (root,) else root)


def _is_plain(path: str) -> bool:
    if os.path.isfile(path):
        return True
    toolkit.warning(f"'{path}' is no plain file and is left out of the artifact")
    return False


def _note_case_twins(files: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for path in files:
        if path.lower() in seen:
            toolkit.info(
                f"Uploads are case insensitive: {path} was detected that it will be overwritten by another file with the same "
                "path"
            )
        seen.add(path.lower())


def _nothing(inputs: _Inputs) -> int:
    text = f"No files were found with the provided path: {inputs.path}. No artifacts will be uploaded."
    match inputs.missing:
        case "error":
            raise ActionFailed(text)
        case "warn":
            toolkit.warning(text)
        case _:
            toolkit.info(text)
    return 0


def _check_name(name: str) -> None:
    for character, words in _WORDS.items():
        if character in name:
            raise ActionFailed(
                f"The artifact name is not valid: {name}. Contains the following character: {words}\n\n"
                f"Invalid characters include: {', '.join(_WORDS.values())}\n\n"
                "Some file systems do not allow them, so that nobody could download the artifact there."
            )
    toolkit.info("Artifact name is valid!")


def _entry(path: str, root: str) -> str:
    """The name in the archive: relative, with slashes."""
    name = os.path.relpath(path, root)
    for character, words in _WORDS.items():
        if character in name and character not in ("\\", "/"):
            raise ActionFailed(
                f"The path for one of the files in artifact is not valid: /{name}. Contains the following character: {words}\n\n"
                f"Invalid characters include: {', '.join(list(_WORDS.values())[:-2])}"
            )
    return name


# Upload


def _delete(client: Client, name: str) -> None:
    listed = client.call("ListArtifacts", name_filter=name).get("artifacts") or []
    assert isinstance(listed, list)
    if listed:
        answer = client.call("DeleteArtifact", name=name)
        toolkit.info(f"Artifact '{name}' (ID: {answer.get('artifact_id') or answer.get('artifactId')}) deleted")


def _send(client: Client, inputs: _Inputs, names: dict[str, str]) -> None:
    from headrace.actions.builtin.results_client import BlockWriter

    fields: dict[str, object] = {"name": inputs.name, "version": 4 if inputs.archive else 7}
    if inputs.days:
        import time

        fields["expires_at"] = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + inputs.days * 86400))
    mime = "application/zip"
    if not inputs.archive:
        import mimetypes

        mime = mimetypes.guess_type(inputs.name)[0] or "application/octet-stream"
        fields["mime_type"] = mime
    created = client.call("CreateArtifact", **fields)
    url = created.get("signed_upload_url") or created.get("signedUploadUrl")
    if not created.get("ok") or not isinstance(url, str):
        raise ActionFailed("CreateArtifact: response from backend was not ok")
    toolkit.info("Beginning upload of artifact content to blob storage")
    writer = BlockWriter(url)
    if inputs.archive:
        _pack(writer, names, inputs.level)
    else:
        with open(next(iter(names)), "rb") as file:
            _copy(file, writer.write)
    digest = writer.finish(mime)
    toolkit.info(f"Uploaded bytes {writer.size}")
    toolkit.info("Finished uploading artifact content to blob storage!")
    toolkit.info(f"SHA256 digest of uploaded artifact is {digest}")
    toolkit.info("Finalizing artifact upload")
    done = client.call("FinalizeArtifact", name=inputs.name, size=str(writer.size), hash=f"sha256:{digest}")
    number = str(done.get("artifact_id") or done.get("artifactId") or "")
    if not done.get("ok"):
        raise ActionFailed("FinalizeArtifact: response from backend was not ok")
    toolkit.info(
        f"Artifact {inputs.name} has been successfully uploaded! Final size is {writer.size} bytes. Artifact ID is {number}"
    )
    server = (os.environ.get("GITHUB_SERVER_URL") or "https://github.com").rstrip("/")
    place = f"{server}/{os.environ.get('GITHUB_REPOSITORY', '')}/actions/runs/{os.environ.get('GITHUB_RUN_ID', '')}"
    link = f"{place}/artifacts/{number}"
    toolkit.info(f"Artifact download URL: {link}")
    toolkit.set_output("artifact-id", number)
    toolkit.set_output("artifact-url", link)
    toolkit.set_output("artifact-digest", digest)


def _pack(writer: BlockWriter, names: dict[str, str], level: int) -> None:
    """A zip archive on a stream that cannot go back: sizes follow the data. Files that grow meanwhile are still whole entries."""
    import zipfile

    kind = zipfile.ZIP_DEFLATED if level else zipfile.ZIP_STORED
    try:
        with zipfile.ZipFile(writer, "w", kind, compresslevel=level or None) as archive:
            for path, name in names.items():
                info = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
                info.compress_type = kind
                with open(path, "rb") as file, archive.open(info, "w", force_zip64=info.file_size >= 1 << 31) as entry:
                    _copy(file, entry.write)
    except OSError as error:
        raise ActionFailed(f"An error has occurred during zip creation for the artifact: {error}") from None


def _copy(source: IO[bytes], write: Callable[[bytes], object]) -> None:
    while piece := source.read(_PIECE):
        write(piece)
