"""YAML bytes → tokens under a schema, straight from libyaml's events: positions, duplicate keys, tags, anchors and limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from headrace.base.errors import Position
from headrace.expressions import fold_case
from headrace.workflow import messages
from headrace.workflow.definitions import ANY_TEXT, NON_EMPTY, Definition, Shape, anything
from headrace.workflow.embedded import EmbeddedError, scan, utf16_length
from headrace.workflow.problems import Problems
from headrace.workflow.scalars import TYPED_STARTS, Literal, ScalarError, plain, tagged, text_of
from headrace.workflow.tokens import Expression, Insert, Mapping, Scalar, Sequence, Token

MAX_NODES = 50_000  # YAML events of one file, replays of anchors included


class FileError(Exception):
    """Reading of the file stops here. `at` has a line where the parser named one."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class Limits(Struct, frozen=True):
    """`events` and `size` (bytes by GitHub's fixed accounting) are shared by all files of one load."""

    characters: int = 1_048_576
    depth: int = 50
    events: int = 1_000_000
    size: int = 10 * 1024 * 1024
    anchors: bool = True


class Used:
    """What a load has used so far of its `Limits`."""

    __slots__ = ("events", "size")

    def __init__(self) -> None:
        self.events = 0
        self.size = 0


_PLAIN = 24
_STRING = 24 + 26
FILE_NAME = 26


def read(file: str, content: bytes, definition: Definition, limits: Limits, used: Used, problems: Problems) -> Token:
    """The document as a token, validated against the definition. Raises FileError; node problems go to `problems`."""
    check_length(content, limits.characters)
    return _Reader(file, limits, used, problems).document(content, definition)


def check_length(content: bytes, limit: int) -> None:
    if len(content) > limit and utf16_length(content.decode("utf-8", "replace")) > limit:
        raise FileError(messages.file_too_long(limit))


