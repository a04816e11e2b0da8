"""Read jobs/*.toml: all files, all stages, all problems together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from shardyard.spec.catalogue.variants import read_bases
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.code.project_files import misread_texts, missing_files
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.job_file import Variants, label, read_job
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.stack_parameters import pascal
from shardyard.spec.rules import Facts, check


def load_jobs(
    folder: Path,
    stage: str,
    *,
    has_network: bool | None = None,
    root: Path | None = None,
    project_tags: Mapping[str, str] | None = None,
    subnet_addresses: int | None = None,
    reachable_services: Sequence[str] | None = None,
    may_be_empty: bool = True,
) -> tuple[LaunchedSpec, ...]:
    """Read every job of a folder for one stage, sorted by name, and apply the rules; a job is named by its file's stem.

    The rules apply to the other stages as well. `has_network` says whether the project has a VPC, `subnet_addresses`
    how many addresses its largest subnet has, and `reachable_services` which services have an endpoint in it; None if
    unknown. `root` is the project in which to look for the files that a job names and which holds the folder, None to
    skip these checks.
    """
    problems: list[Problem] = []
    files = _files(folder, root, may_be_empty=may_be_empty)
    places = {path.stem: f"{folder.name}/{path.name}: " for path in files}
    read = [read_job(path, stage, where=places[path.stem], problems=problems) for path in files]
    jobs = [variants for variants in read if variants is not None]
    facts = Facts(
        has_network=has_network,
        project_tags=project_tags,
        subnet_addresses=subnet_addresses,
        reachable_services=reachable_services,
    )
    inputs = _RuleInputs(stage=stage, facts=facts, root=root)
    for variants in jobs:
        all_jobs = [other[stage] for other in jobs]
        chosen = variants[stage]
        found = [*_problems(variants, jobs, inputs), *_same_ids(chosen, all_jobs), *_renames(chosen, all_jobs)]
        problems += [Problem(f"{places[variants[stage].name]}{one.where}".rstrip(": "), one.message) for one in found]
    if problems:
        raise SpecError(problems)
    return tuple(variants[stage] for variants in jobs)


def _files(folder: Path, root: Path | None, *, may_be_empty: bool) -> list[Path]:
    """The files of jobs. A typo in the setting must not remove every job in the next deploy."""
    where = "training.jobs"
    if not folder.is_dir():
        raise SpecError([Problem(where, f"there is no folder {str(folder)!r} (make it, and put a job's file there)")])
    if root is not None and not folder.resolve().is_relative_to(root.resolve()):
        raise SpecError([Problem(where, f"{str(folder)!r} is not in the project's folder {str(root)!r}")])
    files = sorted(folder.glob("*.toml"))
    if not files and not may_be_empty:
        raise SpecError(
            [
                Problem(
                    where,
                    f"{str(folder)!r} holds no job, so a deploy would remove every job that there is (put a file "
                    "NAME.toml there; if this is meant, set training.no_jobs to true)",
                )
            ]
        )
    return files


@dataclass(frozen=True, kw_only=True, slots=True)
class _RuleInputs:
    """What the rules need besides the jobs of a folder."""

    stage: str
    facts: Facts
    root: Path | None


def _problems(variants: Variants, jobs: Sequence[Variants], inputs: _RuleInputs) -> list[Problem]:
    """The problems of one job in the chosen stage, then those that only another stage has."""
    chosen = variants[inputs.stage]
    found = _violations(chosen, jobs, inputs.stage, inputs.facts, inputs.root)
    # Only another stage's own settings say whether it has a VPC, and how large that is.
    elsewhere = replace(inputs.facts, has_network=None, subnet_addresses=None, reachable_services=None)
    for stage, spec in variants.items():
        if spec is not chosen:
            before = label(stage) if spec.from_stage else ""
            others = _violations(spec, jobs, stage, elsewhere, inputs.root)
            found += [Problem(f"{before}{one.where}", one.message) for one in others if one not in found]
    return found


def _violations(
    spec: LaunchedSpec, jobs: Sequence[Variants], stage: str, facts: Facts, root: Path | None
) -> list[Problem]:
    others = {
        other.name: other.checkpoints.s3
        for other in (variants[stage] for variants in jobs)
        if isinstance(other, JobSpec) and other.checkpoints.enabled and other.checkpoints.s3 is not None
    }
    known, named = replace(facts, other_checkpoints=others), list[Problem]()
    if root is not None:
        named += missing_files(spec, root)
        try:
            known = replace(known, image_variants=image_variants(spec, root))
        except SpecError as error:
            named += error.problems
    return [*check(spec, known), *named, *misread_texts(spec)]


def image_variants(spec: LaunchedSpec, root: Path) -> tuple[str, ...] | None:
    """The hardware that a job's folder of containers/ is built for; None for a job with another image."""
    return None if spec.image.folder is None else tuple(read_bases(root / "containers" / spec.image.folder))


def _renames(job: LaunchedSpec, jobs: Sequence[LaunchedSpec]) -> Iterator[Problem]:
    """The name that a job was renamed from is no other job's, neither as a file nor as where that was renamed from."""
    before = job.renamed_from
    if before is None:
        return
    if before == job.name:
        yield Problem("renamed_from", f"{before!r} is the job's own name (leave it out)")
    elif any(other.name == before for other in jobs):
        yield Problem(
            "renamed_from",
            f"there is still a job {before!r}, and both would be deployed under that name (remove its file, or leave "
            "renamed_from out: then this is a new job)",
        )
    else:
        for other in jobs:
            if other.renamed_from == before and other.name < job.name:
                yield Problem("renamed_from", f"{other.name!r} is renamed from {before!r} too (only one job can be)")


def _same_ids(job: LaunchedSpec, jobs: Sequence[LaunchedSpec]) -> Iterator[Problem]:
    """Two names that differ only in hyphens give their stack's parameters the same names."""
    own = job.deployed_as
    for other in jobs:
        theirs = other.deployed_as
        if other.name < job.name and pascal(theirs) == pascal(own) and theirs != own:
            message = f"{own!r} and {theirs!r} differ only in hyphens, which their parameters' names do not have"
            yield Problem("name", f"{message} (rename one of the files)")
