"""The lowest of our own layers below every job: mount points, the job's own files of /etc, and what stands in for files of the
host that a job must not, or could not, use. Made once for a state of the machine."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from zlib import crc32

from headrace.sandbox import hosted
from headrace.sandbox.ids import HOST_IDS, Mode
from headrace.sandbox.places import HOME, OWN, TOOLS, WORK
from headrace.sandbox.secrets import EMPTIED, hidden, open_to_all

_OWN = (
    ("proc", 0o555), ("sys", 0o555), ("dev", 0o755), ("run", 0o755), ("run/lock", 0o1777), ("run/scratch", 0o755),
    (OWN[1:], 0o755),
    ("tmp", 0o1777), ("home", 0o755), ("root", 0o700), ("mnt", 0o755), ("srv", 0o755), ("media", 0o755), ("boot", 0o755),
    (HOME[1:], 0o755), (WORK[1:], 0o755),
)  # fmt: skip
_WRITABLE = frozenset(("/usr", "/etc", "/var", "/opt"))
_COPIED = ("/etc", "/var/lib/dpkg", "/var/lib/apt", "/var/cache")
_WATCHED = ("/etc", "/var", "/var/lib", "/opt", "/var/lib/dpkg/status", "/etc/passwd", "/usr/local/bin", "/usr/local/lib",
            "/etc/resolv.conf")  # fmt: skip
_LARGE = 16 << 20  # bytes of a file that is not copied (archives of packages, say) unless it belongs to the package database
_KEPT = 7 * 24 * 3600.0  # seconds for which one stays that nobody asks for: longer than any run takes
_TOO_MANY = 3000  # folders of a tree that is not worth mirroring: a package is hardly ever installed into one


def path_of(jobs: str, how: Mode, bases: tuple[str, ...]) -> str:
    """Where the skeleton for this state of the machine lies, made or not. Its name says what it was made from."""
    facts = [how, repr(bases), hosted.fingerprint()]
    facts += sorted(f"{path} {status.st_mode}" for path, status in hidden(how, bases))
    for watched in _WATCHED:
        try:
            status = os.stat(watched)
            facts.append(f"{watched} {status.st_mtime_ns} {status.st_ino}")
        except OSError:
            facts.append(watched)
    return os.path.join(jobs, "skeletons", f"{how}-{crc32(' '.join(facts).encode('utf-8', 'surrogateescape')):08x}")


def make(path: str, how: Mode, bases: tuple[str, ...], begins: Callable[[], None] = lambda: None) -> None:
    """Make it where it is missing: a second for root, up to half a minute, once, for a user whose job has to be able to write
    into folders of root's: `begins` is called before the latter. Two may make it at once. Raises OSError."""
    if os.path.isdir(path):
        os.utime(path)  # `stale` goes by that
        return
    if _mirrors(how):
        begins()
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    draft = tempfile.mkdtemp(prefix="new-", dir=os.path.dirname(path))
    try:
        _fill(draft, how, bases)
        os.rename(draft, path)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not os.path.isdir(path):
            raise
    except KeyboardInterrupt:  # it can take long
        shutil.rmtree(draft, ignore_errors=True)
        raise


def stale(jobs: str) -> list[str]:
    """Skeletons that no run can be standing on any more, and drafts of such."""
    folder = os.path.join(jobs, "skeletons")
    try:
        with os.scandir(folder) as entries:
            return [entry.path for entry in entries if time.time() - entry.stat().st_mtime > _KEPT]
    except OSError:
        return []


def bare(path: str, how: Mode, bases: tuple[str, ...]) -> None:
    """Nothing but what the view of a job is mounted on: with it a job can be, and do little. `path` is an empty folder. Raises
    OSError."""
    _mount_points(path, bases)
    if how == "root":
        _hand_over(path)


def _mount_points(path: str, bases: tuple[str, ...]) -> None:
    os.chmod(path, 0o755)
    for name, bits in _OWN:
        os.makedirs(f"{path}/{name}", exist_ok=True)
        os.chmod(f"{path}/{name}", bits)
    for entry in os.scandir("/"):
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), path + entry.path)
    for base in bases:
        os.makedirs(path + base, exist_ok=True)
        if (status := _status(base)) is not None:  # else it has gone, and is left out where a job is given its view
            os.chmod(path + base, stat.S_IMODE(status.st_mode))


def _mirrors(how: Mode) -> bool:
    """Whether the folders of the system belong to somebody else, whom the job's root is not."""
    return how in ("sub", "single") and os.stat("/usr").st_uid != os.getuid()


def _fill(path: str, how: Mode, bases: tuple[str, ...]) -> None:
    _mount_points(path, bases)
    mirrored = _mirrors(how)
    for base in bases:
        if mirrored and any(base == top or base.startswith(f"{top}/") for top in _WRITABLE):
            _mirror(path, base)
    for source, status in hidden(how, bases):
        _stand_in(path, source, status)
    for folder in EMPTIED:
        if os.path.isdir(folder):
            _empty(path, folder)
    os.makedirs(path + TOOLS, exist_ok=True)
    os.chmod(path + TOOLS, 0o755)
    _own_files(path, mirrored)
    hosted.lay(path)
    if how == "root":
        _hand_over(path)


def _hand_over(path: str) -> None:
    """All of it to the job's root."""
    for folder, _, files in os.walk(path):
        for name in (".", *files):
            os.lchown(os.path.join(folder, name), HOST_IDS, HOST_IDS)


