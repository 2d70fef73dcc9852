"""Services of jobs."""

from __future__ import annotations

import pytest
from test_core.calls import Headrace
from test_core.containers import IMAGE, Engine

pytestmark = pytest.mark.slow

WEB = f"""
      web:
        image: {IMAGE}
        env: {{TEXT: "for ${{{{ github.event_name }}}}"}}
        options: --entrypoint "/bin/sh"
        command: -c "mkdir /www; echo served $TEXT > /www/index.html; exec httpd -f -p 80 -h /www"
"""


def served(steps: str, more: str = "", extra: str = "", web: str = WEB) -> str:
    lines = "".join(f"      {line}\n" for line in steps.strip("\n").split("\n"))
    return f"  a:\n    runs-on: ubuntu-latest\n{extra}    services:{web.rstrip()}\n{more}    steps:\n{lines}"


@pytest.mark.covers("runtime:4.4", "runtime:3.6")
@pytest.mark.parametrize("isolation", ["host", "namespaces"])
def test_a_service_is_reached_at_its_port_of_the_jobs_loopback(headrace: Headrace, engine: Engine, isolation: str) -> None:
    """A fixed port of namespaces is the job's own: two legs have it at once."""
    port = "18423:80" if isolation == "namespaces" else "80"
    steps = """
- run: |
    echo "port ${{ job.services.web.ports['80'] }} of ${{ job.services.web.network }}"
    test "${{ job.container.network }}" = "${{ job.services.web.network }}" && test -z "${{ job.container.id }}"
    exec 3<>/dev/tcp/127.0.0.1/${{ job.services.web.ports['80'] }}
    printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3
    cat <&3
"""
    legs = "    strategy: {matrix: {n: [1, 2]}}\n"
    done = headrace.run(served(steps, f"        ports: ['{port}']\n", legs), "-v", "--isolation", isolation)
    assert set(done.results.values()) == {"success"}, done.err
    assert done.err.count("| served for push") == 2
    assert "Print service container logs: web" in done.err
    if isolation == "namespaces":
        assert done.err.count("| port 18423 of github_network_") == 2
    assert engine.left() == []


@pytest.mark.covers("runtime:3.6")
def test_containers_of_a_job_reach_one_another_by_name(headrace: Headrace, engine: Engine) -> None:
    other = f"""      other:
        image: {IMAGE}
        options: --entrypoint "/bin/sh"
        command: -c "until wget -q -O- http://web/; do sleep 0.2; done; exec tail -f /dev/null"
"""
    steps = "- run: |\n    until wget -q -O- http://web/; do sleep 0.2; done\n    grep -w other /etc/hosts"
    done = headrace.run(served(steps, other, f"    container: {IMAGE}\n"), "-v")
    assert done.results == {"a": "success"}, done.err
    assert done.err.count("served for push") >= 2  # in the step, and in the other's log


@pytest.mark.covers("runtime:3.6")
def test_a_service_that_is_not_healthy_fails_the_job_with_its_log(headrace: Headrace, engine: Engine) -> None:
    check = "--health-interval 1s --health-retries 1 --health-start-period 1s"
    options = f'        options: --entrypoint /bin/sh --health-cmd "test -e /well" {check}\n'
    sick = WEB.replace('        options: --entrypoint "/bin/sh"\n', options).replace('-c "mkdir', '-c "echo so it begins; mkdir')
    done = headrace.run(served("- run: echo never", web=sick), "-v")
    assert done.results == {"a": "failure"}, done.err
    for text in ("so it begins", f"Failed to initialize container {IMAGE}", "One or more containers failed to start."):
        assert text in done.err, text
    assert "| never" not in done.err
    well = sick.replace("echo so it begins;", "echo so it begins; touch /well;")
    done = headrace.run(served("- run: echo now", web=well), "-v", folder="well")
    assert done.results == {"a": "success"}, done.err
    assert "web service is healthy." in done.err
    assert engine.left() == []


@pytest.mark.covers("runtime:1.2")
def test_a_service_whose_image_is_empty_is_not_started(headrace: Headrace, engine: Engine) -> None:
    web = '\n      web: {image: "${{ github.event.nothing }}"}\n'
    done = headrace.run(served("- run: test -z '${{ job.services.web.id }}'", web=web), "-v")
    assert done.results == {"a": "success"}, done.err
    assert "Initialize containers" not in done.err


def test_a_service_that_ends_at_once_fails_the_job(headrace: Headrace, engine: Engine) -> None:
    web = f"\n      web: {{image: '{IMAGE}', entrypoint: /bin/sh, command: -c \"echo it cannot; exit 3\"}}\n"
    done = headrace.run(served("- run: echo never", web=web), "-v")
    assert done.results == {"a": "failure"}
    assert ("it cannot" in done.err, "| never" in done.err) == (True, False), done.err


def test_credentials_of_a_registry_are_masked_and_kept_from_the_words_of_programs(headrace: Headrace, engine: Engine) -> None:
    web = "\n      web:\n        image: localhost:1/private/x:1\n        credentials: {username: me, password: '${{ secrets.PASS }}'}\n"
    done = headrace.run(served("- run: echo never", web=web), "-v", "--secret", "PASS=very-private")
    assert done.results == {"a": "failure"}
    assert "--authfile" in done.err or "--config" in done.err
    assert "very-private" not in done.err
    assert not [path for path in headrace.kept() if b"very-private" in path.read_bytes()]
