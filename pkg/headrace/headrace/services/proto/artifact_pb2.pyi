from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import wrappers_pb2 as _wrappers_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateArtifactRequest(_message.Message):
    __slots__ = ("workflow_run_backend_id", "workflow_job_run_backend_id", "name", "expires_at", "version", "mime_type")
    WORKFLOW_RUN_BACKEND_ID_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_JOB_RUN_BACKEND_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    workflow_run_backend_id: str
    workflow_job_run_backend_id: str
    name: str
    expires_at: _timestamp_pb2.Timestamp
    version: int
    mime_type: _wrappers_pb2.StringValue
    def __init__(self, workflow_run_backend_id: _Optional[str] = ..., workflow_job_run_backend_id: _Optional[str] = ..., name: _Optional[str] = ..., expires_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ..., mime_type: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ...) -> None: ...

class CreateArtifactResponse(_message.Message):
    __slots__ = ("ok", "signed_upload_url")
    OK_FIELD_NUMBER: _ClassVar[int]
    SIGNED_UPLOAD_URL_FIELD_NUMBER: _ClassVar[int]
    ok: bool
    signed_upload_url: str
    def __init__(self, ok: bool = ..., signed_upload_url: _Optional[str] = ...) -> None: ...

class FinalizeArtifactRequest(_message.Message):
    __slots__ = ("workflow_run_backend_id", "workflow_job_run_backend_id", "name", "size", "hash")
    WORKFLOW_RUN_BACKEND_ID_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_JOB_RUN_BACKEND_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    workflow_run_backend_id: str
    workflow_job_run_backend_id: str
    name: str
    size: int
    hash: _wrappers_pb2.StringValue
    def __init__(self, workflow_run_backend_id: _Optional[str] = ..., workflow_job_run_backend_id: _Optional[str] = ..., name: _Optional[str] = ..., size: _Optional[int] = ..., hash: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ...) -> None: ...

class FinalizeArtifactResponse(_message.Message):
    __slots__ = ("ok", "artifact_id")
    OK_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_ID_FIELD_NUMBER: _ClassVar[int]
    ok: bool
    artifact_id: int
    def __init__(self, ok: bool = ..., artifact_id: _Optional[int] = ...) -> None: ...

class ListArtifactsRequest(_message.Message):
    __slots__ = ("workflow_run_backend_id", "workflow_job_run_backend_id", "name_filter", "id_filter")
    WORKFLOW_RUN_BACKEND_ID_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_JOB_RUN_BACKEND_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FILTER_FIELD_NUMBER: _ClassVar[int]
    ID_FILTER_FIELD_NUMBER: _ClassVar[int]
    workflow_run_backend_id: str
    workflow_job_run_backend_id: str
    name_filter: _wrappers_pb2.StringValue
    id_filter: _wrappers_pb2.Int64Value
    def __init__(self, workflow_run_backend_id: _Optional[str] = ..., workflow_job_run_backend_id: _Optional[str] = ..., name_filter: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., id_filter: _Optional[_Union[_wrappers_pb2.Int64Value, _Mapping]] = ...) -> None: ...

class ListArtifactsResponse(_message.Message):
    __slots__ = ("artifacts",)
    class Listed(_message.Message):
        __slots__ = ("workflow_run_backend_id", "workflow_job_run_backend_id", "database_id", "name", "size", "created_at", "digest")
        WORKFLOW_RUN_BACKEND_ID_FIELD_NUMBER: _ClassVar[int]
        WORKFLOW_JOB_RUN_BACKEND_ID_FIELD_NUMBER: _ClassVar[int]
        DATABASE_ID_FIELD_NUMBER: _ClassVar[int]
        NAME_FIELD_NUMBER: _ClassVar[int]
        SIZE_FIELD_NUMBER: _ClassVar[int]
        CREATED_AT_FIELD_NUMBER: _ClassVar[int]
        DIGEST_FIELD_NUMBER: _ClassVar[int]
        workflow_run_backend_id: str
        workflow_job_run_backend_id: str
        database_id: int
        name: str
        size: int
        created_at: _timestamp_pb2.Timestamp
        digest: _wrappers_pb2.StringValue
        def __init__(self, workflow_run_backend_id: _Optional[str] = ..., workflow_job_run_backend_id: _Optional[str] = ..., database_id: _Optional[int] = ..., name: _Optional[str] = ..., size: _Optional[int] = ..., created_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., digest: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ...) -> None: ...
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    artifacts: _containers.RepeatedCompositeFieldContainer[ListArtifactsResponse.Listed]
    def __init__(self, artifacts: _Optional[_Iterable[_Union[ListArtifactsResponse.Listed, _Mapping]]] = ...) -> None: ...

class GetSignedArtifactURLRequest(_message.Message):
    __slots__ = ("workflow_run_backend_id", "workflow_job_run_backend_id", "name")
    WORKFLOW_RUN_BACKEND_ID_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_JOB_RUN_BACKEND_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    workflow_run_backend_id: str
    workflow_job_run_backend_id: str
    name: str
    def __init__(self, workflow_run_backend_id: _Optional[str] = ..., workflow_job_run_backend_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class GetSignedArtifactURLResponse(_message.Message):
    __slots__ = ("signed_url",)
    SIGNED_URL_FIELD_NUMBER: _ClassVar[int]
    signed_url: str
    def __init__(self, signed_url: _Optional[str] = ...) -> None: ...

class DeleteArtifactRequest(_message.Message):
    __slots__ = ("workflow_run_backend_id", "workflow_job_run_backend_id", "name")
    WORKFLOW_RUN_BACKEND_ID_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_JOB_RUN_BACKEND_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    workflow_run_backend_id: str
    workflow_job_run_backend_id: str
    name: str
    def __init__(self, workflow_run_backend_id: _Optional[str] = ..., workflow_job_run_backend_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class DeleteArtifactResponse(_message.Message):
    __slots__ = ("ok", "artifact_id")
    OK_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_ID_FIELD_NUMBER: _ClassVar[int]
    ok: bool
    artifact_id: int
    def __init__(self, ok: bool = ..., artifact_id: _Optional[int] = ...) -> None: ...
