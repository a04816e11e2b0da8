"""Dataclass trees from TOML tables, cdk.json and `-c key=value`.

A field made by `setting(...)` carries its doc line and its limits; `build` checks a mapping against the dataclass
and collects every problem; `dump` turns the tree back into tables.
"""

from shardyard.spec.tree.definition import Definition
from shardyard.spec.tree.fields import dump, field_at, has_field, setting, value_at, with_value
from shardyard.spec.tree.reading import build

__all__ = ["Definition", "build", "dump", "field_at", "has_field", "setting", "value_at", "with_value"]
