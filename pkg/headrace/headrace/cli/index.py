"""`headrace index`: a package index of one's own, and who may publish on it."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from headrace.index.model import Publisher
    from headrace.index.publishers import Publishers
    from headrace.index.shelf import Shelf
    from headrace.index.upload import Mode

_STORE = "index"
SCHEMA = 1


def serve(
    host: str, port: int, store: str, tls: str, names: tuple[str, ...], issuers: tuple[str, ...], audience: str,
    publishing: bool, warn: tuple[str, ...], mode: Mode, log: str | None, as_json: bool, run: str, index: str,
) -> int:  # fmt: skip
    from headrace.index.app import Settings, create_app
    from headrace.index.database import Database
    from headrace.index.serve import address_of, listen
    from headrace.index.serve import serve as serve_app

    if run:
        store, mode, publishing = _of_run(run, index), "read-only", False
    settings = Settings(issuers, audience, relaxed=frozenset(warn), mode=mode, publishing=publishing)
    with ExitStack() as stack:
        # Kept open: SQLite tidies up when the last connection is closed, and whoever comes just then would have to wait.
        stack.enter_context(closing(Database(_folder(store)).connect())).execute("SELECT 1 FROM projects").fetchall()
        context, ca, bundle = _tls(tls, store, [*names, *([host] if host not in ("", "0.0.0.0", "::") else [])])
        listening = stack.enter_context(listen(host, port))
        shown = names[0] if names else host
        where = address_of(listening, "127.0.0.1" if shown in ("", "0.0.0.0", "::") else shown, context is not None, ca, bundle)
        out = stack.enter_context(_open_log(log)) if log else None

        def ready() -> None:
            if as_json:
                _say_json({"url": where.url, "upload": where.upload, "simple": where.simple, "ca": ca, "bundle": bundle})
            else:
                click.echo(f"listening on {where.url}\nupload to {where.upload}\ninstall from {where.simple}")
                if ca:
                    click.echo(f"its authority: {ca}; with the system's: {bundle}")

        serve_app(lambda say: create_app(store, settings, say), listening, context, ready, out)
    return 0


def _of_run(run: str, index: str) -> str:
    """The folder of what a run has published."""
    from headrace.engine.published import store
    from headrace.record.journal import Journal

    return store(Journal.open().resolve(run, None), index)


def add(
    project: str, repository: str, workflow: str, owner_id: str, environment: str, issuer: str, store: str, as_json: bool
) -> int:
    added = _publishers(store).add(project, repository, workflow, owner_id, environment=environment, issuer=issuer)
    if as_json:
        _say_json({"publisher": _publisher_json(added)})
    else:
        click.echo(_publisher_line(added))
        if added.pending:
            click.echo(f"The first publication creates {added.pending}, within 30 days.")
    return 0


def ls(project: str, store: str, as_json: bool) -> int:
    found = _publishers(store).all(project)
    if as_json:
        _say_json({"publishers": [_publisher_json(each) for each in found]})
    else:
        for each in found:
            click.echo(_publisher_line(each))
    return 0


def rm(number: int, store: str, as_json: bool) -> int:
    gone = _publishers(store).remove(number)
    if as_json:
        _say_json({"removed": _publisher_json(gone)})
    else:
        click.echo(f"removed: {_publisher_line(gone)}")
    return 0


def yank(project: str, version: str, reason: str, undo: bool, store: str, as_json: bool) -> int:
    release = _shelf(store).yank(project, version, None if undo else reason)
    if as_json:
        _say_json(
            {"project": project, "version": release.version, "yanked": release.yanked is not None, "reason": release.yanked}
        )
    else:
        click.echo(f"{project} {release.version}: {'is no longer yanked' if undo else 'yanked'}")
    return 0


def delete(project: str, version: str, store: str, as_json: bool) -> int:
    names = _shelf(store).delete(project, version)
    if as_json:
        _say_json({"project": project, "version": version, "deleted": names})
    else:
        for name in names:
            click.echo(f"deleted {name}; this name cannot be used again")
    return 0


def _publishers(store: str) -> Publishers:
    from headrace.index.database import Database
    from headrace.index.publishers import Publishers

    return Publishers(Database(_folder(store)))


def _shelf(store: str) -> Shelf:
    from headrace.index.database import Database
    from headrace.index.shelf import Shelf

    return Shelf(Database(_folder(store)))


def _folder(store: str) -> str:
    from headrace.base.errors import Problem, UsageError

    try:
        os.makedirs(store, mode=0o700, exist_ok=True)
    except OSError as error:
        raise UsageError(Problem(f"--store {store}: {error.strerror}")) from error
    return store


def _tls(tls: str, store: str, names: list[str]) -> tuple[Any, str, str]:
    """The context, None for plain http; the files of an authority of our own."""
    from headrace.base.errors import Problem, UsageError
    from headrace.index.authority import Authority, given

    if tls == "off":
        return None, "", ""
    if tls == "private":
        authority = Authority(os.path.abspath(store))
        return authority.context(names), authority.certificate, authority.bundle
    certificate, comma, key = tls.partition(",")
    if not comma:
        raise UsageError(Problem(f"--tls {tls}: this is neither private, off nor two files", hint="--tls cert.pem,key.pem"))
    return given(certificate, key), "", ""


def _open_log(path: str) -> Any:
    from headrace.base.errors import Problem, UsageError

    try:
        return open(path, "a", encoding="utf-8")
    except OSError as error:
        raise UsageError(Problem(f"--log {path}: {error.strerror}")) from error


def _say_json(said: dict[str, object]) -> None:
    import json

    click.echo(json.dumps({"schema": SCHEMA, **said}))


def _publisher_json(publisher: Publisher) -> dict[str, object]:
    return {
        "id": publisher.id,
        "projects": list(publisher.projects),
        "pending": publisher.pending or None,
        "repository": publisher.slug,
        "owner_id": publisher.owner_id,
        "workflow": publisher.workflow,
        "environment": publisher.environment or None,
        "issuer": publisher.issuer,
    }


def _publisher_line(publisher: Publisher) -> str:
    what = f"{publisher.pending} (pending)" if publisher.pending else ", ".join(publisher.projects) or "no project"
    where = f"{publisher.slug} .github/workflows/{publisher.workflow}"
    more = f" environment {publisher.environment}" if publisher.environment else ""
    return f"{publisher.id}  {what}  {where}{more}  owner {publisher.owner_id}  {publisher.issuer}"


def _store() -> click.Option:
    return click.Option(["--store"], default=_STORE, metavar="DIR", help="The folder of the index (default: index).")


def _json() -> click.Option:
    return click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object.")


def _rules() -> dict[str, str]:
    from headrace.index.rules import RELAXABLE

    return RELAXABLE


_GITHUB = "https://token.actions.githubusercontent.com"

_SERVE = click.Command(
    "serve",
    callback=serve,
    params=[
        click.Option(["--host"], default="127.0.0.1", metavar="HOST", help="Where to listen (default: loopback)."),
        click.Option(["--port"], type=click.IntRange(0, 65535), default=0, metavar="PORT", help="Which (default: any free)."),
        _store(),
        click.Option(["--run"], default="", metavar="RUN", help="Serve what a run has published; nothing more is taken."),
        click.Option(
            ["--index"], type=click.Choice(["pypi", "testpypi"]), default="pypi", help="Which of the run's (default: pypi)."
        ),
        click.Option(
            ["--tls"], default="private", metavar="private|off|CERT,KEY",
            help="https by an authority of the index's own (default), none, or with the files of a certificate and its key.",
        ),
        click.Option(["--name", "names"], multiple=True, metavar="NAME", help="Another name of this machine."),
        click.Option(
            ["--issuer", "issuers"], multiple=True, default=[_GITHUB], metavar="URL",
            help="Whose identity tokens are trusted (default: GitHub's).",
        ),
        click.Option(["--audience"], default="headrace", metavar="TEXT", help="Whom identity tokens must be for (headrace)."),
        click.Option(["--publishing/--no-publishing"], default=True, help="Whether identity tokens are taken (default: yes)."),
        click.Option(
            ["--warn"], multiple=True, type=click.Choice(list(_rules())), metavar="RULE",
            help=f"Warn where PyPI refuses: {', '.join(f'{rule} ({what})' for rule, what in _rules().items())}.",
        ),
        click.Option(
            ["--mode"], type=click.Choice(["open", "disabled", "read-only"]), default="open", help="Whether files are taken."
        ),
        click.Option(["--log"], metavar="FILE", help="What happens, and with DEV_SERVER_LOGS=1 each request (default: stderr)."),
        _json(),
    ],
    help="Serve a package index that answers as PyPI does, with trusted publishing, until Ctrl-C.\n\nClients of the index's own "
    "authority need its bundle: pip in PIP_CERT, uv in SSL_CERT_FILE, twine in REQUESTS_CA_BUNDLE.",
    epilog="Example: headrace index serve --port 8443",
)  # fmt: skip

_PUBLISHER = click.Group(
    "publisher",
    help="Who may publish: workflow files of repositories.",
    epilog="Example: headrace index publisher ls",
    commands=[
        click.Command(
            "add",
            callback=add,
            params=[
                click.Argument(["project"]),
                click.Option(["--repository"], required=True, metavar="OWNER/NAME", help="Where the workflow runs."),
                click.Option(["--workflow"], required=True, metavar="FILE", help="Its file in .github/workflows."),
                click.Option(["--owner-id"], required=True, metavar="N", help="The owner's number, as GitHub's API says it."),
                click.Option(["--environment"], default="", metavar="NAME", help="Only jobs of this environment."),
                click.Option(["--issuer"], default=_GITHUB, metavar="URL", help="Who says so (default: GitHub)."),
                _store(),
                _json(),
            ],
            help="Let a workflow file publish PROJECT. Where there is no such project yet, its first use creates it.",
            epilog="Example: headrace index publisher add demo --repository octo/demo --workflow release.yml --owner-id 583231",
        ),
        click.Command(
            "ls",
            callback=ls,
            params=[click.Argument(["project"], required=False, default="", metavar="[PROJECT]"), _store(), _json()],
            help="List the publishers, of PROJECT only where it is named.",
            epilog="Example: headrace index publisher ls --json",
        ),
        click.Command(
            "rm",
            callback=rm,
            params=[click.Argument(["number"], type=int, metavar="ID"), _store(), _json()],
            help="Remove a publisher. What tokens it was given end at once.",
            epilog="Example: headrace index publisher rm 1",
        ),
    ],
)

_OF_A_RELEASE = (click.Argument(["project"]), click.Argument(["version"]))

command = click.Group(
    "index",
    help="A package index of one's own, with PyPI's rules.",
    epilog="Example: headrace index serve",
    commands=[
        _SERVE,
        _PUBLISHER,
        click.Command(
            "yank",
            callback=yank,
            params=[
                *_OF_A_RELEASE,
                click.Option(["--reason"], default="", metavar="TEXT", help="Why; installers show it."),
                click.Option(["--undo"], is_flag=True, help="Put it back."),
                _store(),
                _json(),
            ],
            help="Take a release out of what installers choose by themselves.",
            epilog='Example: headrace index yank demo 1.0 --reason "broken on Python 3.10"',
        ),
        click.Command(
            "delete",
            callback=delete,
            params=[*_OF_A_RELEASE, _store(), _json()],
            help="Delete a release. The names of its files cannot be used again.",
            epilog="Example: headrace index delete demo 1.0",
        ),
    ],
)
