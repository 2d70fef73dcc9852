"""Why a machine refuses what parts jobs from it, and what mends that: a table, judged from what the trial met and from what the
machine's files say. No version of a kernel decides anything."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from headrace.sandbox.probe import WITHOUT, mends
from headrace.sandbox.probe.machine import Machine
from headrace.sandbox.probe.trial import Refused, Step

Aspect = Literal["kernel", "folders", "namespaces", "ids", "layers", "mounts", "program"]
"""What it takes, in the order in which it is met."""

ASPECTS: dict[Step, Aspect] = {
    "folders": "folders", "attributes": "folders", "namespaces": "namespaces", "ids": "ids", "clones": "layers",
    "layers": "layers", "mounts": "mounts", "proc": "mounts", "program": "program",
}  # fmt: skip

DENIED = (errno.EPERM, errno.EACCES)
_PASSING = (0, errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)


class Explanation(Struct, frozen=True):
    """`row`: its name in the table. `short`: a few words; `text`: what is the matter; `mend`: the command that changes it.
    `passing`: it may be otherwise the next time, though nothing was changed."""

    row: str
    aspect: Aspect
    short: str
    text: str
    mend: str
    passing: bool = False


Words = Callable[[Machine, Refused], str]


class _Row(Struct, frozen=True):
    name: str
    aspect: Aspect
    applies: Callable[[Machine, Refused], bool]
    short: str
    text: Words
    mend: Words
    passing: bool = False


def explain(machine: Machine, refused: Refused) -> Explanation:
    """The first row that applies."""
    for row in TABLE:
        if row.applies(machine, refused):
            text, mend = row.text(machine, refused), row.mend(machine, refused)
            return Explanation(row.name, row.aspect, row.short, text, mend, row.passing)
    text = f"it is refused here ({refused.what}: {refused.text})"
    return Explanation("unknown", ASPECTS[refused.step], text, text, WITHOUT, refused.errno in _PASSING)


def _on_the_way(machine: Machine, refused: Refused) -> bool:
    """Whether it was about the folder of jobs, one above it or something in it."""
    what, jobs = f"{refused.what}/", f"{machine.jobs}/"
    return bool(refused.what) and (what.startswith(jobs) or jobs.startswith(what))


def _off(machine: Machine) -> str:
    """The kind of namespace of which there may be none."""
    return next((kind for kind, number in machine.limits.items() if number == 0), "")


def _by_container(machine: Machine, refused: Refused) -> bool:
    confined = machine.label not in ("", "unconfined") and refused.errno in DENIED
    return bool(machine.container) and (_filtered(machine, refused) or confined) and ASPECTS[refused.step] != "folders"


def _nosuid(machine: Machine) -> bool:
    return machine.mapper is not None and machine.mapper.nosuid


def _powers(machine: Machine) -> str:
    return machine.mapper.powers if machine.mapper else ""


def _filtered(machine: Machine, refused: Refused) -> bool:
    """A filter of system calls answers one of these, or kills."""
    killed = refused.step == "namespaces" and not refused.errno
    return machine.seccomp == 2 and (killed or refused.errno in (*DENIED, errno.ENOSYS))


TABLE = (
    _Row(
        "no-linux",
        "kernel",
        lambda m, r: m.kernel == "",
        "only Linux has namespaces",
        lambda m, r: "only Linux has namespaces",
        lambda m, r: WITHOUT,
    ),
    _Row(
        "gvisor",
        "kernel",
        lambda m, r: m.kernel == "gvisor" and r.step != "folders",
        "gVisor has no layers",
        lambda m, r: "this is gVisor and no Linux (/proc/version names no compiler): it has no layers for jobs",
        lambda m, r: WITHOUT,
    ),
    _Row(
        "wsl1",
        "kernel",
        lambda m, r: m.kernel == "wsl1",
        "WSL 1 has no namespaces",
        lambda m, r: "this is the Windows Subsystem for Linux 1 (/proc/version), which has no namespaces; WSL 2 has them",
        lambda m, r: f"wsl.exe --set-version {m.distribution or 'DISTRIBUTION'} 2",
    ),
    _Row(
        "no-proc",
        "mounts",
        lambda m, r: r.what.startswith("/proc/self/") and r.errno == errno.ENOENT,
        "there is no /proc",
        lambda m, r: f"there is no /proc here ({r.what}: {r.text})",
        lambda m, r: mends.sudo(m, "mount -t proc proc /proc"),
    ),
    _Row(
        "disk-full",
        "folders",
        lambda m, r: r.step in ("folders", "attributes") and r.errno in (errno.ENOSPC, errno.EDQUOT),
        "the disk is full",
        lambda m, r: f"there is no room in {m.jobs}: {r.text}",
        lambda m, r: mends.elsewhere(m, "XDG_STATE_HOME"),
        passing=True,
    ),
    _Row(
        "unwritable",
        "folders",
        lambda m, r: r.step == "folders" and _on_the_way(m, r),
        "the folder of jobs cannot be written to",
        lambda m, r: f"jobs lie in {m.jobs}, and nothing can be put there ({r.what}: {r.text})",
        lambda m, r: mends.elsewhere(m, "XDG_STATE_HOME"),
    ),
    _Row(
        "no-attributes",
        "folders",
        lambda m, r: r.step == "attributes",
        "files of jobs can have no attributes",
        lambda m, r: f"jobs lie in {m.jobs}, on {m.jobs_on or 'a file system'} without user attributes, which layers need",
        lambda m, r: mends.elsewhere(m),
    ),
    _Row(
        "switched-off",
        "namespaces",
        lambda m, r: r.step == "namespaces" and r.errno in (errno.ENOSPC, errno.EUSERS) and _off(m) != "",
        "user namespaces are switched off",
        lambda m, r: f"namespaces are switched off: /proc/sys/user/max_{_off(m)}_namespaces is 0",
        lambda m, r: mends.sysctl(m, f"user.max_{_off(m)}_namespaces=15000"),
    ),
    _Row(
        "too-many",
        "namespaces",
        lambda m, r: r.step == "namespaces" and r.errno in (errno.ENOSPC, errno.EUSERS),
        "there are too many namespaces",
        lambda m, r: "there are as many namespaces, or as many in one another, as there may be (/proc/sys/user/max_*_namespaces)",
        lambda m, r: mends.sysctl(m, f"user.max_user_namespaces={max(15000, 2 * m.limits.get('user', 0))}"),
        passing=True,
    ),
    _Row(
        "not-for-users",
        "namespaces",
        lambda m, r: r.step == "namespaces" and r.errno in DENIED and m.clone == 0 and not m.admin,
        "user namespaces are for root only",
        lambda m, r: "only root may make user namespaces: kernel.unprivileged_userns_clone is 0",
        lambda m, r: mends.sysctl(m, "kernel.unprivileged_userns_clone=1"),
    ),
    _Row(
        "chroot",
        "namespaces",
        lambda m, r: r.step == "namespaces" and r.errno == errno.EPERM and m.chrooted,
        "in a chroot there are no user namespaces",
        lambda m, r: "this is a chroot (/proc/self/mountinfo has no /), and the kernel allows no user namespaces in one",
        lambda m, r: "systemd-nspawn -D DIR  # instead of chroot DIR",
    ),
    _Row(
        "masked",
        "mounts",
        lambda m, r: r.step == "proc" and r.errno in DENIED and m.masks != (),
        "parts of /proc or /sys are hidden here",
        lambda m, r: (
            f"something is mounted over {', '.join(m.masks[:3])}{' and more' if len(m.masks) > 3 else ''}: where a part of /proc "
            "or /sys is hidden, the kernel allows no fresh one"
        ),
        lambda m, r: mends.let_go(m) if m.container else mends.sudo(m, f"umount {m.masks[0]}"),
    ),
    _Row(
        "container",
        "namespaces",
        _by_container,
        "this container does not allow it",
        lambda m, r: (
            f"the container that this runs in forbids it ({r.what}: {r.text}), by "
            + ("its filter of system calls (Seccomp: 2)" if m.seccomp == 2 else f"its AppArmor profile ({m.label})")
        ),
        lambda m, r: mends.let_go(m),
    ),
    _Row(
        "filtered",
        "namespaces",
        lambda m, r: _filtered(m, r) and r.step == "namespaces",
        "a filter of system calls forbids it",
        lambda m, r: "whatever started headrace filters its system calls (Seccomp: 2 in /proc/self/status): no namespaces",
        lambda m, r: "RestrictNamespaces=no  # in the systemd unit of headrace, if it has one; else start it from elsewhere",
    ),
    _Row(
        "apparmor",
        "namespaces",
        lambda m, r: m.apparmor == 1 and r.errno in DENIED and m.mode != "root" and ASPECTS[r.step] != "folders",
        "AppArmor restricts user namespaces",
        lambda m, r: "AppArmor takes all powers in user namespaces from programs without a profile that lets them have those "
        "(kernel.apparmor_restrict_unprivileged_userns is 1)",
        lambda m, r: mends.profile(m),
    ),
    _Row(
        "mapper-held-down",
        "ids",
        lambda m, r: r.step == "ids" and r.what.startswith("new") and m.no_new_privileges,
        "newuidmap gets no powers here",
        lambda m, r: "newuidmap cannot set up ids: whatever started headrace lets no program have more powers (NoNewPrivs: 1)",
        lambda m, r: (
            f"{mends.engine(m)} run  # without --security-opt no-new-privileges"
            if m.container
            else "NoNewPrivileges=no  # in the systemd unit of headrace, if it has one; else start it from elsewhere"
        ),
    ),
    _Row(
        "mapper-powerless",
        "ids",
        lambda m, r: (
            r.step == "ids" and r.what.startswith("new") and m.mapper is not None and (m.mapper.nosuid or not m.mapper.powers)
        ),
        "newuidmap has no powers",
        lambda m, r: (
            "newuidmap can set up no ids: it is not set-user-ID" + (" where it is mounted (nosuid)" if _nosuid(m) else "")
        ),
        lambda m, r: mends.raise_mapper(m),
    ),
    _Row(
        "mapper-bounded",
        "ids",
        lambda m, r: r.step == "ids" and r.what.startswith("new") and m.bounded and _powers(m) == "set-user-ID",
        "newuidmap has too few powers here",
        lambda m, r: "newuidmap can set up no ids: it is set-user-ID, too little where nobody can have CAP_SYS_ADMIN (CapBnd)",
        lambda m, r: mends.give_capabilities(m),
    ),
    _Row(
        "mapper",
        "ids",
        lambda m, r: r.step == "ids" and r.what.startswith("new"),
        "newuidmap refuses the range",
        lambda m, r: "newuidmap refuses the range that /etc/subuid and /etc/subgid name; another one may do",
        lambda m, r: mends.hand_out(m),
    ),
    _Row(
        "clones",
        "layers",
        lambda m, r: r.step == "clones",
        "root's jobs cannot have other ids here",
        lambda m, r: (
            "as root, jobs see the system with ids of their own, which needs id-mapped mounts: "
            + ("this root has no CAP_SYS_ADMIN" if not m.admin else f"{m.system_on or 'the file system'} does not have them")
            + f" ({r.what}: {r.text}). Jobs of an ordinary user do without"
        ),
        lambda m, r: "useradd -m ci && su ci -c 'headrace run'",
    ),
    _Row(
        "no-overlay",
        "layers",
        lambda m, r: r.step == "layers" and r.errno == errno.ENODEV and not m.overlays,
        "the kernel has no overlays",
        lambda m, r: "the kernel has no overlays at hand (/proc/filesystems)",
        lambda m, r: mends.sudo(m, "modprobe overlay"),
    ),
    _Row(
        "no-place",
        "layers",
        lambda m, r: r.step == "layers" and m.no_place,
        "no layers can lie where jobs do",
        lambda m, r: f"jobs lie in {m.jobs}, on {m.jobs_on}: no layers can lie there",
        lambda m, r: mends.elsewhere(m),
    ),
    _Row(
        "stacked",
        "layers",
        lambda m, r: r.step == "layers" and r.errno == errno.EINVAL and m.system_on == "overlay",
        "overlays are stacked too high",
        lambda m, r: "the system lies on overlays over one another already (this is a job in a job, or in a container), and more "
        "than two the kernel does not allow",
        lambda m, r: WITHOUT,
    ),
    _Row(
        "no-user-overlays",
        "layers",
        lambda m, r: r.step == "layers" and r.errno in DENIED,
        "the kernel allows no layers in user namespaces",
        lambda m, r: "the kernel allows no layers in user namespaces; Linux 5.11 and newer ones do",
        lambda m, r: WITHOUT,
    ),
)  # fmt: skip
"""From what makes everything else meaningless to what is only about one step."""
