"""The core metadata in the form of an upload, with the limits that PyPI adds to the specification.

Source: warehouse, forklift/metadata.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parseaddr
from typing import Any, cast
from urllib.parse import urlsplit

from packaging.metadata import ExceptionGroup, InvalidMetadata, Metadata, RawMetadata
from packaging.requirements import InvalidRequirement, Requirement

from headrace.index import messages
from headrace.index.form import Fields
from headrace.index.rules import Judge

VERSIONS = frozenset(("1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5"))
_TEXTS = (
    "metadata_version", "name", "version", "summary", "description", "description_content_type", "author", "author_email",
    "maintainer", "maintainer_email", "license", "license_expression", "home_page", "download_url", "requires_python",
)  # fmt: skip
_LISTS = {
    "classifiers": "classifiers", "requires_dist": "requires_dist", "provides_dist": "provides_dist", "dynamic": "dynamic",
    "obsoletes_dist": "obsoletes_dist", "requires_external": "requires_external", "provides_extra": "provides_extra",
    "platform": "platforms", "supported_platform": "supported_platforms", "license_file": "license_files",
    "import_name": "import_names", "import_namespace": "import_namespaces", "requires": "requires", "provides": "provides",
    "obsoletes": "obsoletes",
}  # fmt: skip
"""A list's name in the form → in `RawMetadata`."""
_DYNAMIC = frozenset((
    "platform", "supported-platform", "summary", "description", "description-content-type", "keywords", "home-page",
    "download-url", "author", "author-email", "maintainer", "maintainer-email", "license", "license-expression", "license-file",
    "classifier", "requires-dist", "requires-python", "requires-external", "project-url", "provides-extra", "provides-dist",
    "obsoletes-dist", "requires", "provides", "obsoletes", "import-name", "import-namespace",
))  # fmt: skip
_FIRST = ("metadata-version", "name", "version")
_LONGEST_SUMMARY = 512
_LONGEST_LABEL = 32
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")

_Wrong = tuple[str, str, str]
"""The rule, the field as metadata files spell it, and what is wrong."""


def read(fields: Fields, judge: Judge) -> Metadata:
    """From cleaned fields. Raises Refusal, of what is wrong the one that PyPI would name."""
    raw: dict[str, Any] = {name: fields[name][0] for name in _TEXTS if len(fields.get(name, ())) == 1}
    raw |= {name: list(fields[form]) for form, name in _LISTS.items() if fields.get(form)}
    twice = [name for name in (*_TEXTS, "keywords") if len(fields.get(name, ())) > 1]
    if len(fields.get("keywords", ())) == 1:
        raw["keywords"] = [word.strip() for word in fields["keywords"][0].split(",")]
    urls: dict[str, str] = {}
    for text in fields.get("project_urls", ()):
        label, _, url = (part.strip() for part in text.partition(","))
        if label in urls:
            twice.append("project_urls")
        urls[label] = url
    if urls:
        raw["project_urls"] = urls
    if twice:
        _refuse([("metadata", name, f"{name!r} has invalid data") for name in twice], judge)
    try:
        metadata = Metadata.from_raw(cast(RawMetadata, raw))
    except ExceptionGroup as group:
        errors = [error for error in group.exceptions if isinstance(error, InvalidMetadata)]
        _refuse([("metadata", error.field, str(error)) for error in errors], judge)
        raise
    _refuse(list(_beyond(metadata)), judge)
    return metadata


def _refuse(wrong: list[_Wrong], judge: Judge) -> None:
    """The most important field's first error; the others come up when that one only warns."""
    order = {field: number for number, field in enumerate(_FIRST)}
    for rule, _, text in sorted(wrong, key=lambda each: (order.get(each[1], len(order)), each[1])):
        see = messages.SEE_LOCAL if rule == "local-version" else messages.SEE_METADATA
        judge.refuse(rule, f"{text.rstrip('.')}. {see}")


def _beyond(metadata: Metadata) -> Iterator[_Wrong]:
    """What PyPI refuses and the specification allows."""
    from trove_classifiers import all_classifiers, deprecated_classifiers

    if metadata.metadata_version not in VERSIONS:
        yield "metadata", "metadata-version", f"{metadata.metadata_version!r} is not a valid metadata version"
    if metadata.version.local:
        yield "local-version", "version", f"The use of local versions in '{metadata.version}' is not allowed."
    if len(metadata.summary or "") > _LONGEST_SUMMARY:
        yield "metadata", "summary", f"'summary' field must be {_LONGEST_SUMMARY} characters or less."
    for field, said in (("author-email", metadata.author_email), ("maintainer-email", metadata.maintainer_email)):
        address = parseaddr(said or "")[1]
        if address and not _EMAIL.fullmatch(address):
            yield "metadata", field, f"{address!r} is not a valid email address"
    for classifier in sorted(set(metadata.classifiers or ())):
        if classifier not in all_classifiers:
            yield "classifier", "classifier", f"{classifier!r} is not a valid classifier."
        elif classifier in deprecated_classifiers:
            instead = deprecated_classifiers[classifier]
            more = f", use one of {instead} instead." if instead else "."
            yield "classifier", "classifier", f"The classifier {classifier!r} has been deprecated{more}"
    for field, link in (("home-page", metadata.home_page), ("download-url", metadata.download_url)):
        if link is not None and not _is_url(link):
            yield "metadata", field, f"{link!r} is not a valid url."
    for label, url in (metadata.project_urls or {}).items():
        if not label:
            yield "metadata", "project-url", "Must have a label"
        elif len(label) > _LONGEST_LABEL:
            yield "metadata", "project-url", f"{label!r} must be {_LONGEST_LABEL} characters or less."
        elif not url:
            yield "metadata", "project-url", "Must have a URL"
        elif not _is_url(url):
            yield "metadata", "project-url", f"{url!r} is not a valid url"
    for field, requirements in (("provides-dist", metadata.provides_dist), ("obsoletes-dist", metadata.obsoletes_dist)):
        for text in requirements or ():
            try:
                if Requirement(text).url is not None:
                    yield "direct-dependency", field, f"Can't have direct dependency: {text!r}"
            except InvalidRequirement as error:
                yield "metadata", field, f"{text!r} is invalid: {error}"
    for requirement in metadata.requires_dist or ():
        if requirement.url is not None:
            yield "direct-dependency", "requires-dist", f"Can't have direct dependency: {requirement}"
    for name in metadata.dynamic or ():
        if name.lower() not in _DYNAMIC:
            yield "metadata", "dynamic", f"Dynamic field {name!r} is not a valid dynamic field."
    if metadata.license and metadata.license_expression:
        wrong = "License is deprecated when License-Expression is present. Only License-Expression should be present."
        yield "metadata", "license", wrong


def check_description(metadata: Metadata, judge: Judge) -> None:
    """Whether it renders. Markdown and plain text always do; only reStructuredText can be wrong."""
    said = metadata.description_content_type or ""
    if not metadata.description or said.partition(";")[0].strip() not in ("", "text/x-rst"):
        return
    import io

    from readme_renderer import rst

    if rst.render(metadata.description, stream=io.StringIO()) is None:
        judge.refuse("description", messages.not_rendered(said))


def _is_url(text: str) -> bool:
    """
    >>> _is_url("https://example.com/x"), _is_url("example.com"), _is_url("ftp://example.com"), _is_url("https://example.com/a b")
    (True, False, False, False)
    """
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and not re.search(r"[\s<>\"{}|\\^`]", text) and bool(parts.netloc)
