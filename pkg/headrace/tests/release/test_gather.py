"""The files of a release: those that the rehearsed pipeline has published are kept, and must be what the tag says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from headrace.base.errors import Position
from headrace.release.build import check_kept
from headrace.release.checkout import Checkout
from headrace.release.examine import Examined
from headrace.release.journal import Busy, Entry, ReleaseJournal, Train
from headrace.release.model import Need, Package, Pipeline, Refused, Wanted
from headrace.release.perform import gather_all
from test_core.indexes import wheel_members, zipped


class Published:
    """A rehearsal whose run has published the files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, pipeline: Pipeline, commit: str) -> str:
        return "7"

    def published(self, run: str, package: str) -> str:
        return str(self._folder) if (run, package) == ("7", "demo") else ""


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReleaseJournal:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return ReleaseJournal("/somewhere/.git")


def wheel(folder: Path, version: str, *needs: str) -> None:
    folder.mkdir(exist_ok=True)
    members = wheel_members("demo", version)
    said = "".join(f"Requires-Dist: {need}\n" for need in needs)
    members[f"demo-{version}.dist-info/METADATA"] = f"Metadata-Version: 2.1\nName: demo\nVersion: {version}\n{said}"
    (folder / f"demo-{version}-py3-none-any.whl").write_bytes(zipped(members))


def examined(*needs: str) -> Examined:
    declared = Position("pyproject.toml", 3, 1)
    packages = {
        "demo": Package("demo", "demo", "1.0", declared, (), tuple(Need(need, declared) for need in needs)),
        "other": Package("other", "other", "1.0", declared, (), ()),
    }
    checkout = Checkout("/nowhere", "c" * 40, "t" * 40, "main", (), {}, None)
    return Examined(checkout, (Wanted("demo", "1.0"),), packages, {}, (), ())


def begin(journal: ReleaseJournal) -> Train:
    return journal.begin("/nowhere", "origin", (Entry("demo", "1.0", "demo@1.0", "c" * 40, "t" * 40, rehearsed="7"),))


@pytest.mark.covers("release:4.7")
def test_what_a_rehearsed_pipeline_has_published_is_kept_with_its_digests(journal: ReleaseJournal, tmp_path: Path) -> None:
    wheel(tmp_path / "published", "1.0", "other>=1")
    train = gather_all(journal, begin(journal), examined("other>=1"), Published(tmp_path / "published"), [], print)
    (file,) = train.entries[0].artifacts
    folder = Path(journal.kept(train)) / "demo@1.0"
    assert file.name == "demo-1.0-py3-none-any.whl" and (folder / file.name).stat().st_size == file.size
    assert list(check_kept(str(folder), train.entries[0].artifacts)) == []
    (folder / file.name).write_bytes(b"other")
    assert "is not the file that was tested" in str(next(check_kept(str(folder), train.entries[0].artifacts)))
    assert journal.trains()[0] == train


@pytest.mark.covers("release:4.3", "release:4.4")
@pytest.mark.parametrize(
    ("version", "needs", "says"),
    [
        ("1.1", ("other>=1",), "says demo 1.1, not demo 1.0"),
        ("1.0", ("other",), "the wheel requires other, which pyproject.toml does not say"),
        ("1.0", ("other @ https://example.org/other.whl",), "an address, which an index refuses"),
    ],
)
def test_files_that_do_not_say_what_the_tag_says_are_refused(
    journal: ReleaseJournal, tmp_path: Path, version: str, needs: tuple[str, ...], says: str
) -> None:
    wheel(tmp_path / "published", version, *needs)
    with pytest.raises(Refused, match=says):
        gather_all(journal, begin(journal), examined("other>=1"), Published(tmp_path / "published"), [], print)


@pytest.mark.covers("release:4.5.11")
@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"Classifier": "Nobody :: Knows :: It"}, "an index refuses demo-1.0-py3-none-any.whl: 'Nobody :: Knows :: It' is not"),
        ({"Description_Content_Type": "text/x-rst"}, "The description failed to render for 'text/x-rst'"),
        ({"License_File": "LICENSE"}, "License-File LICENSE does not exist"),
    ],
)
def test_files_that_an_index_would_refuse_are_not_released(
    journal: ReleaseJournal, tmp_path: Path, more: dict[str, str], says: str
) -> None:
    members = wheel_members("demo", "1.0", **more)
    if "Description_Content_Type" in more:
        members["demo-1.0.dist-info/METADATA"] += "\n.. no-such-directive::\n\n   x\n\n`a <b\n"
    (tmp_path / "published").mkdir()
    (tmp_path / "published/demo-1.0-py3-none-any.whl").write_bytes(zipped(members))
    with pytest.raises(Refused, match=re.escape(says)):
        gather_all(journal, begin(journal), examined("other>=1"), Published(tmp_path / "published"), [], print)


def test_two_releases_of_one_repository_do_not_go_on_at_once(journal: ReleaseJournal) -> None:
    with pytest.raises(Busy):
        ReleaseJournal("/somewhere/.git")
    ReleaseJournal("/elsewhere/.git").close()
    journal.close()
    ReleaseJournal("/somewhere/.git").close()
