from saltern_season import Summer, yield_of


def test_rain_comes_on_every_so_many_th_day() -> None:
    assert list(Summer(4, 5.0, rain=2)) == [5.0, 0.0, 5.0, 0.0]


def test_rain_costs_salt() -> None:
    dry = yield_of(Summer(60), [100, 10], 700)
    wet = yield_of(Summer(60, rain=3), [100, 10], 700)
    assert wet < dry
