import pytest
from saltern_units import SATURATED, SEA, Brine


def test_salt_is_kept_when_brines_are_mixed() -> None:
    mixed = Brine(10, 30).mixed(Brine(30, 50))
    assert mixed == Brine(40, 45)
    assert mixed.salt == pytest.approx(10 * 30 + 30 * 50)


def test_drying_makes_it_saltier_until_salt_falls_out() -> None:
    saltier, fallen = Brine(100, SEA).dried(50)
    assert (saltier.grams_per_litre, fallen) == (2 * SEA, 0)
    saturated, fallen = Brine(100, SEA).dried(95)
    assert saturated.grams_per_litre == SATURATED
    assert fallen == pytest.approx(100 * SEA - 5 * SATURATED)


def test_a_dry_pond_leaves_all_its_salt() -> None:
    assert Brine(2, SEA).dried(5) == (Brine(0, 0), 2 * SEA)


@pytest.mark.parametrize(("litres", "salinity"), [(-1, SEA), (1, -1), (1, SATURATED + 1)])
def test_what_cannot_be_is_refused(litres: float, salinity: float) -> None:
    with pytest.raises(ValueError):
        Brine(litres, salinity)
