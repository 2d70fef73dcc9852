"""The bridge from declared options to click, which reads the calls that are not plain: help, mistakes, other verbs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click
from click.core import ParameterSource

from headrace.cli.declared import Call, Option
from headrace.cli.options import COLOUR, EVENT


def parameter(option: Option) -> click.Option:
    kind: Any = None
    match option.kind:
        case "choice":
            kind = click.Choice(list(option.choices))
        case "number":
            kind = click.IntRange(min=1)
        case _:
            pass
    return click.Option(
        [*option.names, option.dest],
        type=kind,
        multiple=option.kind == "many",
        is_flag=option.kind == "flag",
        count=option.kind == "count",
        metavar=option.metavar or None,
        help=option.help,
        callback=_size(option) if option.kind == "size" else None,
    )


def _size(option: Option) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    def convert(context: click.Context, parameter: click.Parameter, text: str | None) -> Any:
        try:
            return None if text is None else option.convert(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return convert


def colour_option() -> click.Option:
    return parameter(COLOUR)


def event_command(name: str, verb: Callable[[Call], int], options: Sequence[Option], help: str, example: str) -> click.Command:
    """The command of a verb that takes an event."""

    def callback(context: click.Context, **_: Any) -> int:
        named = [key for key in context.params if context.get_parameter_source(key) is ParameterSource.COMMANDLINE]
        return verb(Call(dict(context.params), frozenset(named)))

    return click.Command(
        name,
        callback=click.pass_context(callback),
        params=[
            click.Argument(["event"], required=False, default=EVENT, metavar="[EVENT]"),
            *(parameter(option) for option in options),
        ],
        help=help,
        epilog=f"Example: {example}",
    )
