"""The artifact service as a process, and the drop-ins that speak to it as processes of a job."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from headrace.actions import builtin
from headrace.services.grants import JobGrant, issue

MAIN = os.path.join(os.path.dirname(builtin.__file__), "__main__.py")
KEY = b"a key of a test, long enough"


class Step(NamedTuple):
    code: int
    log: str
    outputs: dict[str, str]


class Service:
    """`headrace services` over a store of its own. `run`: the id of the run that asks."""

    def __init__(self, folder: Path) -> None:
        self.run, self.folder = "run", folder
        (folder / "key").write_bytes(KEY)
        words = ["--store", str(folder / "store"), "--key-file", str(folder / "key")]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "headrace.cli", "services", *words],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("listening on http://"), line
        self.url = line.split()[-1]

    def token(self, job: str = "job") -> str:
        return issue(JobGrant(self.run, job), KEY)

    def call(self, method: str, **fields: Any) -> dict[str, Any]:
        body = {"workflow_run_backend_id": self.run, "workflow_job_run_backend_id": "job"} | fields
        request = urllib.request.Request(
            f"{self.url}/twirp/github.actions.results.api.v1.ArtifactService/{method}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self.token()}"},
        )
        with urllib.request.urlopen(request) as answer:
            found = json.load(answer)
        assert isinstance(found, dict)
        return found

    def store(self, name: str, data: bytes, *, mime: str = "application/zip") -> None:
        """An artifact of somebody who does not use our drop-in."""
        url = self.call("CreateArtifact", name=name, version=4, mime_type=mime)["signed_upload_url"]
        urllib.request.urlopen(urllib.request.Request(url, data, method="PUT")).close()
        self.call("FinalizeArtifact", name=name, size=str(len(data)), hash=f"sha256:{hashlib.sha256(data).hexdigest()}")

    def spoil(self, data: bytes, other: bytes) -> None:
        """A disk that does not keep what it was given: whatever held `data` holds `other`."""
        for path in (self.folder / "store").rglob("*"):
            if path.is_file() and path.read_bytes() == data:
                path.chmod(0o600)
                path.write_bytes(other)

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate()

    def step(self, action: str, workspace: Path, *, ref: str = "v4", env: dict[str, str] | None = None, **inputs: str) -> Step:
        """A step with a drop-in, in a job of the run. `inputs` have their dashes as underscores."""
        manifest = builtin.manifest(action)
        assert manifest is not None
        values = {name: "" if "${{" in value else value for name, value in manifest.inputs.items()}
        values |= {name.replace("_", "-"): value for name, value in inputs.items()}
        temp, output = workspace.parent / "temp", workspace.parent / f"output-{os.urandom(4).hex()}"
        temp.mkdir(exist_ok=True)
        output.write_text("")
        full = {
            "PATH": os.environ["PATH"],
            "HOME": str(workspace.parent / "home"),
            "RUNNER_TEMP": str(temp),
            "GITHUB_WORKSPACE": str(workspace),
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "octo/repo",
            "GITHUB_RUN_ID": "77",
            "GITHUB_OUTPUT": str(output),
            "GITHUB_ACTION_REF": ref,
            "ACTIONS_RESULTS_URL": f"{self.url}/",
            "ACTIONS_RUNTIME_TOKEN": self.token(f"job-{os.urandom(2).hex()}"),
        } | {f"INPUT_{name.upper()}": value for name, value in values.items()}
        done = subprocess.run(
            [sys.executable, "-I", "-S", MAIN, action, "main"],
            env=full | (env or {}),
            cwd=workspace,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert list(temp.iterdir()) == []
        lines = output.read_text().splitlines()
        return Step(done.returncode, done.stdout, {lines[i].partition("<<")[0]: lines[i + 1] for i in range(0, len(lines), 3)})
