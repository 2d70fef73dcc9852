"""The commands that let jobs be parted from a machine, or have more there: each as it can be copied."""

from __future__ import annotations

from shlex import quote

from headrace.sandbox.probe.machine import COUNT, Helper, Machine


def sudo(machine: Machine, command: str) -> str:
    return command if machine.uid == 0 else f"sudo {command}"


_PACKAGES = {
    "newuidmap": {"apt-get": "uidmap", "dnf": "shadow-utils", "apk": "shadow-uidmap", "pacman": "shadow", "zypper": "shadow"},
    "node": dict.fromkeys(("apt-get", "dnf", "apk", "pacman", "zypper"), "nodejs"),
    "pasta": dict.fromkeys(("apt-get", "dnf", "apk", "pacman", "zypper"), "passt"),
}


def install(machine: Machine, program: str) -> str:
    """The command that installs the package which holds a program."""
    package = _PACKAGES.get(program, {}).get(machine.installer or "apt-get", program)
    match machine.installer:
        case "pacman":
            return sudo(machine, f"pacman -S {package}")
        case "apk":
            return sudo(machine, f"apk add {package}")
        case "dnf" | "zypper":
            return sudo(machine, f"{machine.installer} install {package}")
        case _:
            return sudo(machine, f"apt-get install {package}")


def sysctl(machine: Machine, setting: str) -> str:
    return sudo(machine, f"sysctl -w {setting}")


def let_go(machine: Machine) -> str:
    """How a container is started that lets its processes make containers of their own."""
    match machine.container:
        case "podman":
            return "podman run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt unmask=ALL"
        case "kubernetes":
            return (
                "securityContext: {seccompProfile: {type: Unconfined}, appArmorProfile: {type: Unconfined}, procMount: Unmasked}"
            )
        case "lxc":
            return "lxc config set NAME security.nesting true"
        case _:
            options = ("seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined")
            return "docker run " + " ".join(f"--security-opt {each}" for each in options)


def profile(machine: Machine) -> str:
    """An AppArmor profile that takes nothing from our interpreter, and lets it have user namespaces."""
    rule = f'abi <abi/4.0>,\\nprofile headrace "{machine.interpreter}" flags=(unconfined) {{\\n  userns,\\n}}\\n'
    place = "/etc/apparmor.d/headrace"
    return f"printf '{rule}' | sudo tee {place} && sudo apparmor_parser -r {place}"


def elsewhere(machine: Machine, variable: str = "HEADRACE_SCRATCH") -> str:
    """Jobs, or all that headrace keeps, in another folder."""
    if machine.elsewhere:
        place = quote(f"{machine.elsewhere}/headrace-{machine.user}")
        return f"mkdir -m 700 {place} && export {variable}={place}"
    if machine.container:
        return f"{engine(machine)} run --volume headrace:{quote(machine.jobs)}"
    return f"export {variable}=DIR  # a folder on ext4, xfs, btrfs or tmpfs"


def hand_out(machine: Machine) -> str:
    """Give the user a range of ids that nobody else has."""
    last = machine.next_range + COUNT - 1
    ids = f"--add-subuids {machine.next_range}-{last} --add-subgids {machine.next_range}-{last}"
    return sudo(machine, f"usermod {ids} {machine.user}")


def raise_mapper(machine: Machine) -> str:
    mapper = machine.mapper or Helper("/usr/bin/newuidmap")
    if mapper.nosuid:
        return sudo(machine, f"mount -o remount,suid $(findmnt -no TARGET -T {mapper.path})")
    return sudo(machine, f"chmod u+s {mapper.path} {mapper.path.removesuffix('newuidmap')}newgidmap")


def give_capabilities(machine: Machine) -> str:
    users = machine.mapper.path if machine.mapper else "/usr/bin/newuidmap"
    groups = f"{users.removesuffix('newuidmap')}newgidmap"
    give = (f"setcap cap_set{kind}id=ep {path}" for kind, path in (("u", users), ("g", groups)))
    return " && ".join(sudo(machine, command) for command in (f"chmod u-s {users} {groups}", *give))


def engine(machine: Machine) -> str:
    return machine.container if machine.container in ("docker", "podman") else "docker"


def open_tun(machine: Machine) -> str:
    """Let whoever runs jobs have /dev/net/tun, now and, on a machine that boots, after that."""
    if machine.tun == "missing":
        return f"{engine(machine)} run --device /dev/net/tun" if machine.container else sudo(machine, "modprobe tun")
    if machine.container:
        return "sudo chmod 666 /dev/net/tun"
    rule = 'echo \'KERNEL=="tun", MODE="0666"\' | sudo tee /etc/udev/rules.d/60-tun.rules'
    return f"sudo chmod 666 /dev/net/tun && {rule}"
