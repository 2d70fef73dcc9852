"""What our HTTP servers have in common."""

from __future__ import annotations

from typing import Any, TextIO


def server_log(out: TextIO) -> dict[str, Any]:
    """uvicorn's settings of logs: its warnings go to `out`, and nothing else."""
    handler = {"class": "logging.StreamHandler", "stream": out, "formatter": "line"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(message)s"}},
        "handlers": {"out": handler},
        "loggers": {"uvicorn.error": {"handlers": ["out"], "level": "WARNING", "propagate": False}},
    }
