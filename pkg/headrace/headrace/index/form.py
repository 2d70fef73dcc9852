"""The form of an upload, apart from the core metadata in it: what kind of file, of which project, with which digests.

Source: warehouse, forklift/forms.py and forklift/decorators.py."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from headrace.index import messages
from headrace.index.model import Refusal

Fields = Mapping[str, Sequence[str]]
"""Name → values, in the order in which they came."""

KINDS = {"sdist": (".zip", ".tar.gz"), "bdist_wheel": (".whl",)}
PROJECT_NAME = re.compile(r"([A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9])", re.IGNORECASE | re.ASCII)
_DIGEST = re.compile(r"[A-Fa-f0-9]{64}")


class Form(Struct, frozen=True):
    """`digests`: algorithm → hexadecimal, in small letters, those that were given."""

    name: str
    kind: str
    pyversion: str
    digests: dict[str, str]


def cleaned(fields: Fields) -> dict[str, list[str]]:
    """Without the values that count as absent.

    >>> cleaned({"a": ["UNKNOWN"], "b": [""], "c": ["x", "UNKNOWN"]})
    {'c': ['x']}
    """
    kept = {
        name: [value.replace("\0", "\\x00") for value in values if value.strip() != "UNKNOWN"] for name, values in fields.items()
    }
    return {name: values for name, values in kept.items() if values and values != [""]}


def read(fields: Fields) -> Form:
    """From cleaned fields. Raises Refusal."""

    def one(name: str) -> str:
        return next(iter(fields.get(name, ())), "")

    if one("protocol_version") not in ("", "1"):
        raise Refusal("protocol", messages.UNKNOWN_PROTOCOL)
    name, kind, pyversion = one("name"), one("filetype"), one("pyversion")
    if not name:
        raise Refusal("form", messages.invalid_value(name, "This field is required."))
    if not PROJECT_NAME.fullmatch(name):
        raise Refusal("form", messages.invalid_value(name, messages.NAME_FORM))
    for field, words in (("blake2_256", "BLAKE2"), ("sha256", "SHA256")):
        value = one(f"{field}_digest")
        if value and not _DIGEST.fullmatch(value):
            raise Refusal("form", messages.invalid_field(f"{field}_digest", f"Use a valid, hex-encoded, {words} message digest."))
    if kind not in KINDS:
        wrong = "Use a known file type." if kind else "This field is required."
        raise Refusal("form", messages.invalid_field("filetype", wrong))
    if kind != "sdist" and not pyversion:
        wrong = "Python version is required for binary distribution uploads."
        raise Refusal("form", messages.invalid_field("pyversion", wrong))
    if kind == "sdist" and pyversion not in ("", "source"):
        raise Refusal("form", messages.invalid_field("pyversion", "Use 'source' as Python version for an sdist."))
    digests = {kind: one(f"{kind}_digest").lower() for kind in ("md5", "sha256", "blake2_256") if one(f"{kind}_digest")}
    if not digests:
        raise Refusal("form", messages.NO_DIGEST)
    return Form(name, kind, pyversion or "source", digests)
