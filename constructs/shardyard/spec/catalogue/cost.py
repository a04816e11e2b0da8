"""The worst-case cost of a launch: every instance for the longest time that the job may run, storage included."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.catalogue.prices import HOURS_PER_MONTH, Price, hourly_usd, storage_usd
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.overrides import apply_fallback
from shardyard.spec.units import format_duration

L = TypeVar("L", bound=LaunchedSpec)
PriceOf = Callable[[str], Price | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """The most that a launch can cost."""

    usd: float | None
    """The worst case; None if the price of any type that may be used is unknown."""

    source: str
    """The source of the prices."""

    lines: tuple[str, ...]
    """The arithmetic in words."""

    unpriced: tuple[str, ...] = ()
    """The instance types without a known price."""

    def to_dict(self) -> dict[str, Any]:
        """The cost as JSON."""
        return {
            "usd": self.usd,
            "source": self.source,
            "lines": list(self.lines),
            "unpriced": list(self.unpriced),
        }


def snapshot_prices(region: str) -> PriceOf:
    """Prices from the dated snapshot."""
    return lambda instance_type: hourly_usd(instance_type, region)


def price_table(prices: Mapping[str, Price]) -> PriceOf:
    """Prices from a table."""
    return prices.get


def own_prices(spec: LaunchedSpec) -> dict[str, Price]:
    """The prices in the job's file, for types without a known one."""
    source = "cost.hourly_usd of the job's file"
    return {
        kind: Price(hourly_usd=usd, storage_usd_per_gb_month=storage_usd(), source=source)
        for kind, usd in spec.cost.hourly_usd.items()
    }


def worst_case(spec: LaunchedSpec, price_of: PriceOf) -> Cost:
    """The most expensive course that this launch can take.

    A spot job counts at the on-demand price, which spot never exceeds; waiting does not bill. SageMaker's own retries
    share the one longest runtime. The state machine starts an attempt only if the one before it got no instance at
    all, so attempts do not add up: the most expensive one counts. Instances kept warm bill until their time is over.
    """
    own = own_prices(spec)
    clusters = [cluster for spec_n in attempts(spec) for cluster in spec_n.compute.alternatives]
    kinds = tuple(dict.fromkeys(kind for cluster in clusters for kind, _ in cluster))
    found = {kind: own.get(kind) if (price := price_of(kind)) is None else price for kind in kinds}
    prices = {kind: price for kind, price in found.items() if price is not None}
    unpriced = tuple(kind for kind in kinds if kind not in prices)
    if unpriced:
        line = (
            f"no price is known for {', '.join(unpriced)}, so the worst case is unknown, and a launch is refused "
            "unless the Pricing API has one (or set it in cost.hourly_usd)"
        )
        return Cost(usd=None, source="none", lines=(line,), unpriced=unpriced)
    costs = [_cluster_cost(spec, cluster, prices) for cluster in clusters]
    usd, lines = max(costs, key=lambda cost: cost[0])
    sources = ", ".join(dict.fromkeys(price.source for price in prices.values()))
    return Cost(usd=round(usd, 2), source=sources, lines=(*lines, f"at most {usd:.2f} USD ({sources})"))


def attempts(spec: L) -> tuple[L, ...]:
    """The job itself, then the job on each of its fallbacks, the same capacity only once."""
    every = (apply_fallback(spec, number) for number in range(len(spec.compute.fallback) + 1))
    first: dict[object, L] = {}
    for one in every:
        first.setdefault((one.compute.alternatives, one.uses_spot), one)
    return tuple(first.values())


def _cluster_cost(
    spec: LaunchedSpec, cluster: tuple[tuple[str, int], ...], prices: Mapping[str, Price]
) -> tuple[float, tuple[str, ...]]:
    seconds = spec.billed_seconds
    hours = seconds / 3600
    total, lines = 0.0, []
    for kind, count in cluster:
        price = prices[kind]
        usd = count * hours * price.hourly_usd
        lines.append(
            f"{count} x {kind} x {format_duration(seconds)} x {price.hourly_usd:g} USD per hour = {usd:.2f} USD"
        )
        total += usd
        # The disk of an instance that transforms cannot be chosen, and no price list has one
        if spec.kind != "transform" and not (kind in INSTANCES and INSTANCES[kind].local_disk_gb):
            stored = count * spec.compute.volume_gb * hours / HOURS_PER_MONTH * price.storage_usd_per_gb_month
            lines.append(f"{count} x {spec.compute.volume_gb} GB of volume for the same time = {stored:.2f} USD")
            total += stored
    return total, tuple(lines)
