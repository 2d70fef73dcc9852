"""PyPI's own words, which clients and people know.

Source: warehouse (forklift/legacy.py, forklift/forms.py, forklift/metadata.py, oidc/views.py)."""

from __future__ import annotations

READ_ONLY = "Read-only mode: Uploads are temporarily disabled."
DISABLED = "New uploads are temporarily disabled."
NO_CREDENTIALS = "Invalid or non-existent authentication information."
UNKNOWN_PROTOCOL = "Unknown protocol version."
NO_FILE = "Upload payload does not have a file."
NO_DIGEST = "Error: Include at least one message digest."
NAME_FORM = "Start and end with a letter or numeral containing only ASCII numeric and '.', '_' and '-'."
NO_NEW_PROJECTS = (
    "Non-user identities cannot create new projects. This was probably caused by successfully using a pending publisher but "
    "specifying the project name incorrectly (either in the publisher or in your project's metadata). Please ensure that both "
    "match. See: https://docs.pypi.org/trusted-publishers/troubleshooting/"
)
CONTROL_CHARACTERS = (
    "Cannot upload a file with non-printable characters (ordinals 0-31) or the DEL character (ordinal 127) in the name."
)
PATH_SEPARATORS = "Cannot upload a file with '/' or '\\' in the name."
WRONG_DIGEST = "The digest supplied does not match a digest calculated from the uploaded file."
NAME_REUSE = "This filename was previously used by a file that has since been deleted. Use a different version."
ONE_SDIST = "Only one sdist may be uploaded per release."
TOKEN_FAILED = "Token request failed"
TP_DISABLED = "Trusted publishing functionality not enabled"
USED_TOKEN = "invalid token: already used"
BAD_TOKEN = "malformed or invalid token"
MALFORMED = "malformed JWT"
UNKNOWN_ISSUER = "unknown trusted publishing issuer"
PROJECT_EXISTS = "valid token, but project already exists"
NOT_FOUND = "Publisher with matching claims was not found"
TARGET = "Publishing from a workflow invoked via 'pull_request_target' is not supported."
EMPTY_REFS = "The ref and sha claims are empty"
NO_FILE_NAME = "Could not job extract workflow filename from OIDC claims"
SEE_METADATA = "See https://packaging.python.org/specifications/core-metadata for more information."
SEE_LOCAL = (
    "See https://packaging.python.org/en/latest/specifications/version-specifiers/#local-version-identifiers "
    "for more information."
)


def invalid_value(value: str, error: str) -> str:
    """Of the field Name, the one that has a description on PyPI.

    >>> invalid_value("-x", "Bad.")[:50]
    "'-x' is an invalid value for Name. Error: Bad. See"
    """
    shown = f"{value[:30]}...{value[-30:]}" if len(value) > 60 else value
    return f"{shown!r} is an invalid value for Name. Error: {error} {SEE_METADATA}"


def invalid_field(field: str, error: str) -> str:
    return f"Invalid value for {field}. Error: {error}"


def exists(filename: str, blake2_256: str) -> str:
    """twine's --skip-existing looks for the first words."""
    return f"File already exists ({filename!r}, with blake2_256 hash {blake2_256!r})."


def closed(days: float) -> str:
    return f"Uploading new files to releases older than {days:g} days is not allowed."


def file_too_large(project: str, mib: int) -> str:
    return f"File too large. Limit for project {project!r} is {mib} MB."


def project_too_large(project: str, gib: int) -> str:
    return f"Project size too large. Limit for project {project!r} total size is {gib} GB."


def not_allowed(project: str) -> str:
    return f"The given token isn't allowed to upload to project {project!r}."


def bad_scope(project: str) -> str:
    return f"Invalid API Token: OIDC scoped token is not valid for project {project!r}"


EXPIRED = "Invalid API Token: token is expired"


def not_rendered(kind: str) -> str:
    """`kind` is the content type that was said, "" where none was."""
    if kind:
        return f"The description failed to render for '{kind}'."
    return "The description failed to render in the default format of reStructuredText."


def no_publisher(reason: str) -> str:
    return f"valid token, but no corresponding publisher ({reason})"


def no_license(file: str, distribution: str, at: str) -> str:
    return f"License-File {file} does not exist in distribution file {distribution} at {at}"
