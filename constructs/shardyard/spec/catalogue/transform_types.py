"""The instance types on which transform jobs run, from data/transform_types.json; training has others."""

from collections.abc import Mapping, Sequence

from shardyard.spec.catalogue.data_files import read_data

_raw = read_data("transform_types.json")
_sizes: Mapping[str, Sequence[str]] = _raw["sizes"]

TRANSFORM_TYPES_DATE: str = _raw["date"]
"""When the list was written."""

TRANSFORM_TYPES: tuple[str, ...] = tuple(f"ml.{family}.{size}" for family, sizes in _sizes.items() for size in sizes)
"""Every type, by family."""
