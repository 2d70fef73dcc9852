from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class CreateCacheEntryRequest(_message.Message):
    __slots__ = ("key", "version")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    key: str
    version: str
    def __init__(self, key: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...

class CreateCacheEntryResponse(_message.Message):
    __slots__ = ("ok", "signed_upload_url", "message")
    OK_FIELD_NUMBER: _ClassVar[int]
    SIGNED_UPLOAD_URL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ok: bool
    signed_upload_url: str
    message: str
    def __init__(self, ok: bool = ..., signed_upload_url: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class FinalizeCacheEntryUploadRequest(_message.Message):
    __slots__ = ("key", "size_bytes", "version")
    KEY_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    key: str
    size_bytes: int
    version: str
    def __init__(self, key: _Optional[str] = ..., size_bytes: _Optional[int] = ..., version: _Optional[str] = ...) -> None: ...

class FinalizeCacheEntryUploadResponse(_message.Message):
    __slots__ = ("ok", "entry_id", "message")
    OK_FIELD_NUMBER: _ClassVar[int]
    ENTRY_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ok: bool
    entry_id: int
    message: str
    def __init__(self, ok: bool = ..., entry_id: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class GetCacheEntryDownloadURLRequest(_message.Message):
    __slots__ = ("key", "restore_keys", "version")
    KEY_FIELD_NUMBER: _ClassVar[int]
    RESTORE_KEYS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    key: str
    restore_keys: _containers.RepeatedScalarFieldContainer[str]
    version: str
    def __init__(self, key: _Optional[str] = ..., restore_keys: _Optional[_Iterable[str]] = ..., version: _Optional[str] = ...) -> None: ...

class GetCacheEntryDownloadURLResponse(_message.Message):
    __slots__ = ("ok", "signed_download_url", "matched_key")
    OK_FIELD_NUMBER: _ClassVar[int]
    SIGNED_DOWNLOAD_URL_FIELD_NUMBER: _ClassVar[int]
    MATCHED_KEY_FIELD_NUMBER: _ClassVar[int]
    ok: bool
    signed_download_url: str
    matched_key: str
    def __init__(self, ok: bool = ..., signed_download_url: _Optional[str] = ..., matched_key: _Optional[str] = ...) -> None: ...
