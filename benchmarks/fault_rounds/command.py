"""The command line that the benchmarks of faults share."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from benchmarks._report import report
from benchmarks.fault_rounds.cluster import Framework
from benchmarks.fault_rounds.kinds import Kind
from benchmarks.fault_rounds.rounds import Match
from benchmarks.fault_rounds.sizes import INTERVAL, STEPS
from embedded.weather import forecast


def main(name: str, description: str | None, framework: Framework, faults: Mapping[str, Kind]) -> int:
    """Play all rounds, or those that are asked for, and write results/<name>.json."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="beginnings of faults' names, with commas between them")
    parser.add_argument("--keep", type=Path, help="keep the folders of rounds with problems here")
    parser.add_argument("--weather", choices=(forecast.FAIR, forecast.PESSIMISTIC), help="only this one")
    options = parser.parse_args()
    match = Match(
        framework=framework,
        faults=faults,
        seed=options.seed,
        only=options.only,
        keep=options.keep,
        weathers=[forecast.FAIR, forecast.PESSIMISTIC] if options.weather is None else [options.weather],
    )
    notes = (
        f"seed {options.seed}, {STEPS} steps, a save every {INTERVAL}; a damaged newest save costs one interval more, "
        "and so does each save that was not yet in S3 when machines were taken without a word"
    )
    return report(name, match.play(), notes=notes)
