"""The page docs/reference/job-file.md, from the job definition's own dataclasses, so that it cannot go stale."""

import dataclasses
from collections.abc import Iterator
from typing import Any, get_type_hints

from scripts import tables
from scripts.job_examples import EXAMPLES
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.job_file import INTERNAL_KEYS
from shardyard.spec.jobs.overrides import FREE_TABLES, OVERRIDES, Override


def as_markdown() -> str:
    """The whole page."""
    lines = [
        "# The job file",
        "",
        "One file `jobs/<name>.toml` defines one training job; the file's name is the job's. Unknown keys and wrong",
        "values are errors, all of all files at once. Every file has `[image]` and `[compute]`, and `[program]`",
        "unless its image is an algorithm; every other table may be left out. `[overrides.prod]` holds the same",
        "tables once more, laid over the others for that stage: `[overrides.prod.compute] count = 8`. What may",
        "still change later: the stack's parameters, then the execution's input. What must hold between values is",
        "on [the rules' page](rules.md).",
        "",
        "A `[[compute.fallback]]` comes last of all: its processes, hyperparameters and variables belong to its",
        "instance type (a batch size that fits its memory), so on that type they replace the execution's input too.",
        "The receipt notes it, and names `fallback` as their source.",
        "",
        "Written from `constructs/shardyard/spec/jobs/job.py` by `make docs`; a test fails when it is out of date.",
        "",
        *_sections(JobSpec, "", "## The file itself", "These keys stand above the first table."),
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
    return "\n".join(lines).rstrip() + "\n"


_FREE = ("`--set NAME=VALUE`", "")


def _override(one: Override) -> str:
    names = [name for name in (one.option, one.alias) if name is not None]
    option = ", ".join(f"`{name}{f' {one.metavar}' if one.metavar else ''}`" for name in names)
    parameter = "" if one.parameter is None else f"`<Job>{one.parameter}`"
    return f"| `{one.path}` | `{one.name}` | {option} | {parameter} |"


def _sections(cls: type[Any], before: str, title: str, why: str) -> Iterator[str]:
    """The table's own sentence, so that each row has its subject; its fields; then the tables inside it."""
    hints = get_type_hints(cls)
    own, rows, below = [], [], []
    for field in dataclasses.fields(cls):
        key = f"{before}{field.metadata.get('key') or field.name}"
        if key in INTERNAL_KEYS:
            continue
        inner, suffix = tables.inside(hints[field.name])
        if dataclasses.is_dataclass(inner):
            below.append((inner, f"{key}{suffix}", f"[[{key}]]" if suffix == "[]" else f"[{key}{suffix}]"))
        else:
            own.append(field)
            rows.append(tables.row(f"{key}{suffix}" if suffix == ".NAME" else key, field, hints[field.name]))
    required = [f"`{field.name}`" for field in own if tables.default(field) == "required"]
    if required:
        why = f"{why} In this table {' and '.join(required)} must be given."
    yield from (title, "", why, "", "```toml", EXAMPLES[before.removesuffix(".")], "```", "")
    if rows:
        yield from (*tables.HEAD, *rows, "")
    for inner, name, head in below:
        yield from _sections(inner, f"{name}.", f"## `{head}`", _sentences(inner))  # type: ignore[arg-type]


def _sentences(cls: Any) -> str:
    return " ".join(str(cls.__doc__).split())
