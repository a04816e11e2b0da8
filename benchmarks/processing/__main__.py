"""`python -m benchmarks.processing`: start and crowd, rounds of faults, and Spark where there is a Java."""

import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks._report import report
from benchmarks.processing import faults, spark, start
from tests.support.clouds.processing_cloud import processing_cloud


def main() -> int:
    """Measure in a fresh cloud and report."""
    with tempfile.TemporaryDirectory() as folder, processing_cloud(Path(folder)) as cloud:
        figures = [*start.first_lines(cloud), *start.two_nodes_each(cloud), *faults.rounds(cloud)]
        cloud.check_nothing_left()
    missed = report("cloud_processing", figures, notes=f"{start.NOTES} {faults.NOTES}")
    if shutil.which("java") is None:
        print("no Java here: Spark was not measured")
        return missed
    return report("spark", spark.figures(), notes=spark.NOTES) | missed


if __name__ == "__main__":
    sys.exit(main())
