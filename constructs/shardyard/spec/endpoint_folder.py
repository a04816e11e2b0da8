"""Read endpoints/*.toml: all files, all stages, all problems together."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.endpoints.endpoint_file import Staged, read_endpoint
from shardyard.spec.errors import Problem, SpecError, nearest
from shardyard.spec.jobs.job_file import label
from shardyard.spec.jobs.stack_parameters import pascal
from shardyard.spec.rules import Facts, check_endpoint


def load_endpoints(
    folder: Path, stage: str, *, facts: Facts | None = None, root: Path | None = None
) -> tuple[EndpointSpec, ...]:
    """Read every endpoint of a folder for one stage, sorted by name, and apply the rules; no folder holds none.

    The rules apply to the other stages as well. `root` is the project in which to look for the files that an endpoint
    names, None to skip these checks.
    """
    problems: list[Problem] = []
    known = Facts() if facts is None else facts
    files = sorted(folder.glob("*.toml"))
    read = [read_endpoint(path, stage, where=f"{folder.name}/{path.name}: ", problems=problems) for path in files]
    endpoints = [staged for staged in read if staged is not None]
    for staged in endpoints:
        chosen = staged[stage]
        found = [*_problems(staged, stage, known), *_same_ids(chosen, [other[stage] for other in endpoints])]
        if root is not None:
            found += missing_files(chosen, root)
        place = f"{folder.name}/{chosen.name}.toml: "
        problems += [Problem(f"{place}{one.where}".rstrip(": "), one.message) for one in found]
    if problems:
        raise SpecError(problems)
    return tuple(staged[stage] for staged in endpoints)


def _problems(staged: Staged, stage: str, facts: Facts) -> list[Problem]:
    """The problems of the chosen stage, then those that only another stage has."""
    found = check_endpoint(staged[stage], facts)
    for other, spec in staged.items():
        if other != stage:
            before = label(other) if spec.from_stage else ""
            theirs = [one for one in check_endpoint(spec, facts) if one not in found]
            found += [Problem(f"{before}{one.where}", one.message) for one in theirs]
    return found


def _same_ids(spec: EndpointSpec, endpoints: Sequence[EndpointSpec]) -> Iterator[Problem]:
    """Two names that differ only in hyphens give their stacks' parameters the same names."""
    for other in endpoints:
        if other.name < spec.name and pascal(other.name) == pascal(spec.name):
            message = (
                f"{spec.name!r} and {other.name!r} differ only in hyphens, which their parameters' names do not have"
            )
            yield Problem("name", f"{message} (rename one of the files)")


def missing_files(spec: EndpointSpec, root: Path) -> Iterator[Problem]:
    """A problem for the folder of an image that the project lacks. A model's file may be made after the deploy."""
    folder = spec.image.folder
    if folder is not None and not (root / "containers" / folder / "Dockerfile").is_file():
        known = sorted(path.parent.name for path in root.glob("containers/*/Dockerfile"))
        yield Problem("image.folder", f"there is no containers/{folder}/Dockerfile; {nearest(folder, known)}")
