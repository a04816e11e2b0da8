"""Read jobs/*.toml: all files, all problems together."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_type_hints

from shardyard.spec.errors import Problem, SpecError, nearest
from shardyard.spec.job import JobSpec
from shardyard.spec.job_parameters import pascal
from shardyard.spec.project_files import missing_files
from shardyard.spec.rules import Facts, check
from shardyard.spec.settings import Settings
from shardyard.spec.tree import build

INTERNAL_KEYS = ("name", "from_stage")
"""Keys of a definition that no file may set."""

STAGES: tuple[str, ...] = get_args(get_type_hints(Settings)["stage"])


def load_jobs(
    folder: Path, stage: str, *, has_network: bool | None = None, root: Path | None = None
) -> tuple[JobSpec, ...]:
    """Read every job of a folder for one stage, sorted by name, and apply the rules; the file's stem is its name.

    `has_network` says whether the project has a VPC, None where that is not known; `root` is the project in which
    the files that a job names are looked for, None where there is none.
    """
    problems: list[Problem] = []
    if not folder.is_dir():
        # Without this a slip in the setting would take every job out of the next deploy.
        raise SpecError([Problem("training.jobs", f"there is no folder {str(folder)!r} (make it; it may be empty)")])
    files = sorted(folder.glob("*.toml"))
    places = {path.stem: f"{folder.name}/{path.name}: " for path in files}
    read = [read_job(path, stage, where=places[path.stem], problems=problems) for path in files]
    jobs = tuple(job for job in read if job is not None)
    own = {job.name: job.checkpoints.s3 for job in jobs if job.checkpoints.enabled and job.checkpoints.s3 is not None}
    facts = Facts(other_checkpoints=own, has_network=has_network)
    for job in jobs:
        named = [] if root is None else missing_files(job, root)
        found = [*check(job, facts), *named, *_same_ids(job, jobs)]
        problems += [Problem(f"{places[job.name]}{one.where}", one.message) for one in found]
    if problems:
        raise SpecError(problems)
    return jobs


def _same_ids(job: JobSpec, jobs: Sequence[JobSpec]) -> Iterator[Problem]:
    """Two names that differ in hyphens alone give their stack's parameters the same names."""
    for other in jobs:
        if other.name < job.name and pascal(other.name) == pascal(job.name):
            message = f"{job.name!r} and {other.name!r} differ in hyphens alone, and their parameters have no hyphens"
            yield Problem("name", f"{message} (rename one of the files)")


def read_job(path: Path, stage: str, *, where: str, problems: list[Problem]) -> JobSpec | None:
    """Read one file for one stage; what is wrong with it, for any stage, is added to `problems`."""
    try:
        # Some editors put a byte order mark before the text.
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        problems.append(Problem(where.removesuffix(": "), f"it cannot be read: {error.strerror}"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        problems.append(Problem(where.removesuffix(": "), f"it is not UTF-8 text (at line {line}); save it as UTF-8"))
    except (ValueError, RecursionError) as error:  # a number of 5000 digits, a list 3000 deep
        problems.append(Problem(where.removesuffix(": "), f"it is not TOML: {error}"))
    else:
        return parse_job(raw, path.stem, stage, where=where, problems=problems)
    return None


def parse_job(raw: Mapping[str, Any], name: str, stage: str, *, where: str, problems: list[Problem]) -> JobSpec | None:
    """Build one job from its tables, with the overrides of a stage merged over them; check the other stages too."""
    raw = dict(raw)
    overrides = raw.pop("overrides", {})
    before = len(problems)
    for key in INTERNAL_KEYS:
        if raw.pop(key, None) is not None:
            problems.append(Problem(f"{where}{key}", "it cannot be set; the file's name is the job's name"))
    if not isinstance(overrides, Mapping) or not all(isinstance(table, Mapping) for table in overrides.values()):
        problems.append(Problem(f"{where}overrides", "it holds one table a stage, such as [overrides.prod.compute]"))
        return None
    problems.extend(
        Problem(f"{where}overrides.{key}", f"unknown stage; {nearest(key, STAGES)}")
        for key in overrides
        if key not in STAGES
    )
    spec = _merged(raw, name, overrides.get(stage, {}), where, problems)
    if len(problems) == before:
        for other in (key for key in overrides if key != stage):
            _merged(raw, name, overrides[other], f"{where}[overrides.{other}] ", problems)
    return spec if len(problems) == before else None


def _merged(raw: Mapping[str, Any], name: str, over: Mapping[str, Any], where: str, problems: list[Problem]) -> Any:
    changed = {key: value for key, value in over.items() if key not in INTERNAL_KEYS}
    tables = {**merge(raw, changed), "name": name, "from_stage": _paths(changed)}
    return build(JobSpec, tables, where=where, problems=problems)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one tree of tables over another; lists and values are replaced whole."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def _paths(tables: Mapping[str, Any], before: str = "") -> list[str]:
    """Every value's dotted name."""
    names: list[str] = []
    for key, value in tables.items():
        names += _paths(value, f"{before}{key}.") if isinstance(value, Mapping) else [f"{before}{key}"]
    return names
