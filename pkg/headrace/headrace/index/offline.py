"""A distribution file as an uploader sends it, and the rules of an index that need no index to be asked."""

from __future__ import annotations

import hashlib
import os
import re
from typing import Any

from msgspec import Struct
from packaging.metadata import parse_email
from packaging.version import InvalidVersion, Version

from headrace.index import archives, fields, filenames, form, messages
from headrace.index.model import DEFAULT, MIB, Limits, Refusal
from headrace.index.rules import Judge

_FIELDS = {
    "metadata_version": "metadata_version", "version": "version", "platforms": "platform", "summary": "summary",
    "description": "description", "home_page": "home_page", "author": "author", "author_email": "author_email",
    "license": "license", "supported_platforms": "supported_platform", "download_url": "download_url",
    "classifiers": "classifiers", "requires": "requires", "provides": "provides", "obsoletes": "obsoletes",
    "maintainer": "maintainer", "maintainer_email": "maintainer_email", "requires_dist": "requires_dist",
    "provides_dist": "provides_dist", "obsoletes_dist": "obsoletes_dist", "requires_python": "requires_python",
    "requires_external": "requires_external", "description_content_type": "description_content_type",
    "provides_extra": "provides_extra", "dynamic": "dynamic", "license_expression": "license_expression",
    "license_files": "license_file", "import_names": "import_name", "import_namespaces": "import_namespace",
}  # fmt: skip
"""A field of `RawMetadata` → of the form. `name`, `keywords` and `project_urls` are written differently there."""
_PIECE = MIB


class Distribution(Struct, frozen=True):
    """A file with the fields of its upload. `unread` are those of its metadata that mean nothing."""

    path: str
    filename: str
    name: str
    version: str
    size: int
    fields: dict[str, list[str]]
    unread: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        return self.fields["sha256_digest"][0]


def read(path: str) -> Distribution:
    """Raises Refusal for what is no distribution, OSError."""
    filename = os.path.basename(path)
    kind = next((kind for kind, endings in form.KINDS.items() if filename.endswith(endings)), "")
    if not kind:
        raise Refusal("filename", f"Unknown distribution format: {filename!r}")
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        with archives.Archive(filename, file, size) as archive:
            metadata = f"{archive.top}/{'PKG-INFO' if kind == 'sdist' else 'METADATA'}"
            content = archive.read(metadata)
        if content is None:
            raise Refusal("archive", f"Invalid distribution file. {metadata} not found")
        digests = _digests(file)
    raw, unread = parse_email(content)
    given: dict[str, Any] = dict(raw)
    if _older(str(given.get("metadata_version", "")), "2.4"):  # setuptools wrote it long before there was such a field
        given.pop("license_files", None)
        unread.pop("license-file", None)
    name, version = str(given.get("name", "")), str(given.get("version", ""))
    said: dict[str, list[str]] = {":action": ["file_upload"], "protocol_version": ["1"]}
    for field, there in _FIELDS.items():
        if field in given:
            value = given[field]
            said[there] = list(value) if isinstance(value, list) else [str(value)]
    said["name"] = [re.sub("[^A-Za-z0-9.]+", "-", name)]
    if "keywords" in given:
        said["keywords"] = [",".join(given["keywords"])]
    if "project_urls" in given:
        said["project_urls"] = [f"{label}, {url}" for label, url in given["project_urls"].items()]
    said["filetype"] = [kind]
    said["pyversion"] = ["source" if kind == "sdist" else _python_tag(filename)]
    said |= digests
    return Distribution(path, filename, name, version, size, said, tuple(sorted(unread)))


def check(distribution: Distribution, judge: Judge | None = None, limits: Limits = DEFAULT) -> None:
    """What PyPI would refuse whatever it has already, in its order. Raises Refusal."""
    judge = judge or Judge()
    said = form.cleaned(distribution.fields)
    shape = form.read(said)
    metadata = fields.read(said, judge)
    fields.check_description(metadata, judge)
    filename = distribution.filename
    filenames.check_shape(filename, shape.kind)
    if distribution.size > limits.file:
        judge.refuse("file-size", messages.file_too_large(distribution.name, limits.file // MIB))
    with open(distribution.path, "rb") as file, archives.Archive(filename, file, distribution.size) as archive:
        licenses = metadata.license_files or []
        if shape.kind == "sdist":
            filenames.check_sdist(filename, metadata.name, metadata.version)
            archives.check_licenses(archive, licenses)
        else:
            filenames.check_wheel(filename, metadata.name, metadata.version, judge)
            archives.check_licenses(archive, licenses)
            archives.check_wheel(archive)


def _digests(file: Any) -> dict[str, list[str]]:
    sha256, blake = hashlib.sha256(), hashlib.blake2b(digest_size=32)
    file.seek(0)
    while piece := file.read(_PIECE):
        sha256.update(piece)
        blake.update(piece)
    return {"sha256_digest": [sha256.hexdigest()], "blake2_256_digest": [blake.hexdigest()]}


def _python_tag(filename: str) -> str:
    """
    >>> _python_tag("demo-1.0-py3-none-any.whl"), _python_tag("demo-1.0-1build-cp311-abi3-linux_x86_64.whl")
    ('py3', 'cp311')
    """
    parts = filename.removesuffix(".whl").split("-")
    return parts[-3] if len(parts) >= 5 else ""


def _older(version: str, than: str) -> bool:
    try:
        return Version(version) < Version(than)
    except InvalidVersion:
        return False
