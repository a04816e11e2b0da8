"""What the labs' tables say of instance types: facts of the catalogue, and what an hour costs here and on EC2."""

from collections.abc import Sequence

from labs.frame.results import Cell
from shardyard.spec.catalogue import prices
from shardyard.spec.catalogue.instances import INSTANCES
from yard.ec2 import advice


def hour(kind: str, region: str = "us-east-1") -> Cell:
    """USD for an hour of this type, by the snapshot."""
    price = prices.hourly_usd(kind, region)
    return "unknown" if price is None else price.hourly_usd


def by_region(kinds: Sequence[str], regions: Sequence[str]) -> list[dict[str, Cell]]:
    """A row for each type, with its price in each region."""
    return [{"type": kind, **{f"{region}, USD an hour": hour(kind, region) for region in regions}} for kind in kinds]


def facts(kinds: Sequence[str]) -> list[dict[str, Cell]]:
    """A row for each type: what it has, and what an hour costs as a job and on EC2."""
    on_ec2 = advice.prices()["hourly_usd"]
    rows: list[dict[str, Cell]] = []
    for kind in kinds:
        found = INSTANCES[kind]
        rows.append(
            {
                "type": kind,
                "processors": found.vcpus,
                "memory, GiB": round(found.memory_gb),
                "GPUs": f"{found.gpus} x {found.accelerator}, {found.accelerator_memory_gb:g} GiB"
                if found.gpus
                else "none",
                "network, Gbit/s": "unknown" if found.network_gbps is None else found.network_gbps,
                "SageMaker, USD an hour": hour(kind),
                "EC2, USD an hour": on_ec2.get(kind.removeprefix("ml."), "unknown"),
            }
        )
    return rows
