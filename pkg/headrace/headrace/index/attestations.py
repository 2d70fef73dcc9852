"""Attestations (PEP 740) that come with a file: is each of them one, of this file, and from where the token says it comes?

Their signatures are not verified: that needs the certificates and the log of a signing service. Source: PEP 740; the
`pypi-attestations` package; GitHub's issuer writes the claims into the certificate."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from headrace.index.model import Publisher, Refusal

PREDICATES = ("https://docs.pypi.org/attestations/publish/v1", "https://slsa.dev/provenance/v1")
_PUBLISH = PREDICATES[0]
_STATEMENT = "https://in-toto.io/Statement/v1"


class _Material(Struct, frozen=True):
    certificate: str
    transparency_entries: list[dict[str, Any]]


class _Envelope(Struct, frozen=True):
    statement: str
    signature: str


class Attestation(Struct, frozen=True):
    version: int
    verification_material: _Material
    envelope: _Envelope


class _Subject(Struct, frozen=True):
    name: str
    digest: dict[str, str]


class _Statement(Struct, frozen=True, rename="camel"):
    type: str = msgspec.field(name="_type")
    subject: list[_Subject]
    predicate_type: str
    predicate: Any = None


def read(text: str, filename: str, sha256: str) -> list[Attestation]:
    """The attestations of an upload, each of which must be of this very file. Raises Refusal."""
    try:
        attestations = msgspec.json.decode(text, type=list[Attestation])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise _invalid(f"Malformed attestations: {error}") from None
    if not attestations:
        raise _invalid("an empty attestation set is not permitted")
    kinds = [_check(each, filename, sha256) for each in attestations]
    if len(set(kinds)) < len(kinds):
        raise _invalid(f"Multiple attestations for the same file with the same predicate type: {kinds[0]}")
    return attestations


def _check(attestation: Attestation, filename: str, sha256: str) -> str:
    """The predicate type. Raises Refusal."""
    if attestation.version != 1:
        raise _invalid(f"Malformed attestations: unknown version {attestation.version}")
    if not attestation.verification_material.transparency_entries:
        raise _invalid("Malformed attestations: no transparency entry")
    try:
        for field in (attestation.verification_material.certificate, attestation.envelope.signature):
            if not b64decode(field, validate=True):
                raise ValueError("an empty field")
        statement = msgspec.json.decode(b64decode(attestation.envelope.statement, validate=True), type=_Statement)
    except (ValueError, msgspec.DecodeError, UnicodeError) as error:
        raise _invalid(f"Malformed attestations: {error}") from None
    if statement.type != _STATEMENT:
        raise _invalid(f"Verification failed: statement of type {statement.type!r}")
    if len(statement.subject) != 1:
        raise _invalid("Verification failed: too many subjects in statement (must be exactly one)")
    subject = statement.subject[0]
    if subject.name != filename:
        raise _invalid(f"Verification failed: subject does not match distribution name: {subject.name} != {filename}")
    if subject.digest.get("sha256") != sha256:
        raise _invalid("Verification failed: subject does not match distribution digest")
    if statement.predicate_type not in PREDICATES:
        raise _invalid(f"Attestation of unsupported type: {statement.predicate_type}")
    if statement.predicate_type == _PUBLISH and statement.predicate not in (None, {}):
        raise _invalid("Verification failed: predicate is not empty")
    return statement.predicate_type


def check_source(attestations: list[Attestation], publisher: Publisher, claims: Mapping[str, Any]) -> None:
    """A certificate names the repository of the caller and the workflow file that was started, not one that it calls: what the
    certificate would say is known from the token. Raises Refusal."""
    if not attestations:
        return
    expected = f"{publisher.slug}/.github/workflows/{publisher.workflow}@"
    said = str(claims.get("workflow_ref", ""))
    if not said.startswith(expected):
        raise _invalid(
            f"Verification failed: Certificate's Build Config URI {said!r} does not match the publisher's {expected!r}"
        )


def provenance(attestations: list[Attestation], publisher: Publisher) -> str:
    """The object that is served, as JSON."""
    bundle = {
        "publisher": {
            "kind": "GitHub",
            "repository": publisher.slug,
            "workflow": publisher.workflow,
            "environment": publisher.environment or None,
            "claims": None,
        },
        "attestations": [msgspec.to_builtins(each) for each in attestations],
    }
    return msgspec.json.encode({"version": 1, "attestation_bundles": [bundle]}).decode()


def _invalid(why: str) -> Refusal:
    return Refusal("attestations", f"Invalid attestations supplied during upload: {why}")
