"""`strategy.matrix`: the rows it stands for, their names and ids, and the checks that need no evaluation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from headrace.base.errors import HeadraceError, Position
from headrace.expressions import Value, equals
from headrace.workflow import messages
from headrace.workflow.lookup import is_literal
from headrace.workflow.problems import Problems
from headrace.workflow.scalars import text_of
from headrace.workflow.tokens import Mapping as MappingToken
from headrace.workflow.tokens import Scalar, Token
from headrace.workflow.tokens import Sequence as SequenceToken
from headrace.workflow.yaml_tokens import fold

MAX_ROWS = 256
_MAX_WORK = 1_000_000  # comparisons; a product that needs more counts as too long, whatever `exclude` would leave of it
_MOST_WORK = 10_000_000  # comparisons of rows with entries of `include` and `exclude`, however few the rows are
_NAME, _ID = 100, 25


class MatrixError(HeadraceError):
    """The matrix cannot be expanded; each problem has GitHub's message and no position."""


class Row(Struct, frozen=True):
    """One configuration. `values` is the `matrix` context; `named` are the values that its name shows: those of the vectors, or
    all of a row that `include` appended. `sources` says for each key which list of the matrix gave its value, and which item of
    that list, counted from 0; `include` is one of the lists."""

    values: dict[str, Value]
    named: tuple[Value, ...]
    sources: dict[str, tuple[str, int]] = {}


# Expansion ----------------------------------------------------------------------------------------------------------


def expand(matrix: Value, *, job: str = "") -> tuple[Row, ...]:
    """The rows in the order in which they start; none means one configuration without `matrix`. `job` is the id for the message
    about too many rows. Raises MatrixError.

    >>> matrix = {"os": ["a", "b"], "exclude": [{"os": "B"}], "include": [{"os": "a", "x": 1}, {"os": "c"}]}
    >>> [row.values for row in expand(matrix)]
    [{'os': 'a', 'x': 1}, {'os': 'c'}]
    """
    if not isinstance(matrix, dict):
        raise MatrixError(messages.EXPECTED_MAPPING)
    vectors, include, exclude = _parts(matrix)
    names = {fold(name): name for name in vectors}
    _check_entries(names, vectors, include, exclude)
    count = 1
    for vector in vectors.values():
        count *= len(vector)
    filters = [_leaves(entry, names) for entry in exclude]
    work = 1 + sum(map(len, filters)) + sum(len(entry) + len(_leaves(entry, names)) for entry in include)
    if count * work > _MAX_WORK and count > MAX_ROWS:
        raise MatrixError(messages.too_many_rows(job, count, MAX_ROWS))
    if count * work > _MOST_WORK:
        raise MatrixError(messages.too_much_matrix(job, _MOST_WORK))
    rows = _product(vectors) if vectors else iter(())
    kept = [(row, places) for row, places in rows if not any(_matches(row, leaves) for leaves in filters)]
    expanded, matched = _include(kept, include, names)
    for index, (entry, used) in enumerate(zip(include, matched, strict=True)):
        if not used:
            ordered = {names.get(fold(k), k): v for k, v in entry.items() if fold(k) in names}
            ordered.update((k, v) for k, v in entry.items() if fold(k) not in names)
            expanded.append(Row(ordered, tuple(ordered.values()), dict.fromkeys(ordered, ("include", index))))
    if len(expanded) > MAX_ROWS:
        raise MatrixError(messages.too_many_rows(job, len(expanded), MAX_ROWS))
    return tuple(expanded)


def _parts(matrix: dict[str, Value]) -> tuple[dict[str, list[Value]], list[dict[str, Value]], list[dict[str, Value]]]:
    vectors: dict[str, list[Value]] = {}
    lists: dict[str, list[dict[str, Value]]] = {"INCLUDE": [], "EXCLUDE": []}
    for key, value in matrix.items():
        if not isinstance(value, list):
            raise MatrixError(
                messages.MAPPING_NOT_EXPECTED if isinstance(value, dict) else messages.unexpected_value(_short(value))
            )
        if (entries := lists.get(fold(key))) is None:
            vectors[key] = value
            continue
        for entry in value:
            if not isinstance(entry, dict):
                raise MatrixError(
                    messages.SEQUENCE_NOT_EXPECTED if isinstance(entry, list) else messages.unexpected_value(_short(entry))
                )
            entries.append(entry)
    return vectors, lists["INCLUDE"], lists["EXCLUDE"]


