"""Which services have an interface endpoint in which zone: all in all, but for what a test takes away."""

from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.vpcs import VPCBackend

from embedded import moto_patches
from embedded.operations import Call, Params, ServiceError, admin

_moto_services = VPCBackend._collect_default_endpoint_services
_UNKNOWN_TO_MOTO = "aws.sagemaker.{}.experiments"
_missing: set[tuple[str, str]] = set()
"""Service name and zone."""


@admin("endpoint-zone")
def set_zone(params: Params) -> dict[str, Any]:
    """Take a service's endpoints out of a zone, or bring them back: {service, zone, there}; the service's full name."""
    pair = (str(params["service"]), str(params["zone"]))
    if params.get("there"):
        _missing.discard(pair)
    else:
        _missing.add(pair)
    return {"missing": [{"service": service, "zone": zone} for service, zone in sorted(_missing)]}


def check_zones(call: Call, service: str, subnet_ids: list[str]) -> None:
    """Refuse an endpoint in a subnet whose zone lacks the service."""
    known = ec2_backends[call.account][call.region]
    for subnet_id in subnet_ids:
        if (service, known.get_subnet(subnet_id).availability_zone) in _missing:
            message = f"The VPC endpoint service {service} does not support the availability zone of the subnet: "
            raise ServiceError("InvalidParameter", f"{message}{subnet_id}.")


def _services(account_id: str, region: str) -> list[dict[str, Any]]:
    services = [*_moto_services(account_id, region)]
    like = next(one for one in services if one["ServiceName"] == f"aws.sagemaker.{region}.studio")
    services.append({**like, "ServiceName": _UNKNOWN_TO_MOTO.format(region), "ServiceId": "vpce-svc-0123456789abcdef0"})
    return [
        {
            **one,
            "AvailabilityZones": [
                zone for zone in one["AvailabilityZones"] if (one["ServiceName"], zone) not in _missing
            ],
        }
        for one in services
    ]


moto_patches.replace(
    VPCBackend,
    "_collect_default_endpoint_services",
    staticmethod(_services),
    reason="each service is in every zone, and one of SageMaker's is not known",
)
