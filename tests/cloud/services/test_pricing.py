"""The Pricing API on the embedded cloud: the snapshot's prices in the shape of AWS's price lists."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shardyard.spec.catalogue import prices
from tests.support.cloud.in_process import Account, account

__all__ = ["account"]


def products(account: Account, **fields: str) -> list[dict[str, Any]]:
    filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in fields.items()]
    pages = (
        account.client("pricing").get_paginator("get_products").paginate(ServiceCode="AmazonSageMaker", Filters=filters)
    )
    return [json.loads(text) for page in pages for text in page["PriceList"]]


def usd(product: dict[str, Any]) -> float:
    (term,) = product["terms"]["OnDemand"].values()
    (dimension,) = term["priceDimensions"].values()
    return float(dimension["pricePerUnit"]["USD"])


def test_the_price_of_a_training_instance(account: Account) -> None:
    (product,) = products(account, instanceName="ml.g5.xlarge", component="Training", regionCode="us-east-1")
    price = prices.hourly_usd("ml.g5.xlarge", "us-east-1")
    assert price is not None
    assert usd(product) == price.hourly_usd
    attributes = product["product"]["attributes"]
    assert attributes["location"] == "US East (N. Virginia)"
    assert (attributes["vCpu"], attributes["memory"], attributes["gpu"]) == ("4", "16 GiB", "1")
    assert product["publicationDate"].startswith(prices.snapshot_date())


def test_every_price_of_the_snapshot_is_there(account: Account) -> None:
    found = {
        one["product"]["attributes"]["instanceName"]: usd(one)
        for one in products(account, regionCode="us-west-2", productFamily="ML Instance")
    }
    assert found == dict(prices.snapshot_hourly_usd())


def test_the_price_of_storage(account: Account) -> None:
    (product,) = products(account, regionCode="us-east-1", productFamily="ML Storage")
    assert usd(product) == prices.storage_usd()


def test_nothing_is_guessed(account: Account) -> None:
    assert products(account, instanceName="ml.nothing.xlarge") == []
    assert products(account, instanceName="ml.g5.xlarge", regionCode="af-south-1") == []


def test_services_and_attributes(account: Account) -> None:
    client = account.client("pricing")
    (service,) = client.describe_services()["Services"]
    assert "instanceName" in service["AttributeNames"]
    values = client.get_attribute_values(ServiceCode="AmazonSageMaker", AttributeName="regionCode")["AttributeValues"]
    assert {"Value": "us-east-1"} in values


def test_it_can_be_asked_in_few_regions_only(account: Account) -> None:
    with pytest.raises(ClientError, match="no endpoint in us-west-2"):
        account.client("pricing", "us-west-2").describe_services()
