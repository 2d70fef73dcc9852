"""What installers read: pages as HTML and JSON with the same content, files, metadata beside wheels, yanked releases."""

from __future__ import annotations

import hashlib
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from headrace.index.shelf import Shelf
from test_core.desks import Desk
from test_core.indexes import metadata, sdist, wheel

WHEEL = "demo-1.0-py3-none-any.whl"
JSON = "application/vnd.pypi.simple.v1+json"

pytestmark = pytest.mark.covers("release:1.7")


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, Any]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attributes))


def page(desk: Desk, accept: str = JSON) -> Any:
    return desk.request("GET", "/simple/demo/", headers={"Accept": accept} if accept else {})


def test_both_forms_of_a_page_say_the_same(desk: Desk) -> None:
    desk.upload(WHEEL, wheel())
    desk.upload("demo-1.0.tar.gz", sdist(), requires_python=">=3.8, <4")
    Shelf(desk.database).yank("demo", "1.0", 'bad "quotes" <here>')
    said = page(desk).json()
    links = Links()
    links.feed(page(desk, "text/html").text)
    for file, link in zip(said["files"], links.found, strict=True):
        assert link["href"] == f"{file['url']}#sha256={file['hashes']['sha256']}"
        assert link["data-requires-python"] == file["requires-python"]
        assert link["data-yanked"] == file["yanked"] == 'bad "quotes" <here>'
        core = f"sha256={file['core-metadata']['sha256']}" if file["core-metadata"] else None
        assert (link.get("data-core-metadata"), link.get("data-dist-info-metadata")) == (core, core)
    assert [bool(file["core-metadata"]) for file in said["files"]] == [True, False]


def test_a_page_has_what_its_version_of_the_api_promises(desk: Desk) -> None:
    content = wheel()
    desk.upload(WHEEL, content)
    said = page(desk).json()
    assert (said["meta"], said["name"], said["versions"]) == ({"api-version": "1.4"}, "demo", ["1.0"])
    assert said["project-status"] == {"status": "active"}
    file = said["files"][0]
    assert (file["size"], file["yanked"], file["provenance"]) == (len(content), False, None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", file["upload-time"])
    html = page(desk, "").text
    assert '<meta name="pypi:repository-version" content="1.4">' in html
    assert '<meta name="pypi:project-status" content="active">' in html


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/html; charset=utf-8"),
        ("text/css", "text/html; charset=utf-8"),
        (JSON, JSON),
        ("application/vnd.pypi.simple.latest+json", JSON),
        ("application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.v1+html"),
        (f"{JSON}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01", JSON),
        (f"{JSON};q=0.1, text/html", "text/html; charset=utf-8"),
    ],
)
def test_the_client_says_which_form_it_takes(desk: Desk, accept: str, kind: str) -> None:
    for path in ("/simple/demo/", "/simple/"):
        answer = desk.request("GET", path, headers={"Accept": accept})
        assert (answer.headers["Content-Type"], answer.headers["Vary"]) == (kind, "Accept")


def test_a_name_that_is_not_normalised_leads_to_the_one_that_is(desk: Desk) -> None:
    for path in ("/simple/De.mo/", "/simple/de-mo"):
        answer = desk.request("GET", path)
        assert (answer.status_code, answer.headers["Location"]) == (301, "/simple/de-mo/")
    assert desk.request("GET", "/simple/de-mo/").status_code == 404
    assert desk.request("GET", "/simple/", headers={"Accept": JSON}).json()["projects"] == [{"name": "demo"}]


def test_metadata_stand_beside_a_wheel_and_files_under_their_hash_alone(desk: Desk) -> None:
    desk.upload(WHEEL, wheel())
    file = page(desk).json()["files"][0]
    beside = desk.request("GET", f"{file['url']}.metadata")
    assert beside.text == metadata()
    assert hashlib.sha256(beside.content).hexdigest() == file["core-metadata"]["sha256"]
    assert "dist-info-metadata" not in file  # pip before 23.1 fails of it
    for wrong in (file["url"].replace(WHEEL, "demo-1.1-py3-none-any.whl"), file["url"].replace("/files/", "/files/0")):
        assert desk.request("GET", wrong).status_code == 404
        assert desk.request("GET", f"{wrong}.metadata").status_code == 404
    assert desk.request("GET", "/files/../../../etc/passwd").status_code == 404


def test_a_new_file_is_seen_at_once_and_a_deleted_one_no_more(desk: Desk) -> None:
    desk.upload(WHEEL, wheel())
    url = page(desk).json()["files"][0]["url"]
    Shelf(desk.database).delete("demo", "1.0")
    assert page(desk).json()["files"] == []
    assert desk.request("GET", url).status_code == 404


def test_pypis_json_pages_have_releases_and_files(desk: Desk) -> None:
    for version in ("1.0", "1.10", "1.9", "2.0a1"):
        assert desk.upload(f"demo-{version}-py3-none-any.whl", wheel(version=version)).status_code == 200
    said = desk.request("GET", "/pypi/Demo/json").json()
    assert list(said["releases"]) == ["1.0", "1.9", "1.10", "2.0a1"]
    assert (said["info"]["version"], said["urls"][0]["filename"]) == ("1.10", "demo-1.10-py3-none-any.whl")
    assert said["releases"]["1.0"][0]["digests"]["sha256"] == hashlib.sha256(wheel()).hexdigest()
    assert desk.request("GET", "/pypi/demo/1.9.0/json").json()["info"]["version"] == "1.9"
    for path in ("/pypi/demo/3.0/json", "/pypi/demo/x/json", "/pypi/other/json"):
        answer = desk.request("GET", path)
        assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


def test_a_page_escapes_what_others_have_written(desk: Desk) -> None:
    desk.upload(WHEEL, wheel())
    Shelf(desk.database).yank("demo", "1.0", '"><script>')
    html = page(desk, "").text
    assert "<script>" not in html and '"><script>' in unescape(html)
