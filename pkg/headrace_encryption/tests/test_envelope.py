"""Sealing and opening: what comes back, and what is refused with which error."""

from __future__ import annotations

import doctest

import nacl.secret
import pytest
from headrace.base.errors import HeadraceError
from headrace_encryption import (
    Envelope,
    Key,
    NotSealedError,
    SealError,
    TamperedError,
    UnknownVersionError,
    WrongKeyError,
    envelope,
    open_sealed,
    seal,
)
from hypothesis import given
from hypothesis import strategies as st

KEY = Key(bytes(range(32)))
OTHER = Key(bytes(range(1, 33)))
THIRD = Key(bytes(range(2, 34)))

# Sealed once by version 0.1.0 with KEY; it must open for as long as format 1 is supported.
FIRST_ENVELOPE = bytes.fromhex(
    "4852534c01fb35c9d435e457bf1eb21b822040e3ca3ca3c7c4c7a893f93be3a78226fda64db23590d8778f58c6"
    "e303e09571a887d6a7ccab48a67ded14e41723dae1734bed10bb"
)


@given(st.binary(max_size=2000))
def test_what_was_sealed_comes_back_and_the_envelope_is_longer_by_the_overhead(data: bytes) -> None:
    sealed = seal(data, KEY)
    assert open_sealed(sealed, KEY) == data
    assert len(sealed) == len(data) + envelope.OVERHEAD


@given(st.binary(min_size=16, max_size=200))
def test_the_data_is_not_to_be_seen_in_the_envelope(data: bytes) -> None:
    assert data not in seal(data, KEY)


def test_sealing_twice_gives_two_envelopes() -> None:
    assert seal(b"same", KEY) != seal(b"same", KEY)


def test_an_envelope_of_the_first_version_opens() -> None:
    assert open_sealed(FIRST_ENVELOPE, KEY) == b"the first envelope"


def test_the_box_is_what_libsodium_makes() -> None:
    parts = Envelope.from_bytes(seal(b"data", KEY))
    assert nacl.secret.SecretBox(KEY.to_bytes()).decrypt(parts.nonce + parts.box) == b"data"
    assert parts.key_id == KEY.id


@pytest.mark.parametrize("keys", [(KEY,), (KEY, OTHER), (OTHER, KEY), (OTHER, THIRD, KEY)], ids=len)
def test_any_place_among_several_keys_opens(keys: tuple[Key, ...]) -> None:
    assert open_sealed(seal(b"data", KEY), *keys) == b"data"


@pytest.mark.parametrize("keys", [(), (OTHER,), (OTHER, THIRD)], ids=len)
def test_without_the_right_key_nothing_opens_and_the_message_names_the_ids(keys: tuple[Key, ...]) -> None:
    with pytest.raises(WrongKeyError) as caught:
        open_sealed(seal(b"data", KEY), *keys)
    for key in (KEY, *keys):
        assert key.id.hex() in str(caught.value)
        assert key.to_text() not in str(caught.value)


@given(st.integers(0, len(FIRST_ENVELOPE) * 8 - 1))
def test_one_flipped_bit_anywhere_and_it_does_not_open(bit: int) -> None:
    changed = bytearray(FIRST_ENVELOPE)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealError):
        open_sealed(bytes(changed), KEY)


@given(st.integers(0, len(FIRST_ENVELOPE) - 1))
def test_a_beginning_of_an_envelope_does_not_open(length: int) -> None:
    with pytest.raises((NotSealedError, TamperedError)):
        open_sealed(FIRST_ENVELOPE[:length], KEY)


@given(st.binary(max_size=100))
def test_bytes_that_are_no_envelope_are_refused_as_such(data: bytes) -> None:
    with pytest.raises(NotSealedError):
        open_sealed(b"x" + data, KEY)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda sealed: b"", NotSealedError),
        (lambda sealed: b"PK" + sealed[2:], NotSealedError),
        (lambda sealed: sealed[:4] + b"\x02" + sealed[5:], UnknownVersionError),
        (lambda sealed: sealed[:4] + b"\x02", UnknownVersionError),
        (lambda sealed: sealed[:4], NotSealedError),
        (lambda sealed: sealed[: envelope.OVERHEAD - 1], NotSealedError),
        (lambda sealed: sealed[:5] + bytes(8) + sealed[13:], WrongKeyError),
        (lambda sealed: sealed[:13] + bytes(24) + sealed[37:], TamperedError),
        (lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]), TamperedError),
        (lambda sealed: sealed + b"\x00", TamperedError),
    ],
    ids=["empty", "other magic", "version", "version, cut", "magic only", "too short", "key id", "nonce", "last byte", "longer"],
)
def test_each_kind_of_damage_has_its_own_error(change: object, error: type[SealError]) -> None:
    assert callable(change)
    with pytest.raises(error) as caught:
        open_sealed(change(FIRST_ENVELOPE), KEY)
    assert isinstance(caught.value, HeadraceError)
    assert "\n" not in str(caught.value)


def test_the_key_of_another_envelope_with_this_key_id_does_not_open() -> None:
    parts = Envelope.from_bytes(seal(b"data", OTHER))
    with pytest.raises(TamperedError):
        open_sealed(Envelope(KEY.id, parts.nonce, parts.box).to_bytes(), KEY)


def test_the_examples_in_the_documentation_work() -> None:
    failed, tried = doctest.testmod(envelope)
    assert (failed, tried > 0) == (0, True)
