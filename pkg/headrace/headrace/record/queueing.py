"""Who holds a concurrency group, who waits, and who has to go. Pure: from those that are there and a newcomer to what follows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Union

from msgspec import Struct

from headrace.plan.model import Claim, Reason

MOST_WAITING = 100
"""So many may wait for a group with `queue: max`."""


State = Literal["holds", "waits", "over"]


class Standing(Struct, frozen=True):
    """How one stands in a group. `holder` is the run that one waits for. `why` says why one that waited is `over`, or why one
    that holds the group has to end."""

    state: State
    group: str
    holder: str = ""
    why: Union[Reason, None] = None


class Entry(Struct, frozen=True):
    """One that is in a group: its holder, or one that waits. `number` is the order in which they came."""

    number: int
    holds: bool


class Admission(Struct, frozen=True):
    """What a newcomer becomes: it holds, waits (neither flag) or is `refused` since the queue is full. `cancelled` are those that
    have to go for it; a holder among them stays the holder until it has ended."""

    holds: bool = False
    refused: bool = False
    cancelled: tuple[Entry, ...] = ()


def admit(entries: Sequence[Entry], claim: Claim) -> Admission:
    """The way into a group. One without a holder has nobody in it (see `next_holder`).

    With `queue: single` a newcomer takes the place of those that wait, and with `cancel-in-progress` that of the holder too; with
    `queue: max` it lines up behind them, up to a hundred.

    >>> admit([], Claim("g")).holds, admit([Entry(1, True)], Claim("g"))
    (True, Admission(holds=False, refused=False, cancelled=()))
    >>> [entry.number for entry in admit([Entry(1, True), Entry(2, False)], Claim("g")).cancelled]
    [2]
    >>> [entry.number for entry in admit([Entry(1, True), Entry(2, False)], Claim("g", cancel_in_progress=True)).cancelled]
    [1, 2]
    >>> admit([Entry(1, True), Entry(2, False)], Claim("g", queue="max"))
    Admission(holds=False, refused=False, cancelled=())
    """
    if not entries:
        return Admission(holds=True)
    waiting = [entry for entry in entries if not entry.holds]
    if claim.queue == "max":
        return Admission(refused=len(waiting) >= MOST_WAITING)
    return Admission(cancelled=tuple(entries if claim.cancel_in_progress else waiting))


def next_holder(entries: Sequence[Entry]) -> Entry | None:
    """The one whose turn it is: of those that wait the one that came first, where nobody holds the group.

    >>> next_holder([Entry(3, False), Entry(2, False)]).number, next_holder([Entry(1, True), Entry(2, False)]), next_holder([])
    (2, None, None)
    """
    if any(entry.holds for entry in entries):
        return None
    return min(entries, key=lambda entry: entry.number, default=None)
