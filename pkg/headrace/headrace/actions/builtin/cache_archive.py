"""The archives of actions/cache: which files, the version that says how they are packed, and tar."""

from __future__ import annotations

import os

from headrace.actions.builtin import toolkit
from headrace.actions.builtin.toolkit import ActionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.actions.builtin.globs import Pattern

ZSTD, GZIP = "zstd-without-long", "gzip"
_SALT = "1.0"


def method() -> str:
    """How archives are compressed here: with zstd where there is one, else with gzip."""
    program = toolkit.which("zstd")
    if program:
        _, told = toolkit.capture([program, "--quiet", "--version"])
        if told.strip():
            return ZSTD
    return GZIP


def version(paths: list[str], method: str) -> str:
    """What an entry must have in common with who wants it, beside its key: the paths as they are written, and the compressor.

    >>> version(["data"], ZSTD)
    '3ad75f27293d65a135214b8c82b296080f911dc107e52f1e7ec871a2eda46e69'
    """
    from hashlib import sha256

    return sha256("|".join([*paths, method, _SALT]).encode("utf-8", "surrogateescape")).hexdigest()


def lasting(paths: list[str]) -> list[str]:
    """The paths, for `version`, where a job's folders lie elsewhere in every run: below those, they count as if they did not."""
    if not os.environ.get("HEADRACE_OPEN_MACHINE"):
        return paths
    places = {os.environ.get(name, ""): name for name in ("GITHUB_WORKSPACE", "HOME", "RUNNER_TEMP", "RUNNER_TOOL_CACHE")}
    found = []
    for path in paths:
        for place, name in places.items():
            mark = "!" if path.startswith("!") else ""
            if place and f"{path}/".startswith(f"{mark}{place}/"):
                path = f"{mark}${name}{path[len(mark + place) :]}"
                break
        found.append(path)
    return found


def resolve(paths: list[str]) -> list[str]:
    """What the paths and patterns name, as seen from the workspace. Raises ActionFailed."""
    from headrace.actions.builtin import globs

    found = globs.search(_patterns(paths), hidden=True, folders=True)
    return [os.path.relpath(path, workspace()) for path in found.files]


def _patterns(paths: list[str]) -> tuple[Pattern, ...]:
    from headrace.actions.builtin import globs

    try:
        return globs.parse(paths, os.getcwd(), below=False)
    except globs.InvalidPattern as error:
        raise ActionFailed(str(error)) from None


def _places(paths: list[str]) -> tuple[str, ...]:
    """The files and folders at and below which the paths may name something."""
    return tuple(pattern.start for pattern in _patterns(paths) if not pattern.negate)


def _at(name: str) -> str:
    """Where a member of an archive comes to lie."""
    return os.path.normpath(os.path.join(workspace(), name))


def _below(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place or path.startswith(place.rstrip("/") + "/") for place in places)


def _above(path: str) -> Iterator[str]:
    while (folder := os.path.dirname(path)) != path:
        yield folder
        path = folder


def workspace() -> str:
    return os.environ.get("GITHUB_WORKSPACE") or os.getcwd()


def size_line(size: int) -> str:
    """
    >>> size_line(2_700_000)
    'Cache Size: ~3 MB (2700000 B)'
    """
    return f"Cache Size: ~{int(size / (1 << 20) + 0.5)} MB ({size} B)"


class Archive:
    """One archive in a temporary folder of its own. The methods raise ActionFailed and OSError."""

    def __init__(self, method: str) -> None:
        import uuid

        self._method = method
        self._folder = os.path.join(toolkit.environment("RUNNER_TEMP"), str(uuid.uuid4()))
        self._name = "cache.tzst" if method == ZSTD else "cache.tgz"
        os.makedirs(self._folder)
        self.path = os.path.join(self._folder, self._name)

    @property
    def size(self) -> int:
        return os.path.getsize(self.path)

    def pack(self, paths: list[str], *, empty: bool = False) -> None:
        """With `empty`, of folders nothing but themselves."""
        manifest = os.path.join(self._folder, "manifest.txt")
        # What begins with a dash would be taken for an option, by some versions also in a list.
        listed = [f"./{path}" if path.startswith("-") else path for path in paths]
        with open(manifest, "wb") as file:
            file.write(b"".join(os.fsencode(path) + b"\0" for path in listed))
        compress = ["--use-compress-program", "zstd -T0"] if self._method == ZSTD else ["-z"]
        os.chdir(self._folder)  # tar takes a name with a colon for one on another machine
        self._tar(
            "--posix", "-cf", self._name, "--exclude", self._name, "-P", "-C", workspace(),
            *(["--no-recursion"] if empty else []), "--null", "--files-from", manifest, *compress,
        )  # fmt: skip

    def unpack(self) -> None:
        """Files get the owner and the modes that they would get from an ordinary user, as on GitHub's machines. Nothing that the
        archive holds is refused: a job that sees only its own machine harms only itself."""
        os.makedirs(workspace(), exist_ok=True)
        compress = ["--use-compress-program", "zstd -d"] if self._method == ZSTD else ["-z"]
        os.chdir(self._folder)
        self._tar("-xf", self._name, "-P", "-C", workspace(), "--no-same-owner", "--no-same-permissions", *compress)

    def check(self, paths: list[str]) -> None:
        """That unpacking it writes at and below the places that the paths name, and nowhere else. Raises ActionFailed."""
        import tarfile

        places = _places(paths)
        links: set[str] = set()
        program = toolkit.which("zstd" if self._method == ZSTD else "gzip")
        reading, writing = os.pipe()
        pid = os.posix_spawn(
            program, [program, "-dc", self.path], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)]
        )  # fmt: skip
        os.close(writing)
        try:
            with os.fdopen(reading, "rb") as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
                for member in archive:
                    path = _at(member.name)
                    if not _below(path, places) or any(above in links for above in _above(path)):
                        raise ActionFailed(f"the archive holds {member.name}, which lies elsewhere than what is to be restored")
                    if member.islnk() and not _below(_at(member.linkname), places):
                        raise ActionFailed(f"the archive holds {member.name}, which is to be the same file as {member.linkname}")
                    if member.issym():
                        links.add(path)
        except tarfile.TarError as error:
            raise ActionFailed(f"the archive cannot be read: {error}") from None
        finally:
            os.waitpid(pid, 0)

    def remove(self) -> None:
        os.chdir(workspace())
        toolkit.remove(self._folder)

    def _tar(self, *words: str) -> None:
        program = toolkit.which("tar")
        if not program:
            raise ActionFailed(
                "Unable to locate executable file: tar. Please verify either the file path exists or the file can be found "
                "within a directory specified by the PATH environment variable. Also check the file mode to verify the file is "
                "executable."
            )
        toolkit.info(" ".join(["[command]" + program, *words]))
        status = toolkit.run([program, *words])
        if status:
            raise ActionFailed(f"{program} failed with error: The process '{program}' failed with exit code {status}")
