"""The page docs/reference/job-file.md, from the job definition's own dataclasses, so that it cannot go stale."""

import copy
import dataclasses
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, get_type_hints

from scripts.pages import tables
from scripts.pages.job_examples import AUTOML, EXAMPLES, PROCESSING, TRANSFORM
from shardyard.spec.jobs.automl.automl import AutoMLSpec
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.job_file import INTERNAL_KEYS
from shardyard.spec.jobs.overridable import FREE_TABLES, OVERRIDES, Override, overrides_of
from shardyard.spec.jobs.processing.processing import ProcessingSpec
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.rules.processing import MOST_SECONDS as MOST_PROCESSING_SECONDS


def as_markdown() -> str:
    """The whole page."""
    lines = [
        "# The job file",
        "",
        "One file `jobs/<name>.toml` defines one training job; the file's name is the job's. With `kind` it defines",
        "[a processing job](processing-job-file.md), which has other tables. Unknown keys and wrong",
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
        *sections(JobSpec, "", "## The file itself", "These keys stand above the first table."),
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


def processing_as_markdown() -> str:
    """The page of processing jobs' files."""
    lines = [
        "# The file of a processing job",
        "",
        'A file `jobs/<name>.toml` with `kind = "processing"` defines a processing job. What',
        "[the job file](job-file.md)",
        "says of stages, overrides and fallbacks holds here too; [this page](../do/processing.md) shows it at work.",
        "",
        "Written from `constructs/shardyard/spec/jobs/processing/` by `make docs`, and a test fails when it is not.",
        "",
        *sections(
            ProcessingSpec, "", "## The file itself", "These keys stand above the first table.", PROCESSING, _PROCESSING
        ),
        "## What a launch may change",
        "",
        "| key | execution's input | `yard run` | stack parameter |",
        "| --- | --- | --- | --- |",
        *(_override(one) for one in overrides_of(ProcessingSpec)),
        "| `environment.NAME` | `environment` | | |",
        "| `inputs.NAME.s3` | `inputs` | `--input NAME=ADDRESS` | |",
        "",
        "An input's address may be narrowed, and not moved: the job's role reads below the address in its file.",
    ]
    return "\n".join(lines).rstrip() + "\n"


_TYPE = {"says": "an instance type such as ml.m5.large"}
_PROCESSING: Mapping[str, Mapping[str, Any] | None] = {
    "image": {"doc": "The image is a folder of containers/, a repository, or a container of AWS's."},
    **dict.fromkeys(("image.builtin", "image.algorithm", "image.access", "image.credentials_function")),
    "image.version": {"doc": "The framework's version, `2.13`."},
    "image.arguments": {"doc": "The arguments of the entry point."},
    "compute.instance_type": {**_TYPE, "doc": "The instance type; preferences name their own instead."},
    "compute.preferences[].instance_type": _TYPE,
    "compute.fallback[].instance_type": _TYPE,
    "limits.max_runtime": {"most": MOST_PROCESSING_SECONDS},
}
"""What the classes that both kinds share say otherwise of a processing job; None for a key that its rules refuse."""


def transform_as_markdown() -> str:
    """The page of transform jobs' files."""
    lines = [
        "# The file of a transform job",
        "",
        'A file `jobs/<name>.toml` with `kind = "transform"` defines a batch transform job. What',
        "[the job file](job-file.md)",
        "says of stages, overrides and fallbacks holds here too; [this page](../do/transform.md) shows it at work.",
        "",
        "Written from `constructs/shardyard/spec/jobs/transform/` by `make docs`, and a test fails when it is not.",
        "",
        *sections(
            TransformSpec, "", "## The file itself", "These keys stand above the first table.", TRANSFORM, _TRANSFORM
        ),
        "## What a launch may change",
        "",
        "| key | execution's input | `yard run` | stack parameter |",
        "| --- | --- | --- | --- |",
        *(_override(one) for one in overrides_of(TransformSpec) if one.path not in _TRANSFORM),
        "| `environment.NAME` | `environment` | | |",
        "| `inputs.NAME.s3` | `inputs` | `--input NAME=ADDRESS` | |",
        "",
        "An input's address may be narrowed, and not moved: the job's role reads below the address in its file.",
    ]
    return "\n".join(lines).rstrip() + "\n"


_TRANSFORM: Mapping[str, Mapping[str, Any] | None] = {
    "image": {"doc": "The image is a folder of containers/, or a repository: one that serves models."},
    **dict.fromkeys(("image.framework", "image.version", "image.algorithm", "image.builtin", "image.access")),
    **dict.fromkeys(("image.credentials_function", "image.entrypoint", "image.arguments")),
    **dict.fromkeys(("source", "source.sha256", "secrets", "network.encrypt_traffic")),
    "compute.instance_type": {**_TYPE, "doc": "The instance type."},
    **dict.fromkeys(("compute.volume", "compute.preferences")),
    "compute.fallback[].instance_type": _TYPE,
    "limits.max_runtime": {"doc": "The launch stops the job after this long, waiting for its instances included."},
}
"""The same of a transform job."""


def automl_as_markdown() -> str:
    """The page of AutoML jobs' files."""
    lines = [
        "# The file of an AutoML job",
        "",
        'A file `jobs/<name>.toml` with `kind = "automl"` defines a job of Amazon SageMaker Autopilot. What',
        "[the job file](job-file.md)",
        "says of stages and overrides holds here too; [this page](../do/automl.md#the-services-own) shows it at work.",
        "It has no `[image]` and no `[program]`, and exactly one of `[tabular]`, `[text_classification]`,",
        "`[image_classification]` and `[forecasting]`.",
        "",
        "Written from `constructs/shardyard/spec/jobs/automl/` by `make docs`, and a test fails when it is not.",
        "",
        *sections(AutoMLSpec, "", "## The file itself", "These keys stand above the first table.", AUTOML, _AUTOML),
        "## What a launch may change",
        "",
        "| key | execution's input | `yard run` | stack parameter |",
        "| --- | --- | --- | --- |",
        *(_override(one) for one in overrides_of(AutoMLSpec) if not _is_left_out(one.path)),
        "| `inputs.NAME.s3` | `inputs` | `--input NAME=ADDRESS` | |",
        "",
        "An input's address may be narrowed, and not moved: the job's role reads below the address in its file.",
    ]
    return "\n".join(lines).rstrip() + "\n"


_AUTOML: Mapping[str, Mapping[str, Any] | None] = {
    **dict.fromkeys(("image", "source", "environment", "secrets", "not_secret", "network.isolation")),
    "compute.instance_type": {**_TYPE, "doc": "The type by whose price the worst case is counted."},
    **dict.fromkeys(("compute.count", "compute.volume", "compute.preferences", "compute.fallback")),
    "limits.max_runtime": {"doc": "SageMaker ends the job after this long, and takes the best candidate so far."},
}
"""The same of an AutoML job."""


def _is_left_out(path: str) -> bool:
    return any(path == key or path.startswith(f"{key}.") for key, said in _AUTOML.items() if said is None)


_NONE: Mapping[str, Mapping[str, Any] | None] = {}


def sections(
    cls: type[Any],
    before: str,
    title: str,
    why: str,
    examples: Mapping[str, str] = EXAMPLES,
    words: Mapping[str, Mapping[str, Any] | None] = _NONE,
) -> Iterator[str]:
    """The table's own sentence, so that each row has its subject; its fields; then the tables inside it.

    `examples` has one for each table by its place, `words` what a table or a field says otherwise there.
    """
    hints = get_type_hints(cls)
    own, rows, below = [], [], []
    for field in dataclasses.fields(cls):
        key = f"{before}{field.metadata.get('key') or field.name}"
        said = words.get(key, {})
        if key in INTERNAL_KEYS or said is None:
            continue
        inner, suffix = tables.inside(hints[field.name])
        if dataclasses.is_dataclass(inner):
            below.append((inner, f"{key}{suffix}", f"[[{key}]]" if suffix == "[]" else f"[{key}{suffix}]"))
        else:
            own.append(field)
            name = f"{key}{suffix}" if suffix == ".NAME" else key
            rows.append(tables.row(name, _reworded(field, said), hints[field.name]))
    required = [f"`{field.name}`" for field in own if tables.default(field) == "required"]
    if required:
        why = f"{why} In this table {' and '.join(required)} must be given."
    yield from (title, "", why, "", "```toml", examples[before.removesuffix(".")], "```", "")
    if rows:
        yield from (*tables.HEAD, *rows, "")
    for inner, name, head in below:
        sentence = (words.get(name) or {}).get("doc", _sentences(inner))
        yield from sections(inner, f"{name}.", f"## `{head}`", sentence, examples, words)  # type: ignore[arg-type]


def _reworded(field: dataclasses.Field[Any], said: Mapping[str, Any]) -> dataclasses.Field[Any]:
    """The field with other words or limits."""
    changed = copy.copy(field)
    changed.metadata = MappingProxyType({**field.metadata, **said})
    return changed


def _sentences(cls: Any) -> str:
    return " ".join(str(cls.__doc__).split())
