"""An interpreter that the machine lacks, installed with uv into a folder of the job. Needs the network; says so first."""

from __future__ import annotations

import os
import re

from headrace.actions import interpreters
from headrace.actions.builtin import toolkit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from headrace.actions.semver import Range


def request(text: str) -> str:
    """How uv is asked for a version text; "" where it has no words for it.

    >>> [request(t) for t in ("3.10", "3.x", "3.12.x", "3.13-dev", ">=3.9 <3.12", "3.9 || 3.10")]
    ['3.10', '3', '3.12', '3.13', '>=3.9,<3.12', '']
    """
    plain = re.sub(r"(\.[xX*])+$", "", text.strip()).removesuffix("-dev").rstrip("t")
    if re.fullmatch(r"\d+(\.\d+){0,2}((a|b|rc)\d+)?", plain):
        return plain
    words = re.sub(r"([<>]=?|==?)\s+", r"\1", plain).split()
    if words and all(re.fullmatch(r"([<>]=?|==)\d+(\.\d+){0,2}", word) for word in words):
        return ",".join(words)
    return ""


def install(uv: str, text: str, wanted: Range, free_threaded: bool) -> interpreters.Interpreter | None:
    """Fetch one; None where uv cannot. It stands below RUNNER_TEMP, to be moved to where it belongs."""
    asked = request(text)
    temp = os.environ.get("RUNNER_TEMP", "")
    if not asked or not temp or not os.access(uv, os.X_OK):
        return None
    toolkit.info(f"No interpreter of this machine fits; installing Python {asked} with uv, which needs the network.")
    folder = os.path.join(temp, f"headrace-uv-{os.urandom(8).hex()}")
    env = dict(os.environ, UV_PYTHON_INSTALL_DIR=folder, UV_PYTHON_INSTALL_BIN="0", UV_NO_CONFIG="1", UV_NO_PROGRESS="1")
    status = toolkit.run([uv, "python", "install", f"{asked}t" if free_threaded and "," not in asked else asked], env)
    if status != 0:
        toolkit.info(f"uv could not install Python {asked} (exit code {status}).")
        return None
    return interpreters.find([folder], wanted, free_threaded=free_threaded)
