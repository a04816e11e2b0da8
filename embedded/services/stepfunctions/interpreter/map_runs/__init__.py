"""Distributed maps in moto's interpreter: batches, failures that are tolerated, and the files of their results."""

from embedded.services.stepfunctions.interpreter.map_runs import batches, children, readers, writers


def install() -> None:
    """Replace moto's parts."""
    for part in (batches, children, readers, writers):
        part.install()
