import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightlist import Character, Unreadable

CHARACTERS = st.builds(
    Character,
    st.sampled_from(["Fl", "LFl", "Oc", "Iso", "Q"]),
    st.sampled_from(["W", "R", "G"]),
    st.integers(1, 6),
    st.integers(2, 60).map(float),
)


@given(CHARACTERS)
def test_what_is_printed_is_read_again(character: Character) -> None:
    assert Character.parse(str(character)) == character


@given(CHARACTERS, st.integers(0, 500))
def test_it_begins_anew_after_its_period(character: Character, second: int) -> None:
    assert character.is_lit(second) == character.is_lit(second + character.period)


@pytest.mark.parametrize(
    ("second", "lit"), [(0, True), (1, False), (2.6, True), (4, False), (6, False)]
)
def test_two_flashes_come_in_the_first_half(second: float, lit: bool) -> None:
    assert Character.parse("Fl(2)W.10s").is_lit(second) == lit


@pytest.mark.parametrize("text", ["", "Blink W 3s", "Fl W", "Fl(x)W.3s"])
def test_what_is_no_character_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        Character.parse(text)
