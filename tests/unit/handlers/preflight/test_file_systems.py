"""A file system whose network interfaces the job's security groups cannot reach is refused before anything bills."""

from typing import Any

import pytest

from tests.support.fakes.fake_aws import FakeAws
from tests.support.preflights import launch, refused

LUSTRE, EFS = "fs-0123456789abcdef0", "fs-0123456789abcdef1"
OURS, THEIRS = "sg-1", "sg-lustre"
ADDRESS = "10.42.1.7"
HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def mounts(kind: str) -> dict[str, Any]:
    system = {"id": LUSTRE if kind == "FSxLustre" else EFS, "type": kind, "path": "/abc"}
    return {"channels": {"train": {"file_system": system}}}


def tcp(first: int, last: int, **peer: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": first, "ToPort": last, "UserIdGroupPairs": [], "IpRanges": [], **peer}


def group(*names: str) -> dict[str, Any]:
    return {"UserIdGroupPairs": [{"GroupId": name} for name in names]}


def ranges(*cidrs: str) -> dict[str, Any]:
    return {"IpRanges": [{"CidrIp": cidr} for cidr in cidrs]}


@pytest.fixture
def with_interfaces(aws: FakeAws) -> FakeAws:
    """Both file systems have an interface with a group that lets ours in, and ours is let out."""
    interface = {"Groups": [{"GroupId": THEIRS}], "PrivateIpAddress": ADDRESS}
    aws.interfaces[f"tag:AmazonFSx.FileSystemId={LUSTRE}"] = [interface]
    aws.interfaces[f"description=EFS mount target for {EFS} *"] = [interface]
    lustre = [tcp(988, 988, **group(OURS)), tcp(1018, 1023, **group(OURS)), tcp(2049, 2049, **group(OURS))]
    out = [HTTPS, tcp(988, 1023, **ranges("10.0.0.0/8")), tcp(2049, 2049, **group(THEIRS))]
    aws.rules = {
        THEIRS: {"IpPermissions": lustre, "IpPermissionsEgress": []},
        OURS: {"IpPermissions": [], "IpPermissionsEgress": out},
    }
    return aws


@pytest.mark.parametrize("kind", ["FSxLustre", "EFS"])
def test_an_open_way_is_accepted(with_interfaces: FakeAws, kind: str) -> None:
    assert "request" in launch(with_interfaces, **mounts(kind))
    assert "ec2.describe_network_interfaces" in with_interfaces.calls


@pytest.mark.parametrize("kind", ["FSxLustre", "EFS"])
def test_a_group_that_lets_nothing_out_is_refused(with_interfaces: FakeAws, kind: str) -> None:
    with_interfaces.rules[OURS]["IpPermissionsEgress"] = [HTTPS, tcp(988, 2049, **ranges("192.168.0.0/16"))]
    system, port = (LUSTRE, 988) if kind == "FSxLustre" else (EFS, 2049)
    said = refused(launch(with_interfaces, **mounts(kind)))
    assert f"channels.train: sg-1 let nothing out to {system} at TCP {port}" in said


def test_a_file_system_that_lets_nobody_in_is_refused(with_interfaces: FakeAws) -> None:
    with_interfaces.rules[THEIRS]["IpPermissions"] = [
        tcp(988, 988, **group(OURS)),
        tcp(1018, 1023, **group("sg-other")),
    ]
    said = refused(launch(with_interfaces, **mounts("FSxLustre")))
    assert f"channels.train: {THEIRS} of {LUSTRE} let nothing in from sg-1 at TCP 1018 to 1023" in said


@pytest.mark.parametrize(
    "rule",
    [
        {"IpProtocol": "-1", **group(OURS)},
        {"IpProtocol": "-1", **ranges("10.42.0.0/16")},
        {"IpProtocol": "6", "FromPort": 1, "ToPort": 65535, "Ipv6Ranges": [{"CidrIpv6": "fd00::/8"}]},
        {"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": "pl-1"}]},
    ],
)
def test_whatever_may_hold_the_instances_lets_them_in(with_interfaces: FakeAws, rule: dict[str, Any]) -> None:
    with_interfaces.rules[THEIRS]["IpPermissions"] = [rule]
    assert "request" in launch(with_interfaces, **mounts("FSxLustre"))


def test_udp_opens_no_tcp_port(with_interfaces: FakeAws) -> None:
    with_interfaces.rules[THEIRS]["IpPermissions"] = [{**tcp(988, 1023, **group(OURS)), "IpProtocol": "udp"}]
    assert "at TCP 988" in refused(launch(with_interfaces, **mounts("FSxLustre")))


def test_one_interface_that_can_be_reached_is_enough(with_interfaces: FakeAws) -> None:
    key = f"description=EFS mount target for {EFS} *"
    shut = {"Groups": [{"GroupId": "sg-shut"}], "PrivateIpAddress": ADDRESS}
    with_interfaces.rules["sg-shut"] = {"IpPermissions": [], "IpPermissionsEgress": []}
    with_interfaces.interfaces[key] = [shut, *with_interfaces.interfaces[key]]
    assert "request" in launch(with_interfaces, **mounts("EFS"))


def test_what_nobody_may_look_at_is_held_against_no_launch(with_interfaces: FakeAws) -> None:
    with_interfaces.groups = {}
    assert "request" in launch(with_interfaces, **mounts("EFS"))


def test_a_file_system_without_an_interface_in_sight_is_held_against_no_launch(aws: FakeAws) -> None:
    assert "request" in launch(aws, **mounts("FSxLustre"))
    assert "ec2.describe_security_groups" not in aws.calls


def test_a_launch_without_file_systems_asks_for_no_interface(aws: FakeAws) -> None:
    assert "request" in launch(aws)
    assert "ec2.describe_network_interfaces" not in aws.calls
