"""The page docs/reference/job-file.md, from the job definition's own dataclasses, so that it cannot go stale."""

import dataclasses
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.job_file import INTERNAL_KEYS
from shardyard.spec.jobs.overrides import FREE_TABLES, OVERRIDES, Override
from shardyard.spec.units import format_duration

_UNITS = {"seconds": 'a duration such as "4h"', "gigabytes": 'a size such as "200GB"', "count": 'a count such as "7B"'}
_KINDS = {int: "a whole number", float: "a number", str: "a text", bool: "`true`, `false`"}


def as_markdown() -> str:
    """The whole page."""
    lines = [
        "# The job file",
        "",
        "One file `jobs/<name>.toml` defines one training job; the file's name is the job's. Unknown keys and wrong",
        "values are errors, all of all files at once. `[overrides.prod]` holds the same tables once more, laid over",
        "the others for that stage: `[overrides.prod.compute] count = 8`. What may still change later: the stack's",
        "parameters, then the execution's input. What must hold between values is on [the rules' page](rules.md).",
        "",
        "A `[[compute.fallback]]` comes last of all: its processes, hyperparameters and variables belong to its",
        "instance type (a batch size that fits its memory), so on that type they replace the execution's input too.",
        "The receipt notes it, and names `fallback` as their source.",
        "",
        "Written from `constructs/shardyard/spec/jobs/job.py` by `make docs`; a test fails when it is out of date.",
        "",
        "| key | default | allowed | what it is |",
        "| --- | --- | --- | --- |",
        *_rows(JobSpec, ""),
        "",
        "## What a launch may change",
        "",
        "| key | execution's input | `yard train` | stack parameter |",
        "| --- | --- | --- | --- |",
        *(_override(one) for one in OVERRIDES),
        *(f"| `{table}.NAME` | `{table}` | {option} | |" for table, option in zip(FREE_TABLES, _FREE, strict=True)),
        "",
        "A stack parameter that is empty changes nothing, and a job of groups or preferences has none for its type and",
        "count. A stack has room for four parameters for each of forty jobs, so other values change at launch alone.",
    ]
    return "\n".join(lines) + "\n"


_FREE = ("`--set NAME=VALUE`", "")


def _override(one: Override) -> str:
    names = [name for name in (one.option, one.alias) if name is not None]
    option = ", ".join(f"`{name}{f' {one.metavar}' if one.metavar else ''}`" for name in names)
    parameter = "" if one.parameter is None else f"`<Job>{one.parameter}`"
    return f"| `{one.path}` | `{one.name}` | {option} | {parameter} |"


def _rows(cls: type[Any], before: str) -> Iterator[str]:
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        key = f"{before}{field.metadata.get('key') or field.name}"
        if key in INTERNAL_KEYS:
            continue
        hint, suffix = _inside(hints[field.name])
        if dataclasses.is_dataclass(hint):
            if suffix or before.count(".") > 0:
                yield _row(f"{key}{suffix}", field, hint)
            yield from _rows(hint, f"{key}{suffix}.")  # type: ignore[arg-type]
        else:
            yield _row(f"{key}{suffix}", field, hint)


def _inside(hint: Any) -> tuple[Any, str]:
    """What a hint holds, and how that is written after the key: `[]` for a list, `.NAME` for a table of names."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        inner = [arg for arg in get_args(hint) if arg is not type(None)]
        return _inside(inner[0]) if len(inner) == 1 else (hint, "")
    if origin is tuple:
        return get_args(hint)[0], "[]"
    if origin is dict:
        return get_args(hint)[1], ".NAME"
    return hint, ""


def _row(key: str, field: dataclasses.Field[Any], hint: Any) -> str:
    doc = str(field.metadata.get("doc", "")).replace("|", "\\|")
    return f"| `{key}` | {_default(field)} | {_allowed(field, hint)} | {doc} |"


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING:
        return "required" if field.default_factory is dataclasses.MISSING else "none"
    value = field.default
    if value in (None, "", ()):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if field.metadata.get("unit") == "seconds":
        return f'`"{format_duration(value)}"`'
    return f'`"{value}GB"`' if field.metadata.get("unit") == "gigabytes" else f"`{value}`"


def _allowed(field: dataclasses.Field[Any], hint: Any) -> str:
    limits = field.metadata
    if get_origin(hint) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(hint))
    if dataclasses.is_dataclass(hint):
        return "tables"
    if limits.get("says"):
        return str(limits["says"])
    kind = _UNITS.get(str(limits.get("unit")), _KINDS.get(hint, "a text, a number, `true` or `false`"))
    least, most = limits.get("least"), limits.get("most")
    if least is None and most is None:
        return kind

    def shown(number: Any) -> str:
        return format_duration(number) if limits.get("unit") == "seconds" else f"{number:g}"

    return f"{kind}, {shown(least)} or more" if most is None else f"{kind}, {shown(least)} to {shown(most)}"