class _Reader:
    def __init__(self, file: str, limits: Limits, used: Used, problems: Problems) -> None:
        import yaml  # costs 15 ms, and only those who read files need it
        from yaml import events
        from yaml._yaml import CParser

        self.file = file
        self.limits = limits
        self.used = used
        self.problems = problems
        self.depth = 0
        self.nodes = 0
        self.anchors: dict[str, list[Any]] = {}
        self.recorded = False  # whether the events come from a recording, where anchors are done with
        self.take: Callable[[], Any] = lambda: None  # the next event
        self.length: Callable[[str], int] = len
        self._parser: Callable[[bytes], Any] = CParser
        self._error = yaml.YAMLError
        self._scalar: type[Any] = events.ScalarEvent
        self._sequence: type[Any] = events.SequenceStartEvent
        self._mapping: type[Any] = events.MappingStartEvent
        self._alias: type[Any] = events.AliasEvent
        self._ends = (events.SequenceEndEvent, events.MappingEndEvent)
        self._end_of_mapping: type[Any] = events.MappingEndEvent
        self._end_of_stream: type[Any] = events.StreamEndEvent

    def document(self, content: bytes, definition: Definition) -> Token:
        try:
            parser = self._parser(content)
            if not content.isascii():
                self.length = utf16_length
            self.take = parser.get_event
            parser.get_event()
            if type(parser.get_event()) is self._end_of_stream:
                raise FileError(messages.NO_DOCUMENT)
            root = self.value(self.take(), definition)
            parser.get_event()
            if type(parser.get_event()) is not self._end_of_stream:
                raise FileError(messages.SECOND_DOCUMENT)
            return root
        except ScalarError as error:
            raise FileError(str(error)) from None
        except self._error as error:
            raise _syntax(error) from None

    # Anchors --------------------------------------------------------------------------------------------------------

    def replace(self, event: Any) -> Any:
        """What an alias stands for, or the anchored node, now recorded; the rest of a collection comes from the recording."""
        if self.recorded:
            return event
        if not self.limits.anchors:
            raise FileError(messages.anchors_off(event.anchor))
        recording = self._record(event)
        left = len(recording) - 1
        if not left:
            return recording[0]
        live, rest = self.take, iter(recording)

        def replay() -> Any:
            nonlocal left
            left -= 1
            if not left:
                self.take, self.recorded = live, False
            return next(rest)

        self.take, self.recorded = replay, True
        return next(rest)

    def _record(self, event: Any) -> list[Any]:
        out: list[Any] = []
        opened: list[tuple[str | None, int]] = []
        while True:
            kind = type(event)
            if kind is self._alias:
                if any(name == event.anchor for name, _ in opened):
                    raise FileError(messages.NODES_EXCEEDED)  # a node that contains itself never ends
                found = self.anchors.get(event.anchor)
                if found is None:
                    raise FileError(messages.unknown_anchor(event.anchor))
                out += found
            else:
                out.append(event)
                if kind is self._sequence or kind is self._mapping:
                    opened.append((event.anchor, len(out) - 1))
                elif kind in self._ends:
                    name, start = opened.pop()
                    if name is not None:
                        self.anchors[name] = out[start:]
                elif event.anchor is not None:
                    self.anchors[event.anchor] = [event]
            if self.nodes + len(out) > MAX_NODES:
                raise FileError(messages.NODES_EXCEEDED)
            if not opened:
                return out
            event = self.take()

    # Values ---------------------------------------------------------------------------------------------------------

    def value(self, event: Any, definition: Definition) -> Token:
        kind = type(event)
        if kind is self._alias or event.anchor is not None:
            event = self.replace(event)
            kind = type(event)
        if kind is self._scalar:
            token = self.scalar(event, definition)
            if type(token) is Scalar:
                value = token.value
                if type(value) is not str:
                    token = self.typed(token, definition)
                    value = token.value
                elif not (
                    (text := definition.text) == ANY_TEXT or (text == NON_EMPTY and value) or value in definition.constants
                ):
                    self.problems.add(messages.unexpected_value(value), token.at)
                self.count(_STRING + 2 * self.length(value) if type(value) is str else _PLAIN)
            elif type(token) is Expression:
                if not definition.scope.contexts:
                    self.problems.add(messages.EXPRESSION_NOT_ALLOWED, token.at)
                self.count(_STRING + 2 * self.length(token.source))
            else:
                self.problems.add(messages.unexpected_value("${{ insert }}"), token.at)
                self.count(_PLAIN)
            return token
        mark = event.start_mark
        at = Position(self.file, mark.line + 1, mark.column + 1)
        self.count(_PLAIN)
        self.open()
        result: Token
        if kind is self._sequence:
            items: list[Token] = []
            if (item := definition.item) is None:
                self.problems.add(messages.SEQUENCE_NOT_EXPECTED, at)
                self.skip_rest()
            else:
                while type(event := self.take()) not in self._ends:
                    items.append(self.value(event, item))
            result = Sequence(tuple(items), at)
        elif definition.shapes:
            result = Mapping(tuple(self.pairs(definition, at)), at)
        else:
            self.problems.add(messages.MAPPING_NOT_EXPECTED, at)
            self.skip_rest()
            result = Mapping((), at)
        self.depth -= 1
        self.nodes += 1
        return result

    def count(self, size: int) -> None:
        """One more node of a template, with its size."""
        self.nodes += 1
        used = self.used
        used.events += 1
        used.size += size
        if self.nodes > MAX_NODES:
            raise FileError(messages.NODES_EXCEEDED)
        if used.events > self.limits.events:
            raise FileError(messages.EVENTS_EXCEEDED)
        if used.size > self.limits.size:
            raise FileError(messages.SIZE_EXCEEDED)

    def open(self) -> None:
        self.depth += 1
        if self.depth > self.limits.depth:
            raise FileError(messages.DEPTH_EXCEEDED)

    def typed(self, token: Scalar, definition: Definition) -> Scalar:
        """A null, boolean or number: kept where its own type is welcome, else turned into text where that is."""
        value = token.value
        if value is None:
            fits = definition.nulls
        elif type(value) is bool:
            fits = definition.booleans
        else:
            fits = definition.numbers
        if fits:
            return token
        text = text_of(value)
        if definition.accepts_text(text):
            return Scalar(text, token.at)
        self.problems.add(messages.unexpected_value(text), token.at)
        return token

    def scalar(self, event: Any, definition: Definition | None) -> Scalar | Expression | Insert:
        """The typed scalar with its expressions; without a definition only its type and tag are looked at."""
        mark = event.start_mark
        line = mark.line + 1
        column = mark.column + 1
        at = Position(self.file, line, column)
        text: str = event.value
        value: Literal
        if event.tag is not None:
            value = tagged(text, event.tag, event.style, line, column)
        elif event.style:
            value = text
        elif text[:1] in TYPED_STARTS:
            value = plain(text, line, column)
        else:
            value = text
        if definition is not None and type(value) is str and "${{" in value:
            try:
                return scan(value, at, definition.scope)
            except EmbeddedError as error:
                self.problems.add(str(error), at)
        return Scalar(value, at)

    def skip(self, event: Any) -> None:
        """Reads a value that has no place here. Its size does not count, its depth and number of nodes do."""
        kind = type(event)
        if kind is self._alias or event.anchor is not None:
            event = self.replace(event)
            kind = type(event)
        self.count(0)
        if kind is self._scalar:
            self.scalar(event, None)
            return
        self.open()
        self.skip_rest()
        self.depth -= 1
        self.nodes += 1

    def skip_rest(self) -> None:
        while type(event := self.take()) not in self._ends:
            self.skip(event)

    # Mappings -------------------------------------------------------------------------------------------------------

    def pairs(self, definition: Definition, at: Position) -> list[tuple[Token, Token]]:
        scope = definition.scope
        candidates = definition.shapes
        free_key, free_value = candidates[0].free_key, candidates[0].free_value
        seen: set[str] = set()
        computed = False
        pairs: list[tuple[Token, Token]] = []
        while type(event := self.take()) is not self._end_of_mapping:
            if type(event) is self._alias or event.anchor is not None:
                event = self.replace(event)
            if type(event) is not self._scalar:
                raise FileError(messages.COMPLEX_KEY)
            self.nodes += 1
            text: str = event.value
            if event.tag is None and text[:1] not in TYPED_STARTS and "${{" not in text:  # nearly every key
                mark = event.start_mark
                key: Scalar | Expression | Insert = Scalar(text, Position(self.file, mark.line + 1, mark.column + 1))
            else:
                key = self.scalar(event, definition)
            if type(key) is not Scalar:
                computed = True
                if scope.contexts:
                    self.used.size += _STRING + 2 * self.length(key.source) if type(key) is Expression else _PLAIN
                    pairs.append((key, self.value(self.take(), anything(scope))))
                else:
                    self.problems.add(messages.EXPRESSION_NOT_ALLOWED, key.at)
                    self.skip(self.take())
                continue
            name = key.value
            if type(name) is not str:
                name = text_of(name)
                key = Scalar(name, key.at)
            folded = name.upper() if name.isascii() else fold_case(name)
            if folded in seen:
                self.problems.add(messages.already_defined(name), key.at)
                self.skip(self.take())
                continue
            seen.add(folded)
            if len(candidates) == 1:
                wanted = candidates[0].keys.get(name)
            else:
                wanted, candidates = _narrow(candidates, name)
            if wanted is None:
                if free_key is None or free_value is None:
                    self.problems.add(messages.unexpected_value(name), key.at)
                    self.skip(self.take())
                    continue
                if not free_key.accepts_text(name):
                    self.problems.add(messages.unexpected_value(name), key.at)
                wanted = free_value
            self.used.size += _STRING + 2 * self.length(name)
            pairs.append((key, self.value(self.take(), wanted)))
        if len(candidates) > 1:
            self.problems.add(messages.not_enough_info(_telling_keys(candidates)), at)
        elif not computed:
            for name in candidates[0].required:
                if fold(name) not in seen:
                    self.problems.add(messages.required(name), at)
        return pairs


def fold(name: str) -> str:
    """What two keys that count as the same have in common."""
    return name.upper() if name.isascii() else fold_case(name)


def _narrow(candidates: tuple[Shape, ...], name: str) -> tuple[Definition | None, tuple[Shape, ...]]:
    """The definition of a fixed key's value and the shapes that have the key; every shape where none has it."""
    key = (candidates, name)
    if (known := _narrowed.get(key)) is not None:
        return known
    having = tuple(shape for shape in candidates if name in shape.keys)
    if not having:
        return None, candidates
    found = _narrowed[key] = (having[0].keys[name], having)
    return found


_narrowed: dict[tuple[tuple[Shape, ...], str], tuple[Definition, tuple[Shape, ...]]] = {}  # as many as the schema has such keys


def _telling_keys(candidates: tuple[Shape, ...]) -> list[str]:
    every = [key for shape in candidates for key in shape.keys]
    return sorted(key for key in set(every) if every.count(key) == 1)


def _syntax(error: Any) -> FileError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return FileError(str(error).split("\n", 1)[0])
    told = " ".join(filter(None, (error.context and f"{error.context},", error.problem)))
    return FileError(told, mark.line + 1, mark.column + 1)
