"""The table of verbs. A verb's module is loaded when it is called; the help lists verbs without loading any."""

from __future__ import annotations

import click

VERBS = {
    "run": "run the workflows that an event starts",
    "plan": "show which jobs an event would run, and why",
    "ls": "list past runs",
    "logs": "print the log of a run",
    "summary": "show what jobs wrote into their summaries",
    "artifacts": "list the artifacts of a run, or get one",
    "cancel": "end a run that goes on",
    "init": "set up gates and publishing for the packages of a repository",
    "release": "check, rehearse, tag and push a release",
    "actions": "fetch the actions that workflows use",
    "services": "serve what actions talk to",
    "index": "serve a package index, and say who may publish on it",
    "doctor": "say what this version and this machine can do",
}
"""In the order of their use. A verb stands here once it exists; its module has the same name."""


class Verbs(click.Group):
    """Looks a verb up by importing its module, and lists verbs without importing any."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        from importlib import import_module

        command: click.Command = import_module(f"headrace.cli.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in VERBS and not args[0].startswith("-"):
            from headrace.base.errors import Problem, UsageError
            from headrace.plan.nearest import hint

            raise UsageError(Problem(f"there is no verb '{args[0]}'", hint=hint(args[0], VERBS)))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from headrace import __version__

        click.echo(f"headrace {__version__}")
        ctx.exit()


def _help_without_verb(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def command_line() -> Verbs:
    return Verbs(
        "headrace",
        callback=click.pass_context(_help_without_verb),
        invoke_without_command=True,
        params=[
            click.Option(
                ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Say the version."
            )
        ],
        context_settings=CONTEXT,
        help="Run, check and explain GitHub Actions pipelines, unmodified, without Docker.",
        epilog="Example: headrace plan pull_request",
        subcommand_metavar="VERB …",
    )
