"""`python -m benchmarks tuning`."""

import sys

from benchmarks._report import report
from benchmarks.tuning import launching, searching, stopping


def main() -> int:
    """Measure and report."""
    figures = [*searching.figures(), *stopping.figures(), *launching.figures()]
    notes = (
        f"search: the best of {searching.PROPOSALS} proposals, median of {searching.SEEDS} seeds, as a part of "
        f"chance's distance from the least value; early stopping: {stopping.DRAWS} draws of {stopping.JOBS} out of "
        f"{stopping.NETWORKS} networks on the digits of scikit-learn, {stopping.EPOCHS} epochs each"
    )
    return report("tuning", figures, notes=notes)


if __name__ == "__main__":
    sys.exit(main())
