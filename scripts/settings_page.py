"""The page docs/reference/settings.md, from the settings' own dataclasses, so that it cannot go stale."""

import dataclasses
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

from shardyard.spec.settings.endpoints import ENDPOINTS
from shardyard.spec.settings.parameters import FOUNDATION
from shardyard.spec.settings.settings import Settings
from shardyard.spec.units import format_duration


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
        "| key | default | allowed | what it is |",
        "| --- | --- | --- | --- |",
        *(_row(*found) for found in _leaves(Settings, "")),
        "",
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


def _leaves(cls: type[Any], before: str) -> Iterator[tuple[str, dataclasses.Field[Any], Any]]:
    """Every setting with its dotted key; a list of tables is one setting."""
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint):
            yield from _leaves(hint, f"{before}{field.name}.")
        else:
            yield f"{before}{field.name}", field, hint


def _row(key: str, field: dataclasses.Field[Any], hint: Any) -> str:
    doc = str(field.metadata.get("doc", "")).replace("|", "\\|")
    return f"| `{key}` | {_default(field)} | {_allowed(field, hint)} | {doc} |"


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        value = field.default
    elif field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    else:
        return "required"
    if value in ("", (), {}, None):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return "`" + ", ".join(map(str, value)) + "`"
    if field.metadata.get("unit") == "seconds" and isinstance(value, int):
        return f"`{format_duration(value)}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _allowed(field: dataclasses.Field[Any], hint: Any) -> str:
    limits = field.metadata
    if get_origin(hint) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(hint))
    if hint is bool:
        return "`true`, `false`"
    least, most = limits.get("least"), limits.get("most")
    if least is not None or most is not None:
        unit = {"seconds": " seconds", "gigabytes": " GB"}.get(limits.get("unit"), "")
        return (f"{least:g} or more" if most is None else f"{least:g} to {most:g}") + unit
    says = limits.get("says")
    if says:
        return str(says)
    if dataclasses.is_dataclass(_inner(hint)):
        return "a list of tables: " + ", ".join(f"`{f.name}`" for f in dataclasses.fields(_inner(hint)))
    return {"tuple": "a list", "dict": "names and values"}.get(getattr(get_origin(hint), "__name__", ""), "text")


def _inner(hint: Any) -> Any:
    arguments = get_args(hint)
    return arguments[0] if get_origin(hint) is tuple and arguments else None
