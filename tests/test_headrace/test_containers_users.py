"""Containers of jobs that an ordinary user runs, with and without a range of ids to hand out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from test_core.calls import lines_until, until
from test_core.containers import IMAGE
from test_core.people import People, Person
from test_core.repositories import make_repository
from test_core.rootless import Rootless, rootless

pytestmark = pytest.mark.slow

_SERVE = "mkdir -p /w; echo served > /w/index.html; httpd -f -p 8080 -h /w"
CONTAINED = f"""
  contained:
    runs-on: ubuntu-latest
    container: {IMAGE}
    services: {{web: {{image: "{IMAGE}", entrypoint: sh, command: '-c "{_SERVE}"'}}}}
    steps:
      - uses: actions/checkout@v4
      - run: |
          test "$(id -u)" = 0 && test "$(cat file)" = committed && echo made > made
          until wget -q -O- http://web:8080/; do sleep 0.1; done
      - uses: docker://{IMAGE}
        with: {{entrypoint: sh, args: '-c "wget -q -O- \\"$ACTIONS_RESULTS_URL\\" 2>&1 | grep -q \\"HTTP/1.1 4\\" && cat made > again"'}}
      - uses: ./act
        with: {{who: me}}
      - {{uses: actions/upload-artifact@v4, with: {{name: kept, path: again}}}}
      - run: test "$(cat built)" = "built for me" && test "$(cat again)" = made
"""
BESIDE = f"""
  beside:
    runs-on: ubuntu-latest
    services: {{web: {{image: "{IMAGE}", ports: ["8080"], entrypoint: sh, command: '-c "{_SERVE}"',
                options: --health-cmd "wget -q -O- http://127.0.0.1:8080/" --health-interval 1s}}}}
    steps:
      - run: test "$(curl -s http://127.0.0.1:${{{{ job.services.web.ports['8080'] }}}}/)" = served
"""
FILES = {
    "file": "committed\n",
    "act/action.yml": 'inputs: {who: {}}\nruns: {using: docker, image: Dockerfile, args: ["${{ inputs.who }}"]}\n',
    "act/Dockerfile": f'FROM {IMAGE}\nCOPY run.sh /run.sh\nENTRYPOINT ["sh", "/run.sh"]\n',
    "act/run.sh": 'echo "built for $1" > built\n',
}


@pytest.fixture(scope="module", params=["with a range of ids", "without one"])
def user(request: pytest.FixtureRequest, people: People) -> Iterator[Rootless]:
    with rootless(people.make(ranges=request.param == "with a range of ids")) as made:
        yield made


@pytest.fixture(scope="module")
def owner(people: People) -> Iterator[Rootless]:
    """One who has ids to hand out."""
    with rootless(people.make(ranges=True)) as made:
        yield made


def contained(steps: str) -> str:
    lines = "".join(f"      {line}\n" for line in steps.strip("\n").split("\n"))
    return f"  a:\n    runs-on: ubuntu-latest\n    container: {IMAGE}\n    steps:\n{lines}"


@pytest.mark.parametrize("isolation", ["host", "namespaces"])
def test_containers_services_and_actions_in_containers_do_for_an_ordinary_user_what_they_do_for_root(
    user: Rootless, isolation: str
) -> None:
    repository = make_repository(
        user.home / f"repo-{isolation}", {".github/workflows/ci.yml": f"on: push\njobs:{CONTAINED}{BESIDE}", **FILES}
    )
    user.person.give(repository.root)
    done = user("run", "--json", "-v", "--isolation", isolation, cwd=repository.root)
    assert done.results == {"contained": "success", "beside": "success"}, done.err
    assert user.left() == []


@pytest.mark.parametrize("isolation", ["host", "namespaces"])
def test_files_that_a_container_has_given_to_another_user_go_with_the_job(owner: Rootless, isolation: str) -> None:
    steps = '- run: mkdir -p deep/er && echo x > deep/er/f && chown -R 1000:1000 deep && chmod 700 deep && test "$(stat -c %u deep)" = 1000'
    done = owner.run(contained(steps), "-v", "--isolation", isolation, folder=f"files-{isolation}")
    assert done.results == {"a": "success"}, done.err
    until(lambda: not any((owner.state / "work").iterdir()), "folders were left", 60)
    until(lambda: not (owner.state / "trash").exists() or not any((owner.state / "trash").iterdir()), "trash was left", 60)


def test_a_step_that_takes_too_long_ends_in_the_container_of_an_ordinary_user(user: Rootless) -> None:
    steps = """
- run: exec sleep 4321
  timeout-minutes: 0.02
- if: always()
  run: if ps | grep -q "[s]leep 4321"; then echo "still there"; else echo "it is gone"; fi
"""
    done = user.run(contained(steps), "-v", folder="late")
    assert done.results == {"a": "failure"}
    assert ("| it is gone" in done.err, "| still there" in done.err) == (True, False), done.err


def test_containers_of_an_ordinary_users_run_that_was_killed_are_removed(owner: Rootless) -> None:
    repository = owner.repository(contained("- run: echo 'waits now'; sleep 4321"), "killed")
    process = owner.start("run", "-v", cwd=repository.root)
    lines_until(process, "| waits now")
    assert len(owner.left()) == 2
    process.kill()
    process.wait()
    until(lambda: not owner.left(), "containers were left", 60)


def test_where_the_network_of_users_lacks_its_device_nothing_runs_and_podman_is_left_whole(owner: Rootless) -> None:
    """podman that has once failed to make a network goes on failing when the device is there, until it is told to begin anew."""
    assert owner.podman("system", "migrate").returncode == 0
    owner.tun = "closed"
    try:
        done = owner.run(contained("- run: echo never"), "-v", folder="closed")
        assert (done.status, done.results) == (1, {"a": "unsupported"})
        assert "/dev/net/tun, which is closed to users" in done.err
        assert "`sudo chmod 666 /dev/net/tun" in done.err
        said = owner("doctor").out
        assert "jobs with containers are unsupported" in said
        assert "sudo chmod 666 /dev/net/tun" in said
    finally:
        owner.tun = "open"
    assert owner.podman("system", "migrate").returncode == 0  # it has seen the other view of the machine
    done = owner.run(contained("- run: echo and now"), "-v", folder="opened")
    assert done.results == {"a": "success"}, done.err


def test_a_podman_that_has_failed_before_is_named_with_what_lets_it_begin_anew(people: People) -> None:
    with rootless(people.make(ranges=True)) as user:
        user.clean()
        user.runtime.mkdir(mode=0o700)
        user.person.give(user.runtime)
        user.tun = "closed"
        user.provide()
        user.podman("network", "create", "own")
        assert user.podman("run", "--rm", "--network", "own", IMAGE, "true").returncode != 0
        user.tun = "open"
        said = user("doctor").out
        if "podman has run a container" in said:
            pytest.skip("this podman recovers by itself")
        assert "container engine: podman system migrate" in said
        assert user.podman("system", "migrate").returncode == 0
        assert "podman has run a container" in user("doctor").out


def test_a_user_without_ids_is_told_what_their_containers_cannot_have(people: People, single_person: Person) -> None:
    with rootless(single_person) as user:
        said = user("doctor").out
        assert "containers have one user, and images with files of others cannot be had" in said
        assert "usermod --add-subuids" in said
        done = user.run(contained("- run: echo x > f && chown 1000 f"), "-v", folder="chown")
        assert done.results == {"a": "failure"}
