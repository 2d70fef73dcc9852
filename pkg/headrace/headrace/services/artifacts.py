"""The artifact service, protocol version 4: names are unique per run; a job sees the artifacts of its own run only."""

from __future__ import annotations

from urllib.parse import quote

from headrace.services import signed
from headrace.services.grants import JobGrant
from headrace.services.proto import artifact_pb2 as pb
from headrace.services.twirp import TwirpError
from headrace.store.artifacts import Artifact, Artifacts, NameTaken, NotUploaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from google.protobuf.message import Message

_FORBIDDEN = '":<>|*?\r\n\\/'
_LONGEST = 255


class ArtifactService:
    """Answers the requests of jobs. `origin` is the service's address as the client knows it, without a slash at its end."""

    def __init__(self, store: Artifacts, key: bytes) -> None:
        self._store = store
        self._key = key

    def method(self, name: str) -> tuple[type[Message], Callable[[Any, JobGrant, str], Message]] | None:
        """The request's type and its handler; None for an unknown method. Handlers raise TwirpError."""
        match name:
            case "CreateArtifact":
                return pb.CreateArtifactRequest, self._create
            case "FinalizeArtifact":
                return pb.FinalizeArtifactRequest, self._finalize
            case "ListArtifacts":
                return pb.ListArtifactsRequest, self._list
            case "GetSignedArtifactURL":
                return pb.GetSignedArtifactURLRequest, self._url
            case "DeleteArtifact":
                return pb.DeleteArtifactRequest, self._delete
        return None

    def _create(self, request: pb.CreateArtifactRequest, grant: JobGrant, origin: str) -> pb.CreateArtifactResponse:
        _own_job(request, grant)
        name = _checked(request.name)
        mime = request.mime_type.value if request.HasField("mime_type") else "application/zip"
        expires = request.expires_at.ToMilliseconds() / 1000 if request.HasField("expires_at") else None
        try:
            artifact = self._store.create(grant.run_id, grant.job_id, name, mime or "application/zip", expires)
        except NameTaken:
            raise TwirpError("already_exists", "an artifact with this name already exists on the workflow run") from None
        return pb.CreateArtifactResponse(ok=True, signed_upload_url=origin + signed.sign(path_of(artifact), "w", self._key))

    def _finalize(self, request: pb.FinalizeArtifactRequest, grant: JobGrant, origin: str) -> pb.FinalizeArtifactResponse:
        _own_job(request, grant)
        digest = request.hash.value if request.HasField("hash") else ""
        try:
            artifact = self._store.complete(grant.run_id, grant.job_id, request.name, request.size, digest)
        except KeyError:
            raise _unknown(request.name) from None
        except NotUploaded as error:
            raise TwirpError("failed_precondition", str(error)) from None
        return pb.FinalizeArtifactResponse(ok=True, artifact_id=artifact.id)

    def _list(self, request: pb.ListArtifactsRequest, grant: JobGrant, origin: str) -> pb.ListArtifactsResponse:
        _own_run(request, grant)
        name = request.name_filter.value if request.HasField("name_filter") else None
        number = request.id_filter.value if request.HasField("id_filter") else None
        answer = pb.ListArtifactsResponse()
        for artifact in self._store.listed(grant.run_id, name, number):
            row = answer.artifacts.add(
                workflow_run_backend_id=artifact.scope,
                workflow_job_run_backend_id=artifact.owner,
                database_id=artifact.id,
                name=artifact.name,
                size=artifact.size,
            )
            row.created_at.FromMilliseconds(int(artifact.created * 1000))
            row.digest.value = artifact.digest
        return answer

    def _url(self, request: pb.GetSignedArtifactURLRequest, grant: JobGrant, origin: str) -> pb.GetSignedArtifactURLResponse:
        _own_run(request, grant)
        found = self._store.listed(grant.run_id, request.name)
        if not found:
            raise _unknown(request.name)
        return pb.GetSignedArtifactURLResponse(signed_url=origin + signed.sign(path_of(found[0]), "r", self._key))

    def _delete(self, request: pb.DeleteArtifactRequest, grant: JobGrant, origin: str) -> pb.DeleteArtifactResponse:
        _own_run(request, grant)
        try:
            artifact = self._store.delete(grant.run_id, request.name)
        except KeyError:
            raise _unknown(request.name) from None
        return pb.DeleteArtifactResponse(ok=True, artifact_id=artifact.id)


def path_of(artifact: Artifact) -> str:
    """Where its bytes go and come from. Clients that read the path as account, container and blob need three parts."""
    return f"/results/artifacts/{artifact.id}"


def kind_of(artifact: Artifact) -> tuple[str, str]:
    """Its media type, and the header that names the file: an archive gets `.zip`, a raw file keeps its name."""
    mime = "application/zip" if artifact.mime == "zip" else artifact.mime
    name = f"{artifact.name}.zip" if mime == "application/zip" else artifact.name
    return mime, f"attachment; filename=\"{quote(name)}\"; filename*=UTF-8''{quote(name)}"


def _own_run(request: Any, grant: JobGrant) -> None:
    if request.workflow_run_backend_id != grant.run_id:
        raise TwirpError("permission_denied", "this token belongs to another workflow run")


def _own_job(request: Any, grant: JobGrant) -> None:
    _own_run(request, grant)
    if request.workflow_job_run_backend_id != grant.job_id:
        raise TwirpError("permission_denied", "this token belongs to another job")


def _unknown(name: str) -> TwirpError:
    return TwirpError("not_found", f"no artifact named {name!r} exists on the workflow run")


def _checked(name: str) -> str:
    if not name.strip(". ") or len(name) > _LONGEST or any(each in _FORBIDDEN or ord(each) < 32 for each in name):
        raise TwirpError("invalid_argument", f"not a name of an artifact: {name!r}")
    return name
