"""Whether the network lets training instances reach the file systems that channels mount.

A file system's network interfaces carry security groups of their own. Where these do not let the job's groups in, or
the job's groups nothing out to it, SageMaker waits for the mount and then ends the job as failed.
"""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws
from shardyard.spec.catalogue.file_systems import PORTS
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.data import FileSystem
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec

_NOT_TOLD = ("UnauthorizedOperation", "AccessDenied", "InvalidGroup.NotFound", "InvalidGroupId.Malformed")
Ports = tuple[int, int]


def file_system_problems(spec: LaunchedSpec, groups: Sequence[str], clients: aws.Clients) -> list[Problem]:
    """Which channels' file systems the instances cannot reach; what cannot be looked up is held against nobody."""
    channels = spec.channels if isinstance(spec, JobSpec) else {}
    mounted = {name: one.file_system for name, one in channels.items() if one.file_system is not None}
    if not mounted or not groups or not spec.network.vpc:
        return []
    try:
        found = aws.in_parallel(lambda name: _problem(name, mounted[name], groups, clients("ec2")), sorted(mounted))
    except ClientError as error:
        if aws.error_code(error) not in _NOT_TOLD:
            raise
        return []
    return [problem for problem in found if problem is not None]


def _problem(channel: str, system: FileSystem, groups: Sequence[str], ec2: Any) -> Problem | None:
    """Why no interface of a file system can be reached; None where one can, or where none is seen."""
    interfaces = ec2.describe_network_interfaces(Filters=[_named(system)])["NetworkInterfaces"]
    theirs = sorted({group["GroupId"] for interface in interfaces for group in interface["Groups"]})
    if not theirs:
        return None
    described = ec2.describe_security_groups(GroupIds=sorted({*groups, *theirs}))["SecurityGroups"]
    known = {group["GroupId"]: group for group in described}
    found = [_closed(channel, system, interface, groups, known) for interface in interfaces]
    return None if None in found else found[0]


def _named(system: FileSystem) -> dict[str, Any]:
    """Both services mark the interfaces that they make: FSx by a tag, EFS by the description."""
    if system.type == "FSxLustre":
        return {"Name": "tag:AmazonFSx.FileSystemId", "Values": [system.id]}
    return {"Name": "description", "Values": [f"EFS mount target for {system.id} *"]}


def _closed(
    channel: str,
    system: FileSystem,
    interface: Mapping[str, Any],
    groups: Sequence[str],
    known: Mapping[str, Mapping[str, Any]],
) -> Problem | None:
    """What one interface, or the way to it, keeps out; None where the way is open."""
    theirs, ours = [group["GroupId"] for group in interface["Groups"]], " and ".join(groups)
    for ports in PORTS[system.type]:
        where = f"TCP {ports[0]}" if ports[0] == ports[1] else f"TCP {ports[0]} to {ports[1]}"
        out = [rule for group in groups for rule in known[group]["IpPermissionsEgress"]]
        if not any(_opens(rule, ports, theirs, interface["PrivateIpAddress"]) for rule in out):
            return Problem(f"channels.{channel}", f"{ours} let nothing out to {system.id} at {where}")
        into = [rule for group in theirs for rule in known[group]["IpPermissions"]]
        # a range or a list may hold the instances, whose addresses nobody knows before
        if not any(_opens(rule, ports, groups, None) for rule in into):
            holder = f"{' and '.join(theirs)} of {system.id}"
            return Problem(f"channels.{channel}", f"{holder} let nothing in from {ours} at {where}")
    return None


def _opens(rule: Mapping[str, Any], ports: Ports, groups: Sequence[str], address: str | None) -> bool:
    """Whether a rule is about these ports and one of these groups, or a range with the address, or any range."""
    if rule["IpProtocol"] not in ("-1", "tcp", "6"):
        return False
    if rule["IpProtocol"] != "-1" and not (rule["FromPort"] <= ports[0] and ports[1] <= rule["ToPort"]):
        return False
    if rule.get("PrefixListIds") or any(pair.get("GroupId") in groups for pair in rule.get("UserIdGroupPairs", ())):
        return True
    ranges = list(_ranges(rule))
    return bool(ranges) if address is None else any(ip_address(address) in ip_network(one) for one in ranges)


def _ranges(rule: Mapping[str, Any]) -> Iterator[str]:
    yield from (one["CidrIp"] for one in rule.get("IpRanges", ()))
    yield from (one["CidrIpv6"] for one in rule.get("Ipv6Ranges", ()))
