"""What is known to be wrong with a file before any index is asked, and what an uploader makes of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from headrace.index.model import Limits, Refusal
from headrace.index.offline import check, read
from hypothesis import given
from hypothesis import strategies as st
from test_core.desks import Desk
from test_core.indexes import metadata, sdist, tarred, wheel, wheel_members, zipped

WHEEL = "demo-1.0-py3-none-any.whl"
SDIST = "demo-1.0.tar.gz"
INFO = "demo-1.0.dist-info"


def written(folder: Path, name: str, content: bytes) -> str:
    (folder / name).write_bytes(content)
    return str(folder / name)


@pytest.mark.covers("release:1.4")
@pytest.mark.parametrize(("name", "content"), [(WHEEL, wheel()), (SDIST, sdist())])
def test_what_is_read_of_a_file_is_what_an_index_takes(desk: Desk, tmp_path: Path, name: str, content: bytes) -> None:
    found = read(written(tmp_path, name, content))
    check(found)
    assert (found.name, found.version, found.unread) == ("demo", "1.0", ())
    said: dict[str, Any] = {field: values for field, values in found.fields.items() if not field.startswith(":")}
    assert desk.upload(name, content, **said).text == ""


def test_every_field_of_the_metadata_has_its_name_in_the_form(tmp_path: Path) -> None:
    more = {
        "Keywords": "a,b", "Project_URL": "Home, https://example.org", "Author_email": "a@example.org",
        "Classifier": "Typing :: Typed", "Requires_Dist": "other>=1", "Provides_Extra": "x", "License_Expression": "MIT",
        "Platform": "any",
    }  # fmt: skip
    fields = read(written(tmp_path, WHEEL, wheel(**more))).fields
    assert fields["keywords"] == ["a,b"] and fields["project_urls"] == ["Home, https://example.org"]
    assert fields["classifiers"] == ["Typing :: Typed"] and fields["requires_dist"] == ["other>=1"]
    assert (fields["filetype"], fields["pyversion"], fields["platform"]) == (["bdist_wheel"], ["py3"], ["any"])
    assert fields["description"] == ["Hello.\n"] and fields["license_expression"] == ["MIT"]
    check(read(f"{tmp_path}/{WHEEL}"))


@pytest.mark.parametrize(
    ("name", "members", "says"),
    [
        (WHEEL, {f"{INFO}/METADATA": metadata(version="1.0+here")}, "The use of local versions in '1.0+here' is not allowed"),
        (WHEEL, {f"{INFO}/METADATA": metadata(Requires_Dist="x @ https://example.org/x")}, "Can't have direct dependency"),
        (WHEEL, {f"{INFO}/METADATA": metadata(name="other")}, "Start filename for 'other' with 'other'."),
        (WHEEL, {f"{INFO}/METADATA": metadata(Summary="x" * 513)}, "'summary' field must be 512 characters or less"),
        (WHEEL, {f"{INFO}/RECORD": None}, "does not contain the required RECORD file"),
        ("demo-1.0-py3-none-linux_x86_64.whl", {}, "has an unsupported platform tag 'linux_x86_64'"),
        (WHEEL, {f"{INFO}/METADATA": None}, "METADATA not found"),
    ],
)
def test_what_an_index_would_refuse_is_refused_here_in_its_words(
    tmp_path: Path, name: str, members: dict[str, str | None], says: str
) -> None:
    kept = {path: text for path, text in {**wheel_members(), **members}.items() if text is not None}
    with pytest.raises(Refusal, match=re.escape(says)):
        check(read(written(tmp_path, name, zipped(kept))))


def test_a_file_of_another_kind_or_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"Unknown distribution format: 'notes\.txt'"):
        read(written(tmp_path, "notes.txt", b"x"))
    with pytest.raises(Refusal, match=r"File too large\. Limit for project 'demo' is 0 MB"):
        check(read(written(tmp_path, WHEEL, wheel())), limits=Limits(file=10))
    with pytest.raises(Refusal, match=r"should be 'demo-1\.0\.tar\.gz'"):
        members = {"demo-1.0/PKG-INFO": metadata(), "demo-1.0/x": ""}
        check(read(written(tmp_path, "demo-1.0.0.tar.gz", tarred(members))))


@given(st.binary(max_size=200), st.sampled_from([WHEEL, SDIST]))
def test_whatever_the_bytes_are_they_are_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    with pytest.raises(Refusal):
        read(written(folder, name, content))
