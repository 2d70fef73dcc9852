"""Secrets become `***`: which texts a registered value stands for, and their replacement in whole lines or in pieces of one.

It knows values and bytes, not where they come from.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ahocorasick_rs import BytesAhoCorasick

MASK = b"***"
WHITE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""What GitHub's runner takes for white space when it trims; `str.strip()` alone would trim U+001C to U+001F too."""

# An automaton of full tables is four times as fast, and needs about 256 bytes for each byte of the values.
_TABLE_LIMIT = 24 * 1024

_LOOKS = 256 * 1024
"""Bytes, times the forms looked for in them, before an automaton pays."""

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PERCENT = [chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in range(256)]
_XML = str.maketrans({"<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;", "'": "&apos;"})
_JSON = str.maketrans(
    {chr(c): f"\\u{c:04x}" for c in (*range(32), 0x85, 0x2028, 0x2029)}
    | {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
)


class Masker:
    """The values of one job. Values may be added at any time and hold from then on."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._needles: set[bytes] = set()
        self._longest = 0
        self._automaton: BytesAhoCorasick | None = None
        self._looked = 0

    def add(self, value: str) -> bool:
        """Register `value`, and each trimmed line of it, with the forms of `derived`. False: it is blank; nothing was done."""
        if not value.strip(WHITE):
            return False
        self._register(value)
        for line in value.replace("\r", "\n").split("\n"):
            if line := line.strip(WHITE):
                self._register(line)
        return True

    def add_secret(self, value: str) -> bool:
        """Register a secret of the job: like `add`, of the trimmed value."""
        return self.add(value.strip(WHITE))

    def add_token(self, value: str) -> bool:
        """Register the job's token: also in the form in which git sends it, base64 of `x-access-token:` and the token."""
        if not self.add(value):
            return False
        self._register(_base64(b"x-access-token:" + encode(value)))
        return True

    def mask(self, data: bytes) -> bytes:
        """`data`, any number of whole lines, with every match of every form replaced: overlapping and touching matches become
        one `***`. A match never crosses a line end. Without a match, `data` itself comes back.

        >>> masker = Masker()
        >>> masker.add("abcd"), masker.add("cdef"), masker.add(" ")
        (True, True, False)
        >>> masker.mask(b"xabcdefabcdx abcef")
        b'x***x abcef'
        """
        spans = self._spans(data)
        if not spans:
            return data
        parts: list[bytes] = []
        at = 0
        for start, end in spans:
            parts += (data[at:start], MASK)
            at = end
        parts.append(data[at:])
        return b"".join(parts)

    def mask_text(self, text: str) -> str:
        """The same for text."""
        if not self._needles:
            return text
        data = encode(text)
        masked = self.mask(data)
        return text if masked is data else masked.decode("utf-8", "surrogateescape")

    def holds_secret(self, text: str) -> bool:
        """Whether `mask_text` would change `text`."""
        data = encode(text)
        return bool(self._needles) and self._may_hold(data) and bool(self._search().find_matches_as_indexes(data))

    @property
    def hold(self) -> int:
        """How many bytes at the end of an unfinished line may be the start of a match that is not complete yet."""
        return max(self._longest - 1, 0)

    def piece(self, data: bytes, cut: int, covered: int) -> tuple[bytes, int]:
        """Mask the first `cut` bytes of `data`, the rest of a line of which more may come, so that all pieces together are what
        `mask` makes of the whole line. `cut` must leave `hold` bytes, or be the length of `data` when the line has ended.

        `covered` is what the last piece returned, -1 for the first: so many bytes at the start are part of a match already
        printed as `***`; 0 means that one ends exactly there.
        """
        if cut <= 0:
            return b"", covered
        spans = self._spans(data)
        if covered > 0:
            spans = _merge([(0, covered), *spans])
        parts: list[bytes] = []
        at = 0
        for start, end in spans:
            if start >= cut:
                break
            parts.append(data[at:start])
            if start or covered < 0:
                parts.append(MASK)
            at = end
        parts.append(data[at:cut])
        return b"".join(parts), at - cut if at >= cut else -1

    def _register(self, value: str) -> None:
        if value in self._values:
            return
        self._values.add(value)
        for form in (value, *derived(value)):
            needle = encode(form)
            # A form that holds a line end can match in no line.
            if b"\n" not in needle and b"\r" not in needle and needle not in self._needles:
                self._needles.add(needle)
                self._longest = max(self._longest, len(needle))
                self._automaton = None

    def _may_hold(self, data: bytes) -> bool:
        """Whether an automaton must be asked: making one costs more than looking for each form in a few short texts."""
        if self._automaton is not None or self._looked > _LOOKS:
            return True
        self._looked += len(data) * len(self._needles)
        return any(needle in data for needle in self._needles)

    def _search(self) -> BytesAhoCorasick:
        if self._automaton is None:
            from ahocorasick_rs import BytesAhoCorasick, Implementation

            small = sum(map(len, self._needles)) <= _TABLE_LIMIT
            kind = Implementation.DFA if small else Implementation.ContiguousNFA
            self._automaton = BytesAhoCorasick(list(self._needles), implementation=kind)
        return self._automaton

    def _spans(self, data: bytes) -> list[tuple[int, int]]:
        if not self._needles or not self._may_hold(data):
            return []
        found = self._search().find_matches_as_indexes(data, overlapping=True)
        return _merge([(start, end) for _, start, end in found]) if found else []


def derived(value: str) -> list[str]:
    """The forms other than itself in which GitHub's runner also masks `value`; may repeat, never empty.

    >>> derived('a"b')
    ['YSJi', 'ImI=', 'Yg==', 'a\\\\"b', 'a\\\\"b', 'a"b', 'a%22b', 'a&quot;b']
    """
    data = encode(value)
    forms = [
        _base64(data),
        # Meant to find the value inside a longer base64 text, at the two other alignments.
        _base64(data[1:] or data),
        _base64(data[2:] or data),
        value.translate(_JSON),
        value.replace('"', '\\"'),
        value.replace("'", "''"),
        "".join([_PERCENT[byte] for byte in data]),
        value.translate(_XML),
        *_powershell(value),
    ]
    if _units(value) > 8 and value[0] == value[-1] == '"':
        forms.append(value[1:-1])
    return forms


def encode(text: str) -> bytes:
    """UTF-8. Bytes that were not UTF-8 come back as they were; other lone surrogates get three bytes of their own."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _merge(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    spans.sort()
    merged: list[tuple[int, int]] = []
    first, last = spans[0]
    for start, end in spans:
        if start > last:
            merged.append((first, last))
            first, last = start, end
        elif end > last:
            last = end
    merged.append((first, last))
    return merged


def _powershell(value: str) -> list[str]:
    """PowerShell prints a failed command line in parts, coloured from the `&` on: the parts before and after it."""
    head, amp, tail = value.partition("&+")
    if amp:
        tail = tail[1:]
    else:
        head, amp, tail = value.rpartition("&")
        if not amp:
            return []
    return [part for part in (head + amp, tail) if _units(part) >= 6]


def _units(text: str) -> int:
    """Length as the runner counts it, in UTF-16 units."""
    return len(text) + sum(char > "\uffff" for char in text)


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
