"""Write event data in the shape of the public data-distribution lab: one CSV file a year, and a year to validate on.

    python -m training.programs.make_events DIR --shards 5 --rows 20000      # DIR/train/ and DIR/validation/

The lab takes news events of GDELT, which cannot be had offline. These rows are made up, with its columns and with
a tone that depends on them through a fixed rule and noise, so that the best possible error is known.
"""

import argparse
from pathlib import Path

import numpy

EVENT_CODES = 20
PLACES = ("Actor1Geo_Lat", "Actor1Geo_Long", "ActionGeo_Lat", "ActionGeo_Long")
FEATURES = ("NumArticles", *PLACES, *(f"EventCode_{code:02d}" for code in range(EVENT_CODES)))
TARGET = "AvgTone"
NOISE = 2.0


def make_year(year: int, rows: int) -> numpy.ndarray:
    """The rows of one year: the tone, then the 25 features."""
    random = numpy.random.default_rng((1979, year))
    articles = 1 + random.poisson(4, rows)
    places = random.normal([20, 10, 22, 8], [22, 60, 22, 60], (rows, 4))
    codes = numpy.eye(EVENT_CODES)[random.zipf(1.6, rows) % EVENT_CODES]
    features = numpy.column_stack([articles, places, codes])
    tone = 1.5 + features @ true_weights() + random.normal(0, NOISE, rows)
    return numpy.column_stack([tone, features])


def true_weights() -> numpy.ndarray:
    """The rule behind the tone."""
    return numpy.concatenate([[0.15, 0.02, -0.01, 0.03, 0.005], numpy.linspace(4, -6, EVENT_CODES)])


def write_year(path: Path, year: int, rows: int) -> None:
    """One file with a line of column names."""
    header = ",".join((TARGET, *FEATURES))
    formats = ["%.4f", "%d", *["%.4f"] * 4, *["%d"] * EVENT_CODES]
    numpy.savetxt(path, make_year(year, rows), fmt=formats, delimiter=",", header=header, comments="")


def main(arguments: list[str] | None = None) -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shards", type=int, default=5, help="years to train on, one file each")
    parser.add_argument("--rows", type=int, default=20_000, help="events a year")
    options = parser.parse_args(arguments)
    if options.shards < 1 or options.rows < 1:
        parser.error(f"--shards is {options.shards} and --rows is {options.rows}: both must be 1 or more")
    if options.folder.is_file():
        parser.error(f"{options.folder} is a file; give a folder")
    for part, years in (("train", range(options.shards)), ("validation", range(options.shards, options.shards + 1))):
        folder = options.folder / part
        folder.mkdir(parents=True, exist_ok=True)
        for year in years:
            write_year(folder / f"events-{1979 + year}.csv", year, options.rows)
        print(f"{len(years) * options.rows} events for {part} in {len(years)} files under {folder}")


if __name__ == "__main__":
    main()