def _short(value: Value) -> str:
    return text_of(value) if not isinstance(value, (list, dict)) else type(value).__name__


def _check_entries(
    names: Mapping[str, str],
    vectors: Mapping[str, Sequence[Any]],
    include: Sequence[Mapping[str, Any]],
    exclude: Sequence[Mapping[str, Any]],
) -> None:
    for name, vector in vectors.items():
        if not vector:
            raise MatrixError(messages.empty_vector(name))
    if not vectors and not include:
        raise MatrixError(messages.NO_VECTOR)
    if not all(include):
        raise MatrixError(messages.EMPTY_INCLUDE)
    for entry in exclude:
        if not entry:
            raise MatrixError(messages.EMPTY_EXCLUDE)
        for key in entry:
            if fold(key) not in names:
                raise MatrixError(messages.exclude_key(key))


_Places = tuple[int, ...]
"""Of a combination: which item of each vector it has."""


def _product(vectors: Mapping[str, Sequence[Value]]) -> Iterator[tuple[dict[str, Value], _Places]]:
    """Every combination; the first vector varies slowest."""
    from itertools import product

    for places in product(*(range(len(vector)) for vector in vectors.values())):
        yield {key: vector[at] for (key, vector), at in zip(vectors.items(), places, strict=True)}, places


_Leaves = list[tuple[tuple[Any, ...], Value]]


def _leaves(entry: Mapping[str, Value], names: Mapping[str, str]) -> _Leaves:
    """The filter part of an entry as its leaf values with the path to each."""
    found: _Leaves = []

    def walk(value: Value, path: tuple[Any, ...]) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, (*path, key))
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                walk(inner, (*path, index))
        else:
            found.append((path, value))

    for key, value in entry.items():
        if (name := names.get(fold(key))) is not None:
            walk(value, (name,))
    return found


def _matches(row: Mapping[str, Value], leaves: _Leaves) -> bool:
    return all(equals(_at(row, path), wanted) for path, wanted in leaves)


def _at(row: Mapping[str, Value], path: tuple[Any, ...]) -> Value:
    """The value at the path, null where it leads nowhere. Indexes find keys of mappings too, as `x[1]` does."""
    value: Value = row[path[0]]
    for step in path[1:]:
        if isinstance(value, dict):
            value = _lookup(value, str(step))
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step] if step < len(value) else None
        else:
            return None
    return value


def _lookup(value: Mapping[str, Value], key: str) -> Value:
    if key in value:
        return value[key]
    folded = fold(key)
    return next((inner for name, inner in value.items() if fold(name) == folded), None)


def _include(
    rows: Sequence[tuple[dict[str, Value], _Places]], include: Sequence[Mapping[str, Value]], names: Mapping[str, str]
) -> tuple[list[Row], list[bool]]:
    """The rows with the extras of the entries that match them, and which entries matched any."""
    matched = [False] * len(include)
    filters = [_leaves(entry, names) for entry in include]
    extras = [{k: v for k, v in entry.items() if fold(k) not in names} for entry in include]
    expanded: list[Row] = []
    for row, places in rows:
        values = dict(row)
        sources = {key: (key, at) for key, at in zip(row, places, strict=True)}
        spelled: dict[str, str] = {}
        for i, leaves in enumerate(filters):
            if _matches(row, leaves):
                matched[i] = True
                for key, value in extras[i].items():
                    name = spelled.setdefault(fold(key), key)
                    values[name] = value
                    sources[name] = ("include", i)
        expanded.append(Row(values, tuple(row.values()), sources))
    return expanded, matched


# Names --------------------------------------------------------------------------------------------------------------


