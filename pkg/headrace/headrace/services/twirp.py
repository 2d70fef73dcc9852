"""Twirp, as far as the results services use it: a POST with one message in JSON or protobuf, an answer or an error in kind."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from starlette.responses import JSONResponse, Response

from headrace.services.grants import GrantError, JobGrant, verify

_STATUS = {
    "invalid_argument": 400,
    "malformed": 400,
    "unauthenticated": 401,
    "permission_denied": 403,
    "not_found": 404,
    "bad_route": 404,
    "already_exists": 409,
    "failed_precondition": 412,
    "resource_exhausted": 429,
    "internal": 500,
}
_JSON, _PROTOBUF = "application/json", "application/protobuf"
_M = TypeVar("_M", bound=Message)


class TwirpError(Exception):
    """An error of the protocol: a code that fixes the HTTP status, and words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def status(self) -> int:
        """Of HTTP."""
        return _STATUS[self.code]

    def response(self) -> JSONResponse:
        return JSONResponse({"code": self.code, "msg": str(self)}, self.status)


def granted(authorization: str, key: bytes) -> JobGrant:
    """The grant of a request, by its Authorization header. Raises TwirpError."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TwirpError("unauthenticated", "the request carries no runtime token")
    try:
        return verify(token.strip(), key)
    except GrantError as error:
        raise TwirpError("unauthenticated", str(error)) from None


def read(body: bytes, content_type: str, message: type[_M]) -> _M:
    """The request. Field names may be snake_case or camelCase; unknown ones are ignored. Raises TwirpError."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == _PROTOBUF:
            return message.FromString(body)
        if kind == _JSON:
            return json_format.Parse(body, message(), ignore_unknown_fields=True)
    except (json_format.ParseError, DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TwirpError("malformed", f"the request cannot be decoded: {error}") from None
    raise TwirpError("bad_route", f"unexpected Content-Type: {content_type!r}")


def write(message: Message, content_type: str) -> Response:
    """The answer, in the encoding of the request. JSON says false, 0 and empty too, as Twirp's servers do."""
    if content_type.partition(";")[0].strip().lower() == _PROTOBUF:
        return Response(message.SerializeToString(), media_type=_PROTOBUF)
    text = json_format.MessageToJson(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True, indent=None
    )
    return Response(text, media_type=_JSON)
