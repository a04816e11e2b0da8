"""Which instance types a region offers: moto 5.2.5 reads the lists of every region at its import, and keeps them."""

from typing import Any

from moto.ec2.models import instance_types
from moto.utilities.utils import load_resource

from embedded import moto_patches


class _ByRegion(dict[str, list[dict[str, Any]]]):
    """The lists of one kind of location; a region's is read when somebody asks for it."""

    def __init__(self, location_type: str, regions: set[str]) -> None:
        super().__init__()
        self._type, self._regions = location_type, regions

    def __missing__(self, region: str) -> list[dict[str, Any]]:
        if region not in self._regions:
            raise KeyError(region)
        read: list[dict[str, Any]] = load_resource(f"ec2/{instance_types.offerings_path}/{self._type}/{region}.json")
        self[region] = [{**offering, "LocationType": self._type} for offering in read]
        return self[region]

    def get(self, region: str, default: Any = None) -> Any:
        """A region's list, or `default` where the region is none."""
        return self[region] if region in self._regions else default


def _on_demand(offerings: dict[str, Any]) -> dict[str, Any]:
    """The same dict, which other modules of moto have imported, with lists that are read on demand."""
    for location_type, by_region in offerings.items():
        offerings[location_type] = _ByRegion(location_type, set(by_region))
    return offerings


moto_patches.replace(
    instance_types,
    "INSTANCE_TYPE_OFFERINGS",
    _on_demand(instance_types.INSTANCE_TYPE_OFFERINGS),
    reason="it holds the offerings of all regions, 45 MB",
)
