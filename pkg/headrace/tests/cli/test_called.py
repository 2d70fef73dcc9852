"""Files of other repositories: from mirrors and folders, and never from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from headrace.cli.called import Source
from headrace.cli.workflows import WorkTree
from headrace.plan.model import Origin
from test_core.repositories import GitRepository, make_repository


@pytest.fixture
def mirror(tmp_path: Path) -> GitRepository:
    return make_repository(tmp_path / "mirrors" / "octo+lib" / "repo", {"x.yml": "first", "d/y.yml": "y"})


@pytest.fixture
def source(tmp_path: Path, mirror: GitRepository) -> Source:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "own.yml").write_text("own")
    (tmp_path / "outside.yml").write_text("outside")
    return Source(WorkTree(str(tmp_path / "tree")), [str(tmp_path / "mirrors")], {"Octo/Lib@folder": str(mirror.root)})


@pytest.mark.covers("language:9.1")
def test_a_ref_is_a_commit_before_a_tag_before_a_branch(source: Source, mirror: GitRepository) -> None:
    first = mirror.head()
    mirror.tag("both")
    mirror.git("tag", "--annotate", "--message", "m", "annotated")
    second = mirror.commit({"x.yml": "second"})
    mirror.git("branch", "both")
    mirror.git("branch", "only/here")
    mirror.git("branch", first)  # a branch that is called like a commit
    asked = {
        first: (b"first", Origin(first, first)),
        second.upper(): (b"second", Origin(second, second)),
        "both": (b"first", Origin("refs/tags/both", first)),
        "annotated": (b"first", Origin("refs/tags/annotated", first)),
        "refs/heads/both": (b"second", Origin("refs/heads/both", second)),
        "only/here": (b"second", Origin("refs/heads/only/here", second)),
        "main": (b"second", Origin("refs/heads/main", second)),
    }
    for ref, (content, origin) in asked.items():
        assert source.read(f"octo/lib/x.yml@{ref}") == content, ref
        assert source.origins[f"octo/lib/x.yml@{ref}"] == origin
    source.close()


def test_a_branch_of_a_clones_origin_will_do(tmp_path: Path, source: Source, mirror: GitRepository) -> None:
    mirror.git("branch", "far")
    (tmp_path / "mirrors" / "octo+clone").mkdir()
    mirror.git("clone", "--quiet", str(mirror.root), str(tmp_path / "mirrors" / "octo+clone" / "repo"))
    assert source.read("octo/clone/d/y.yml@far") == b"y"
    assert source.origins["octo/clone/d/y.yml@far"].ref == "refs/heads/far"
    source.close()


@pytest.mark.parametrize(
    "reference",
    [
        *("octo/lib/none.yml@main", "octo/lib/d@main", "octo/lib/x.yml@none", "octo/other/x.yml@main", "octo/lib/x.yml@main~0"),
        *(
            "octo/lib/x.yml@HEAD",
            "octo/lib/x.yml@main^{commit}",
            "octo/lib/../x.yml@main",
            "octo/lib/./x.yml@main",
            "octo/lib//x.yml@main",
        ),
        *("octo/lib/x.yml@ma\nin", "octo/lib/x.yml@", "../lib/x.yml@main", "octo/lib/../../../../outside.yml@folder"),
        *("./../outside.yml", "./none.yml", "./"),
    ],
)
def test_what_is_not_there_or_leads_elsewhere_is_not_read(source: Source, reference: str) -> None:
    assert source.read(reference) is None
    assert source.origins == {}
    assert source.read("octo/lib/x.yml@main") == b"first"
    source.close()


def test_names_ignore_case_and_refs_do_not(source: Source, mirror: GitRepository) -> None:
    mirror.tag("v1")
    assert source.read("Octo/LIB/x.yml@v1") == b"first"
    assert source.read("octo/lib/x.yml@V1") is None
    assert source.read("OCTO/lib/d/y.yml@folder") == b"y"
    assert source.used == {"Octo/Lib@folder"}
    assert source.read("octo/lib/d/y.yml@Folder") is None
    source.close()


def test_a_mirror_that_is_damaged_or_no_repository_is_as_good_as_none(tmp_path: Path, source: Source) -> None:
    (tmp_path / "mirrors" / "octo+bad" / "repo").mkdir(parents=True)
    (tmp_path / "mirrors" / "octo+bad" / "repo" / ".git").write_text("gitdir: /nowhere")
    assert source.read("octo/bad/x.yml@main") is None
    assert source.read("octo/bad/x.yml@main") is None
    make_repository(tmp_path / "mirrors", {"x.yml": "of the folder around"})
    (tmp_path / "mirrors" / "octo+plain" / "repo").mkdir(parents=True)
    assert source.read("octo/plain/x.yml@main") is None
    assert source.read("./own.yml") == b"own"
    source.close()
    assert Source(WorkTree("/"), [str(tmp_path / "nowhere")], {}).read("octo/lib/x.yml@main") is None
