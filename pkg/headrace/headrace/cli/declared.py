"""Options as data, so that a call that is plain enough is read without the library that reads all the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

Kind = Literal["one", "many", "flag", "count", "choice", "number", "size"]


class Option(Struct, frozen=True):
    """`names`: the short one first, if any. `number` is a whole number from 1, `size` one of bytes, such as 4g. `dest` is the key
    of its value."""

    names: tuple[str, ...]
    kind: Kind
    metavar: str
    help: str
    choices: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The long name without dashes: its name in the file and, in capitals, in the environment."""
        return next(name for name in self.names if name.startswith("--"))[2:]

    @property
    def dest(self) -> str:
        return self.key.replace("-", "_")

    @property
    def empty(self) -> Any:
        """The value where nobody gives one."""
        match self.kind:
            case "many":
                return ()
            case "flag":
                return False
            case "count":
                return 0
            case _:
                return None

    def convert(self, text: str) -> Any:
        """Raises ValueError with what is wrong."""
        if self.kind == "choice" and text not in self.choices:
            raise ValueError(f"'{text}' is not one of {', '.join(repr(choice) for choice in self.choices)}")
        if self.kind in ("number", "count"):
            low = 1 if self.kind == "number" else 0
            if not text.strip().isdecimal() or int(text) < low:
                raise ValueError(f"'{text}' is not a whole number from {low}")
            return int(text)
        if self.kind == "size":
            from headrace.sandbox.limits.sizes import parse

            return parse(text)
        return text


class Call(Struct, frozen=True):
    """A call of a verb: dest → value, and the dests that stand on the command line."""

    values: dict[str, Any]
    named: frozenset[str]


def read_plain(words: Sequence[str], options: Sequence[Option], argument: str, default: str) -> Call | None:
    """The call that `words` are, None where they are not plain: an unknown or wrong option, a question for help, two arguments.

    >>> option = Option(("-j", "--job"), "many", "ID", "")
    >>> read_plain(["push", "--job=a", "-j", "b"], [option], "event", "push").values
    {'job': ('a', 'b'), 'event': 'push'}
    >>> read_plain(["--jobs"], [option], "event", "push") is None
    True
    """
    by_name = {name: option for option in options for name in option.names}
    values: dict[str, Any] = {option.dest: option.empty for option in options}
    values[argument] = default
    named: set[str] = set()
    rest = iter(words)
    for word in rest:
        if not word.startswith("-") or word == "-":
            if argument in named:
                return None
            values[argument] = word
            named.add(argument)
            continue
        name, equals, text = word.partition("=") if word.startswith("--") else (word[:2], "", "")
        option = by_name.get(name)
        if option is None:
            return None
        named.add(option.dest)
        if option.kind in ("flag", "count"):
            repeated = len(word) - 1 if not word.startswith("--") else 1
            if (
                equals
                or (not word.startswith("--") and word[1:] != word[1] * repeated)
                or (repeated > 1 and option.kind == "flag")
            ):
                return None
            values[option.dest] = True if option.kind == "flag" else values[option.dest] + repeated
            continue
        if not equals:
            text = word[2:] if not word.startswith("--") and len(word) > 2 else next(rest, "")
            if not text or text.startswith("-"):
                return None
        try:
            value = option.convert(text)
        except ValueError:
            return None
        values[option.dest] = (*values[option.dest], value) if option.kind == "many" else value
    return Call(values, frozenset(named))
