"""Which of the caller's environment variables a job gets: one table, so that nothing of this machine makes a job green."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NAMES = frozenset(
    {
        # who and where
        "USER", "LOGNAME", "SHELL",  # no TERM: a hosted machine sets none, and `tput` fails there
        # language and time
        "LANG", "LANGUAGE", "TZ",
        # proxies
        "http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy",
        "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY",
        # certificate authorities
        "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO",
        "PIP_CERT", "AWS_CA_BUNDLE", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS",
        # package indexes
        "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT",
        "UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_HTTP_TIMEOUT",
        "UV_PYTHON_INSTALL_MIRROR", "NPM_CONFIG_REGISTRY", "npm_config_registry",
    }
)  # fmt: skip
PREFIXES = ("LC_",)


def inherited(environ: Mapping[str, str], prepend: Sequence[str] = (), hide: Sequence[str] = ()) -> dict[str, str]:
    """The variables of the table, and PATH: `prepend` in front, without the folders in `hide` (the caller's own virtual
    environment: a hosted machine has none).

    >>> inherited({"LANG": "C", "AWS_SECRET": "x", "PATH": "/venv/bin:/bin"}, hide=["/venv/bin"])
    {'LANG': 'C', 'PATH': '/bin'}
    """
    env = {name: value for name, value in environ.items() if name in NAMES or name.startswith(PREFIXES)}
    folders = [folder for folder in environ.get("PATH", "").split(":") if folder and folder.rstrip("/") not in hide]
    env["PATH"] = ":".join((*prepend, *(folders or ("/usr/local/bin", "/usr/bin", "/bin"))))
    return env
