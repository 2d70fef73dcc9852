"""Why a machine refuses to part jobs from it: every row of the table, read from the files of a machine that lie in a folder."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from headrace.sandbox.ids import Mode
from headrace.sandbox.probe import mends
from headrace.sandbox.probe.explain import TABLE, explain
from headrace.sandbox.probe.machine import Machine, read
from headrace.sandbox.probe.trial import Refused, Step

ROOT = (
    "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n22 27 0:21 / /proc rw - proc proc rw\n23 27 0:22 / /sys rw - sysfs sysfs rw\n"
)
DOCKER = "30 22 0:50 / /proc/kcore rw - tmpfs tmpfs rw\n31 23 0:51 / /sys/firmware ro - tmpfs tmpfs ro\n"
HARMLESS = "32 22 0:52 / /proc/sys/fs/binfmt_misc rw - autofs a rw\n33 23 0:53 / /sys/fs/cgroup rw - tmpfs t rw\n34 33 0:54 / /sys/fs/cgroup/cpu rw - cgroup c rw\n"
STATUS = "Name:\tpython\nCapEff:\t0000000000000000\nCapBnd:\t000001ffffffffff\nNoNewPrivs:\t0\nSeccomp:\t0\n"
FILTERED = STATUS.replace("Seccomp:\t0", "Seccomp:\t2")
AS_ROOT = STATUS.replace("CapEff:\t0000000000000000", "CapEff:\t000001ffffffffff")
MAPPER = "newuidmap (its ranges are in /etc/subuid and /etc/subgid)"
JOBS = "/home/ada/.local/state/headrace"

HEALTHY = {
    "proc/version": "Linux version 6.8.0-45-generic (buildd@lcy02) (gcc 13.2.0) #45-Ubuntu SMP\n",
    "proc/sys/kernel/osrelease": "6.8.0-45-generic\n",
    "proc/filesystems": "nodev\tproc\nnodev\toverlay\n\text4\n",
    "proc/self/mountinfo": ROOT + HARMLESS,
    "proc/self/status": STATUS,
    **{f"proc/sys/user/max_{kind}_namespaces": "96364\n" for kind in ("user", "mnt", "pid", "ipc", "uts", "net")},
    "etc/passwd": "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n",
    "etc/subuid": "ada:100000:65536\n",
    "etc/subgid": "ada:100000:65536\n",
    "usr/bin/newuidmap": "",
    "usr/bin/apt-get": "",
    "dev/net/tun": "",
}
PROGRAMS = ("usr/bin/newuidmap", "usr/bin/apt-get", "usr/bin/slirp4netns")


def machine(
    folder: Path,
    changes: dict[str, str | None] | None = None,
    uid: int = 1000,
    mode: Mode = "sub",
    suid: bool = True,
    environ: dict[str, str] | None = None,
) -> Machine:
    """The machine whose files are those of a healthy one, but for `changes` (None: it is not there)."""
    for name, text in {**HEALTHY, **(changes or {})}.items():
        if text is None:
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755 if name in PROGRAMS else 0o644)
    if suid and (folder / "usr/bin/newuidmap").exists():
        (folder / "usr/bin/newuidmap").chmod(0o4755)
    return read(JOBS, {"PATH": "/usr/bin", **(environ or {})}, str(folder), uid, mode)


def refused(step: Step, code: int, what: str = "") -> Refused:
    return Refused(step, code, what, os.strerror(code) if code else "it was killed")


ROWS: dict[str, tuple[dict[str, str | None], Refused, str]] = {
    "gvisor": (
        {"proc/version": "Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016\n"},
        refused("layers", errno.ENODEV, "mount overlay on /tmp/new"),
        "headrace run --isolation host",
    ),
    "wsl1": (
        {"proc/version": "Linux version 4.4.0-19041-Microsoft (Microsoft@Microsoft.com) (gcc version 5.4.0) #1237-Microsoft\n"},
        refused("namespaces", errno.EINVAL, "unshare"),
        "wsl.exe --set-version DISTRIBUTION 2",
    ),
    "no-proc": ({}, refused("mounts", errno.ENOENT, "/proc/self/uid_map"), "sudo mount -t proc proc /proc"),
    "disk-full": ({}, refused("folders", errno.ENOSPC, f"{JOBS}/probe-x/job/up"), "export XDG_STATE_HOME="),
    "unwritable": ({}, refused("folders", errno.EACCES, "/home/ada/.local"), "export XDG_STATE_HOME="),
    "no-attributes": (
        {"proc/self/mountinfo": f"{ROOT}40 27 0:60 / /home rw - tmpfs t rw\n"},
        refused("attributes", errno.EOPNOTSUPP, f"{JOBS}/probe-x"),
        "export HEADRACE_SCRATCH=",
    ),
    "switched-off": (
        {"proc/sys/user/max_user_namespaces": "0\n"},
        refused("namespaces", errno.ENOSPC, "unshare"),
        "sudo sysctl -w user.max_user_namespaces=15000",
    ),
    "too-many": ({}, refused("namespaces", errno.ENOSPC, "unshare"), "sudo sysctl -w user.max_user_namespaces=192728"),
    "not-for-users": (
        {"proc/sys/kernel/unprivileged_userns_clone": "0\n"},
        refused("namespaces", errno.EPERM, "unshare"),
        "sudo sysctl -w kernel.unprivileged_userns_clone=1",
    ),
    "chroot": (
        {"proc/self/mountinfo": "22 27 0:21 / /proc rw - proc proc rw\n"},
        refused("namespaces", errno.EPERM, "unshare"),
        "systemd-nspawn -D",
    ),
    "masked": (
        {"proc/self/mountinfo": ROOT + HARMLESS + DOCKER, ".dockerenv": ""},
        refused("proc", errno.EPERM, "mount proc on /tmp/new/proc"),
        "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined",
    ),
    "container": (
        {"proc/self/status": FILTERED, "run/.containerenv": "", "proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n"},
        refused("namespaces", errno.EPERM, "unshare"),
        "podman run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt unmask=ALL",
    ),
    "filtered": ({"proc/self/status": FILTERED}, refused("namespaces", errno.EPERM, "unshare"), "RestrictNamespaces=no"),
    "apparmor": (
        {"proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n", "proc/self/attr/apparmor/current": "unconfined\n"},
        refused("mounts", errno.EACCES, "mount none on /"),
        "sudo apparmor_parser -r /etc/apparmor.d/headrace",
    ),
    "mapper-held-down": (
        {"proc/self/status": STATUS.replace("NoNewPrivs:\t0", "NoNewPrivs:\t1")},
        refused("ids", errno.EPERM, MAPPER),
        "NoNewPrivileges=no",
    ),
    "mapper-powerless": (
        {"proc/self/mountinfo": f"{ROOT}40 27 0:60 / /usr ro,nosuid - ext4 /dev/vdb ro\n"},
        refused("ids", errno.EPERM, MAPPER),
        "sudo mount -o remount,suid $(findmnt -no TARGET -T /usr/bin/newuidmap)",
    ),
    "mapper-bounded": (
        {"proc/self/status": STATUS.replace("CapBnd:\t000001ffffffffff", "CapBnd:\t00000000800405fb")},
        refused("ids", errno.EPERM, MAPPER),
        "sudo setcap cap_setuid=ep /usr/bin/newuidmap && sudo setcap cap_setgid=ep /usr/bin/newgidmap",
    ),
    "mapper": (
        {"etc/subuid": "ada:100000:65536\nbob:165536:65536\n"},
        refused("ids", errno.EPERM, MAPPER),
        "sudo usermod --add-subuids 231072-296607 --add-subgids 231072-296607 ada",
    ),
    "clones": (
        {"proc/self/mountinfo": ROOT.replace("- ext4 /dev/vda", "- overlay overlay"), "proc/self/status": AS_ROOT},
        refused("clones", errno.EINVAL, "id-mapped clone of /usr"),
        "su ci -c 'headrace run'",
    ),
    "no-overlay": (
        {"proc/filesystems": "nodev\tproc\n\text4\n"},
        refused("layers", errno.ENODEV, "mount overlay on /tmp/new"),
        "sudo modprobe overlay",
    ),
    "no-place": (
        {"proc/self/mountinfo": f"{ROOT}40 27 0:60 / /home rw - nfs4 nas:/home rw\n"},
        refused("layers", errno.EINVAL, "mount overlay on /tmp/new"),
        "export HEADRACE_SCRATCH=",
    ),
    "stacked": (
        {"proc/self/mountinfo": ROOT.replace("- ext4 /dev/vda", "- overlay overlay") + "40 27 0:60 / /home rw - ext4 /dev/vda rw\n"},
        refused("layers", errno.EINVAL, "mount overlay on /tmp/new"),
        "headrace run --isolation host",
    ),
    "no-user-overlays": ({}, refused("layers", errno.EPERM, "mount overlay on /tmp/new"), "headrace run --isolation host"),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_each_row_is_chosen_by_the_files_it_names_and_says_what_mends_it(tmp_path: Path, name: str) -> None:
    changes, what, mend = ROWS[name]
    found = explain(machine(tmp_path, changes), what)
    assert found.row == name, found
    assert mend in found.mend
    assert found.text and found.short and not found.short.endswith(".")


def test_no_row_of_the_table_is_without_a_case() -> None:
    assert {row.name for row in TABLE} == {*ROWS, "no-linux"}
    assert explain(Machine(kernel=""), refused("namespaces", 0)).row == "no-linux"


@pytest.mark.parametrize(
    ("name", "repairs"),
    [
        ("gvisor", {"proc/version": HEALTHY["proc/version"]}),
        ("wsl1", {"proc/version": "Linux version 5.15.90.1-microsoft-standard-WSL2 (oe-user@oe-host) (gcc) #1 SMP\n"}),
        ("switched-off", {"proc/sys/user/max_user_namespaces": "15000\n"}),
        ("not-for-users", {"proc/sys/kernel/unprivileged_userns_clone": "1\n"}),
        ("chroot", {"proc/self/mountinfo": ROOT}),
        ("masked", {"proc/self/mountinfo": ROOT + HARMLESS}),
        ("container", {"proc/self/status": STATUS, "proc/sys/kernel/apparmor_restrict_unprivileged_userns": "0\n"}),
        ("filtered", {"proc/self/status": STATUS}),
        ("apparmor", {"proc/sys/kernel/apparmor_restrict_unprivileged_userns": "0\n"}),
        ("mapper-held-down", {"proc/self/status": STATUS}),
        ("mapper-powerless", {"proc/self/mountinfo": ROOT}),
        ("mapper-bounded", {"proc/self/status": STATUS}),
        ("no-overlay", {"proc/filesystems": HEALTHY["proc/filesystems"]}),
        ("no-place", {"proc/self/mountinfo": ROOT}),
        ("stacked", {"proc/self/mountinfo": ROOT}),
    ],
)
def test_where_the_file_says_otherwise_it_is_another_row(tmp_path: Path, name: str, repairs: dict[str, str]) -> None:
    changes, what, _ = ROWS[name]
    assert explain(machine(tmp_path, {**changes, **repairs}), what).row != name


def test_what_no_row_knows_is_said_as_the_kernel_said_it(tmp_path: Path) -> None:
    found = explain(machine(tmp_path), refused("mounts", errno.EPERM, "pivot_root"))
    assert (found.row, found.short, found.passing) == (
        "unknown",
        "it is refused here (pivot_root: Operation not permitted)",
        False,
    )
    assert explain(machine(tmp_path), refused("program", 0, "the trial")).passing


@pytest.mark.parametrize(
    ("changes", "environ", "mend"),
    [
        ({"run/systemd/container": "lxc\n"}, {}, "lxc config set NAME security.nesting true"),
        ({}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "procMount: Unmasked"),
        ({}, {"container": "podman"}, "unmask=ALL"),
        ({}, {}, "sudo umount /proc/kcore"),
    ],
)
def test_what_mends_a_masked_proc_depends_on_who_masks_it(
    tmp_path: Path, changes: dict[str, str | None], environ: dict[str, str], mend: str
) -> None:
    masked = {"proc/self/mountinfo": ROOT + DOCKER, **changes}
    found = explain(machine(tmp_path, masked, environ=environ), refused("proc", errno.EPERM, "mount proc on /tmp/new/proc"))
    assert (found.row, mend in found.mend) == ("masked", True)


def test_a_profile_of_a_container_forbids_mounts_where_its_filter_is_off(tmp_path: Path) -> None:
    made = machine(tmp_path, {".dockerenv": "", "proc/self/attr/apparmor/current": "docker-default (enforce)\n"})
    found = explain(made, refused("mounts", errno.EACCES, "mount none on /"))
    assert (found.row, "docker-default" in found.text) == ("container", True)


def test_newuidmap_is_raised_by_its_mode_or_by_capabilities(tmp_path: Path) -> None:
    plain = machine(tmp_path, suid=False)
    found = explain(plain, refused("ids", errno.EPERM, MAPPER))
    assert (found.row, found.mend) == ("mapper-powerless", "sudo chmod u+s /usr/bin/newuidmap /usr/bin/newgidmap")
    assert machine(tmp_path).mapper != plain.mapper


def test_commands_are_those_of_the_machine_and_of_whoever_asks(tmp_path: Path) -> None:
    assert mends.install(machine(tmp_path), "newuidmap") == "sudo apt-get install uidmap"
    assert mends.install(Machine(uid=1), "git") == "sudo apt-get install git"
    assert mends.install(Machine(uid=0, installer="dnf"), "slirp4netns") == "dnf install slirp4netns"
    assert mends.install(Machine(uid=1, installer="pacman"), "node") == "sudo pacman -S nodejs"
    assert mends.open_tun(Machine(uid=1, tun="missing")) == "sudo modprobe tun"
    assert mends.open_tun(Machine(uid=1, tun="missing", container="podman")) == "podman run --device /dev/net/tun"
    assert mends.open_tun(Machine(uid=1, tun="closed", container="podman")) == "sudo chmod 666 /dev/net/tun"
    assert mends.elsewhere(Machine(user="ada", elsewhere="/my disk")) == (
        "mkdir -m 700 '/my disk/headrace-ada' && export HEADRACE_SCRATCH='/my disk/headrace-ada'"
    )
    assert mends.elsewhere(Machine(container="docker", jobs="/s")) == "docker run --volume headrace:/s"


def test_the_machine_is_what_its_files_say(tmp_path: Path) -> None:
    made = machine(tmp_path)
    assert (made.user, made.kernel, made.release, made.masks, made.installer) == (
        "ada",
        "linux",
        "6.8.0-45-generic",
        (),
        "apt-get",
    )
    assert (made.jobs_on, made.system_on, made.tun, made.slirp, made.chrooted) == ("ext4", "ext4", "open", "", False)
    assert made.limits == dict.fromkeys(("user", "mnt", "pid", "ipc", "uts", "net"), 96364)
    (tmp_path / "dev/net/tun").unlink()
    changed = machine(tmp_path, {"usr/bin/slirp4netns": "", "dev/net/tun": None}, uid=7)
    assert (changed.user, changed.tun, changed.slirp) == ("7", "missing", "/usr/bin/slirp4netns")
    nothing = read("/jobs", {}, str(tmp_path / "none"))
    assert (nothing.kernel, nothing.container, nothing.mapper, nothing.limits) == ("linux", "", None, {})
