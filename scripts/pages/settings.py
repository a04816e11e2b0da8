"""The page docs/reference/settings.md, from the settings' own dataclasses, so that it cannot go stale."""

import dataclasses
from collections.abc import Iterator
from typing import Any, get_type_hints

from scripts.pages import tables
from shardyard.spec.settings.endpoints import ENDPOINTS
from shardyard.spec.settings.parameters import FOUNDATION
from shardyard.spec.settings.settings import Settings


def as_markdown() -> str:
    """The whole page."""
    lines = [
        "# Settings and parameters",
        "",
        "Settings shape the templates. They stand in `cdk.json` under `context`, as nested tables or as dotted keys,",
        "and `-c key=value` overrides one for one synth: `npx cdk deploy --all -c stage=prod -c budget.monthly_usd=9`.",
        "An unknown key, a wrong type and a value out of range are errors, all at once, one line each.",
        "",
        "Written from `constructs/shardyard/spec/settings/` by `make docs`; a test fails when it is out of date.",
        "",
        *_sections(),
        "## Interface endpoints",
        "",
        "What each name in `network.interface_endpoints` is good for:",
        "",
        *(f"- `{name}`: {purpose}" for name, purpose in ENDPOINTS.items()),
        "",
        "## Parameters",
        "",
        "Parameters change a value at deploy, without a new synth: `npx cdk deploy shardyard-dev-observability",
        "--parameters AlertEmail=team@example.com`. Each is a text whose default is empty, and empty means as in the",
        "settings. The CDK command keeps a parameter's value on every later deploy, until it is set back to empty.",
        "`yard check --parameters Name=value` finds a bad value before any stack changes.",
        "",
        "| stack | parameter | overrides | must be |",
        "| --- | --- | --- | --- |",
        *(f"| {p.part} | `{p.name}` | `{p.overrides}` | {p.says} |" for p in FOUNDATION),
        "",
        "Each job's stack has up to four more: `<Job>InstanceType`, `<Job>InstanceCount`, `<Job>Spot` and",
        "`<Job>MaxRuntimeSeconds`, where `<Job>` is the job's name in camel case (`mnist-ddp` is `MnistDdp`).",
    ]
    return "\n".join(lines) + "\n"


def _sections() -> Iterator[str]:
    """The keys of no table, then each table with its own sentence."""
    hints = get_type_hints(Settings)
    fields = dataclasses.fields(Settings)
    own = [field for field in fields if not dataclasses.is_dataclass(hints[field.name])]
    rows = [tables.row(field.name, field, hints[field.name]) for field in own]
    yield from ("## The project", "", "These name the project and all of its resources.", "", *tables.HEAD, *rows, "")
    for field in fields:
        table = hints[field.name]
        if dataclasses.is_dataclass(table):
            yield from (f"## `{field.name}`", "", " ".join(str(table.__doc__).split()), "", *tables.HEAD)
            yield from (tables.row(*found) for found in _leaves(table, f"{field.name}."))  # type: ignore[arg-type]
            yield ""


def _leaves(cls: type[Any], before: str) -> Iterator[tuple[str, dataclasses.Field[Any], Any]]:
    """Every setting with its dotted key; a list of tables is one setting."""
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint):
            yield from _leaves(hint, f"{before}{field.name}.")
        else:
            yield f"{before}{field.name}", field, hint
