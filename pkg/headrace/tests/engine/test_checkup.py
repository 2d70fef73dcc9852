"""What is said of a machine that was tried, aspect by aspect."""

from __future__ import annotations

import errno

import pytest
from headrace.engine.checkup import Checkup, Finding, isolation, network
from headrace.report.colour import Style
from headrace.report.doctor_table import doctor_lines
from headrace.sandbox.probe.machine import Helper, Machine
from headrace.sandbox.probe.trial import Refused, Works

ASPECTS = ("kernel", "folders of jobs", "namespaces", "users", "layers", "proc and devices", "trial job")
ADA = Machine(uid=1000, user="ada", mode="sub", jobs="/home/ada/jobs", mapper=Helper("/usr/bin/newuidmap"), ranges=True)


def test_where_a_job_has_run_all_is_well() -> None:
    found = list(isolation(ADA, Works("sub")))
    assert [(each.name, each.state, each.mend) for each in found] == [(name, "ok", "") for name in ASPECTS]


@pytest.mark.parametrize(
    ("refused", "missing"),
    [
        (Refused("folders", errno.EACCES, "/home/ada/jobs", "Permission denied"), "folders of jobs"),
        (Refused("namespaces", errno.EPERM, "unshare", "Operation not permitted"), "namespaces"),
        (Refused("ids", errno.EPERM, "newuidmap", "Operation not permitted"), "users"),
        (Refused("layers", errno.EINVAL, "mount overlay on /tmp/new", "Invalid argument"), "layers"),
        (Refused("proc", errno.EPERM, "mount proc on /tmp/new/proc", "Operation not permitted"), "proc and devices"),
        (Refused("program", errno.ENOENT, "sh", "No such file or directory"), "trial job"),
    ],
)
def test_what_comes_before_a_refusal_is_well_and_what_comes_after_it_was_not_tried(refused: Refused, missing: str) -> None:
    found = list(isolation(ADA, refused))
    at = ASPECTS.index(missing)
    assert [each.state for each in found] == ["ok"] * at + ["missing"] + ["untried"] * (len(ASPECTS) - at - 1)
    assert found[at].mend


def test_a_cause_that_lies_deeper_than_its_symptom_is_named_there() -> None:
    machine = Machine(uid=1000, mode="sub", apparmor=1, jobs="/j", interpreter="/usr/bin/python3.12")
    refused = Refused("mounts", errno.EACCES, "mount none on /", "Permission denied")
    found = {each.name: each for each in isolation(machine, refused)}
    assert (found["namespaces"].state, found["users"].state) == ("missing", "untried")
    assert '"/usr/bin/python3.12" flags=(unconfined)' in found["namespaces"].mend


@pytest.mark.parametrize(
    ("machine", "outcome", "state", "mend"),
    [
        (ADA, Works("sub"), "ok", ""),
        (Machine(), Works("root"), "ok", ""),
        (Machine(mode="inner"), Works("inner"), "ok", ""),
        (Machine(uid=0, mode="single"), Works("single"), "limited", ""),
        (
            Machine(uid=1000, user="ada", mode="single", installer="apt-get"),
            Works("single"),
            "limited",
            "sudo apt-get install uidmap && sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ada",
        ),
        (
            Machine(uid=1000, user="ada", mode="single", mapper=Helper("/usr/bin/newuidmap"), next_range=165536),
            Works("single"),
            "limited",
            "sudo usermod --add-subuids 165536-231071 --add-subgids 165536-231071 ada",
        ),
        (Machine(uid=1000, mode="single", ranges=True, installer="dnf"), Works("single"), "limited", "sudo dnf install shadow-utils"),
        (
            Machine(uid=1000, mode="sub", ranges=True, mapper=Helper("/usr/bin/newuidmap", "")),
            Works("single", "", Refused("ids", errno.EPERM, "newuidmap", "Operation not permitted")),
            "limited",
            "sudo chmod u+s /usr/bin/newuidmap /usr/bin/newgidmap",
        ),
    ],
)  # fmt: skip
def test_how_many_users_a_job_has_is_said_and_how_it_gets_more(machine: Machine, outcome: Works, state: str, mend: str) -> None:
    (found,) = [each for each in isolation(machine, outcome) if each.name == "users"]
    assert (found.state, found.mend) == (state, mend)
    assert outcome.mode in found.text


@pytest.mark.parametrize(
    ("machine", "slirp", "state", "mend"),
    [
        (Machine(slirp="/usr/bin/slirp4netns"), "/usr/bin/slirp4netns", "ok", ""),
        (Machine(upstream=True), "", "ok", ""),
        (Machine(uid=1000, installer="apt-get"), "", "limited", "sudo apt-get install slirp4netns"),
        (Machine(slirp="/usr/bin/slirp4netns", installer="apk"), "", "limited", "apk add slirp4netns"),
        (Machine(uid=1000, tun="missing"), "", "limited", "sudo modprobe tun"),
        (Machine(uid=1000, tun="missing", container="docker"), "", "limited", "docker run --device /dev/net/tun"),
        (
            Machine(uid=1000, tun="closed", slirp="/usr/bin/slirp4netns"),
            "",
            "limited",
            'sudo chmod 666 /dev/net/tun && echo \'KERNEL=="tun", MODE="0666"\' | sudo tee /etc/udev/rules.d/60-tun.rules',
        ),
    ],
)
def test_the_way_out_is_said_and_how_there_can_be_a_better_one(machine: Machine, slirp: str, state: str, mend: str) -> None:
    found = network(machine, Works("root", slirp))
    assert (found.state, found.mend) == (state, mend)


def test_without_a_network_of_its_own_a_job_has_no_way_out_to_speak_of() -> None:
    assert network(Machine(), Refused("namespaces", errno.EPERM, "unshare", "")).state == "untried"


def test_commands_stand_at_the_end_each_once_and_whole() -> None:
    long = "sudo " + "x" * 200
    findings = (Finding("a", "limited", "text", long), Finding("b", "missing", "text", long), Finding("c", "ok", "text"))
    lines = doctor_lines(Checkup(Works("root"), {"isolation": findings}), Style(width=40))
    assert [line for line in lines if "sudo" in line] == [f"  a: {long}"]
    assert lines[-1] == f"  a: {long}"
    assert doctor_lines(Checkup(Works("root"), {"isolation": findings[2:]}), Style())[-1].split() == ["c", "ok", "text"]
