"""Commands of a container engine, run for a leg: shown in its log, watched like the program of a step."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Union

from msgspec import Struct

from headrace.base.errors import HeadraceError, Problem
from headrace.runner import messages
from headrace.runner.container_spec import Spec, registry
from headrace.runner.control import Control
from headrace.runner.limits import LegLimits
from headrace.runner.log import LegLog
from headrace.runner.masking import Masker
from headrace.runner.process import Ended, Reader, run_program
from headrace.runner.ticket import CancelOrder
from headrace.sandbox.containers.engines import engine
from headrace.sandbox.containers.model import LABEL_LEG, LABEL_RUN, Found, Place
from headrace.sandbox.protocol import Programs, SpawnError

PATIENCE = 30 * 60.0
"""Seconds that one command may take: an image can be large."""


class AtKeeper(Struct, frozen=True):
    """A `Watched`: programs start at the keeper."""

    sandbox: Programs
    control: Control
    log: LegLog
    on_cancel: Callable[[CancelOrder], bool]
    limits: Union[LegLimits, None] = None


class Calls:
    """`mark` is the leg's."""

    def __init__(self, watch: AtKeeper, place: Place, masker: Masker, mark: str) -> None:
        self.watch = watch
        self.place = place
        self.masker = masker
        self.engine = engine(place.found)
        self.labels = {LABEL_RUN: place.mark, LABEL_LEG: mark}

    @property
    def found(self) -> Found:
        return self.place.found

    def say(self, *lines: str) -> None:
        text = "".join(f"{line}\n" for line in lines)
        self.watch.log.write(self.masker.mask(text.encode("utf-8", "surrogateescape")))

    def ask(self, argv: Sequence[str], env: Mapping[str, str] | None = None, *, shown: bool = True) -> str:
        """What it prints. Raises HeadraceError where it fails."""
        status, out, err = self.attempt(argv, env, shown=shown)
        if status:
            raise HeadraceError(Problem(_last(err) or f"`{' '.join(argv[:3])}` failed with exit code {status}"))
        return out

    def attempt(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, *, shown: bool = True, log: bool = False
    ) -> tuple[int, str, str]:
        """Exit code and what it prints on its two streams. `shown`: its words stand in the log; `log`: what it prints too. Raises
        HeadraceError where the job is cancelled meanwhile."""
        if shown:
            self.say(f"##[command]{' '.join(argv)}")
        out, err = Kept(self.masker, log), Kept(self.masker, log or shown)
        ended = self.program(argv, env or {}, (out, err), PATIENCE)
        if ended.because == "cancelled":
            raise HeadraceError(Problem(messages.CANCELED))
        return ended.status or (1 if ended.because else 0), out.text, err.text

    def program(
        self, argv: Sequence[str], env: Mapping[str, str], readers: tuple[Reader, Reader], timeout: float | None
    ) -> Ended:
        try:
            return run_program(self.watch, argv, {**self.engine.told(env), **self.place.env}, "/", readers, timeout)
        except SpawnError as error:
            raise HeadraceError(Problem(f"{self.found.program} cannot be started: {error}")) from None

    def provide(self, spec: Spec, folder: str) -> None:
        """Have the image: it is pulled where it is not here. `folder`: of the machine, out of the job's reach, for credentials.
        Raises HeadraceError."""
        if not self.attempt(self.engine.has_image(spec.image), shown=False)[0]:
            self.say(f"{spec.image} is on this machine already")
            return
        if not spec.username and not spec.password:
            self._pull(spec.image, "")
            return
        login = base64.b64encode(f"{spec.username}:{spec.password}".encode()).decode()
        self.masker.add(login)
        with tempfile.TemporaryDirectory(prefix="login-", dir=folder) as config:
            self.engine.sign_in(config, {registry(spec.image): {"auth": login}}, self.place.env)
            self._pull(spec.image, config)

    def _pull(self, image: str, config: str) -> None:
        status, _, err = self.attempt(self.engine.pull(image, config))
        if status:
            raise HeadraceError(Problem(messages.PULL_FAILED.format(image=image, why=_last(err) or f"exit code {status}")))


class Kept:
    """Keeps what is printed, and hands whole lines to the log where that is wanted."""

    def __init__(self, masker: Masker, shown: bool) -> None:
        self._masker = masker
        self._shown = shown
        self._data = bytearray()
        self._told = 0

    @property
    def text(self) -> str:
        return self._data.decode("utf-8", "replace")

    def feed(self, data: bytes) -> bytes:
        self._data += data
        return self._tell(self._data.rfind(b"\n") + 1)

    def finish(self) -> bytes:
        if self._data and not self._data.endswith(b"\n") and self._shown:
            self._data += b"\n"
        return self._tell(len(self._data))

    def _tell(self, end: int) -> bytes:
        start, self._told = self._told, max(self._told, end)
        return self._masker.mask(bytes(self._data[start:end])) if self._shown and end > start else b""


def _last(text: str) -> str:
    lines: Iterable[str] = (line.strip() for line in text.splitlines())
    kept = [line for line in lines if line]
    errors = [line for line in kept if line.startswith("Error")]
    return (errors or kept or [""])[-1].removeprefix("Error: ")
