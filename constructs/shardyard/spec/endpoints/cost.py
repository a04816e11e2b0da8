"""What an endpoint costs in a month: while it stands, and with every variant scaled out."""

from collections.abc import Callable
from dataclasses import dataclass

from shardyard.spec.catalogue.hosting import hosting_usd, price_source, serverless_usd
from shardyard.spec.catalogue.prices import HOURS_PER_MONTH
from shardyard.spec.endpoints.endpoint import EndpointSpec, Variant

HourlyUsd = Callable[[str], float | None]
"""The price of an hour of an instance type; None where nobody knows one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthlyCost:
    """An endpoint's month."""

    least_usd: float
    """With the fewest instances, and without a request."""
    most_usd: float
    """With the most instances, for the whole month."""
    lines: tuple[str, ...]
    """The arithmetic in words."""
    unpriced: tuple[str, ...] = ()
    """The types without a known price; the sums leave them out."""

    @property
    def said(self) -> str:
        """One sentence for a person."""
        if self.unpriced:
            return f"no price is known for {', '.join(self.unpriced)} (give it in cost.hourly_usd)"
        if self.least_usd == self.most_usd:
            return f"{self.most_usd:.2f} USD a month ({price_source()})"
        return f"{self.least_usd:.2f} to {self.most_usd:.2f} USD a month ({price_source()})"


def monthly_cost(spec: EndpointSpec, region: str, hourly: HourlyUsd | None = None) -> MonthlyCost:
    """The month of an endpoint; `hourly` takes the place of the dated snapshot."""
    asked = (lambda kind: hosting_usd(kind, region)) if hourly is None else hourly
    least, most = 0.0, 0.0
    lines, unpriced = list[str](), list[str]()
    for name, one in spec.variants.items():
        if one.serverless is not None:
            lines.append(_serverless_line(name, one, region))
            if one.serverless.provisioned is not None:
                unpriced.append("provisioned concurrency")
            continue
        kind = str(one.instance_type)
        usd = spec.cost.hourly_usd.get(kind)
        usd = asked(kind) if usd is None else usd
        few, many = _limits(one)
        if usd is None:
            unpriced.append(kind)
            lines.append(f"{name}: {few} to {many} x {kind}, whose price is not known")
            continue
        least, most = least + few * usd * HOURS_PER_MONTH, most + many * usd * HOURS_PER_MONTH
        count = str(few) if few == many else f"{few} to {many}"
        lines.append(f"{name}: {count} x {kind} x {HOURS_PER_MONTH}h x {usd:g} USD")
    return MonthlyCost(
        least_usd=round(least, 2),
        most_usd=round(most, 2),
        lines=tuple(lines),
        unpriced=tuple(dict.fromkeys(unpriced)),
    )


def _limits(one: Variant) -> tuple[int, int]:
    """The fewest and the most instances, schedules included."""
    if one.scaling is None:
        return one.count, one.count
    few = [one.scaling.least, *(schedule.least for schedule in one.scaling.schedules.values())]
    many = [one.scaling.most, *(schedule.most for schedule in one.scaling.schedules.values())]
    return min(few), max(many)


def _serverless_line(name: str, one: Variant, region: str) -> str:
    assert one.serverless is not None
    usd = serverless_usd(region)
    if usd is None:
        return f"{name}: the time of its requests, whose price is not known in {region}"
    second = usd * one.serverless.memory_mb / 1024
    return f"{name}: {second:g} USD for each second of work, nothing while idle"
