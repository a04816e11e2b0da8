"""One file of jobs/: TOML tables, with the overrides of each stage applied."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

from shardyard.spec.errors import Problem, is_too_deep, nearest, too_deep
from shardyard.spec.files import read_text
from shardyard.spec.jobs.kinds import kind_of, unknown_kind
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.settings.settings import Settings
from shardyard.spec.tree import build

INTERNAL_KEYS = ("name", "from_stage")
"""Keys of a definition that no file may set."""

STAGES: tuple[str, ...] = get_args(get_type_hints(Settings)["stage"])

Variants = dict[str, LaunchedSpec]
"""A job in each stage, the chosen stage first; stages without overrides share one."""


def read_job(path: Path, stage: str, *, where: str, problems: list[Problem]) -> Variants | None:
    """Read one file; adds what is wrong with it, in any stage, to `problems`."""
    raw = read_tables(path, where=where, problems=problems)
    return None if raw is None else parse_variants(raw, path.stem, stage, where=where, problems=problems)


def read_tables(path: Path, *, where: str, problems: list[Problem]) -> dict[str, Any] | None:
    """The tables of one TOML file of a person's; None, and a problem, for what is none."""
    try:
        # Some editors write a byte order mark first.
        raw = tomllib.loads(read_text(path, encoding="utf-8-sig"))
    except OSError as error:
        problems.append(Problem(where.removesuffix(": "), f"it cannot be read: {error.strerror}"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        problems.append(Problem(where.removesuffix(": "), f"it is not UTF-8 text (at line {line}); save it as UTF-8"))
    except (ValueError, RecursionError) as error:  # a number of 5000 digits, a list 3000 deep
        problems.append(Problem(where.removesuffix(": "), f"it is not TOML: {error}"))
    else:
        if not is_too_deep(raw):
            return raw
        problems.append(too_deep(where.removesuffix(": ")))
    return None


def parse_variants(
    raw: Mapping[str, Any], name: str, stage: str, *, where: str, problems: list[Problem]
) -> Variants | None:
    """Build one job from its tables for each stage, or report what is wrong with them."""
    raw = dict(raw)
    overrides = raw.pop("overrides", {})
    before = len(problems)
    for key in INTERNAL_KEYS:
        if raw.pop(key, None) is not None:
            problems.append(Problem(f"{where}{key}", "it cannot be set; the file's name is the job's name"))
    if not isinstance(overrides, Mapping) or not all(isinstance(table, Mapping) for table in overrides.values()):
        problems.append(Problem(f"{where}overrides", "must hold one table per stage, such as [overrides.prod.compute]"))
        return None
    problems.extend(
        Problem(f"{where}overrides.{key}", f"unknown stage; {nearest(key, STAGES)}")
        for key in overrides
        if key not in STAGES
    )
    built: dict[str, LaunchedSpec | None] = {}
    for one in (stage, *(other for other in STAGES if other != stage)):
        shared = next((other for other in built if other not in overrides and one not in overrides), None)
        if built and len(problems) > before:
            return None  # the other stages would only repeat this one's problems
        at = f"{where}{label(one)}" if one != stage and one in overrides else where
        made = built[shared] if shared else _merged(raw, name, overrides.get(one, {}), at, problems)
        built[one] = made
    variants = {one: spec for one, spec in built.items() if spec is not None}
    return variants if len(problems) == before else None


def label(stage: str) -> str:
    """The prefix of a problem that only one stage's overrides have."""
    return f"[overrides.{stage}] "


def _merged(
    raw: Mapping[str, Any], name: str, over: Mapping[str, Any], where: str, problems: list[Problem]
) -> LaunchedSpec | None:
    for key in INTERNAL_KEYS:
        if key in over:
            problems.append(Problem(f"{where}{key}", "it cannot be set; the file's name is the job's name"))
    for key in ("kind", "renamed_from"):
        if key in over:
            problems.append(Problem(f"{where}{key}", "is the same in every stage (write it above all tables)"))
    changed = {key: value for key, value in over.items() if key not in INTERNAL_KEYS}
    tables = {**merge(raw, changed), "name": name, "from_stage": dotted_names(changed)}
    cls = kind_of(raw)
    if cls is None:
        problems.append(unknown_kind(where, raw))
        return None
    return build(cls, tables, where=where, problems=problems)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge one tree of tables into another; lists and values are replaced whole."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def dotted_names(tables: Mapping[str, Any], before: str = "") -> list[str]:
    """Every value's dotted name."""
    names: list[str] = []
    for key, value in tables.items():
        names += dotted_names(value, f"{before}{key}.") if isinstance(value, Mapping) else [f"{before}{key}"]
    return names
