"""The run's own services: the engine holds the listener, and starts the process behind it at the first connection."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable

from headrace.base.paths import cache_dir, run_dir
from headrace.base.sockets import AF_INET, SOCK_STREAM, Socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from headrace.plan.model import Plan

_PATIENCE = 5  # seconds that it has to store what it was storing


def indexes_of(plan: Plan) -> Callable[[str, str], None] | None:
    """What writes down what the run's package indexes must know, where a job may publish."""
    if not any(planned.job.asks_for_identity for planned in plan.jobs.values()):
        return None

    def tell(issuer: str, folder: str) -> None:
        from headrace.engine.indexes import tell

        tell(plan, issuer, folder)

    return tell


def _listening() -> Socket:
    """On a port of loopback that is free."""
    listener = Socket(AF_INET, SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener


class ServiceHost:
    """A listener on loopback, a key that signs the tokens of this run, and, once somebody has called, the process that serves.
    `repository` makes what `git fetch` reads, when it is wanted: its name, git directory and server. `indexes`, where jobs
    may publish, is given the issuer's URL and a folder, and writes there what the run's indexes must know."""

    def __init__(
        self, run: str, repository: Callable[[], tuple[str, str, str]] | None = None,
        indexes: Callable[[str, str], None] | None = None,
    ) -> None:  # fmt: skip
        self._run = run
        self._repository = repository
        self._indexes = indexes
        self._listener = _listening()
        self._index_listener = _listening() if indexes is not None else None
        self._alive: int | None = None
        self._pid = 0
        self.key = os.urandom(32).hex().encode()  # text: blanks at the ends of a key file do not count
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.index_port: int = self._index_listener.getsockname()[1] if self._index_listener is not None else 0

    @property
    def ports(self) -> list[int]:
        """All that jobs can connect to."""
        return [self.port, *([self.index_port] if self.index_port else [])]

    def fileno(self) -> int:
        return self._listener.fileno()

    def launch(self) -> None:
        """Start the process. It takes the waiting connection and all later ones, and ends when this engine does."""
        if self._pid:
            return
        from fcntl import F_DUPFD_CLOEXEC, fcntl

        folder = run_dir(self._run)
        key_file = os.path.join(folder, "services.key")
        fd = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as file:
            file.write(self.key)
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        env = dict(os.environ)
        env["PYTHONPATH"] = os.pathsep.join(part for part in (root, env.get("PYTHONPATH", "")) if part)
        reading, self._alive = os.pipe2(os.O_CLOEXEC)
        log = os.path.join(folder, "services.log")
        argv = [
            sys.executable, "-m", "headrace.services", "--fd", "3", "--store", os.path.join(folder, "artifacts"),
            "--caches", os.path.join(cache_dir(), "caches"), "--key-file", key_file, "--log", log, "--until-eof",
        ]  # fmt: skip
        if self._repository is not None:
            name, git_dir, server = self._repository()
            argv += ["--git", f"{name}={git_dir}", "--server", server]
        listeners = [self._listener]
        if self._indexes is not None and self._index_listener is not None:
            from headrace.services.grants import ISSUER

            index = os.path.join(folder, "index")
            os.makedirs(index, mode=0o700, exist_ok=True)
            self._indexes(f"{self.url.rstrip('/')}{ISSUER}", index)
            argv += ["--index", index, "--index-fd", "4"]
            listeners.append(self._index_listener)
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        errors = os.open(os.path.join(folder, "services.err"), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        spare = [fcntl(each.fileno(), F_DUPFD_CLOEXEC, 8) for each in listeners]  # none has a number that another is to have
        try:
            self._pid = os.posix_spawn(
                sys.executable, argv, env,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, reading, 0),
                    (os.POSIX_SPAWN_DUP2, null, 1),
                    (os.POSIX_SPAWN_DUP2, errors, 2),
                    *((os.POSIX_SPAWN_DUP2, fd, 3 + number) for number, fd in enumerate(spare)),  # 3 and 4 may be among the above
                ],
                setsid=True,
            )  # fmt: skip
        finally:
            for one in (reading, null, errors, *spare):
                os.close(one)

    def revive(self) -> bool:
        """Has the process ended by itself? Then the next connection starts it again; what it had stored is there."""
        if not self._pid or not os.waitpid(self._pid, os.WNOHANG)[0]:
            return False
        assert self._alive is not None
        os.close(self._alive)
        self._alive, self._pid = None, 0
        return True

    def close(self) -> None:
        """End the process, and wait for it: what it was storing is whole or absent."""
        self._listener.close()
        gone = ["artifacts/identity.pem"]  # a key whose issuer is no more
        if self._index_listener is not None:
            self._index_listener.close()
            gone += ["index/tls/ca-key.pem", "index/tls/bundle.pem"]
        for path in gone:
            try:
                os.unlink(os.path.join(run_dir(self._run), path))
            except OSError:
                pass
        if self._alive is None:
            return
        os.kill(self._pid, signal.SIGTERM)
        poll = select.poll()
        poll.register(self._alive, 0)  # an error is always told: nobody reads any more, so it has gone
        if not poll.poll(_PATIENCE * 1000):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._alive)
        self._alive, self._pid = None, 0
