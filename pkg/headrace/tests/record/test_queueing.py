"""Who holds a group, who waits, who has to go."""

from __future__ import annotations

import pytest
from headrace.plan.model import Claim
from headrace.record.queueing import MOST_WAITING, Admission, Entry, admit, next_holder
from hypothesis import given
from hypothesis import strategies as st

SINGLE, CANCEL, MAX = Claim("g"), Claim("g", cancel_in_progress=True), Claim("g", queue="max")
HOLDER, FIRST, SECOND = Entry(1, True), Entry(2, False), Entry(3, False)
FULL = (HOLDER, *(Entry(number, False) for number in range(2, 2 + MOST_WAITING)))

CASES = [
    ((), SINGLE, Admission(holds=True)),
    ((), CANCEL, Admission(holds=True)),
    ((), MAX, Admission(holds=True)),
    ((HOLDER,), SINGLE, Admission()),
    ((HOLDER,), CANCEL, Admission(cancelled=(HOLDER,))),
    ((HOLDER,), MAX, Admission()),
    ((HOLDER, FIRST), SINGLE, Admission(cancelled=(FIRST,))),
    ((HOLDER, FIRST), CANCEL, Admission(cancelled=(HOLDER, FIRST))),
    ((HOLDER, FIRST), MAX, Admission()),
    ((HOLDER, FIRST, SECOND), SINGLE, Admission(cancelled=(FIRST, SECOND))),
    (FULL[:-1], MAX, Admission()),
    (FULL, MAX, Admission(refused=True)),
    (FULL, SINGLE, Admission(cancelled=FULL[1:])),
]


@pytest.mark.covers("language:10.1")
@pytest.mark.parametrize(("entries", "claim", "admission"), CASES)
def test_a_newcomer(entries: tuple[Entry, ...], claim: Claim, admission: Admission) -> None:
    assert admit(entries, claim) == admission


@pytest.mark.covers("language:10.1")
@pytest.mark.parametrize(
    ("entries", "number"),
    [((), None), ((HOLDER, FIRST), None), ((FIRST,), 2), ((SECOND, FIRST), 2), ((FIRST, SECOND), 2)],
)
def test_the_next_holder_is_the_one_that_came_first(entries: tuple[Entry, ...], number: int | None) -> None:
    following = next_holder(entries)
    assert (following and following.number) == number


class Line:
    """A group by hand, with the two functions as its only rules."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.count = 0
        self.held: list[int] = []  # in order

    def come(self, claim: Claim) -> Admission:
        self.count += 1
        admission = admit(self.entries, claim)
        gone = {entry.number for entry in admission.cancelled if not entry.holds}
        self.entries = [entry for entry in self.entries if entry.number not in gone]
        if not admission.refused:
            self.entries.append(Entry(self.count, admission.holds))
        if admission.holds:
            self.held.append(self.count)
        return admission

    def leave(self, which: int) -> None:
        del self.entries[which % len(self.entries)]
        following = next_holder(self.entries)
        if following is not None:
            self.entries = [Entry(entry.number, entry.holds or entry == following) for entry in self.entries]
            self.held.append(following.number)


moves = st.lists(st.one_of(st.sampled_from([SINGLE, CANCEL, MAX, MAX]), st.integers(0, 200)), max_size=60)


@pytest.mark.covers("language:10.1")
@given(moves)
def test_there_is_one_holder_wherever_there_is_anybody_and_the_queue_is_bounded(steps: list[Claim | int]) -> None:
    line = Line()
    for step in steps:
        if isinstance(step, Claim):
            line.come(step)
            if step.queue == "single":
                assert sum(not entry.holds for entry in line.entries) <= 1
        elif line.entries:
            line.leave(step)
        assert sum(entry.holds for entry in line.entries) == (1 if line.entries else 0)
        assert sum(not entry.holds for entry in line.entries) <= MOST_WAITING


@pytest.mark.covers("language:10.1")
@given(moves)
def test_the_group_is_held_in_the_order_of_arrival(steps: list[Claim | int]) -> None:
    line = Line()
    for step in steps:
        if isinstance(step, Claim):
            line.come(step)
        elif line.entries:
            line.leave(step)
    assert line.held == sorted(line.held)


@pytest.mark.covers("language:10.1")
@given(st.integers(0, 130))
def test_nobody_who_queues_to_the_maximum_cancels_anybody(newcomers: int) -> None:
    line = Line()
    admissions = [line.come(MAX) for _ in range(newcomers)]
    assert not any(admission.cancelled for admission in admissions)
    assert sum(admission.refused for admission in admissions) == max(0, newcomers - MOST_WAITING - 1)
