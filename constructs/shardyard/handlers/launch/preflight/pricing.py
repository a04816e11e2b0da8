"""What instances cost now: from the Pricing API, else from the dated snapshot."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shardyard.handlers import aws
from shardyard.spec.catalogue.prices import Price, hourly_usd, storage_usd
from shardyard.spec.catalogue.service_jobs import TRAINING, ServiceJob


def read_prices(
    types: Iterable[str], region: str, today: date, clients: aws.Clients, of: ServiceJob = TRAINING
) -> dict[str, Price]:
    """The price of each type that has one, with its source."""
    kinds = list(dict.fromkeys(types))
    client = clients("pricing")
    found = aws.in_parallel(lambda kind: _price(client, kind, region, today, of), kinds)
    return {kind: price for kind, price in zip(kinds, found, strict=True) if price is not None}


def _price(client: Any, kind: str, region: str, today: date, of: ServiceJob) -> Price | None:
    try:
        usd = _asked(client, kind, region, of)
    except (BotoCoreError, ClientError):
        # A region without the API, or a role without the permission: use the snapshot, which names its source.
        usd = None
    if usd is None:
        return hourly_usd(kind, region)
    return Price(hourly_usd=usd, storage_usd_per_gb_month=storage_usd(), source=f"Pricing API, {today.isoformat()}")


def _asked(client: Any, kind: str, region: str, of: ServiceJob) -> float | None:
    wanted = {"regionCode": region, "instanceName": kind, "component": of.kind.capitalize()}
    answer = client.get_products(
        ServiceCode="AmazonSageMaker",
        Filters=[{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()],
        MaxResults=10,
    )
    prices = [usd for product in answer["PriceList"] for usd in _on_demand(json.loads(product))]
    return max(prices) if prices else None


def _on_demand(product: Mapping[str, Any]) -> list[float]:
    return [
        usd
        for term in product.get("terms", {}).get("OnDemand", {}).values()
        for dimension in term["priceDimensions"].values()
        if (usd := float(dimension["pricePerUnit"].get("USD", 0))) > 0 and dimension.get("unit", "Hrs") == "Hrs"
    ]
