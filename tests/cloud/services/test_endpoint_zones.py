"""A zone that lacks a service: its endpoint is refused there, EC2 says so before, and another zone takes it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud.conftest import Cloud
from tests.support.cloud.stacks_api import StackUnderTest, Template, of

SERVICE = "com.amazonaws.us-east-1.states"


@pytest.fixture
def missing(cloud: Cloud) -> Iterator[None]:
    """States is not in the first zone meanwhile."""
    cloud.admin("endpoint-zone", service=SERVICE, zone="us-east-1a")
    yield
    cloud.admin("endpoint-zone", service=SERVICE, zone="us-east-1a", there=True)


def endpoint_in(**zone: str) -> Template:
    def made(type_: str, **properties: Any) -> Template:
        return {"Type": type_, "Properties": properties}

    return of(
        Net=made("AWS::EC2::VPC", CidrBlock="10.9.0.0/16", EnableDnsSupport=True, EnableDnsHostnames=True),
        Subnet=made("AWS::EC2::Subnet", VpcId={"Ref": "Net"}, CidrBlock="10.9.0.0/24", **zone),
        Endpoint=made(
            "AWS::EC2::VPCEndpoint",
            VpcId={"Ref": "Net"},
            VpcEndpointType="Interface",
            ServiceName=SERVICE,
            SubnetIds=[{"Ref": "Subnet"}],
        ),
    )


@pytest.mark.usefixtures("missing")
def test_an_endpoint_in_a_zone_without_its_service_fails_the_stack(cloud: Cloud) -> None:
    stack = StackUnderTest(cloud)
    assert stack.create(endpoint_in(AvailabilityZone="us-east-1a")) == "ROLLBACK_COMPLETE"
    (why,) = [reason for _, status, reason in stack.history() if status == "CREATE_FAILED" and SERVICE in reason]
    assert f"The VPC endpoint service {SERVICE} does not support the availability zone of the subnet: subnet-" in why


@pytest.mark.usefixtures("missing")
def test_a_zone_that_has_it_is_taken_by_its_id(cloud: Cloud) -> None:
    ec2 = cloud.client("ec2")
    (said,) = ec2.describe_vpc_endpoint_services(ServiceNames=[SERVICE])["ServiceDetails"]
    assert "us-east-1a" not in said["AvailabilityZones"]
    zone = next(z for z in ec2.describe_availability_zones()["AvailabilityZones"] if z["ZoneName"] == "us-east-1b")
    stack = StackUnderTest(cloud)
    assert stack.create(endpoint_in(AvailabilityZoneId=zone["ZoneId"])) == "CREATE_COMPLETE"
    (subnet,) = ec2.describe_subnets(SubnetIds=[stack.physical_id("Subnet")])["Subnets"]
    assert subnet["AvailabilityZone"] == "us-east-1b"
    stack.delete()
