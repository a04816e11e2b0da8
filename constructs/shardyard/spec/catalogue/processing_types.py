"""The instance types on which processing jobs run, from data/processing_types.json; training has others."""

from collections.abc import Mapping, Sequence

from shardyard.spec.catalogue.data_files import read_data

_raw = read_data("processing_types.json")
_sizes: Mapping[str, Sequence[str]] = _raw["sizes"]

PROCESSING_TYPES_DATE: str = _raw["date"]
"""When the list was written."""

PROCESSING_TYPES: tuple[str, ...] = tuple(f"ml.{family}.{size}" for family, sizes in _sizes.items() for size in sizes)
"""Every type, by family."""
