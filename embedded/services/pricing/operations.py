"""The Pricing API for SageMaker, from the project's dated snapshot of prices, in the shape of AWS's price lists."""

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore.session

from embedded.operations import Call, Params, ServiceError, operation
from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.catalogue.prices import hourly_usd, snapshot_date, snapshot_hourly_usd, storage_usd

ENDPOINT_REGIONS = ("us-east-1", "eu-central-1", "ap-south-1")
"""Where the Pricing API can be asked; it answers for all regions."""
SERVICE = "AmazonSageMaker"
_USAGE_PREFIXES = {
    "us-east-1": "USE1",
    "us-east-2": "USE2",
    "us-west-1": "USW1",
    "us-west-2": "USW2",
    "eu-west-1": "EU",
}
_OFFER, _RATE = "JRTCKXETXF", "6YS6EN2CT7"


@cache
def _locations() -> Mapping[str, str]:
    """The regions that the snapshot has prices of, with their names."""
    partition = botocore.session.get_session().get_data("endpoints")["partitions"][0]
    some = next(iter(snapshot_hourly_usd()))
    return {
        region: facts["description"]
        for region, facts in partition["regions"].items()
        if hourly_usd(some, region) is not None
    }


@cache
def products() -> tuple[Mapping[str, Any], ...]:
    """Every product of the snapshot: the training instances, and the training volumes, in each of its regions."""
    found: list[Mapping[str, Any]] = []
    for region in _locations():
        for instance_type in sorted(snapshot_hourly_usd()):
            price = hourly_usd(instance_type, region)
            assert price is not None
            found.append(_instance(instance_type, region, price.hourly_usd))
        found.append(_storage(region))
    return tuple(found)


def _instance(instance_type: str, region: str, usd: float) -> Mapping[str, Any]:
    attributes = {
        "instanceName": instance_type,
        "instanceType": f"{instance_type}-Training",
        "component": "Training",
        "platoinstancename": instance_type,
        "platoinstancetype": "Training",
        "operation": "RunInstance",
        "usagetype": f"{_USAGE_PREFIXES.get(region, region.upper())}-Train:{instance_type}",
    }
    facts = INSTANCES.get(instance_type)
    if facts is not None:
        attributes |= {"vCpu": str(facts.vcpus), "memory": f"{facts.memory_gb:g} GiB", "gpu": str(facts.gpus)}
    text = f"${usd:g} per Training {instance_type} hour in {_locations()[region]}"
    return _product("ML Instance", region, attributes, "Hrs", usd, text)


def _storage(region: str) -> Mapping[str, Any]:
    attributes = {
        "component": "Training",
        "operation": "RunInstance",
        "volumeType": "General Purpose",
        "usagetype": f"{_USAGE_PREFIXES.get(region, region.upper())}-Train:VolumeUsage.gp2",
    }
    text = f"${storage_usd():g} per GB-Mo of Training ML storage"
    return _product("ML Storage", region, attributes, "GB-Mo", storage_usd(), text)


def _product(
    family: str, region: str, attributes: Mapping[str, str], unit: str, usd: float, text: str
) -> Mapping[str, Any]:
    sku = hashlib.sha256(attributes["usagetype"].encode()).hexdigest()[:16].upper()
    offer = f"{sku}.{_OFFER}"
    rate = f"{offer}.{_RATE}"
    since = f"{snapshot_date()}T00:00:00Z"
    dimension = {
        "unit": unit,
        "endRange": "Inf",
        "description": text,
        "appliesTo": [],
        "rateCode": rate,
        "beginRange": "0",
        "pricePerUnit": {"USD": f"{usd:.10f}"},
    }
    term = {
        "priceDimensions": {rate: dimension},
        "sku": sku,
        "effectiveDate": since,
        "offerTermCode": _OFFER,
        "termAttributes": {},
    }
    common = {
        "servicecode": SERVICE,
        "servicename": "Amazon SageMaker",
        "regionCode": region,
        "location": _locations()[region],
        "locationType": "AWS Region",
    }
    return {
        "product": {"productFamily": family, "attributes": {**common, **attributes}, "sku": sku},
        "serviceCode": SERVICE,
        "terms": {"OnDemand": {offer: term}},
        "version": snapshot_date().replace("-", "") + "000000",
        "publicationDate": since,
    }


def _check(call: Call, service: str | None) -> None:
    if call.region not in ENDPOINT_REGIONS:
        text = f"the Pricing API has no endpoint in {call.region}; it answers for all regions from us-east-1"
        raise ServiceError("InvalidParameterException", text)
    if service not in (None, SERVICE):
        text = f"the embedded cloud has prices of {SERVICE} only, not of {service}"
        raise ServiceError("NotFoundException", text, 404)


def _fields(product: Mapping[str, Any]) -> dict[str, str]:
    return {**product["product"]["attributes"], "productFamily": product["product"]["productFamily"]}


def _holds(product: Mapping[str, Any], rule: Mapping[str, str]) -> bool:
    value, wanted, kind = _fields(product).get(rule["Field"]), rule["Value"], rule["Type"]
    if kind == "NONE_OF":
        return value not in wanted.split(",")
    if value is None:
        return False
    if kind == "CONTAINS":
        return wanted.lower() in value.lower()
    if kind == "ANY_OF":
        return value in wanted.split(",")
    return value.lower() == wanted.lower()


def _page(items: list[Any], params: Params) -> tuple[list[Any], dict[str, str]]:
    begin = 0
    if params.get("NextToken"):
        try:
            begin = int(base64.b64decode(params["NextToken"]))
        except ValueError as error:
            raise ServiceError("InvalidNextTokenException", "Invalid NextToken") from error
    end = begin + int(params.get("MaxResults") or 100)
    more = {"NextToken": base64.b64encode(str(end).encode()).decode()} if end < len(items) else {}
    return items[begin:end], more


@operation("pricing", "GetProducts")
def get_products(call: Call, params: Params) -> dict[str, Any]:
    """The products that pass every filter, each as JSON text."""
    _check(call, params["ServiceCode"])
    rules = params.get("Filters", [])
    found = [product for product in products() if all(_holds(product, rule) for rule in rules)]
    page, more = _page(found, params)
    return {"FormatVersion": "aws_v1", "PriceList": [json.dumps(product) for product in page], **more}


@operation("pricing", "DescribeServices")
def describe_services(call: Call, params: Params) -> dict[str, Any]:
    """The one service, and the attributes that its products have."""
    _check(call, params.get("ServiceCode"))
    names = sorted({name for product in products() for name in _fields(product)})
    return {"FormatVersion": "aws_v1", "Services": [{"ServiceCode": SERVICE, "AttributeNames": names}]}


@operation("pricing", "GetAttributeValues")
def get_attribute_values(call: Call, params: Params) -> dict[str, Any]:
    """The values that an attribute takes."""
    _check(call, params["ServiceCode"])
    name = params["AttributeName"]
    values = sorted({_fields(product)[name] for product in products() if name in _fields(product)})
    page, more = _page([{"Value": value} for value in values], params)
    return {"AttributeValues": page, **more}
