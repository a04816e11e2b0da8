"""One file of endpoints/: TOML tables, with the overrides of each stage applied."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.errors import Problem, nearest
from shardyard.spec.jobs.job_file import INTERNAL_KEYS, STAGES, dotted_names, label, merge, read_tables
from shardyard.spec.tree import build

Staged = dict[str, EndpointSpec]
"""An endpoint in each stage, the chosen stage first."""


def read_endpoint(path: Path, stage: str, *, where: str, problems: list[Problem]) -> Staged | None:
    """Read one file; adds what is wrong with it, in any stage, to `problems`."""
    raw = read_tables(path, where=where, problems=problems)
    return None if raw is None else parse_endpoint(raw, path.stem, stage, where=where, problems=problems)


def parse_endpoint(
    raw: Mapping[str, Any], name: str, stage: str, *, where: str, problems: list[Problem]
) -> Staged | None:
    """Build one endpoint from its tables for each stage, or report what is wrong with them."""
    before = len(problems)
    tables = {key: value for key, value in raw.items() if key not in (*INTERNAL_KEYS, "overrides")}
    overrides = raw.get("overrides", {})
    problems.extend(
        Problem(f"{where}{key}", "it cannot be set; the file's name is the endpoint's name")
        for key in INTERNAL_KEYS
        if key in raw
    )
    if not isinstance(overrides, Mapping) or not all(isinstance(table, Mapping) for table in overrides.values()):
        problems.append(
            Problem(f"{where}overrides", "must hold one table per stage, such as [overrides.prod.deployment]")
        )
        return None
    problems.extend(
        Problem(f"{where}overrides.{key}", f"unknown stage; {nearest(key, STAGES)}")
        for key in overrides
        if key not in STAGES
    )
    staged: Staged = {}
    for one in (stage, *(other for other in STAGES if other != stage)):
        over = overrides.get(one, {})
        problems.extend(
            Problem(f"{where}{label(one)}{key}", "is the same in every stage (write it above all tables)")
            for key in ("kind", *INTERNAL_KEYS)
            if key in over
        )
        if one != stage and len(problems) > before:
            return None  # the other stages would only repeat this one's problems
        merged = {**merge(tables, over), "name": name, "from_stage": dotted_names(over)}
        spec = build(EndpointSpec, merged, where=f"{where}{label(one) if over else ''}", problems=problems)
        if spec is not None:
            staged[one] = spec
    return staged if len(problems) == before else None
