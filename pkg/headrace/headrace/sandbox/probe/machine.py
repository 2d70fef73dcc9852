"""What this machine says of itself where it decides about isolation: read once, from files, and judged elsewhere."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from headrace.sandbox import ids
from headrace.sandbox.ids import Mode
from headrace.sandbox.layout import plain
from headrace.sandbox.outlet import upstreams
from headrace.sandbox.programs import find

Container = Literal["", "docker", "podman", "kubernetes", "lxc", "systemd-nspawn", "unknown"]

FIRST_RANGE, COUNT = 100_000, 65_536
"""Where the ids lie that `usermod --add-subuids` hands out by custom."""

_NO_PLACE = frozenset(
    ("overlay", "nfs", "nfs4", "ecryptfs", "vfat", "exfat", "ntfs3", "cifs", "9p", "virtiofs", "fuse", "fuseblk")
)
_PLACES = frozenset(("ext4", "xfs", "btrfs", "tmpfs", "f2fs"))
_ROOM = 1 << 30  # bytes that must be free in a place that is recommended
_ADMIN = 21  # CAP_SYS_ADMIN
_EMPTY = (
    "/proc/sys/fs/binfmt_misc/", "/proc/fs/nfsd/", "/sys/fs/cgroup/", "/sys/fs/bpf/", "/sys/fs/pstore/",
    "/sys/fs/fuse/connections/", "/sys/fs/selinux/", "/sys/fs/smackfs/", "/sys/fs/resctrl/", "/sys/kernel/debug/",
    "/sys/kernel/tracing/", "/sys/kernel/security/", "/sys/kernel/config/", "/sys/firmware/efi/efivars/",
)  # fmt: skip
"""Folders that the kernel keeps empty for mounts: what stands on them hides nothing."""
_INSTALLERS = ("apt-get", "dnf", "pacman", "zypper", "apk")


Mount = tuple[str, str, str]
"""Where, of what kind, with which options."""


class Helper(Struct, frozen=True):
    """A program on PATH. `powers`: what gives it more of those than its caller has; `nosuid`: it lies where that does not
    count."""

    path: str
    powers: Literal["", "set-user-ID", "capabilities"] = "set-user-ID"
    nosuid: bool = False


class Machine(Struct, frozen=True):
    """`kernel`: "" for none that we know. `distribution`: of a Windows Subsystem for Linux. `limits`: kind of namespace → how
    many there may be. `clone`, `apparmor`: the settings kernel.unprivileged_userns_clone and
    kernel.apparmor_restrict_unprivileged_userns, None where the kernel has none. `label`: the AppArmor profile that we run under.
    `seccomp`: 0, 1 or 2, a filter. `admin`: whether we have CAP_SYS_ADMIN; `bounded`: whether nobody here can have it. `masks`:
    mounts that hide parts of /proc and /sys. `overlays`: whether the kernel knows them. `jobs`: the folder of all jobs, on a file
    system of the kind `jobs_on`; /usr lies on `system_on`. `elsewhere`: a folder where jobs could be instead, empty for none.
    `mapper`: newuidmap. `ranges`: whether the user may hand ids out. `next_range`: the first id that nobody has been
    handed. `tun`: /dev/net/tun. `slirp`: slirp4netns. `upstream`: whether the machine itself reaches the outside through a proxy.
    `installer`: its package manager. `interpreter`: the program that we are."""

    uid: int = 0
    user: str = "root"
    mode: Mode = "root"
    kernel: Literal["linux", "gvisor", "wsl1", ""] = "linux"
    distribution: str = ""
    release: str = ""
    limits: dict[str, int] = {}
    clone: int | None = None
    apparmor: int | None = None
    label: str = ""
    seccomp: int = 0
    no_new_privileges: bool = False
    admin: bool = True
    bounded: bool = False
    container: Container = ""
    chrooted: bool = False
    masks: tuple[str, ...] = ()
    overlays: bool = True
    jobs: str = ""
    jobs_on: str = "ext4"
    system_on: str = "ext4"
    elsewhere: str = ""
    mapper: Helper | None = None
    ranges: bool = False
    next_range: int = FIRST_RANGE
    tun: Literal["open", "closed", "missing"] = "open"
    slirp: str = ""
    upstream: bool = False
    installer: str = ""
    interpreter: str = ""

    @property
    def no_place(self) -> bool:
        """Whether layers cannot lie where jobs do."""
        return self.jobs_on in _NO_PLACE or self.jobs_on.startswith("fuse.")


def read(jobs: str, environ: Mapping[str, str], root: str = "", uid: int | None = None, mode: Mode | None = None) -> Machine:
    """Read it. `jobs`: where the folders of jobs lie. `root`: where the machine's / is; `uid`, `mode`: of whom, else of this
    process. What cannot be read is as if it were not there."""
    if sys.platform != "linux":
        return Machine(kernel="", jobs=jobs)
    status = _status(f"{root}/proc/self/status")
    mounts = _mounts(f"{root}/proc/self/mountinfo")
    version = _text(f"{root}/proc/version")
    path = environ.get("PATH", "")
    uid = os.getuid() if uid is None else uid
    return Machine(
        uid=uid,
        user=_name(uid, f"{root}/etc/passwd"),
        mode=mode or _mode(),
        kernel=_kernel(version),
        distribution=environ.get("WSL_DISTRO_NAME", ""),
        release=_text(f"{root}/proc/sys/kernel/osrelease").strip(),
        limits=_limits(f"{root}/proc/sys/user"),
        clone=_number(f"{root}/proc/sys/kernel/unprivileged_userns_clone"),
        apparmor=_number(f"{root}/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
        label=_text(f"{root}/proc/self/attr/apparmor/current").strip(),
        seccomp=int(status.get("Seccomp", "0")),
        no_new_privileges=status.get("NoNewPrivs") == "1",
        admin=_has(status.get("CapEff", "")),
        bounded=not _has(status.get("CapBnd", "")),
        container=_container(root, environ),
        chrooted="/" not in (point for point, _, _ in mounts),
        masks=_masks(mounts),
        overlays="overlay" in _text(f"{root}/proc/filesystems").split(),
        jobs=jobs,
        jobs_on=_kind(os.path.realpath(jobs), mounts),
        system_on=_kind("/usr", mounts),
        elsewhere=_elsewhere(root, jobs, mounts, environ),
        mapper=_helper("newuidmap", path, root, mounts),
        ranges=ids.ranges(f"{root}/etc") is not None,
        next_range=_next_range(root),
        tun=_tun(f"{root}/dev/net/tun"),
        slirp=find("slirp4netns", path, root),
        upstream=bool(upstreams(environ)),
        installer=next((name for name in _INSTALLERS if find(name, path, root)), ""),
        interpreter=os.path.realpath(sys.executable),
    )  # fmt: skip


def _kernel(version: str) -> Literal["linux", "gvisor", "wsl1"]:
    """What /proc/version says of who it is: a Linux names its compiler."""
    if "Microsoft" in version and "WSL2" not in version:
        return "wsl1"
    return "gvisor" if version and "(" not in version else "linux"


def _mode() -> Mode:
    try:
        return ids.mode()
    except OSError:  # there is no /proc
        return "single"


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def _number(path: str) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None


def _status(path: str) -> dict[str, str]:
    return {name: rest.strip() for name, _, rest in (line.partition(":") for line in _text(path).splitlines())}


def _has(capabilities: str) -> bool:
    return bool(int(capabilities or "0", 16) >> _ADMIN & 1)


def _limits(folder: str) -> dict[str, int]:
    kinds = ("user", "mnt", "pid", "ipc", "uts", "net")
    found = {kind: _number(f"{folder}/max_{kind}_namespaces") for kind in kinds}
    return {kind: number for kind, number in found.items() if number is not None}


def _name(uid: int, passwd: str) -> str:
    fields = (line.split(":") for line in _text(passwd).splitlines())
    return next((each[0] for each in fields if len(each) > 2 and each[2] == str(uid)), str(uid))


def _mounts(path: str) -> list[Mount]:
    """As the kernel lists them: of two at one place the later one is to be seen."""
    found = []
    for line in _text(path).splitlines():
        mount, _, system = line.partition(" - ")
        fields = mount.split(" ")
        if len(fields) > 5 and system:
            found.append((plain(fields[4]), system.split(" ")[0], fields[5]))
    return found


def _mount_of(path: str, mounts: list[Mount]) -> Mount:
    """The mount that a path lies on."""
    found: Mount = ("", "", "")
    for mount in mounts:
        point = mount[0]
        if (path == point or path.startswith(point.rstrip("/") + "/")) and len(point) >= len(found[0]):
            found = mount
    return found


def _kind(path: str, mounts: list[Mount]) -> str:
    """The kind of file system that a path lies on."""
    return _mount_of(path, mounts)[1]


def _masks(mounts: list[Mount]) -> tuple[str, ...]:
    """What keeps the kernel from mounting a fresh /proc or /sys: whatever hides a part of the present one, or /proc itself where
    it is read-only."""
    return tuple(
        point
        for point, _, options in mounts
        if (point.startswith(("/proc/", "/sys/")) and not (point + "/").startswith(_EMPTY))
        or (point == "/proc" and "ro" in options.split(","))
    )


def _container(root: str, environ: Mapping[str, str]) -> Container:
    if environ.get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes"
    if os.path.exists(f"{root}/run/.containerenv"):
        return "podman"
    if os.path.exists(f"{root}/.dockerenv"):
        return "docker"
    name = _text(f"{root}/run/systemd/container").strip() or environ.get("container", "")
    match name:
        case "docker" | "podman" | "systemd-nspawn":
            return name
        case "lxc" | "lxc-libvirt":
            return "lxc"
        case "" | "wsl":
            return ""
        case _:
            return "unknown"


def _elsewhere(root: str, jobs: str, mounts: list[Mount], environ: Mapping[str, str]) -> str:
    """The first of the usual folders on a file system that layers can lie on, with room on it."""
    for folder in ("/var/tmp", environ.get("HOME", ""), "/mnt", "/dev/shm"):
        place = f"{root}{folder}"
        if folder and os.access(place, os.W_OK | os.X_OK) and _kind(os.path.realpath(folder), mounts) in _PLACES:
            free = os.statvfs(place)
            if free.f_bavail * free.f_frsize >= _ROOM:
                return folder
    return ""


def _helper(name: str, path: str, root: str, mounts: list[Mount]) -> Helper | None:
    path = find(name, path, root)
    if not path:
        return None
    try:
        capable = bool(os.getxattr(root + path, "security.capability"))
    except OSError:  # it has none
        capable = False
    raised = bool(os.stat(root + path).st_mode & stat.S_ISUID)
    powers: Literal["", "set-user-ID", "capabilities"] = "set-user-ID" if raised else "capabilities" if capable else ""
    return Helper(path, powers, "nosuid" in _mount_of(path, mounts)[2].split(","))


def _next_range(root: str) -> int:
    """Two users must not share one."""
    ends = [FIRST_RANGE]
    for name in ("subuid", "subgid"):
        for line in _text(f"{root}/etc/{name}").splitlines():
            fields = line.strip().split(":")
            if len(fields) == 3 and fields[1].isdecimal() and fields[2].isdecimal():
                ends.append(int(fields[1]) + int(fields[2]))
    return max(ends)


def _tun(path: str) -> Literal["open", "closed", "missing"]:
    if not os.path.exists(path):
        return "missing"
    return "open" if os.access(path, os.R_OK | os.W_OK) else "closed"
