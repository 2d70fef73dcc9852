import pytest
from saltern_ponds import Chain, Pond
from saltern_units import SEA, Brine


def test_the_sun_takes_water_and_leaves_salt() -> None:
    pond = Pond(10, Brine(100))
    assert pond.sun(5) == 0
    assert pond.brine.litres == 50
    assert pond.sun(100) == pytest.approx(100 * SEA)


def test_salt_is_neither_lost_nor_made() -> None:
    chain = Chain([50, 20, 5])
    for _ in range(20):
        chain.day(litres=100, millimetres=6)
    still = sum(pond.brine.salt for pond in chain.ponds)
    assert chain.raked + still == pytest.approx(20 * 100 * SEA)


def test_no_more_flows_out_than_there_is() -> None:
    assert Pond(1, Brine(3)).take(10) == Brine(3)


def test_a_chain_without_ponds_is_none() -> None:
    with pytest.raises(ValueError, match="at least one pond"):
        Chain([])
