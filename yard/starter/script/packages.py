"""Whether a job's code asks for packages that its nodes cannot get."""

from pathlib import Path

from contract.requirements import FILE, WHEELS_CHANNEL, names_packages
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec

_SHOWN = 3


def unreachable_said(root: Path, spec: LaunchedSpec) -> str | None:
    """One sentence about packages that come from an index, for a job in a network without a way to one; else None."""
    if not isinstance(spec, JobSpec) or spec.source is None or not spec.network.vpc or WHEELS_CHANNEL in spec.channels:
        return None
    listed = root / spec.source.dir / FILE
    try:
        lines = names_packages(listed.read_bytes()).decode(errors="replace").splitlines()
    except OSError:
        return None
    wanted = [line for line in lines if not line.startswith("-") and not _lies_beside_it(line)]
    if not wanted:
        return None
    more = len(wanted) - _SHOWN
    said = ", ".join(wanted[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return (
        f"{spec.source.dir}/{FILE} names {said}: what the image lacks, pip cannot get in the project's VPC. Give "
        "the job a channel called wheels, an image of its own (yard image new), or network.vpc = false."
    )


def _lies_beside_it(line: str) -> bool:
    return line.partition(";")[0].strip().endswith(".whl") and "://" not in line