def _own_files(path: str, mirrored: bool) -> None:
    texts = {"hosts": "127.0.0.1 localhost runner\n::1 localhost\n", "hostname": "runner\n", "resolv.conf": resolver()}
    if os.path.exists("/etc/shadow"):
        texts["shadow"] = "".join(f"{name}:*:19000:0:99999:7:::\n" for name in _users())
        texts["gshadow"] = ""
    os.makedirs(f"{path}/etc", exist_ok=True)
    for name, text in texts.items():
        target = f"{path}/etc/{name}"
        if os.path.lexists(target):
            os.unlink(target)
        with open(target, "w") as file:
            file.write(text)
        os.chmod(target, 0o640 if "shadow" in name else 0o644)
    if mirrored:
        os.makedirs(f"{path}/etc/apt/apt.conf.d", exist_ok=True)
        with open(f"{path}/etc/apt/apt.conf.d/99one-user", "w") as file:
            file.write('APT::Sandbox::User "root";\n')


def _users() -> list[str]:
    with open("/etc/passwd", encoding="utf-8", errors="surrogateescape") as file:
        return [line.partition(":")[0] for line in file if ":" in line]


def resolver() -> str:
    """`resolv.conf` of the job. A resolver on the machine's own loopback cannot be reached from a network of one's own: then the
    one behind it, else slirp4netns's."""
    for source in ("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"):
        try:
            with open(source, encoding="utf-8", errors="replace") as file:
                lines = [line for line in file if not line.startswith("#")]
        except OSError:
            continue
        servers = [line.split()[1] for line in lines if line.startswith("nameserver") and len(line.split()) > 1]
        if any(not server.startswith("127.") and server != "::1" for server in servers):
            return "".join(line for line in lines if not line.startswith(("nameserver 127.", "nameserver ::1")))
    return "nameserver 10.0.2.3\n"


def _stand_in(path: str, source: str, status: os.stat_result) -> None:
    """An empty file, or folder, instead of what a job must not read."""
    target = path + source
    os.makedirs(os.path.dirname(target), exist_ok=True)
    _like(path, os.path.dirname(source))
    if stat.S_ISDIR(status.st_mode):
        _opaque(target, status)
        return
    if os.path.lexists(target):
        os.unlink(target)
    with open(target, "w"):
        pass
    os.chmod(target, stat.S_IMODE(status.st_mode))


def _empty(path: str, top: str) -> None:
    """Its folders without their files: programs count on those of logs, say."""
    os.makedirs(path + top, exist_ok=True)
    _like(path, os.path.dirname(top))
    _opaque(path + top, os.stat(top))
    for folder, folders, _ in os.walk(top) if top != "/var/tmp" else ():
        for name in folders.copy():
            status = _status(f"{folder}/{name}")
            if status is not None and stat.S_ISDIR(status.st_mode):
                os.mkdir(f"{path}{folder}/{name}")
                os.chmod(f"{path}{folder}/{name}", stat.S_IMODE(status.st_mode) | 0o700)
            if status is None or not stat.S_ISDIR(status.st_mode) or not open_to_all(status):
                folders.remove(name)


def _status(path: str) -> os.stat_result | None:
    """None where it is gone by now: the machine goes on while the skeleton is made."""
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _opaque(target: str, like: os.stat_result) -> None:
    """An empty folder through which nothing of the host's shows."""
    os.makedirs(target, exist_ok=True)
    os.setxattr(target, "user.overlay.opaque", b"y")
    os.chmod(target, stat.S_IMODE(like.st_mode))


def _like(path: str, folder: str) -> None:
    """Folders on the way that were made here look like the host's."""
    more = 0 if os.getuid() == 0 else 0o700
    while len(folder) > 1:
        status = _status(folder)
        if status is not None:
            os.chmod(path + folder, stat.S_IMODE(status.st_mode) | more)
        folder = os.path.dirname(folder)


def _mirror(path: str, base: str) -> None:
    """Every folder of the base as one of our own: a merged folder belongs to whoever owns its top. With copies of the files of
    /etc and of the package database, which programs rewrite in place."""
    for folder, folders, files in os.walk(base):
        for name in folders.copy():
            source, target = f"{folder}/{name}", f"{path}{folder}/{name}"
            status = _status(source)
            if status is None or stat.S_ISLNK(status.st_mode) or source in EMPTIED:
                folders.remove(name)
                continue
            os.mkdir(target)
            os.chmod(target, stat.S_IMODE(status.st_mode) | 0o700)
            if not open_to_all(status) or not os.access(source, os.R_OK | os.X_OK):
                folders.remove(name)
                os.setxattr(target, "user.overlay.opaque", b"y")
            elif _is_huge(source):
                folders.remove(name)
        if folder.startswith(_COPIED):
            for name in files:
                source, target = f"{folder}/{name}", f"{path}{folder}/{name}"
                if not os.path.islink(source) and os.path.isfile(source):
                    try:
                        _copy(source, target)
                    except FileNotFoundError:  # by now
                        continue


def _copy(source: str, target: str) -> None:
    if not _is_worth_it(source):
        return
    if os.access(source, os.R_OK) and open_to_all(os.stat(source)):
        shutil.copy2(source, target)
    else:
        with open(target, "w"):
            pass


def _is_worth_it(source: str) -> bool:
    if source.startswith("/var/lib/dpkg/"):
        return True
    return not source.startswith("/var/cache/apt/archives/") and os.stat(source).st_size <= _LARGE


def _is_huge(folder: str) -> bool:
    if folder.count("/") not in (3, 4):
        return False
    for count, one in enumerate(_folders(folder)):
        if one.endswith(("site-packages", "dist-packages")):
            return False
        if count > _TOO_MANY:
            return True
    return False


def _folders(folder: str) -> Iterator[str]:
    for each, folders, _ in os.walk(folder):
        yield each
        folders[:] = [name for name in folders if not os.path.islink(f"{each}/{name}")]
