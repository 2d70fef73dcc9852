"""A certificate authority of the index's own, for https without anybody else: its key stays in the folder of the index.

Files below `tls/`: `ca.pem`, its certificate, for clients that trust nothing else; `bundle.pem`, the same with the system's
roots, for variables such as SSL_CERT_FILE, which replace all others."""

from __future__ import annotations

import datetime
import os
import ssl
from collections.abc import Sequence

import trustme

from headrace.base.errors import Problem, UsageError
from headrace.base.files import write_atomic

_LEAF_DAYS = 365
_NAMES = ("localhost", "127.0.0.1", "::1")
_MARK = b"-----BEGIN CERTIFICATE-----"


class Authority:
    """That of a folder, made at the first use. Several servers at once have the same."""

    def __init__(self, folder: str) -> None:
        self._folder = os.path.join(folder, "tls")
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        self.certificate = os.path.join(self._folder, "ca.pem")
        self.bundle = os.path.join(self._folder, "bundle.pem")
        self._authority = self._load()

    def context(self, names: Sequence[str]) -> ssl.SSLContext:
        """For a server under these names, and under those of this machine's loopback. Its certificate is in no file."""
        leaf = self._authority.issue_cert(*dict.fromkeys((*_NAMES, *names)), not_after=_in_days(_LEAF_DAYS))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        leaf.configure_cert(context)
        return context

    def _load(self) -> trustme.CA:
        both = os.path.join(self._folder, "ca-key.pem")
        try:
            if not os.path.exists(both):
                _make(both)
            with open(both, "rb") as file:
                content = file.read()
            at = content.index(_MARK)
            authority = trustme.CA.from_pem(content[at:], content[:at])
            write_atomic(self.certificate, content[at:], 0o644)
            write_atomic(self.bundle, content[at:] + _system_roots(), 0o644)
        except (OSError, ValueError) as error:
            what = error.strerror if isinstance(error, OSError) else "this is no key with its certificate"
            raise UsageError(Problem(f"{both}: {what}", hint="remove it, and a new one is made")) from error
        return authority


def given(certificate: str, key: str) -> ssl.SSLContext:
    """From files that somebody else keeps. Raises UsageError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(Problem(f"--tls {certificate},{key}: {error.strerror or error}")) from error
    return context


def _make(path: str) -> None:
    """Key and certificate in one file, which is there as a whole; who comes second leaves the first one's."""
    made = trustme.CA(organization_name="headrace", organization_unit_name="package index")
    temporary = f"{path}.{os.getpid()}-{os.urandom(4).hex()}"
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(made.private_key_pem.bytes() + made.cert_pem.bytes())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(temporary)


def _system_roots() -> bytes:
    """The file in which OpenSSL looks, nothing where there is none."""
    path = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().openssl_cafile
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _in_days(days: int) -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
