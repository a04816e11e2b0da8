"""Read jobs/*.toml: all files, all problems together."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

from shardyard.spec.errors import Problem, SpecError, nearest
from shardyard.spec.job import JobSpec
from shardyard.spec.rules import Facts, check
from shardyard.spec.settings import Settings
from shardyard.spec.tree import build

INTERNAL_KEYS = ("name", "from_stage")
"""Keys of a definition that no file may set."""

STAGES: tuple[str, ...] = get_args(get_type_hints(Settings)["stage"])


def load_jobs(folder: Path, stage: str, *, has_network: bool | None = None) -> tuple[JobSpec, ...]:
    """Read every job of a folder for one stage, sorted by name, and apply the rules; the file's stem is its name.

    `has_network` says whether the project has a VPC, None where that is not known.
    """
    problems: list[Problem] = []
    files = sorted(folder.glob("*.toml"))
    places = {path.stem: f"{folder.name}/{path.name}: " for path in files}
    read = [read_job(path, stage, where=places[path.stem], problems=problems) for path in files]
    jobs = tuple(job for job in read if job is not None)
    own = {job.name: job.checkpoints.s3 for job in jobs if job.checkpoints.enabled and job.checkpoints.s3 is not None}
    facts = Facts(other_checkpoints=own, has_network=has_network)
    for job in jobs:
        problems += [Problem(f"{places[job.name]}{found.where}", found.message) for found in check(job, facts)]
    if problems:
        raise SpecError(problems)
    return jobs


def read_job(path: Path, stage: str, *, where: str, problems: list[Problem]) -> JobSpec | None:
    """Read one file for one stage; what is wrong with it, for any stage, is added to `problems`."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(Problem(where.removesuffix(": "), f"it is not TOML: {error}"))
        return None
    return parse_job(raw, path.stem, stage, where=where, problems=problems)


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
