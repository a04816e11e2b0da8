"""Make event files in the layout of GDELT 1.0: five years to train on, a sixth to test on, from a seed.

    python make_events.py DIR --rows 30000            # DIR/train/1979.csv ... 1983.csv, DIR/test/1984.csv

As there, the files have 57 columns between tabs, no line of names, and the ending .csv. Only the columns that the
lab reads are filled; the rest are empty. The tone follows a fixed rule and noise of a known size, so that the best
possible error is known. Standard library only.
"""

import argparse
import random
from pathlib import Path

COLUMNS = 57
EVENT_CODE, ARTICLES, TONE = 26, 33, 34
PLACES = (39, 40, 46, 47)
"""Latitude and longitude of both actors."""
FIRST_YEAR, YEARS = 1979, 5
GROWTH = 1.12
"""Each year has so many times the events of the one before: an assumption, to give nodes unequal files."""
CODES = tuple(f"{root:02d}{kind}" for root in range(1, 21) for kind in (0, 1, 2))
"""Sixty codes, more than the twenty that the model has columns for."""
NOISE = 2.5
"""The standard deviation of what no feature explains: the best possible squared error is its square."""
NOWHERE = 0.08
"""The share of events without a place, written as 0 and 0; the lab drops them."""


def rule(code: int, articles: int, places: list[float]) -> float:
    """The tone that the features explain."""
    shares = zip((0.02, -0.01, 0.03, 0.005), places, strict=True)
    return 3.0 - 0.5 * (7 * code % 20) + 0.15 * articles + sum(weight * place for weight, place in shares)


def year_rows(year: int, rows: int) -> list[str]:
    """The lines of one year."""
    draw = random.Random(year)
    # A few codes make up most events, and half of them become more common over the years
    weights = [(1 + 0.05 * (code % 2) * (year - FIRST_YEAR)) / (1 + code) ** 1.6 for code in range(len(CODES))]
    codes = draw.choices(range(len(CODES)), weights, k=rows)
    lines = []
    for number, code in enumerate(codes):
        articles = 1 + int(draw.expovariate(0.25))
        places = [draw.gauss(*shape) for shape in ((20, 20), (10, 55), (22, 20), (8, 55))]
        tone = rule(code, articles, places) + draw.gauss(0, NOISE)
        if draw.random() < NOWHERE:
            places = [0.0] * 4
        fields = [""] * COLUMNS
        fields[0], fields[3], fields[EVENT_CODE] = f"{year}{number:07d}", str(year), CODES[code]
        fields[ARTICLES], fields[TONE] = str(articles), f"{tone:.5f}"
        for column, place in zip(PLACES, places, strict=True):
            fields[column] = f"{place:.4f}"
        lines.append("\t".join(fields))
    return lines


def main(arguments: list[str] | None = None) -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=30_000, help="events of the first year")
    options = parser.parse_args(arguments)
    if options.rows < 1:
        parser.error(f"--rows is {options.rows} and must be 1 or more")
    for index in range(YEARS + 1):
        year, rows = FIRST_YEAR + index, round(options.rows * GROWTH**index)
        path = options.folder / ("train" if index < YEARS else "test") / f"{year}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(year_rows(year, rows)) + "\n")
        print(f"{path}: {rows} events, {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
