"""Keys: how they are made, read and written, and that they are not shown."""

from __future__ import annotations

import base64
import copy
import doctest
import os
import pickle
import traceback
from pathlib import Path

import headrace_encryption
import pytest
from headrace_encryption import Key, KeyFileError, KeyFormatError, keys
from hypothesis import given
from hypothesis import strategies as st

SECRET = bytes(range(32))
TEXT = base64.b64encode(SECRET).decode()


def key_file(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "the key"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@given(st.binary(min_size=32, max_size=32))
def test_a_key_comes_back_from_its_text(secret: bytes) -> None:
    assert Key.from_text(Key(secret).to_text()).to_bytes() == secret


@given(st.binary(max_size=100).filter(lambda secret: len(secret) != 32))
def test_a_key_of_another_length_is_refused(secret: bytes) -> None:
    with pytest.raises(KeyFormatError, match="32 bytes"):
        Key(secret)
    with pytest.raises(KeyFormatError):
        Key.from_text(base64.b64encode(secret).decode())


NO_KEYS = ["", "hello", TEXT[:-1], TEXT + "=", "-_" + TEXT[2:], TEXT[:10] + "\n" + TEXT[10:], "é" + TEXT, SECRET.hex()]


@pytest.mark.parametrize("text", NO_KEYS)
def test_a_text_that_is_no_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(KeyFormatError) as caught:
        Key.from_text(text)
    assert len(text) < 5 or text not in "".join(traceback.format_exception(caught.value))


def test_white_space_around_a_key_is_left_out() -> None:
    assert Key.from_text(f" \n{TEXT}\r\n") == Key(SECRET)


def test_generated_keys_differ() -> None:
    assert len({Key.generate().to_bytes() for _ in range(100)}) == 100


def test_keys_are_equal_by_their_bytes_and_told_apart_by_their_id() -> None:
    assert Key(SECRET) == Key(bytes(list(SECRET))) and hash(Key(SECRET)) == hash(Key(SECRET))
    assert Key(SECRET) != Key(SECRET[::-1])
    assert Key(SECRET).id != Key(SECRET[::-1]).id
    assert Key(SECRET) != SECRET
    assert len(Key(SECRET).id) == 8


def test_a_key_does_not_show_itself() -> None:
    key = Key(SECRET)
    for shown in (repr(key), str(key), f"{key}", repr([key])):
        assert key.id.hex() in shown
        assert TEXT not in shown and SECRET.hex() not in shown
    for copies in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            copies(key)


def test_a_written_key_is_read_again_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    key = Key.generate()
    path = tmp_path / "key"
    before = os.umask(0)
    try:
        key.write(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == key.to_text() + "\n"
    assert Key.from_file(path) == key == Key.from_file(str(path))


def test_a_key_is_never_written_over_another(tmp_path: Path) -> None:
    Key(SECRET).write(tmp_path / "key")
    with pytest.raises(KeyFileError, match="File exists"):
        Key.generate().write(tmp_path / "key")
    assert Key.from_file(tmp_path / "key") == Key(SECRET)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o777])
def test_a_key_file_that_others_may_touch_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    path = key_file(tmp_path, TEXT.encode(), mode)
    with pytest.raises(KeyFileError, match="others may read this key; chmod 600") as caught:
        Key.from_file(path)
    assert str(caught.value).startswith(f"{path}: ")
    path.chmod(0o600)
    assert Key.from_file(path) == Key(SECRET)


@pytest.mark.parametrize("content", [b"", b"hello\n", SECRET, b"\xff\xfe", TEXT.encode() * 2, b"A" * 10000], ids=len)
def test_a_file_that_holds_no_key_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = key_file(tmp_path, content)
    with pytest.raises(KeyFormatError) as caught:
        Key.from_file(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(KeyFileError, match="cannot be read"):
            Key.from_file(path)
    with pytest.raises(KeyFileError, match="cannot be written"):
        Key(SECRET).write(tmp_path / "none" / "key")


def test_the_examples_in_the_documentation_work() -> None:
    for module in (keys, headrace_encryption):
        failed, tried = doctest.testmod(module)
        assert (failed, tried > 0) == (0, True)