def _texts(value: Value) -> Iterator[str]:
    """The non-empty texts of all leaves, depth first; nulls have none."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif (text := text_of(value)) != "":
        yield text


def display_name(base: str, row: Row | None) -> str:
    """The name of a row under a literal base name, at most 100 characters.

    >>> display_name("test", Row({"py": 3.1, "os": "linux", "x": 1}, (3.1, "linux")))
    'test (3.1, linux)'
    """
    texts = [text for value in row.named for text in _texts(value)] if row else []
    name = f"{base} ({', '.join(texts)})" if texts else base
    return name if len(name) <= _NAME else name[: _NAME - 3] + "..."


_foreign = re.compile(r"[^A-Za-z0-9_-]").sub


def row_id(row: Row | None, taken: set[str]) -> str:
    """The internal id of a row, at most 25 characters and none of `taken` (ids in folded spelling), to which it is added.

    >>> taken: set[str] = set()
    >>> [row_id(Row({}, named), taken) for named in ((3.1, "a b"), (3.1, "A.b"), ())]
    ['_3_1_a_b', '_3_1_A_b_2', 'job']
    """
    texts = [text for value in row.named for text in _texts(value)] if row else []
    base = _foreign("_", "_".join(texts))
    if not base:
        base = "job"
    if base[0].isdigit() or base[0] == "-":
        base = "_" + base
    if base.startswith("__"):
        base = "_" + base.lstrip("_")
    count = 1
    while True:
        suffix = f"_{count}" if count > 1 else ""
        name = base[: _ID - len(suffix)] + suffix
        if fold(name) not in taken:
            taken.add(fold(name))
            return name
        count += 1


# Checks before anything is evaluated --------------------------------------------------------------------------------


def check(token: Token | None, job: str, problems: Problems) -> None:
    """Reports what is wrong with the literal parts of a matrix, each at its place."""
    if not isinstance(token, MappingToken):
        return
    before = len(problems.kept)
    literal = is_literal(token)
    vectors: dict[str, Position] = {}
    computed = any(not isinstance(key, Scalar) for key, _ in token.pairs)
    lists: dict[str, Token] = {}
    for key, value in token.pairs:
        if not isinstance(key, Scalar):
            continue
        name = str(key.value)
        if fold(name) in ("INCLUDE", "EXCLUDE"):
            lists[fold(name)] = value
            continue
        vectors[fold(name)] = key.at
        if isinstance(value, SequenceToken) and not value.items:
            problems.add(messages.empty_vector(name), value.at)
    include, exclude = lists.get("INCLUDE"), lists.get("EXCLUDE")
    if not vectors and not computed and (include is None or (isinstance(include, SequenceToken) and not include.items)):
        problems.add(messages.NO_VECTOR, token.at)
    for entry in include.items if isinstance(include, SequenceToken) else ():
        if isinstance(entry, MappingToken) and not entry.pairs:
            problems.add(messages.EMPTY_INCLUDE, entry.at)
    for entry in exclude.items if isinstance(exclude, SequenceToken) else ():
        if not isinstance(entry, MappingToken):
            continue
        if not entry.pairs:
            problems.add(messages.EMPTY_EXCLUDE, entry.at)
        for key, _ in entry.pairs:
            if isinstance(key, Scalar) and not computed and fold(str(key.value)) not in vectors:
                problems.add(messages.exclude_key(str(key.value)), key.at)
    if literal and len(problems.kept) == before and _at_most(token) > MAX_ROWS:
        try:
            expand(plain(token), job=job)
        except MatrixError as error:
            problems.add(error.problems[0].message, token.at)


def _at_most(token: MappingToken) -> int:
    """An upper bound of the rows of a literal matrix, for which nothing needs to be expanded."""
    product, appended = 1, 0
    for key, value in token.pairs:
        if isinstance(key, Scalar) and isinstance(value, SequenceToken) and fold(str(key.value)) != "EXCLUDE":
            if fold(str(key.value)) == "INCLUDE":
                appended = len(value.items)
            else:
                product *= len(value.items)
    return product + appended


def plain(token: Token) -> Value:
    """A literal token as a value."""
    match token:
        case Scalar(value=value):
            return value
        case SequenceToken(items=items):
            return [plain(item) for item in items]
        case MappingToken(pairs=pairs):
            return {str(key.value): plain(value) for key, value in pairs if isinstance(key, Scalar)}
        case _:
            return None
