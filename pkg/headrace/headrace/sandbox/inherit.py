"""Which of the caller's environment variables a job gets: one table, so that nothing of this machine makes a job green."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

PERSON = frozenset((
    "USER", "LOGNAME", "SHELL",  # no TERM: a hosted machine sets none, and `tput` fails there
    "LANG", "LANGUAGE", "TZ",
))  # fmt: skip
SURROUNDINGS = frozenset((
    # proxies
    "http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy",
    "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY",
    # certificate authorities
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH", "PIP_CERT", "AWS_CA_BUNDLE", "CARGO_HTTP_CAINFO", "NPM_CONFIG_CAFILE", "npm_config_cafile",
    "UV_NATIVE_TLS", "UV_SYSTEM_CERTS",
    # package indexes
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT",
    "UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INSECURE_HOST",
    "UV_HTTP_TIMEOUT", "UV_PYTHON_INSTALL_MIRROR", "NPM_CONFIG_REGISTRY", "npm_config_registry",
))  # fmt: skip
"""What says how this machine reaches the world: it belongs to the machine, not to a user, and holds under `sudo` too."""

NAMING = frozenset((
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH", "PIP_CERT", "AWS_CA_BUNDLE", "CARGO_HTTP_CAINFO", "NPM_CONFIG_CAFILE", "npm_config_cafile",
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_PYTHON_INSTALL_MIRROR",
))  # fmt: skip
"""Inherited variables that can name files or folders."""

NAMES = PERSON | SURROUNDINGS
PREFIXES = ("LC_",)

USER_FILES = {
    "pip.conf": ((".config", "pip/pip.conf"), ("", ".pip/pip.conf")),
    "uv.toml": ((".config", "uv/uv.toml"),),
    ".npmrc": (("", ".npmrc"),),
    ".netrc": (("", ".netrc"),),
}
"""Settings of a user that no job sees unless they are forwarded: their places, below the folder of XDG_CONFIG_HOME or HOME."""


def places(name: str, environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Where a file of USER_FILES is for a job, below its HOME, and for the caller.

    >>> places("pip.conf", {"HOME": "/h", "XDG_CONFIG_HOME": "/c"})
    [('.config/pip/pip.conf', '/c/pip/pip.conf'), ('.pip/pip.conf', '/h/.pip/pip.conf')]
    """
    home = environ.get("HOME", "")
    config = environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    return [(f"{folder}/{rest}".lstrip("/"), f"{config if folder else home}/{rest}") for folder, rest in USER_FILES[name]]


def inherited(
    environ: Mapping[str, str], prepend: Sequence[str] = (), hide: Sequence[str] = (), more: Sequence[str] = ()
) -> dict[str, str]:
    """The variables of the table and those in `more`, and PATH: `prepend` in front, without the folders in `hide` (the caller's
    own virtual environment: a hosted machine has none).

    >>> inherited({"LANG": "C", "AWS_SECRET": "x", "PATH": "/venv/bin:/bin"}, hide=["/venv/bin"])
    {'LANG': 'C', 'PATH': '/bin'}
    """
    env = {name: value for name, value in environ.items() if name in NAMES or name.startswith(PREFIXES) or name in more}
    folders = [folder for folder in environ.get("PATH", "").split(":") if folder and folder.rstrip("/") not in hide]
    env["PATH"] = ":".join((*prepend, *(folders or ("/usr/local/bin", "/usr/bin", "/bin"))))
    return env
