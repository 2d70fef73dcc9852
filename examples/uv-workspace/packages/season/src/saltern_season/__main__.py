"""The command line."""

from __future__ import annotations

import click

from saltern_season.weather import Summer, yield_of


@click.command()
@click.option("--days", type=click.IntRange(min=1), default=90, show_default=True)
@click.option("--rain", type=click.IntRange(min=0), default=0, help="It rains every so many days.")
@click.option("--area", "areas", type=float, multiple=True, help="Square metres of a pond.")
@click.option("--litres", type=float, default=900.0, show_default=True, help="Sea water a day.")
def main(days: int, rain: int, areas: tuple[float, ...], litres: float) -> None:
    """Say how much salt a season yields."""
    kilograms = yield_of(Summer(days, rain=rain), list(areas) or [120.0, 15.0], litres)
    click.echo(f"{kilograms:.1f} kg of salt in {days} days")


if __name__ == "__main__":
    main()
