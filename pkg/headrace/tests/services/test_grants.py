"""A runtime token says whose it is, and nobody else can make one."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from headrace.services.grants import GrantError, JobGrant, issue, verify
from hypothesis import given
from hypothesis import strategies as st

KEY = b"0123456789abcdef"
GRANT = JobGrant("run-1", "job-1", "octo/repo", "refs/heads/main")


def claims(token: str) -> dict[str, object]:
    payload = token.split(".")[1]
    found = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert isinstance(found, dict)
    return found


@pytest.mark.covers("runtime:9.3")
def test_clients_find_their_ids_in_a_scope_of_three_parts() -> None:
    token = issue(GRANT, KEY)
    assert token.count(".") == 2
    assert claims(token)["scp"] == "Actions.Results:run-1:job-1"
    assert json.loads(str(claims(token)["ac"])) == [{"Scope": "refs/heads/main", "Permission": 3}]


def test_what_was_issued_can_be_read_with_the_same_key_only() -> None:
    assert verify(issue(GRANT, KEY), KEY) == GRANT
    with pytest.raises(GrantError, match="has not been issued here"):
        verify(issue(GRANT, KEY), b"another key.....")


def test_an_old_token_is_refused() -> None:
    with pytest.raises(GrantError, match="expired"):
        verify(issue(GRANT, KEY, lifetime_s=-1), KEY)


def test_a_token_without_signature_is_refused() -> None:
    head = urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    body = issue(GRANT, KEY).split(".")[1]
    with pytest.raises(GrantError, match="has not been issued here"):
        verify(f"{head}.{body}.", KEY)


def test_what_is_not_ours_is_not_looked_into() -> None:
    deep = urlsafe_b64encode(b"[" * 100_000).rstrip(b"=").decode()
    with pytest.raises(GrantError, match="has not been issued here"):
        verify(f"{deep}.{deep}.e30", KEY)


@pytest.mark.parametrize("bad", ["", "a b", "a:b", "a\n"])
def test_ids_that_clients_could_not_read_are_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="an id in a grant"):
        issue(JobGrant(bad, "job"), KEY)
    with pytest.raises(ValueError, match="an id in a grant"):
        issue(JobGrant("run", bad), KEY)


@given(st.text())
def test_any_other_text_is_an_error_and_never_a_grant(text: str) -> None:
    with pytest.raises(GrantError):
        verify(text, KEY)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_token_is_refused(place: int, change: int) -> None:
    token = bytearray(issue(GRANT, KEY).encode())
    place %= len(token)
    token[place] = token[place] ^ change
    text = token.decode("latin-1")
    try:
        assert verify(text, KEY) == GRANT  # the unused bits of the last base64 digit
        assert place == len(token) - 1
    except GrantError:
        pass


@pytest.mark.covers("runtime:9.3")
def test_which_caches_a_job_reads_and_writes_stands_in_the_token() -> None:
    grant = JobGrant("run", "job", "octo/repo", "refs/pull/1/merge", "octo/repo@1", ("refs/heads/topic", "refs/heads/main"))
    assert verify(issue(grant, KEY), KEY) == grant
    assert json.loads(str(claims(issue(grant, KEY))["ac"])) == [
        {"Scope": "refs/pull/1/merge", "Permission": 3},
        {"Scope": "refs/heads/topic", "Permission": 1},
        {"Scope": "refs/heads/main", "Permission": 1},
    ]
    reader = JobGrant("run", "job", "octo/repo", "refs/heads/main", writes=False)
    assert verify(issue(reader, KEY), KEY) == reader
    assert json.loads(str(claims(issue(reader, KEY))["ac"])) == [{"Scope": "refs/heads/main", "Permission": 1}]
