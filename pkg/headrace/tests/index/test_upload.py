"""What an index refuses, in PyPI's words and with its status, and in which order."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sqlite3
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from headrace.index.app import Settings
from headrace.index.database import Database
from headrace.index.model import Limits, Refusal
from headrace.index.rules import RELAXABLE, Judge
from headrace.index.shelf import Shelf, Upload
from packaging.version import Version
from test_core.desks import Desk
from test_core.indexes import metadata, sdist, tarred, wheel, wheel_members, zipped

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

WHEEL = "demo-1.0-py3-none-any.whl"
SDIST = "demo-1.0.tar.gz"


def covers(row: int) -> pytest.MarkDecorator:
    return pytest.mark.covers(f"release:1.5.{row}")


@covers(23)
@pytest.mark.covers("release:1.4")
def test_a_wheel_and_an_sdist_are_stored_and_served(desk: Desk) -> None:
    files = {WHEEL: wheel(), SDIST: sdist()}
    for name, content in files.items():
        answer = desk.upload(name, content)
        assert (answer.status_code, answer.text) == (200, "")
    page = desk.request("GET", "/simple/demo/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}).json()
    assert [file["filename"] for file in page["files"]] == [WHEEL, SDIST]
    for file in page["files"]:
        assert desk.request("GET", file["url"]).content == files[file["filename"]]
    assert [line for line in desk.lines if "stored" in line] == [f"stored {WHEEL}", f"stored {SDIST}"]


@covers(1)
@pytest.mark.parametrize(
    ("mode", "text"),
    [
        ("read-only", "403 Read-only mode: Uploads are temporarily disabled.\n"),
        ("disabled", "403 New uploads are temporarily disabled.\n"),
    ],
)
def test_uploads_can_be_switched_off(desk: Desk, mode: Any, text: str) -> None:
    desk.settings = Settings(mode=mode)
    answer = desk.upload(WHEEL, wheel())
    assert (answer.status_code, answer.text) == (403, text)


@covers(2)
@pytest.mark.parametrize("authorization", ["", "Basic =", "Basic bWU6cHlwaS14", "Bearer pypi-nobody", "Digest x"])
def test_nobody_uploads_without_a_token(desk: Desk, authorization: str) -> None:
    answer = desk.request("POST", "/legacy/", headers={"Authorization": authorization}, data={":action": "file_upload"})
    assert (answer.status_code, answer.text) == (403, "403 Invalid or non-existent authentication information.\n")


@pytest.mark.covers("release:1.4")
@pytest.mark.parametrize("scheme", ["Bearer", "token"])
def test_a_token_may_stand_by_itself(desk: Desk, scheme: str) -> None:
    answer = desk.request(
        "POST", "/legacy/", headers={"Authorization": f"{scheme} {desk.token}"}, data={":action": "file_upload", "name": "demo"}
    )
    assert answer.status_code == 400


@pytest.mark.covers("release:1.4")
def test_without_its_slash_the_address_is_said(desk: Desk) -> None:
    answer = desk.request("POST", "/legacy")
    assert (answer.status_code, answer.headers["Location"]) == (308, "/legacy/")
    assert "expected upload URL is /legacy/" in answer.text
    assert desk.upload(WHEEL, wheel(), **{"_:action": "submit", ":action": None}).status_code == 404


FORM = [
    (3, {"protocol_version": "2"}, "Unknown protocol version."),
    (4, {"filetype": "bdist_egg"}, "Invalid value for filetype. Error: Use a known file type."),
    (4, {"filetype": "sdist", "pyversion": "py3"}, "Invalid value for pyversion. Error: Use 'source' as Python version for an sdist."),
    (4, {"pyversion": ""}, "Invalid value for pyversion. Error: Python version is required for binary distribution uploads."),
    (4, {"sha256_digest": None}, "Error: Include at least one message digest."),
    (4, {"sha256_digest": "xyz"}, "Invalid value for sha256_digest. Error: Use a valid, hex-encoded, SHA256 message digest."),
    (4, {"blake2_256_digest": "1"}, "Invalid value for blake2_256_digest. Error: Use a valid, hex-encoded, BLAKE2 message digest."),
    (4, {"name": "-demo"}, "'-demo' is an invalid value for Name. Error: Start and end with a letter or numeral containing only"),
    (4, {"name": None}, "'' is an invalid value for Name. Error: This field is required. See"),
    (5, {"metadata_version": "9.0"}, "'9.0' is not a valid metadata version"),
    (5, {"version": "1.0+x"}, "The use of local versions in '1.0+x' is not allowed. See https://packaging.python.org/en/latest/sp"),
    (5, {"version": "one"}, "'one' is invalid for 'version'"),
    (5, {"summary": "x" * 513}, "'summary' field must be 512 characters or less."),
    (5, {"author_email": "me@home"}, "'me@home' is not a valid email address."),
    (5, {"classifiers": ["Nonsense :: Yes"]}, "'Nonsense :: Yes' is not a valid classifier."),
    (5, {"classifiers": ["Natural Language :: Ukranian"]}, "The classifier 'Natural Language :: Ukranian' has been deprecated"),
    (5, {"project_urls": ["x" * 33 + ", https://example.org"]}, f"'{'x' * 33}' must be 32 characters or less."),
    (5, {"project_urls": ["Home, nowhere"]}, "'nowhere' is not a valid url."),
    (5, {"home_page": "ftp//x"}, "'ftp//x' is not a valid url."),
    (5, {"requires_dist": ["x @ https://example.org/x.whl"]}, "Can't have direct dependency: x @ https://example.org/x.whl."),
    (5, {"provides_dist": ["x @ https://example.org/x.whl"]}, "Can't have direct dependency: 'x @ https://example.org/x.whl'."),
    (5, {"requires_dist": ["not a requirement !"]}, "'not a requirement !' is invalid for 'requires-dist'"),
    (5, {"dynamic": ["summary", "mood"]}, "'mood' is not"),
    (5, {"license": "MIT", "license_expression": "MIT"}, "License is deprecated when License-Expression is present. Only License-E"),
    (5, {"summary": ["a", "b"]}, "'summary' has invalid data."),
    (9, {"description": "x\n===\n\n.. nonsense::\n\nbad `", "description_content_type": "text/x-rst"},
     "The description failed to render for 'text/x-rst'."),
    (9, {"description": "bad\n=\n\n``"}, "The description failed to render in the default format of reStructuredText."),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "text"), [pytest.param(changes, text, marks=covers(row)) for row, changes, text in FORM])
def test_a_wrong_form_is_refused_in_pypis_words(desk: Desk, changes: dict[str, Any], text: str) -> None:
    answer = desk.upload(WHEEL, wheel(), **changes)
    assert answer.status_code == 400
    assert text in answer.text
    assert desk.request("GET", "/pypi/demo/json").status_code == 404


@pytest.mark.covers("release:1.4")
def test_what_is_empty_or_unknown_counts_as_absent_and_other_fields_are_ignored(desk: Desk) -> None:
    changes = {"requires_python": "", "home_page": "UNKNOWN", "author": "UNKNOWN", "import_names": "demo", "md5_digest": ""}
    assert desk.upload(WHEEL, wheel(), **changes).status_code == 200
    info = desk.request("GET", "/pypi/demo/json").json()["info"]
    assert (info["home_page"], info["author"], info["requires_python"]) == (None, None, None)


def test_a_long_description_is_taken(desk: Desk) -> None:
    text = "word " * 300_000
    answer = desk.upload(WHEEL, wheel(), description=text, description_content_type="text/markdown; charset=UTF-8; variant=GFM")
    assert answer.status_code == 200, answer.text


@covers(6)
def test_a_form_without_a_file_is_refused(desk: Desk) -> None:
    assert desk.upload(WHEEL, None).text == "400 Upload payload does not have a file.\n"


@covers(7)
@pytest.mark.covers("release:1.3")
def test_a_token_creates_no_project(desk: Desk) -> None:
    answer = desk.upload("other-1.0-py3-none-any.whl", wheel("other"))
    assert answer.status_code == 400
    assert answer.text.startswith("400 Non-user identities cannot create new projects. This was probably caused by")


@covers(8)
def test_a_token_is_for_its_projects_and_its_time(desk: Desk) -> None:
    desk.create("other", "other.yml")
    answer = desk.upload("other-1.0-py3-none-any.whl", wheel("other"))
    text = "403 Invalid API Token: OIDC scoped token is not valid for project 'other'\n"
    assert (answer.status_code, answer.text) == (403, text)
    with desk.database.writing() as database:
        database.execute("UPDATE tokens SET expires = ?", (time.time() - 1,))
    answer = desk.upload(WHEEL, wheel())
    assert (answer.status_code, answer.text) == (403, "403 Invalid API Token: token is expired\n")


@covers(8)
def test_a_publisher_that_has_lost_its_project_may_not_write_to_it(desk: Desk) -> None:
    with desk.database.writing() as database:
        database.execute("DELETE FROM publishes")
    answer = desk.upload(WHEEL, wheel())
    assert (answer.status_code, answer.text) == (403, "403 The given token isn't allowed to upload to project 'demo'.\n")


@covers(10)
@pytest.mark.parametrize(
    ("filename", "text"),
    [
        ("demo-1.0\x7f.tar.gz", "Cannot upload a file with non-printable characters"),
        ("a\\demo-1.0.tar.gz", "Cannot upload a file with '/' or '\\' in the name."),
        ("demo-1.0.tar.bz2", "Invalid file extension: Use .tar.gz, .whl or .zip extension."),
        ("demo-1.0.egg", "Invalid file extension: Use .tar.gz, .whl or .zip extension."),
        (WHEEL, "Invalid file extension: Extension .whl is invalid for filetype sdist."),
    ],
)
def test_a_strange_file_name_is_refused(desk: Desk, filename: str, text: str) -> None:
    answer = desk.upload(filename, sdist(), name="demo", version="1.0", filetype="sdist", pyversion="source")
    assert (answer.status_code, text in answer.text) == (400, True), answer.text


@covers(11)
def test_a_file_or_a_project_that_is_too_large_is_refused(desk: Desk) -> None:
    desk.settings = Settings(limits=Limits(file=100))
    assert desk.upload(WHEEL, wheel()).text == "400 File too large. Limit for project 'demo' is 0 MB.\n"
    desk.settings = Settings(limits=Limits(project=len(wheel())))
    assert desk.upload(WHEEL, wheel()).status_code == 200
    assert desk.upload(SDIST, sdist()).text.startswith("400 Project size too large. Limit for project 'demo' total size is 0 GB.")


@covers(12)
@pytest.mark.parametrize("field", ["sha256_digest", "blake2_256_digest", "md5_digest"])
def test_every_digest_that_is_given_must_be_right(desk: Desk, field: str) -> None:
    content = wheel()
    right = {
        "sha256_digest": hashlib.sha256(content).hexdigest(),
        "blake2_256_digest": hashlib.blake2b(content, digest_size=32).hexdigest(),
        "md5_digest": hashlib.md5(content, usedforsecurity=False).hexdigest(),
    }
    answer = desk.upload(WHEEL, content, **{**right, field: "0" * len(right[field])})
    assert answer.text == "400 The digest supplied does not match a digest calculated from the uploaded file.\n"
    assert desk.upload(WHEEL, content, **right).status_code == 200


@covers(13)
@pytest.mark.covers("release:4.7")
def test_the_same_file_again_changes_nothing_even_when_its_release_is_closed(desk: Desk) -> None:
    assert desk.upload(WHEEL, wheel()).status_code == 200
    before = desk.request("GET", "/simple/demo/").text
    with desk.database.writing() as database:
        database.execute("UPDATE releases SET created = 0")
    answer = desk.upload(WHEEL, wheel())
    assert (answer.status_code, answer.text) == (200, "")
    assert desk.request("GET", "/simple/demo/").text == before


@covers(14)
def test_a_name_has_one_content_and_a_content_one_name(desk: Desk) -> None:
    first, other = wheel(), wheel(Author="me")
    assert desk.upload(WHEEL, first).status_code == 200
    answer = desk.upload(WHEEL, other)
    digest = hashlib.blake2b(other, digest_size=32).hexdigest()
    assert (answer.status_code, answer.text) == (400, f"400 File already exists ('{WHEEL}', with blake2_256 hash '{digest}').\n")
    answer = desk.upload("demo-1.0-2-py3-none-any.whl", first)
    assert answer.text.startswith("400 File already exists ('demo-1.0-2-py3-none-any.whl', with blake2_256 hash '")


@covers(15)
def test_a_name_that_was_deleted_is_never_free_again(desk: Desk) -> None:
    assert desk.upload(WHEEL, wheel()).status_code == 200
    assert Shelf(desk.database).delete("Demo", "1.0.0") == [WHEEL]
    answer = desk.upload(WHEEL, wheel())
    text = "400 This filename was previously used by a file that has since been deleted. Use a different version.\n"
    assert (answer.status_code, answer.text) == (400, text)


class Watched(Database):
    """One in which something else happens before the names are looked at."""

    def __init__(self, folder: Path, meanwhile: Callable[[], object]) -> None:
        super().__init__(str(folder))
        self._meanwhile = [meanwhile]

    def connect(self) -> sqlite3.Connection:
        connection = super().connect()
        if hasattr(self, "_meanwhile"):
            connection.set_trace_callback(self._begins)
        return connection

    def _begins(self, statement: str) -> None:
        if "FROM filenames" in statement and self._meanwhile:
            self._meanwhile.pop()()


@covers(14)
def test_a_name_that_another_takes_just_now_was_not_deleted(desk: Desk) -> None:
    """Another server on the same folder, say: files and names are two tables."""
    shelf = Shelf(Watched(desk.folder, lambda: desk.upload(WHEEL, wheel())))
    other = Upload(WHEEL, "demo", Version("1.0"), "bdist_wheel", "py3", 1, "0" * 64, "1" * 64, "", b"", {}, "")
    assert not shelf.is_there(other, Judge())  # as it was when it was looked at
    with pytest.raises(Refusal, match="exists"):
        shelf.add(other, io.BytesIO(b"x"), Judge())


@covers(16)
def test_a_release_takes_new_files_for_two_weeks(desk: Desk) -> None:
    assert desk.upload(WHEEL, wheel()).status_code == 200
    with desk.database.writing() as database:
        database.execute("UPDATE releases SET created = created - ?", (14 * 24 * 3600 + 1,))
    answer = desk.upload(SDIST, sdist())
    assert answer.text == "400 Uploading new files to releases older than 14 days is not allowed.\n"
    with desk.database.writing() as database:
        database.execute("UPDATE releases SET created = created + 60")
    assert desk.upload(SDIST, sdist()).status_code == 200


@covers(17)
def test_a_release_has_one_sdist_however_its_version_is_spelled(desk: Desk) -> None:
    assert desk.upload(SDIST, sdist()).status_code == 200
    answer = desk.upload("demo-1.0.0.tar.gz", sdist(version="1.0.0"))
    assert answer.text == "400 Only one sdist may be uploaded per release.\n"


def twice() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in wheel_members().items():
            archive.writestr(zipfile.ZipInfo(name), text)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(zipfile.ZipInfo("demo/__init__.py"), "other")
    return out.getvalue()


def streamed() -> bytes:
    """Written as into a pipe, so that sizes come after the members."""

    class Pipe(io.BytesIO):
        def tell(self) -> int:
            raise OSError("a pipe")

    out = Pipe()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in wheel_members().items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return out.getvalue()


def sparse() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.GNU_FORMAT) as archive:
        entry = tarfile.TarInfo("demo-1.0/PKG-INFO")
        entry.size = len(metadata())
        archive.addfile(entry, io.BytesIO(metadata().encode()))
        hole = tarfile.TarInfo("demo-1.0/hole")
        hole.type = tarfile.GNUTYPE_SPARSE
        archive.addfile(hole)
    return out.getvalue()


def renamed_header() -> bytes:
    """The local header says another name than the central directory."""
    return wheel().replace(b"demo/__init__.py", b"demo/__evil__.py", 1)


ARCHIVES = [
    (WHEEL, sdist(), "File is not a zipfile"),
    (SDIST, wheel(), "File is not a tarfile"),
    (SDIST, sdist()[:200], "None"),
    (WHEEL, zipped({**wheel_members(), "big": b"\0" * (65 << 20)}), "File exceeds compression ratio of 50"),
    (
        SDIST,
        tarred({"demo-1.0/PKG-INFO": metadata(), "demo-1.0/big": b"\0" * (65 << 20)}),
        "File exceeds compression ratio of 50",
    ),
    (WHEEL, zipped(wheel_members(), zipfile.ZIP_BZIP2), "File does not use a supported compression type"),
    (WHEEL, zipped({"demo/__init__.py": ""}), "WHEEL not found at demo-1.0.dist-info/WHEEL"),
    (SDIST, tarred({"demo-1.0/setup.py": ""}), "PKG-INFO not found at demo-1.0/PKG-INFO"),
    (SDIST, tarred({"demo-1.0/PKG-INFO": metadata(), "other/x": ""}), "Incorrect number of top-level directories in sdist"),
    ("demo-1.0.zip", zipped({"a/PKG-INFO": "", "b/x": ""}), "Incorrect number of top-level directories in sdist"),
    (SDIST, sparse(), "tar archive not accepted: Sparse members are not allowed."),
    (WHEEL, wheel() + b"more", "ZIP archive not accepted: "),
    (WHEEL, b"before" + wheel(), "ZIP archive not accepted: "),
    (WHEEL, twice(), "ZIP archive not accepted: Duplicate filename in central directory."),
    (WHEEL, streamed(), "ZIP archive not accepted: ZIP contains a data descriptor."),
    (WHEEL, renamed_header(), "ZIP archive not accepted: Filename not in central directory."),
]


@covers(18)
@pytest.mark.parametrize(("filename", "content", "text"), ARCHIVES, ids=[each[2][:40] for each in ARCHIVES])
def test_a_file_that_is_not_what_it_seems_is_refused(desk: Desk, filename: str, content: bytes, text: str) -> None:
    answer = desk.upload(filename, content)
    assert answer.status_code == 400
    assert answer.text.startswith(f"400 Invalid distribution file. {text}"), answer.text


@covers(19)
@pytest.mark.parametrize(
    ("filename", "content", "text"),
    [
        ("Demo-1.0.tar.gz", sdist("Demo"), "Filename 'Demo-1.0.tar.gz' is invalid, should be 'demo-1.0.tar.gz'."),
        ("demo-1.0.0.tar.gz", sdist(), "Filename 'demo-1.0.0.tar.gz' is invalid, should be 'demo-1.0.tar.gz'."),
        ("other-1.0.tar.gz", sdist("other"), "Start filename for 'demo' with 'demo'."),
        ("demo.tar.gz", sdist(), "Invalid source distribution filename: demo.tar.gz"),
        (
            "demo-1.0.zip",
            zipped({"demo-1.0/PKG-INFO": metadata()}),
            "Filename 'demo-1.0.zip' is invalid, should be 'demo-1.0.tar.gz'.",
        ),
    ],
)
def test_an_sdist_has_one_right_name(desk: Desk, filename: str, content: bytes, text: str) -> None:
    assert desk.upload(filename, content, name="demo", version="1.0").text == f"400 {text}\n"


@covers(20)
def test_license_files_must_be_there(desk: Desk) -> None:
    answer = desk.upload(SDIST, sdist(), license_file=["LICENSE"])
    text = "License-File LICENSE does not exist in distribution file demo-1.0.tar.gz at demo-1.0/LICENSE"
    assert answer.text == f"400 {text}\n"
    answer = desk.upload(WHEEL, wheel(), license_file=["LICENSE"])
    assert answer.text.endswith("at demo-1.0.dist-info/licenses/LICENSE\n")
    content = zipped({**wheel_members(), "demo-1.0.dist-info/licenses/LICENSE": "mine"})
    assert desk.upload(WHEEL, content, license_file=["LICENSE"]).status_code == 200


def without(member: str) -> bytes:
    return zipped({name: text for name, text in wheel_members().items() if not name.endswith(member)})


WHEELS = [
    ("demo-1.0-any.whl", wheel(), "Invalid wheel filename"),
    ("demo-1.0-py3-none-linux_x86_64.whl", wheel(), "has an unsupported platform tag 'linux_x86_64'."),
    ("other-1.0-py3-none-any.whl", zipped(wheel_members("other")), "Start filename for 'demo' with 'demo'."),
    ("Demo-1.0-py3-none-any.whl", zipped(wheel_members("Demo")), "should contain the normalized project name 'demo', not 'Demo'."),
    ("demo-2.0-py3-none-any.whl", zipped(wheel_members(version="2.0")), "Version in filename should be '1.0' not '2.0'."),
    (WHEEL, without("RECORD"), "does not contain the required RECORD file: demo-1.0.dist-info/RECORD"),
    (WHEEL, without("METADATA"), "does not contain the required METADATA file: demo-1.0.dist-info/METADATA"),
    (WHEEL, zipped({**wheel_members(), "demo-1.0.dist-info/entry_points.txt": "[console_scripts]\nx = a:b:c\n"}),
     "has invalid entry points defined in the entry_points.txt file"),
]  # fmt: skip


@covers(21)
@pytest.mark.parametrize(("filename", "content", "text"), WHEELS, ids=[each[2][:40] for each in WHEELS])
def test_a_wheel_must_be_one(desk: Desk, filename: str, content: bytes, text: str) -> None:
    answer = desk.upload(filename, content, name="demo", version="1.0")
    assert answer.status_code == 400
    assert text in answer.text


@pytest.mark.covers("release:1.4")
def test_a_file_whose_metadata_are_of_something_else_is_refused(desk: Desk) -> None:
    content = zipped({**wheel_members(), "demo-1.0.dist-info/METADATA": metadata("demo", "1.1")})
    assert "is of 'demo' '1.1', the upload says 'demo' '1.0'" in desk.upload(WHEEL, content).text
    content = tarred({"demo-1.0/PKG-INFO": metadata("other")})
    assert "is of 'other' '1.0', the upload says 'demo' '1.0'" in desk.upload(SDIST, content).text


def attestation(filename: str, content: bytes, **changes: Any) -> dict[str, Any]:
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": filename, "digest": {"sha256": hashlib.sha256(content).hexdigest()}}],
        "predicateType": "https://docs.pypi.org/attestations/publish/v1",
        "predicate": None,
        **changes,
    }
    text = base64.b64encode(json.dumps(statement).encode()).decode()
    return {
        "version": 1,
        "verification_material": {"certificate": "TUlJ", "transparency_entries": [{"logIndex": "1"}]},
        "envelope": {"statement": text, "signature": "TUlJ"},
    }


@covers(22)
@pytest.mark.covers("release:1.6")
def test_attestations_are_checked_and_served(desk: Desk) -> None:
    said = [attestation(WHEEL, wheel())]
    answer = desk.upload(WHEEL, wheel(), attestations=json.dumps(said))
    assert answer.status_code == 200, answer.text
    file = desk.request("GET", "/simple/demo/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}).json()["files"][0]
    page = desk.request("GET", "/simple/demo/").text
    assert f'data-provenance="{file["provenance"]}"' in page
    served = desk.request("GET", file["provenance"])
    assert served.headers["Content-Type"] == "application/vnd.pypi.integrity.v1+json"
    bundle = served.json()["attestation_bundles"][0]
    assert (bundle["publisher"]["repository"], bundle["attestations"]) == ("octo/demo", said)
    assert desk.request("GET", file["provenance"], headers={"Accept": "text/css"}).status_code == 406
    desk.upload(SDIST, sdist())
    missing = desk.request("GET", f"/integrity/demo/1.0/{SDIST}/provenance")
    assert (missing.status_code, missing.json()) == (404, {"message": f"No provenance available for {SDIST}"})


GOOD = attestation(WHEEL, wheel())
ATTESTATIONS = [
    ("nonsense", "Malformed attestations"),
    ([], "an empty attestation set is not permitted"),
    ([{**GOOD, "version": 2}], "Malformed attestations: unknown version 2"),
    ([{**GOOD, "verification_material": {"certificate": "TUlJ", "transparency_entries": []}}], "Malformed attestations"),
    ([GOOD, GOOD], "Multiple attestations for the same file with the same predicate type"),
    ([attestation("other.whl", wheel())], "Verification failed: subject does not match distribution name"),
    ([attestation(WHEEL, b"other")], "Verification failed: subject does not match distribution digest"),
    ([attestation(WHEEL, wheel(), subject=[])], "Verification failed: too many subjects"),
    (
        [attestation(WHEEL, wheel(), predicateType="https://example.org/x")],
        "Attestation of unsupported type: https://example.org/x",
    ),
    ([attestation(WHEEL, wheel(), predicate={"a": 1})], "Verification failed: predicate is not empty"),
    ([attestation(WHEEL, wheel(), _type="x")], "Verification failed: statement of type 'x'"),
]


@covers(22)
@pytest.mark.covers("release:1.6")
@pytest.mark.parametrize(("said", "text"), ATTESTATIONS, ids=[each[1] for each in ATTESTATIONS])
def test_one_wrong_attestation_refuses_the_file(desk: Desk, said: Any, text: str) -> None:
    answer = desk.upload(WHEEL, wheel(), attestations=said if isinstance(said, str) else json.dumps(said))
    assert answer.status_code == 400
    assert answer.text.startswith(f"400 Invalid attestations supplied during upload: {text}"), answer.text
    assert desk.request("GET", "/pypi/demo/json").status_code == 404


@pytest.mark.covers("release:1.6")
def test_an_attestation_of_a_called_workflow_is_of_the_caller(desk: Desk) -> None:
    publisher = desk.publishers.all("demo")[0]
    token = desk.token_for(publisher, workflow_ref="octo/demo/.github/workflows/caller.yml@refs/heads/main")
    answer = desk.upload(WHEEL, wheel(), token=token, attestations=json.dumps([GOOD]))
    assert "Certificate's Build Config URI" in answer.text and answer.status_code == 400
    assert desk.upload(WHEEL, wheel(), token=token).status_code == 200


@pytest.mark.covers("release:1.4")
def test_who_asks_for_json_is_answered_in_json(desk: Desk) -> None:
    accept = "application/json;q=0.9, text/plain;q=0.8, text/html;q=0.7"
    answer = desk.upload(WHEEL, wheel(), headers={"Accept": accept}, filetype="bdist_egg")
    text = "Invalid value for filetype. Error: Use a known file type."
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"message": text, "code": f"400 {text}", "title": "Bad Request"}


@pytest.mark.covers("release:2.1")
def test_a_rule_can_be_made_to_warn(desk: Desk) -> None:
    desk.settings = Settings(relaxed=frozenset(RELAXABLE))
    name, content = "demo-1.0+x-py3-none-linux_x86_64.whl", zipped(wheel_members(version="1.0+x"))
    answer = desk.upload(name, content, classifiers=["Nonsense"])
    assert answer.status_code == 200, answer.text
    assert [line.partition(".")[0] for line in answer.text.splitlines()] == [
        "The use of local versions in '1", "'Nonsense' is not a valid classifier", "Binary wheel 'demo-1",
    ]  # fmt: skip


def test_refusals_and_names_are_kept_and_tokens_are_not(desk: Desk) -> None:
    desk.upload(WHEEL, wheel(), filetype="bdist_egg")
    kept = b"".join(path.read_bytes() for path in desk.folder.rglob("*") if path.is_file())
    assert desk.token.encode() not in kept and desk.token not in str(desk.lines)
    kinds = [(kind, msgspec.to_builtins(facts).get("rule")) for _, kind, facts in desk.publishers.events()]
    assert ("upload refused", "form") in kinds


@pytest.mark.covers("release:1.5")
def test_of_all_that_is_wrong_the_first_rule_speaks(desk: Desk) -> None:
    wrong: dict[str, tuple[str, str]] = {
        "token": ("pypi-nobody", "403 Invalid or non-existent authentication information."),
        "protocol_version": ("9", "400 Unknown protocol version."),
        "filetype": ("bdist_egg", "400 Invalid value for filetype."),
        "summary": ("x" * 513, "400 'summary' field must be 512 characters or less."),
        "name": ("nobody", "400 Non-user identities cannot create new projects."),
        "description": (".. nothing::\n\n`a <b\n", "400 The description failed to render for 'text/x-rst'."),
        "sha256_digest": ("0" * 64, "400 The digest supplied does not match a digest calculated from the uploaded file."),
    }
    for field, (_, text) in list(wrong.items()):
        given = {name: value for name, (value, _) in wrong.items()}
        answer = desk.upload(WHEEL, b"no wheel", description_content_type="text/x-rst", **given)
        assert answer.text.startswith(text), field
        del wrong[field]
    assert desk.upload(WHEEL, b"no wheel").text.startswith("400 Invalid distribution file.")
