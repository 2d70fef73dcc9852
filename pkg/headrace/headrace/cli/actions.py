"""`headrace actions`: the actions that this repository's workflows use."""

from __future__ import annotations

import click

HELP = """Fetch the actions that this repository's workflows use, those inside composite actions too, for runs without a network;
or the given ones (OWNER/NAME@REF). What is here already is asked for again: a tag that has moved is said.

`run` itself fetches what is missing, and nothing that is here."""


def fetch(repo: str, originals: bool, wanted: tuple[str, ...]) -> int:
    from headrace.base.errors import Problem, UsageError
    from headrace.cli import clones
    from headrace.cli.ending import say_error
    from headrace.plan.contexts import RunInfo

    for each in wanted:
        name, at, ref = each.partition("@")
        if not at or not ref or len([part for part in name.split("/") if part]) < 2:
            raise UsageError(Problem(f"{each}: this is not OWNER/NAME@REF", hint="such as actions/checkout@v4"))
    status, done = 0, set()
    pending = list(wanted) or _used(repo, originals)
    while pending:
        uses = pending.pop(0)
        name, _, ref = uses.partition("@")
        repository = "/".join(name.split("/")[:2])
        if f"{repository}@{ref}" not in done:
            done.add(f"{repository}@{ref}")
            try:
                got = clones.fetch(repository, ref, RunInfo().server_url)
            except clones.NotFetched as error:
                say_error(str(error))
                status = 1
                continue
            moved = f", moved from {got.before}" if got.before not in ("", got.sha) else ""
            click.echo(f"{repository}@{ref}  {got.sha}{moved}")
        pending += [inner for inner in _inside(uses, originals) if inner not in pending and inner != uses]
    return status


def _used(repo: str, originals: bool) -> list[str]:
    """What the workflows of the working tree use, and the workflows of other repositories that they call."""
    from headrace.cli.workflows import FOLDER, WorkTree
    from headrace.events.detect import open_repository
    from headrace.workflow.calls import parts
    from headrace.workflow.model import Call
    from headrace.workflow.reader import load
    from headrace.workflow.references import references

    tree = WorkTree(open_repository(repo).root)
    loaded = [load(path, tree.get(path) or b"").workflow for path in tree.names(FOLDER)]
    workflows = [workflow for workflow in loaded if workflow is not None]
    found = [uses for uses in references(workflows) if _is_wanted(uses, originals)]
    bodies = [job.body for workflow in workflows for job in workflow.jobs.values()]
    calls = [parts(body.uses) for body in bodies if isinstance(body, Call)]
    return list(dict.fromkeys([*found, *(f"{call[0]}@{call[2]}" for call in calls if call is not None)]))


def _is_wanted(uses: str, originals: bool) -> bool:
    from headrace.engine.capabilities import capabilities
    from headrace.plan.unsupported import action_name, is_native

    return action_name(uses) != "" and not is_native(uses, capabilities(native=not originals))


def _inside(uses: str, originals: bool) -> list[str]:
    """What a fetched composite action uses."""
    from headrace.cli import clones
    from headrace.cli.called import Source
    from headrace.cli.manifests import find_actions
    from headrace.cli.workflows import WorkTree
    from headrace.plan.unsupported import inner_reference
    from headrace.workflow.action import Composite

    tree = WorkTree("/nonexistent")
    source = Source(tree, [clones.root()], {})
    try:
        found = find_actions([uses], tree, source, lambda uses: False).get(uses)
    finally:
        source.close()
    if found is None or found.action is None or not isinstance(found.action.runs, Composite):
        return []
    inner = [inner_reference(each, found) for each in found.action.runs.references]
    return [each for each in inner if _is_wanted(each, originals)]


command = click.Group(
    "actions",
    help="The actions that workflows use.",
    epilog="Example: headrace actions fetch",
    commands=[
        click.Command(
            "fetch",
            callback=fetch,
            params=[
                click.Option(["--repo"], default=".", metavar="DIR", help="The repository (default: the one we stand in)."),
                click.Option(["--originals"], is_flag=True, help="Those that have a native drop-in as well."),
                click.Argument(["wanted"], nargs=-1, metavar="[OWNER/NAME@REF]…"),
            ],
            help=HELP,
            epilog="Example: headrace actions fetch --originals",
        )
    ],
)
